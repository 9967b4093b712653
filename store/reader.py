"""Reads beside the writer: a few connections of their own, each read one hop to a thread and one snapshot."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, LifoQueue
from typing import TypeVar

from bot.core.errors import Unavailable
from store.cursor import Cursor
from store.sqlite import Connection, down

T = TypeVar("T")

READERS = 2
"""Threads and connections; reads are short and Python runs one at a time, so more would only wait for each other."""


class Reader:
    """Answers questions from snapshots; never waits for the writer, nor the writer for it."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        """``connect`` opens a read-only connection; raises what it raises.

        The first one is opened at once: for as long as it stands, closing the writer's never removes the log, so what
        is there can be read while a full disk lets nobody make a new one.
        """
        self._connect = connect
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="store-reader")
        self._idle: LifoQueue[Connection] = LifoQueue()
        self._idle.put(connect())

    async def read(self, ask: Callable[[Cursor], T]) -> T:
        """Ask within one snapshot. Raises `Unavailable` where the database cannot be read."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._read, ask)

    def _read(self, ask: Callable[[Cursor], T]) -> T:
        try:
            connection = self._take()
            try:
                connection.snapshot()
                return ask(connection.cursor)
            finally:
                connection.rollback()
                self._idle.put(connection)
        except sqlite3.Error as error:
            if down(error):
                raise Unavailable("The store cannot be read right now. Try again.") from error
            raise

    def _take(self) -> Connection:
        try:
            return self._idle.get_nowait()
        except Empty:
            return self._connect()

    async def close(self) -> None:
        """Finish what was asked and close the connections."""
        await asyncio.get_running_loop().run_in_executor(None, self._threads.shutdown)
        while not self._idle.empty():
            self._idle.get_nowait().close()
