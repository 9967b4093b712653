"""Running many units in one transaction, whatever the database: all at once, or each behind a savepoint.

A batch runs without savepoints, for nearly all of them end well. Where a unit raises after it has written something,
the whole batch is rolled back and run again one by one, each unit inside a savepoint, so that only the failing one is
lost. That is why a unit may run twice and must not act outside.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from store.cursor import Cursor
from store.tx import UnitTx

Work = Callable[[UnitTx], Any]
Outcome = tuple[Any, BaseException | None]
"""What a unit answered, or what it raised."""


class Transaction(Protocol):
    """A connection inside a write transaction."""

    @property
    def cursor(self) -> Cursor:
        """Where its statements go."""

    def savepoint(self) -> None:
        """Begin a part that can be undone alone."""

    def keep(self) -> None:
        """End the part and keep it."""

    def undo(self) -> None:
        """End the part and forget it."""

    def down(self, error: BaseException) -> bool:
        """Whether an error says that the database cannot be used now, so that no unit can go on."""

    def spoiled(self, error: BaseException) -> bool:
        """Whether after an error the database refuses everything until the transaction, or its part, is undone."""


def together(connection: Transaction, batch: Sequence[Work]) -> list[Outcome] | None:
    """Run the batch in one go; None where a unit failed after writing, so that the transaction must not be kept."""
    tx = UnitTx(connection.cursor)
    outcomes: list[Outcome] = []
    for work in batch:
        mark = tx.mark()
        try:
            outcomes.append((work(tx), None))
        except BaseException as error:
            if connection.down(error):
                raise
            if connection.spoiled(error) or not tx.untouched(mark):
                return None
            tx.cut(mark)
            outcomes.append(_raised(error))
    try:
        tx.flush()
    except Exception as error:
        if connection.down(error):
            raise
        return None
    return outcomes


def one_by_one(connection: Transaction, batch: Sequence[Work]) -> list[Outcome]:
    """Run the batch with a savepoint a unit."""
    tx = UnitTx(connection.cursor)
    outcomes: list[Outcome] = []
    for work in batch:
        connection.savepoint()
        mark = tx.mark()
        try:
            value = work(tx)
            tx.flush()
        except BaseException as error:
            if connection.down(error):
                raise
            connection.undo()
            tx.cut(mark)
            outcomes.append(_raised(error))
        else:
            connection.keep()
            outcomes.append((value, None))
    return outcomes


def _raised(error: BaseException) -> Outcome:
    if isinstance(error, StopIteration):  # a future refuses to carry one
        wrapped = RuntimeError("the unit raised StopIteration")
        wrapped.__cause__ = error
        return None, wrapped
    return None, error
