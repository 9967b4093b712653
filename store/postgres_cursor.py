"""Prepared statements on PostgreSQL with fewer round trips: writes gather and go out as one statement.

A guarded write is presumed to touch its one row, for whoever writes holds the lock and has just read the row. What was
presumed wrongly shows as the gathered statement is run; then the batch is run again, each write by itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from store.cursor import NOTHING, Cursor
from store.postgres import PgCursor
from store.prepared import Prepared, Row
from store.statements import Statements

_MOST = 16
"""Writes in one statement; of longer ones there would be too many different to keep prepared."""

_FEW = 3
"""Rows that are gathered with the rest; of more, the rows go out by themselves, without waiting for each."""

_NUMBER = re.compile(r"\$(\d+)")
_WRITES = re.compile(r"(INSERT INTO|UPDATE|DELETE FROM) (\w+)")


class Presumed(Exception):
    """A write that was presumed to touch one row touched none."""


class _Write:
    """One gathered write."""

    __slots__ = ("counted", "row", "statement")

    def __init__(self, statement: Prepared, row: Row, *, counted: bool) -> None:
        self.statement = statement
        self.row = row
        self.counted = counted


class PostgresCursor(Cursor):
    """See `Cursor`; ``presuming`` says whether writes gather."""

    __slots__ = ("_gathered", "_joined", "_tables", "presuming")

    def __init__(self, driver: PgCursor, statements: Statements) -> None:
        super().__init__(driver, statements)
        self.presuming = False
        self._gathered: list[_Write] = []
        self._tables: dict[str, bool] = {}
        self._joined: dict[tuple[int, ...], str] = {}

    def forget(self) -> None:
        """Forget what has gathered: its transaction is over, or begins."""
        self._gathered = []
        self._tables = {}
        self.told.clear()

    def all(self, statement: Prepared, values: Mapping[str, Any] = NOTHING) -> Sequence[Row]:
        """See `Cursor.all`."""
        self.settle()
        return super().all(statement, values)

    def one(self, statement: Prepared, values: Mapping[str, Any] = NOTHING) -> Row | None:
        """See `Cursor.one`."""
        self.settle()
        return super().one(statement, values)

    def change(self, statement: Prepared, values: Mapping[str, Any] = NOTHING) -> int:
        """See `Cursor.change`."""
        self.settle()
        return super().change(statement, values)

    def presume(self, statement: Prepared, values: Mapping[str, Any]) -> int:
        """See `Cursor.presume`."""
        if not self.presuming:
            return super().change(statement, values)
        self.written += 1
        self._gather((_Write(statement, statement.pick(values), counted=True),))
        return 1

    def change_many(self, statement: Prepared, values: Sequence[Mapping[str, Any]]) -> None:
        """See `Cursor.change_many`."""
        if self.presuming and values and len(values) <= _FEW:
            self.written += 1
            self._gather([_Write(statement, statement.pick(row), counted=False) for row in values])
            return
        self.settle()
        super().change_many(statement, values)

    def _gather(self, writes: Sequence[_Write]) -> None:
        """Add writes. Parts of one statement do not see each other, so a row may be touched by one of them only."""
        found = _WRITES.match(writes[0].statement.sql)
        table = found[2] if found else ""
        plain = found is not None and found[1] == "INSERT INTO" and "DO UPDATE" not in writes[0].statement.sql
        beside = self._tables.get(table)
        if len(self._gathered) + len(writes) > _MOST or (beside is not None and not (plain and beside)):
            self.settle()
        self._tables[table] = plain
        self._gathered += writes

    def settle(self) -> None:
        """See `Cursor.settle`. Raises `Presumed`."""
        if not self._gathered:
            return
        writes, self._gathered, self._tables = self._gathered, [], {}
        if len(writes) == 1:
            self.driver.execute(writes[0].statement.sql, writes[0].row)
            counts: Sequence[Any] = (self.driver.rowcount,)
        else:
            self.driver.execute(self._join(writes), [value for write in writes for value in write.row])
            (counts,) = self.driver.fetchall()
        for write, count in zip(writes, counts, strict=True):
            if write.counted and count != 1:
                raise Presumed(write.statement.sql)

    def _join(self, writes: Sequence[_Write]) -> str:
        """The writes as one statement, which answers how many rows each touched."""
        key = tuple(id(write.statement) for write in writes)
        sql = self._joined.get(key)
        if sql is None:
            parts, before = [], 0
            for number, write in enumerate(writes):
                text = _NUMBER.sub(lambda found, by=before: f"${int(found[1]) + by}", write.statement.sql)  # type: ignore[misc]
                parts.append(f"w{number} AS ({text} RETURNING 1)")
                before += len(write.row)
            counts = ", ".join(f"(SELECT count(*) FROM w{number})" for number in range(len(writes)))  # noqa: S608 - ours
            sql = self._joined[key] = f"WITH {', '.join(parts)} SELECT {counts}"
        return sql
