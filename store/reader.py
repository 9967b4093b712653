"""Reads beside the writer, on connections of their own: each read is one snapshot, in a thread.

What is found by key is asked on the event loop; the rest by `READERS` threads, each with a connection to itself.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from bot.core.errors import Unavailable
from store.cursor import Cursor
from store.kept import sqlite_statements
from store.sqlite import READ_PRAGMAS, down

T = TypeVar("T")

READERS = 2
"""Connections; reads are short and Python runs one at a time, so more would only wait for each other."""


class Reader:
    """Answers questions from snapshots; never waits for the writer, nor the writer for it."""

    def __init__(self, path: Path, *, busy_timeout: float) -> None:
        """Nothing is opened before `open`."""
        self._path = path
        self._busy_timeout = busy_timeout
        self._statements = sqlite_statements()
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="reads")
        self._closed = False
        self._free: list[sqlite3.Connection] = []
        self._connection: sqlite3.Connection | None = None
        self._quick: Cursor | None = None

    async def open(self) -> None:
        """Open the first connections; raises ``sqlite3.Error``.

        For as long as one stands, closing the writer's never removes the log, so what is there can be read while a full
        disk lets nobody make a new one.
        """
        self._free.append(await self._in_thread(lambda: self._connect(self._busy_timeout)))
        self._connection = self._connect(0)
        self._quick = Cursor(self._connection.cursor(), self._statements)

    def _connect(self, timeout: float) -> sqlite3.Connection:
        driver = sqlite3.connect(self._path, timeout=timeout, isolation_level=None, check_same_thread=False)
        try:
            for pragma in READ_PRAGMAS:
                driver.execute(pragma).close()
        except BaseException:
            driver.close()
            raise
        return driver

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def read(self, ask: Callable[[Cursor], T]) -> T:
        """Ask within one snapshot. Raises `Unavailable` where the database cannot be read, or was closed."""
        if self._closed:
            raise Unavailable("The store is closed.")
        try:
            return await self._in_thread(lambda: self._answer(ask))
        except sqlite3.Error as error:
            if down(error):
                raise Unavailable("The store cannot be read right now. Try again.") from error
            raise

    def _answer(self, ask: Callable[[Cursor], T]) -> T:
        driver = self._free.pop() if self._free else self._connect(self._busy_timeout)
        sound = True
        try:
            return self._asked(driver, ask)
        except sqlite3.Error:
            sound = False
            raise
        finally:
            # What is wrong with one that failed is not known, and another is made in a moment.
            if sound:
                self._free.append(driver)
            else:
                driver.close()

    def _asked(self, driver: sqlite3.Connection, ask: Callable[[Cursor], T]) -> T:
        with closing(driver.cursor()) as cursor:
            cursor.execute("BEGIN")
            try:
                return ask(Cursor(cursor, self._statements))
            finally:
                cursor.execute("ROLLBACK")

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
        self._closed = True
        if self._connection is not None:
            self._connection.close()
            self._connection = self._quick = None
        await asyncio.to_thread(self._threads.shutdown)
        while self._free:
            self._free.pop().close()
