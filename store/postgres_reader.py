"""Reads beside the writer on PostgreSQL: pooled connections, each read one snapshot."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import asyncpg
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.util import greenlet_spawn

from bot.core.errors import Unavailable
from store import postgres
from store.cursor import Cursor
from store.postgres import PgCursor
from store.statements import statements_for

T = TypeVar("T")

READERS = 4
"""Connections; reads are short and Python runs one at a time, so more would only wait for each other."""

_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


class PostgresReader:
    """Answers questions from snapshots; never waits for the writer, nor the writer for it."""

    def __init__(self, engine: AsyncEngine) -> None:
        """``engine``: see `store.postgres.engine_for`; the reader disposes of it at the end."""
        self._engine = engine

    async def open(self) -> None:
        """Open the first connection. Raises what PostgreSQL says."""
        async with self._engine.connect():
            return

    async def read(self, ask: Callable[[Cursor], T]) -> T:
        """Ask within one snapshot. Raises `Unavailable` where the database cannot be read."""
        try:
            return await self._read(ask)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError, SQLAlchemyError) as error:
            if postgres.down(error):
                raise Unavailable("The store cannot be read right now. Try again.") from error
            raise

    async def _read(self, ask: Callable[[Cursor], T]) -> T:
        connection = await self._engine.connect()
        try:
            answer: T = await greenlet_spawn(_snapshot, await postgres.driver_of(connection), ask)
        except BaseException:
            # Cancelled or failed in the middle of something: what the connection would answer next is anybody's guess.
            await postgres.drop(connection)
            raise
        await connection.close()
        return answer

    async def glance(self, ask: Callable[[Cursor], T]) -> T:
        """As `read`: a server is asked without a thread in any case."""
        return await self.read(ask)

    async def close(self) -> None:
        """Close the connections."""
        await self._engine.dispose()


def _snapshot(driver: PgCursor, ask: Callable[[Cursor], T]) -> T:
    driver.command(_BEGIN)
    answer = ask(Cursor(driver, statements_for("postgresql")))
    driver.command("COMMIT")
    return answer
