"""How the writer works on SQLite: statements on the event loop, waiting in a thread.

Only waiting (for another process's write, for the disk's sync) happens in the thread. A thread of its own for all of it
would give the interpreter away at every statement, and with a busy loop beside it wait to have it back: that costs more
than the statements. A statement here touches a few rows by key, for some microseconds.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from bot.core.ports import About
from store.batches import Outcome, Work, one_by_one, together
from store.sqlite import Connection

T = TypeVar("T")
log = logging.getLogger(__name__)

FLOODED = 3
"""Times the length from which the log is copied. A burst writes nearly twice that before a copy may begin, and goes on
writing while the copy is brought to the disk (`store.writeback`)."""


class SqliteLine:
    """See `store.writer.Line`."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        """``connect`` opens the connection, at once and again after a failure. Raises what ``connect`` raises."""
        self._connect = connect
        self._connection: Connection | None = connect()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store-writer")
        self._copier = ThreadPoolExecutor(1, thread_name_prefix="store-copier")
        self._copying: asyncio.Future[None] | None = None

    async def transact(self, batch: Sequence[Work], about: Sequence[About] = ()) -> list[Outcome]:  # noqa: ARG002  # SQLite needs no hint
        """See `Line.transact`."""
        if self._connection is None:
            self._connection = await self._aside(self._connect)
        connection = self._connection
        if not connection.begin_now():
            await self._aside(connection.begin)
        outcomes = together(connection, batch)
        if outcomes is None:
            connection.rollback()
            await self._aside(connection.begin)
            outcomes = one_by_one(connection, batch)
        await self._aside(connection.commit)
        return outcomes

    async def tidy(self) -> None:
        """See `Line.tidy`: the log is copied into the database once it has grown, then emptied."""
        connection = self._connection
        if connection is None or not connection.overgrown():
            return
        if self._copying is not None and not self._copying.done():
            # Who writes faster than the disk takes it waits after all, or the log would grow without end.
            if not connection.overgrown(FLOODED):
                return
            await asyncio.wait({self._copying})
        if connection.copies_first():
            self._copying = asyncio.get_running_loop().run_in_executor(self._copier, connection.copy)
        else:
            await self._aside(connection.checkpoint)

    async def let_go(self) -> None:
        """See `Line.let_go`."""
        connection, self._connection = self._connection, None
        if self._copying is not None:
            await asyncio.wait({self._copying})
        if connection is not None:
            await self._aside(lambda: _dropped(connection))

    async def close(self) -> None:
        """See `Line.close`."""
        self._thread.shutdown()
        self._copier.shutdown()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def _aside(self, wait: Callable[[], T]) -> T:
        """Do in the thread what waits for the disk or for another process.

        Cancelling waits for it: a connection left in the middle of a batch would be of no use to anybody.
        """
        doing = asyncio.get_running_loop().run_in_executor(self._thread, wait)
        while not doing.done():
            try:
                await asyncio.wait({doing})
            except asyncio.CancelledError:
                log.debug("cancelled while the store writes; the batch is finished first")
        return doing.result()


def _dropped(connection: Connection) -> None:
    try:
        connection.close()
    except Exception as error:  # noqa: BLE001 - it failed already
        log.warning("the failed connection could not be closed: %s", error)
