"""One statement, compiled once per dialect to a string and the order of its parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import Dialect

Row = tuple[Any, ...]


class Prepared:
    """One statement as text; ``pick`` takes the parameters out of a mapping in the text's order."""

    __slots__ = ("pick", "sql")

    def __init__(self, construct: sa.sql.ClauseElement, dialect: Dialect, names: list[str] | None = None) -> None:
        """``names`` are an insert's columns, where not all of them are given."""
        compiled: Any = construct.compile(dialect=dialect, column_keys=names)
        order = tuple(compiled.positiontup or ())
        constants = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
        self.sql = str(compiled)
        self.pick = _picker(order, {name: value for name, value in constants.items() if name in order})


def _picker(order: tuple[str, ...], constants: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], Row]:
    if not order:
        return lambda _: ()
    if constants:
        return lambda values: tuple(values[name] if name in values else constants[name] for name in order)
    if len(order) == 1:
        name = order[0]
        return lambda values: (values[name],)
    return itemgetter(*order)
