"""Reads beside the writer, on aiosqlite: connections of their own, each read one snapshot.

What is found by key is asked on the event loop; the rest in the connections' threads, a whole question at a time: each
hop between threads costs more than a statement does.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TypeVar

import aiosqlite

from bot.core.errors import Unavailable
from store.cursor import Cursor
from store.kept import sqlite_statements
from store.sqlite import READ_PRAGMAS, down

T = TypeVar("T")

READERS = 2
"""Connections; reads are short and Python runs one at a time, so more would only wait for each other."""

_CHUNK = 64
"""Rows that aiosqlite would fetch at a time where it iterates, which nobody does here."""


class Snapshots(aiosqlite.Connection):
    """A connection whose thread is asked whole questions."""

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        super().__init__(connect, _CHUNK)
        # Whoever ends without closing the store still ends.
        self._thread.daemon = True

    async def ask(self, question: Callable[[sqlite3.Connection], T]) -> T:
        """Put a question in the connection's thread, after those before it. Raises what it raises."""
        answer: T = await self._execute(question, self._conn)  # type: ignore[no-untyped-call]  # untyped there
        return answer


class Reader:
    """Answers questions from snapshots; never waits for the writer, nor the writer for it."""

    def __init__(self, path: Path, *, busy_timeout: float) -> None:
        """Nothing is opened before `open`."""
        self._path = path
        self._busy_timeout = busy_timeout
        self._statements = sqlite_statements()
        self._places = asyncio.Semaphore(READERS)
        self._closed = False
        self._free: list[Snapshots] = []
        self._connection: sqlite3.Connection | None = None
        self._quick: Cursor | None = None

    async def open(self) -> None:
        """Open the first connections; raises ``sqlite3.Error``.

        For as long as one stands, closing the writer's never removes the log, so what is there can be read while a full
        disk lets nobody make a new one.
        """
        self._free.append(await self._opened())
        self._connection = self._connect(0)
        self._quick = Cursor(self._connection.cursor(), self._statements)

    async def _opened(self) -> Snapshots:
        snapshots = Snapshots(partial(self._connect, self._busy_timeout))
        await snapshots
        return snapshots

    def _connect(self, timeout: float) -> sqlite3.Connection:
        driver = sqlite3.connect(self._path, timeout=timeout, isolation_level=None, check_same_thread=False)
        try:
            for pragma in READ_PRAGMAS:
                driver.execute(pragma).close()
        except BaseException:
            driver.close()
            raise
        return driver

    async def read(self, ask: Callable[[Cursor], T]) -> T:
        """Ask within one snapshot. Raises `Unavailable` where the database cannot be read, or was closed."""
        if self._closed:
            raise Unavailable("The store is closed.")
        try:
            async with self._places:
                return await self._answer(ask)
        except sqlite3.Error as error:
            if down(error):
                raise Unavailable("The store cannot be read right now. Try again.") from error
            raise

    async def _answer(self, ask: Callable[[Cursor], T]) -> T:
        snapshots = self._free.pop() if self._free else await self._opened()
        sound = True
        try:
            return await snapshots.ask(partial(self._asked, ask))
        except sqlite3.Error:
            sound = False
            raise
        finally:
            # What is wrong with one that failed is not known, and another is made in a moment.
            if sound:
                self._free.append(snapshots)
            else:
                await snapshots.close()

    def _asked(self, ask: Callable[[Cursor], T], driver: sqlite3.Connection) -> T:
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
        """Finish what was asked and close the connections; once more does nothing."""
        if self._closed:
            return
        self._closed = True
        if self._connection is not None:
            self._connection.close()
            self._connection = self._quick = None
        try:
            for _ in range(READERS):
                await self._places.acquire()
        finally:
            while self._free:
                await self._free.pop().close()
