"""Reads beside the writer, through SQLAlchemy's async engine: connections of their own, each read one snapshot."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import event
from sqlalchemy.engine import URL
from sqlalchemy.engine.base import Connection as SyncConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

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
        self._engine = create_async_engine(url, pool_size=READERS, max_overflow=0, connect_args=told)
        self._statements = statements_for("sqlite")
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._quick: Cursor | None = None

        @event.listens_for(self._engine.sync_engine, "connect")
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
            async with self._engine.connect():
                pass
        except DBAPIError as error:
            raise error.orig or error from None
        self._connection = sqlite3.connect(self._path, timeout=0, isolation_level=None, check_same_thread=False)
        for pragma in READ_PRAGMAS:
            self._connection.execute(pragma).close()
        self._quick = Cursor(self._connection.cursor(), self._statements)

    async def read(self, ask: Callable[[Cursor], T]) -> T:
        """Ask within one snapshot. Raises `Unavailable` where the database cannot be read."""

        def answer(connection: SyncConnection) -> T:
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
            async with self._engine.connect() as connection:
                return await connection.run_sync(answer)
        except (sqlite3.Error, DBAPIError) as error:
            cause = error.orig if isinstance(error, DBAPIError) else error
            if cause is not None and down(cause):
                raise Unavailable("The store cannot be read right now. Try again.") from error
            raise

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
        await self._engine.dispose()
