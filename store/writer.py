"""The one writer: a thread that commits what has gathered. Many units, one sync, each answered after its own commit.

A batch runs without savepoints, for nearly all of them end well. Where a unit raises after it has written something,
the whole batch is rolled back and run again one by one, each unit inside a savepoint, so that only the failing one is
lost. That is why a unit may run twice and must not act outside.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
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
    """Owns the connection that writes. `write` may be called from any event loop."""

    def __init__(self, connect: Callable[[], Connection], *, waiting: int = WAITING) -> None:
        """``connect`` opens the connection, at once and again after a failure. Raises what ``connect`` raises."""
        self._connect = connect
        self._connection: Connection | None = connect()
        self._limit = waiting
        self._waiting = 0
        self._closing = False
        self._queue: SimpleQueue[_Unit | None] = SimpleQueue()
        self.committed_at: float | None = None
        """When the last commit succeeded (`time.monotonic`), None once one has failed since."""
        self._thread = Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    async def write(self, work: Callable[[UnitTx], T]) -> T:
        """Run ``work`` in the next transaction; see `bot.core.ports.Store.write`.

        Raises `Overloaded` where too many wait already. A caller that is cancelled does not stop its unit.
        """
        if self._closing:
            raise Unavailable("The store is closed; nothing was changed.")
        if self._waiting >= self._limit:
            raise Overloaded("Too many changes wait to be written; nothing was changed. Try again later.")
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting += 1
        self._queue.put(_Unit(work, future))
        result: T = await future
        return result

    async def close(self) -> None:
        """Finish what was taken, then let go of the database."""
        if not self._closing:
            self._closing = True
            self._queue.put(None)
        await asyncio.get_running_loop().run_in_executor(None, self._thread.join)

    def _run(self) -> None:
        goes_on = True
        while goes_on:
            batch, goes_on = self._take()
            if batch:
                self._answer(batch, self._write(batch))
        if self._connection is not None:
            self._connection.close()

    def _take(self) -> tuple[list[_Unit], bool]:
        """What waits, up to a batch, and whether there may be more after it."""
        batch: list[_Unit] = []
        unit = self._queue.get()
        while unit is not None:
            batch.append(unit)
            if len(batch) == BATCH:
                return batch, True
            try:
                unit = self._queue.get_nowait()
            except Empty:
                return batch, True
        return batch, False

    def _write(self, batch: list[_Unit]) -> list[_Outcome]:
        """Run and commit a batch; what each unit ended with."""
        try:
            if self._connection is None:
                self._connection = self._connect()
            outcomes = self._transact(self._connection, batch)
        except Exception as error:  # noqa: BLE001 - whatever it is, every caller is to hear of it
            self._let_go()
            self.committed_at = None
            log.warning("the store cannot be written, %d changes were refused: %s", len(batch), error)
            return [(None, _unavailable(error)) for _ in batch]
        self.committed_at = time.monotonic()
        self._connection.tend()
        return outcomes

    def _transact(self, connection: Connection, batch: list[_Unit]) -> list[_Outcome]:
        connection.begin()
        outcomes = _together(connection, batch)
        if outcomes is None:
            connection.rollback()
            connection.begin()
            outcomes = _one_by_one(connection, batch)
        connection.commit()
        return outcomes

    def _let_go(self) -> None:
        """Drop a connection that failed: the next batch opens a fresh one, whatever state this one was in."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            connection.rollback()
            connection.close()
        except Exception as error:  # noqa: BLE001 - it failed already
            log.warning("the failed connection could not be closed: %s", error)

    def _answer(self, batch: list[_Unit], outcomes: list[_Outcome]) -> None:
        """Tell every caller, waking each event loop once."""
        answers: defaultdict[asyncio.AbstractEventLoop, list[tuple[_Unit, _Outcome]]] = defaultdict(list)
        for unit, outcome in zip(batch, outcomes, strict=True):
            answers[unit.future.get_loop()].append((unit, outcome))
        for loop, told in answers.items():
            try:
                loop.call_soon_threadsafe(self._tell, told)
            except RuntimeError:  # the loop is closed: nobody is left to be told
                self._waiting -= len(told)

    def _tell(self, told: list[tuple[_Unit, _Outcome]]) -> None:
        self._waiting -= len(told)
        for unit, (value, error) in told:
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
