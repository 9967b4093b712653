"""Prepared statements on PostgreSQL with fewer round trips: what is asked is read ahead, what is written gathers.

A guarded write is presumed to touch its one row, for whoever writes holds the lock and has just read the row. What was
presumed wrongly shows as the gathered statement is run; then the batch is run again, each write by itself, and nothing
is answered from memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from store.cursor import NOTHING, Cursor
from store.postgres import PgCursor
from store.postgres_many import Gathering, apart, table_of
from store.postgres_memory import Memory
from store.prepared import Prepared, Row
from store.statements import Statements

_FEW = 500
"""Rows that one call adds to what gathers; of more, the rows go out by themselves, without waiting for each."""


class PostgresCursor(Cursor):
    """See `Cursor`; ``presuming`` says whether writes gather, and whether ``memory`` is asked first.

    What has gathered at the end is for whoever commits (`Gathering.part`).
    """

    __slots__ = ("gathering", "memory", "presuming")

    def __init__(self, driver: PgCursor, statements: Statements) -> None:
        super().__init__(driver, statements)
        self.presuming = False
        self.gathering = Gathering(driver)
        self.memory = Memory(statements)

    def forget(self) -> None:
        """Forget what has gathered and what was read ahead: its transaction is over, or begins."""
        self.gathering.forget()
        self.memory.forget()
        self.told.clear()

    def all(self, statement: Prepared, values: Mapping[str, Any] = NOTHING) -> Sequence[Row]:
        """See `Cursor.all`."""
        row = statement.pick(values)
        if self.presuming:
            found = self.memory.answer(statement, row)
            if found is not None:
                return found
            if self.gathering.concerns(statement.sql):
                self.gathering.settle()
        self.driver.execute(statement.sql, row)
        return self.driver.fetchall()

    def one(self, statement: Prepared, values: Mapping[str, Any] = NOTHING) -> Row | None:
        """See `Cursor.one`."""
        found = self.all(statement, values)
        return found[0] if found else None

    def change(self, statement: Prepared, values: Mapping[str, Any] = NOTHING) -> int:
        """See `Cursor.change`."""
        self.gathering.settle()
        self.memory.touch(table_of(statement.sql), None)
        return super().change(statement, values)

    def presume(self, statement: Prepared, values: Mapping[str, Any]) -> int:
        """See `Cursor.presume`."""
        if not self._gathers(statement, (values,), counted=True):
            return self.change(statement, values)
        return 1

    def presume_many(self, statement: Prepared, values: Sequence[Mapping[str, Any]]) -> bool:
        """See `Cursor.presume_many`: what one row goes through stays in order, what all go through first is one."""
        return all(
            self._gathers(statement, rows, counted=True) or all(self.presume(statement, row) == 1 for row in rows)
            for rows in apart(table_of(statement.sql), values)
        )

    def change_many(self, statement: Prepared, values: Sequence[Mapping[str, Any]]) -> None:
        """See `Cursor.change_many`."""
        if values and not self._gathers(statement, values, counted=False):
            self.gathering.settle()
            self.memory.touch(table_of(statement.sql), None)
            super().change_many(statement, values)

    def _gathers(self, statement: Prepared, values: Sequence[Mapping[str, Any]], *, counted: bool) -> bool:
        if not self.presuming or len(values) > _FEW or not self.gathering.add(statement, values, counted=counted):
            return False
        self.written += 1
        table = table_of(statement.sql)
        for row in values:
            self.memory.touch(table, row)
        return True
