"""Reads beside the writer on PostgreSQL: pooled connections, each read one snapshot."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

import asyncpg
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.util import greenlet_spawn

from bot.core.errors import Unavailable
from store import postgres
from store.cursor import NOTHING, Cursor
from store.postgres import PgCursor
from store.postgres_door import TROUBLES
from store.prepared import Prepared, Row
from store.statements import statements_for

T = TypeVar("T")

READERS = 4
"""Connections; reads are short and Python runs one at a time, so more would only wait for each other."""

_GONE = (*postgres.GONE, asyncpg.AdminShutdownError, asyncpg.CrashShutdownError)
"""What says that a connection is of no use any more; a read may be asked again on another."""

_CANNOT = "The store cannot be read right now. Try again."

_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


class PostgresReader:
    """Answers questions from snapshots; never waits for the writer, nor the writer for it."""

    def __init__(self, engine: AsyncEngine, pooled: int) -> None:
        """``engine``: see `store.postgres.engine_for`; the reader disposes of it at the end.

        ``pooled``: how many connections it has, every one of which may turn out to be dead.
        """
        self._engine = engine
        self._pooled = pooled

    async def open(self) -> None:
        """Open the first connection. Raises what PostgreSQL says."""
        async with self._engine.connect():
            return

    async def read(self, ask: Callable[[Cursor], T]) -> T:
        """Ask within one snapshot. Raises `Unavailable` where the database cannot be read."""
        return await self._read(_snapshot, ask)

    async def glance(self, ask: Callable[[Cursor], T]) -> T:
        """As `read`, for what most often is one statement, which is a snapshot by itself: no BEGIN, no COMMIT.

        Where it turns out to be more, it is asked again from the beginning, in a snapshot.
        """
        try:
            return await self._read(_alone, ask)
        except _More:
            return await self.read(ask)

    async def _read(self, how: Callable[[PgCursor, Callable[[Cursor], T]], T], ask: Callable[[Cursor], T]) -> T:
        for left in reversed(range(self._pooled + 1)):
            try:
                return await self._on_a_connection(how, ask)
            except _GONE as error:
                # One that the server ended while it lay in the pool, as in a restart: each is found out once. Whether
                # the server is there at all shows as another is opened.
                if not left:
                    raise Unavailable(_CANNOT) from error
            except (*TROUBLES, SQLAlchemyError) as error:
                if postgres.down(error):
                    raise Unavailable(_CANNOT) from error
                raise
        raise AssertionError("the last try returns or raises")

    async def _on_a_connection(
        self, how: Callable[[PgCursor, Callable[[Cursor], T]], T], ask: Callable[[Cursor], T]
    ) -> T:
        connection = await self._engine.connect()
        try:
            answer: T = await greenlet_spawn(how, await postgres.driver_of(connection), ask)
        except _More:
            await connection.close()
            raise
        except BaseException:
            # Cancelled or failed in the middle of something: what the connection would answer next is anybody's guess.
            await postgres.drop(connection)
            raise
        await connection.close()
        return answer

    async def close(self) -> None:
        """Close the connections."""
        await self._engine.dispose()


class _More(Exception):
    """A second statement, where one was to be all."""


class _Alone(Cursor):
    """One statement, outside of any transaction. A request comes with its decisions in it."""

    __slots__ = ("_asked", "_decisions")

    def __init__(self, driver: PgCursor) -> None:
        super().__init__(driver, statements_for("postgresql"))
        self._asked = False
        self._decisions: tuple[str, Sequence[Row]] | None = None

    def all(self, statement: Prepared, values: Mapping[str, Any] = NOTHING) -> Sequence[Row]:
        if self._decisions is not None and statement is self.say.decisions and values["request"] == self._decisions[0]:
            return self._decisions[1]
        if self._asked:
            raise _More
        self._asked = True
        if statement is not self.say.request:
            return super().all(statement, values)
        self.driver.execute(_with_decisions(statement.sql), statement.pick(values))
        found = self.driver.fetchall()
        for row in found:
            self._decisions = (values["id"], [(postgres.given(body),) for body in row[-1]])
        return found

    def one(self, statement: Prepared, values: Mapping[str, Any] = NOTHING) -> Row | None:
        found = self.all(statement, values)
        return found[0] if found else None


@cache
def _with_decisions(sql: str) -> str:
    """A whole request's statement, with one column more: the bodies of its decisions, oldest first."""
    columns, rest = sql.split(" \nFROM ", 1)
    decided = "SELECT body FROM decisions WHERE decisions.request = requests.id ORDER BY n"
    return f"{columns}, ARRAY({decided}) FROM {rest}"


def _alone(driver: PgCursor, ask: Callable[[Cursor], T]) -> T:
    return ask(_Alone(driver))


def _snapshot(driver: PgCursor, ask: Callable[[Cursor], T]) -> T:
    driver.ahead(_BEGIN)
    answer = ask(Cursor(driver, statements_for("postgresql")))
    if not driver.drop_ahead():
        driver.command("COMMIT")
    return answer
