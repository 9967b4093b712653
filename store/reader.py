"""Reads beside the writer, through SQLAlchemy's engine on aiosqlite: connections of their own, each read one snapshot.

The engine is asked as `sqlalchemy.ext.asyncio` asks its own, one greenlet a read; that package itself would bring the
whole ORM along, which is 50 ms and 8 MB of every start.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.util import greenlet_spawn

from bot.core.errors import Unavailable
from store.cursor import Cursor
from store.sqlite import READ_PRAGMAS, down
from store.statements import statements_for

T = TypeVar("T")

READERS = 2
"""Connections; reads are short and Python runs one at a time, so more would only wait for each other."""


class Reader:
    """Answers questions from snapshots; never waits for the writer, nor the writer for it."""

    def __init__(self, path: Path, *, busy_timeout: float) -> None:
        """Nothing is opened before `open`."""
        url = URL.create("sqlite+aiosqlite", database=str(path))
        told = {"timeout": busy_timeout, "isolation_level": None}
        self._engine = create_engine(url, pool_size=READERS, max_overflow=0, connect_args=told)
        self._statements = statements_for("sqlite")
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._quick: Cursor | None = None

        @event.listens_for(self._engine, "connect")
        def _prepare(driver: Any, _: Any) -> None:
            cursor = driver.cursor()
            for pragma in READ_PRAGMAS:
                cursor.execute(pragma)
            cursor.close()

    async def open(self) -> None:
        """Open the first connection; raises ``sqlite3.Error``.

        For as long as it stands, closing the writer's never removes the log, so what is there can be read while a full
        disk lets nobody make a new one.
        """
        try:
            await greenlet_spawn(self._look)
        except DBAPIError as error:
            raise error.orig or error from None
        self._connection = sqlite3.connect(self._path, timeout=0, isolation_level=None, check_same_thread=False)
        for pragma in READ_PRAGMAS:
            self._connection.execute(pragma).close()
        self._quick = Cursor(self._connection.cursor(), self._statements)

    def _look(self) -> None:
        self._engine.connect().close()

    async def read(self, ask: Callable[[Cursor], T]) -> T:
        """Ask within one snapshot. Raises `Unavailable` where the database cannot be read."""

        def answer() -> T:
            with self._engine.connect() as connection:
                driver = connection.connection.cursor()
                try:
                    driver.execute("BEGIN")
                    try:
                        return ask(Cursor(driver, self._statements))
                    finally:
                        driver.execute("ROLLBACK")
                finally:
                    driver.close()

        try:
            found: T = await greenlet_spawn(answer)
        except (sqlite3.Error, DBAPIError) as error:
            cause = error.orig if isinstance(error, DBAPIError) else error
            if cause is not None and down(cause):
                raise Unavailable("The store cannot be read right now. Try again.") from error
            raise
        return found

    async def glance(self, ask: Callable[[Cursor], T]) -> T:
        """As `read`, for what is found by key in some microseconds: asked on the event loop, as the writer asks.

        A thread would have to wait for a busy loop to have the interpreter back, after every statement: a click would
        be the slower the more agents are at work.
        """
        quick = self._quick
        if quick is None:
            return await self.read(ask)
        try:
            quick.driver.execute("BEGIN")
            try:
                return ask(quick)
            finally:
                quick.driver.execute("ROLLBACK")
        except sqlite3.Error as error:
            if not down(error):
                raise
            # What is wrong for a moment may be waited out beside the loop.
            return await self.read(ask)

    async def close(self) -> None:
        """Finish what was asked and close the connections."""
        if self._connection is not None:
            self._connection.close()
            self._connection = self._quick = None
        await greenlet_spawn(self._engine.dispose)
