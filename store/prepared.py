"""One statement, compiled once per dialect, at its first use, to a string and the order of its parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlalchemy as sa
    from sqlalchemy.engine.interfaces import Dialect

Row = tuple[Any, ...]


class Prepared:
    """One statement as text; ``pick`` takes the parameters out of a mapping in the text's order."""

    __slots__ = ("_made", "pick", "sql")

    pick: Callable[[Mapping[str, Any]], Row]
    sql: str

    def __init__(self, construct: sa.sql.ClauseElement, dialect: Dialect, names: list[str] | None = None) -> None:
        """``names`` are an insert's columns, where not all of them are given."""
        self._made: tuple[sa.sql.ClauseElement, Dialect, list[str] | None] | None = (construct, dialect, names)

    @classmethod
    def kept(cls, sql: str, order: tuple[str, ...], given: Mapping[str, Any]) -> Prepared:
        """The statement that was compiled before (`made`), without its construct."""
        found = cls.__new__(cls)
        found.sql, found.pick = sql, _picker(order, given)
        return found

    def __getattr__(self, name: str) -> Any:
        """Compile, where that is still to be done: most starts use a third of all statements.

        Asked only for what is not set, so a statement that was compiled costs nothing more.
        """
        if name not in ("pick", "sql"):
            raise AttributeError(name)
        made = self._made
        if made is None:  # by another thread, just now
            return object.__getattribute__(self, name)
        sql, order, given = _compiled(*made)
        self.sql, self.pick = sql, _picker(order, given)
        self._made = None
        return self.pick if name == "pick" else self.sql

    def made(self) -> tuple[str, tuple[str, ...], dict[str, Any]]:
        """Its text, the names of its parameters in order, and those that always are the same. Before its first use."""
        if self._made is None:
            raise ValueError("this statement has been compiled, and its construct is gone")
        return _compiled(*self._made)


def _compiled(
    construct: sa.sql.ClauseElement, dialect: Dialect, names: list[str] | None
) -> tuple[str, tuple[str, ...], dict[str, Any]]:
    compiled: Any = construct.compile(dialect=dialect, column_keys=names)
    order = tuple(compiled.positiontup or ())
    given = {name: bind.value for name, bind in compiled.binds.items() if not bind.required and name in order}
    return str(compiled), order, given


def _picker(order: tuple[str, ...], constants: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], Row]:
    if not order:
        return lambda _: ()
    if constants:
        return lambda values: tuple(values[name] if name in values else constants[name] for name in order)
    if len(order) == 1:
        name = order[0]
        return lambda values: (values[name],)
    return itemgetter(*order)
