"""Reads beside the writer: a few connections of their own, each read one hop to a thread and one snapshot."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from queue import LifoQueue
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
        """``connect`` opens a read-only connection."""
        self._connect = connect
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="store-reader")
        self._idle: LifoQueue[Connection] = LifoQueue()

    async def read(self, ask: Callable[[Cursor], T]) -> T:
        """Ask within one snapshot. Raises `Unavailable` where the database cannot be read."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._read, ask)

    def _read(self, ask: Callable[[Cursor], T]) -> T:
        try:
            connection = self._connect() if self._idle.empty() else self._idle.get_nowait()
        except sqlite3.Error as error:
            raise Unavailable("The store cannot be read right now. Try again.") from error
        try:
            connection.snapshot()
            answer = ask(connection.cursor)
            connection.commit()
        except BaseException as error:
            connection.close()
            if down(error):
                raise Unavailable("The store cannot be read right now. Try again.") from error
            raise
        self._idle.put(connection)
        return answer

    async def close(self) -> None:
        """Finish what was asked and close the connections."""
        await asyncio.get_running_loop().run_in_executor(None, self._threads.shutdown)
        while not self._idle.empty():
            self._idle.get_nowait().close()
