"""The one writer of a process: commits what has gathered. Many units, one sync, each answered after its own commit.

What people wait for goes first. Submissions may wait behind everything else, and only so many of them: whatever agents
do, a click is in the next transaction.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextvars import Context
from typing import Any, Protocol, TypeVar

from bot.core.errors import Overloaded, Unavailable, Unheard
from bot.core.histogram import Histogram
from bot.core.ports import About
from bot.core.ports.standing import Load
from store.batches import Outcome, Work
from store.tx import UnitTx

T = TypeVar("T")
log = logging.getLogger(__name__)

BATCH = 256
"""Units a commit; more would make the first of them wait without making the sync any cheaper."""

WAITING = 10_000
"""Units that may wait; beyond that the caller is told to come again later."""

PATIENT = 2_000
"""Patient units that may wait. The rest of the room is for what people do."""

PATIENT_BATCH = 64
"""Patient units a commit: whoever is urgent waits for those of the batch under way, some 15 ms of them."""

_LONGEST = 60
"""Seconds; the most that anybody is told to stay away."""


class Line(Protocol):
    """The connection that writes, opened anew by itself after a failure."""

    async def transact(self, batch: Sequence[Work], about: Sequence[About] = ()) -> list[Outcome]:
        """Run and commit a batch; what each unit ended with. Cancelling waits for the end of it.

        ``about``: what some of the units are about, see `bot.core.ports.Store.write`.
        """

    async def let_go(self) -> None:
        """Drop a connection that failed: the next batch opens a fresh one, whatever state this one was in."""

    async def tidy(self) -> None:
        """What is due after a commit and nobody waits for."""

    async def close(self) -> None:
        """Let go of the database."""


class _Unit:
    __slots__ = ("about", "future", "work")

    def __init__(self, work: Work, future: asyncio.Future[Any], about: About | None) -> None:
        self.work = work
        self.future = future
        self.about = about


class Writer:
    """Owns the connection that writes. Lives in one event loop, that of the first `write`."""

    def __init__(self, line: Line, *, waiting: int = WAITING, patient: int = PATIENT) -> None:
        """``waiting``: how many units may wait; ``patient``: how many of the patient ones."""
        self._line = line
        self._limit = waiting
        self._patient_limit = patient
        self._seconds_each = 0.0
        self._waiting = 0
        self._closing = False
        self._urgent: deque[_Unit] = deque()
        self._patient: deque[_Unit] = deque()
        self._working: asyncio.Task[None] | None = None
        self._commits = Histogram()
        self.committed_at: float | None = None
        """When the last commit succeeded (`time.monotonic`), None once one has failed since."""
        self.refused_at = -math.inf
        """When one last failed."""

    async def write(self, work: Callable[[UnitTx], T], *, patient: bool = False, about: About | None = None) -> T:
        """Run ``work`` in the next transaction; see `bot.core.ports.Store.write`.

        ``patient``: after all others that wait. Raises `Overloaded` where too many wait already. A caller that is
        cancelled does not stop its unit.
        """
        if self._closing:
            raise Unavailable("The store is closed; nothing was changed.")
        if self._waiting >= self._limit or (patient and len(self._patient) >= self._patient_limit):
            told = "Too many changes wait to be written; nothing was changed. Try again later."
            raise Overloaded(told, retry_after=self._retry_after())
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self._waiting += 1
        (self._patient if patient else self._urgent).append(_Unit(work, future, about))
        if self._working is None or self._working.done():
            # In a context of its own: it is not about what the first of them is about.
            self._working = loop.create_task(self._work(), context=Context())
        result: T = await future
        return result

    def load(self) -> Load:
        """How many units wait or are being written, and how long it took to run and commit batches."""
        return Load(self._waiting, self._commits)

    async def close(self) -> None:
        """Finish what was taken, then let go of the database."""
        self._closing = True
        if self._working is not None:
            await asyncio.wait({self._working})
        await self._line.close()

    async def _work(self) -> None:
        while batch := self._next():
            self._tell(batch, await self._write(batch))
            # Only now: whoever waited for the commit need not wait for this as well.
            await self._line.tidy()

    def _next(self) -> list[_Unit]:
        """The next batch: what is urgent, and a few of what is patient, which so goes on however much is urgent."""
        batch = [self._urgent.popleft() for _ in range(min(len(self._urgent), BATCH))]
        batch += [self._patient.popleft() for _ in range(min(len(self._patient), PATIENT_BATCH))]
        return batch

    def _retry_after(self) -> float:
        """Seconds until what waits now is written, by the rate of the last batches."""
        return min(_LONGEST, max(1.0, self._waiting * self._seconds_each))

    async def _write(self, batch: list[_Unit]) -> list[Outcome]:
        """Run and commit a batch; what each unit ended with."""
        began = time.monotonic()
        try:
            outcomes = await self._line.transact(
                [unit.work for unit in batch], [unit.about for unit in batch if unit.about is not None]
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, every caller is to hear of it
            await self._line.let_go()
            self.committed_at, self.refused_at = None, time.monotonic()
            # Who queued up meanwhile has waited as long; tried in turn, each batch would wait out the same trouble.
            sent = len(batch)
            for queue in (self._urgent, self._patient):
                batch.extend(queue)
                queue.clear()
            log.warning("the store cannot be written, %d changes were refused: %s", len(batch), error)
            return [(None, _unavailable(error, sent=number < sent)) for number in range(len(batch))]
        self.committed_at = time.monotonic()
        took = self.committed_at - began
        self._commits.note(took)
        self._seconds_each += (took / len(batch) - self._seconds_each) / 8
        return outcomes

    def _tell(self, batch: list[_Unit], outcomes: list[Outcome]) -> None:
        self._waiting -= len(batch)
        for unit, (value, error) in zip(batch, outcomes, strict=True):
            if unit.future.done():
                continue
            if error is None:
                unit.future.set_result(value)
            else:
                unit.future.set_exception(error)


def _unavailable(error: Exception, *, sent: bool) -> BaseException:
    """``sent``: this unit was in the batch that failed, and may have been committed where the answer was lost."""
    refusal = Unheard() if sent and isinstance(error, Unheard) else Unavailable()
    refusal.__cause__ = error
    return refusal
