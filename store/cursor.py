"""Prepared statements on a driver's cursor: the only calls that the store makes of a database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from store.prepared import Prepared, Row

if TYPE_CHECKING:
    from store.statements import Statements

NOTHING: dict[str, Any] = {}


class DriverCursor(Protocol):
    """The part of PEP 249 that is used; sqlite3's own cursor and SQLAlchemy's adapted asyncpg cursor both have it."""

    @property
    def rowcount(self) -> int:
        """How many rows the last statement touched."""

    def execute(self, sql: str, parameters: Any = ..., /) -> Any:
        """Run a statement."""

    def executemany(self, sql: str, parameters: Any, /) -> Any:
        """Run a statement once a row."""

    def fetchall(self) -> Sequence[Any]:
        """Every row that is left."""


class Cursor:
    """A connection's cursor with the statements of its dialect. For one thread at a time."""

    __slots__ = ("driver", "emptying", "me", "say", "told", "written")

    def __init__(self, driver: DriverCursor, statements: Statements) -> None:
        """``say`` are the statements; ``written`` counts the writes made, so that a unit without any is known.

        ``me`` is the replica that writes here, None where nobody shares the store; ``told`` are others to which this
        transaction leaves something to do. ``emptying``: SQLite's log is to be emptied, however short it is.
        """
        self.driver = driver
        self.say = statements
        self.written = 0
        self.me: str | None = None
        self.told: set[str] = set()
        self.emptying = False

    def all(self, statement: Prepared, values: Mapping[str, Any] = NOTHING) -> Sequence[Row]:
        """Every row that a query answers."""
        self.driver.execute(statement.sql, statement.pick(values))
        return self.driver.fetchall()

    def one(self, statement: Prepared, values: Mapping[str, Any] = NOTHING) -> Row | None:
        """The first row that a query answers."""
        self.driver.execute(statement.sql, statement.pick(values))
        found = self.driver.fetchall()
        return found[0] if found else None

    def change(self, statement: Prepared, values: Mapping[str, Any] = NOTHING) -> int:
        """Write; how many rows it touched."""
        self.written += 1
        self.driver.execute(statement.sql, statement.pick(values))
        return self.driver.rowcount

    def presume(self, statement: Prepared, values: Mapping[str, Any]) -> int:
        """Write what touches one row unless it was overtaken; how many rows it touched, or 1 where that shows later."""
        return self.change(statement, values)

    def presume_many(self, statement: Prepared, values: Sequence[Mapping[str, Any]]) -> bool:
        """As `presume`, of many rows; whether each touched one, or that shows later."""
        if not values:
            return True
        self.written += 1
        self.driver.executemany(statement.sql, [statement.pick(row) for row in values])
        return self.driver.rowcount == len(values)

    def settle(self) -> None:
        """Have everything written."""

    def change_many(self, statement: Prepared, values: Sequence[Mapping[str, Any]]) -> None:
        """Write one row after the other."""
        if values:
            self.written += 1
            self.driver.executemany(statement.sql, [statement.pick(row) for row in values])
