"""The one writer: commits what has gathered. Many units, one sync, each answered after its own commit.

Units run on the event loop, only waiting (for another process's write, for the disk's sync) happens in a thread. A
thread of its own for all of it would give the interpreter away at every statement, and with a busy loop beside it wait
to have it back: that costs more than the statements. A statement here touches a few rows by key, for some microseconds.

A batch runs without savepoints, for nearly all of them end well. Where a unit raises after it has written something,
the whole batch is rolled back and run again one by one, each unit inside a savepoint, so that only the failing one is
lost. That is why a unit may run twice and must not act outside.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from bot.core.errors import Overloaded, Unavailable
from store.sqlite import Connection, down
from store.tx import UnitTx

T = TypeVar("T")
log = logging.getLogger(__name__)

BATCH = 256
"""Units a commit; more would make the first of them wait without making the sync any cheaper."""

WAITING = 10_000
"""Units that may wait; beyond that the caller is told to come again later."""

_Outcome = tuple[Any, BaseException | None]


class _Unit:
    __slots__ = ("future", "work")

    def __init__(self, work: Callable[[UnitTx], Any], future: asyncio.Future[Any]) -> None:
        self.work = work
        self.future = future


class Writer:
    """Owns the connection that writes. Lives in one event loop, that of the first `write`."""

    def __init__(self, connect: Callable[[], Connection], *, waiting: int = WAITING) -> None:
        """``connect`` opens the connection, at once and again after a failure. Raises what ``connect`` raises."""
        self._connect = connect
        self._connection: Connection | None = connect()
        self._limit = waiting
        self._waiting = 0
        self._closing = False
        self._queue: deque[_Unit] = deque()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store-writer")
        self._working: asyncio.Task[None] | None = None
        self.committed_at: float | None = None
        """When the last commit succeeded (`time.monotonic`), None once one has failed since."""

    async def write(self, work: Callable[[UnitTx], T]) -> T:
        """Run ``work`` in the next transaction; see `bot.core.ports.Store.write`.

        Raises `Overloaded` where too many wait already. A caller that is cancelled does not stop its unit.
        """
        if self._closing:
            raise Unavailable("The store is closed; nothing was changed.")
        if self._waiting >= self._limit:
            raise Overloaded("Too many changes wait to be written; nothing was changed. Try again later.")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self._waiting += 1
        self._queue.append(_Unit(work, future))
        if self._working is None or self._working.done():
            self._working = loop.create_task(self._work())
        result: T = await future
        return result

    async def close(self) -> None:
        """Finish what was taken, then let go of the database."""
        self._closing = True
        if self._working is not None:
            await asyncio.wait({self._working})
        self._thread.shutdown()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def _work(self) -> None:
        while self._queue:
            batch = [self._queue.popleft() for _ in range(min(len(self._queue), BATCH))]
            self._tell(batch, await self._write(batch))
            # Only now: whoever waited for the commit need not wait for the checkpoint as well.
            if self._connection is not None and self._connection.overgrown():
                await self._aside(self._connection.checkpoint)

    async def _write(self, batch: list[_Unit]) -> list[_Outcome]:
        """Run and commit a batch; what each unit ended with."""
        try:
            if self._connection is None:
                self._connection = await self._aside(self._connect)
            outcomes = await self._transact(self._connection, batch)
        except Exception as error:  # noqa: BLE001 - whatever it is, every caller is to hear of it
            await self._aside(self._let_go)
            self.committed_at = None
            # Who queued up meanwhile has waited as long; tried in turn, each batch would wait out the same trouble.
            batch.extend(self._queue)
            self._queue.clear()
            log.warning("the store cannot be written, %d changes were refused: %s", len(batch), error)
            return [(None, _unavailable(error)) for _ in batch]
        self.committed_at = time.monotonic()
        return outcomes

    async def _transact(self, connection: Connection, batch: list[_Unit]) -> list[_Outcome]:
        if not connection.begin_now():
            await self._aside(connection.begin)
        outcomes = _together(connection, batch)
        if outcomes is None:
            connection.rollback()
            await self._aside(connection.begin)
            outcomes = _one_by_one(connection, batch)
        await self._aside(connection.commit)
        return outcomes

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

    def _let_go(self) -> None:
        """Drop a connection that failed: the next batch opens a fresh one, whatever state this one was in."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            connection.close()
        except Exception as error:  # noqa: BLE001 - it failed already
            log.warning("the failed connection could not be closed: %s", error)

    def _tell(self, batch: list[_Unit], outcomes: list[_Outcome]) -> None:
        self._waiting -= len(batch)
        for unit, (value, error) in zip(batch, outcomes, strict=True):
            if unit.future.done():
                continue
            if error is None:
                unit.future.set_result(value)
            else:
                unit.future.set_exception(error)


def _unavailable(error: Exception) -> BaseException:
    refusal = Unavailable()
    refusal.__cause__ = error
    return refusal


def _raised(error: BaseException) -> _Outcome:
    if isinstance(error, StopIteration):  # a future refuses to carry one
        wrapped = RuntimeError("the unit raised StopIteration")
        wrapped.__cause__ = error
        return None, wrapped
    return None, error


def _together(connection: Connection, batch: list[_Unit]) -> list[_Outcome] | None:
    """Run the batch in one go; None where a unit failed after writing, so that the transaction must not be kept."""
    tx = UnitTx(connection.cursor)
    outcomes: list[_Outcome] = []
    for unit in batch:
        mark = tx.mark()
        try:
            outcomes.append((unit.work(tx), None))
        except BaseException as error:
            if down(error):
                raise
            if not tx.untouched(mark):
                return None
            tx.cut(mark)
            outcomes.append(_raised(error))
    try:
        tx.flush()
    except Exception as error:
        if down(error):
            raise
        return None
    return outcomes


def _one_by_one(connection: Connection, batch: list[_Unit]) -> list[_Outcome]:
    """Run the batch with a savepoint a unit."""
    tx = UnitTx(connection.cursor)
    outcomes: list[_Outcome] = []
    for unit in batch:
        connection.savepoint()
        mark = tx.mark()
        try:
            value = unit.work(tx)
            tx.flush()
        except BaseException as error:
            if down(error):
                raise
            connection.undo()
            tx.cut(mark)
            outcomes.append(_raised(error))
        else:
            connection.keep()
            outcomes.append((value, None))
    return outcomes
