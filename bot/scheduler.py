"""The tick: APScheduler wakes the desk, the tables say what is due.

APScheduler keeps no jobs of ours: a job store would drop late jobs and run them twice on two processes, so due
times live in our tables and the one job here only asks them. ``misfire_grace_time=None`` and ``coalesce`` make a late
tick a tick.

APScheduler keeps time by the wall clock, which people and servers of time set. Forward, its own interval would count
every beat that was jumped over, 172,800 for a day, while nothing else of the program runs; so a beat is one beat from
now. Back, the next beat would be as far away as the clock was set; so the loop's own clock, which nobody sets, looks
whether that is so (promise P12).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from apscheduler.job import Job
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

from bot.core.errors import SaysoError

_log = logging.getLogger(__name__)
TICK_SECONDS = 0.5
STALE_SECONDS = 10.0
_TICK = timedelta(seconds=TICK_SECONDS)
_LOOK_SECONDS = 2.0
_PATIENCE = 5.0
"""Seconds that a duty keeps the others waiting; from then on they take their turns without it, until it comes back."""


class Beat(BaseTrigger):  # type: ignore[misc]  # apscheduler has no types
    """One tick after now, whatever lies between the last one and now."""

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        """When to tick next."""
        del previous_fire_time
        return now + _TICK


class Scheduler:
    """Calls what has to be looked at, twice a second."""

    def __init__(self, *duties: Callable[[], Awaitable[object]]) -> None:
        self._duties = duties
        self._began: float | None = None
        self._last: float | None = None
        self._look: asyncio.TimerHandle | None = None
        self._ticking: asyncio.Task[None] | None = None
        self._doing: dict[int, tuple[asyncio.Task[None], float]] = {}
        """By its place, a duty whose turn is not over, and since when it is at it."""
        self._told: set[int] = set()
        self._refused: set[int] = set()
        # UTC, so that no change of the local clock can stretch or swallow a tick.
        self._scheduler = AsyncIOScheduler(timezone="UTC")

    def start(self) -> None:
        """Tick from now on."""
        self._began = time.monotonic()
        now = datetime.now(UTC)
        job = self._scheduler.add_job(
            self._beat, Beat(), misfire_grace_time=None, coalesce=True, max_instances=1, next_run_time=now
        )
        self._scheduler.start()
        self._keep(job)

    def _keep(self, job: Job) -> None:
        """Bring the next tick back to now where the clock was set back from under it."""
        now = datetime.now(UTC)
        if job.next_run_time - now > 2 * _TICK:
            _log.warning("the clock was set back by %s or so; ticking goes on", job.next_run_time - now)
            job.modify(next_run_time=now)
        self._look = asyncio.get_running_loop().call_later(_LOOK_SECONDS, self._keep, job)

    def stop(self) -> None:
        """Tick no more."""
        if self._look is not None:
            self._look.cancel()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        for task in (self._ticking, *(task for task, _ in self._doing.values())):
            if task is not None:
                task.cancel()

    async def _beat(self) -> None:
        """Begin a tick, unless one is under way. APScheduler would log that of its own job twice a second."""
        if self._ticking is None or self._ticking.done():
            self._ticking = asyncio.get_running_loop().create_task(self.tick())

    async def tick(self) -> None:
        """One look at everything; a duty that fails is looked at again at the next tick.

        One that hangs, as where the rules are on a disk that does, keeps the others waiting for `_PATIENCE` and once.
        """
        for place in range(len(self._duties)):
            await self._turn(place)
        if not self._doing:
            self._last = time.monotonic()

    async def _turn(self, place: int) -> None:
        known = self._doing.get(place)
        if known is None:
            task, since = asyncio.get_running_loop().create_task(self._do(place)), time.monotonic()
            self._doing[place] = task, since
        else:
            task, since = known
        await asyncio.wait({task}, timeout=_PATIENCE if known is None else 0)
        late = time.monotonic() - since
        if task.done():
            del self._doing[place]
            if place in self._told:
                self._told.discard(place)
                _log.warning("the tick: %s came back after %.0f s", self._name(place), late)
        elif late > STALE_SECONDS and place not in self._told:
            self._told.add(place)
            _log.error("the tick: %s has not come back for %.0f s; the others go on", self._name(place), late)

    async def _do(self, place: int) -> None:
        try:
            await self._duties[place]()
            self._refused.discard(place)
        except SaysoError as trouble:
            # As at each tick of an outage; what was wrong with the store, it has said itself.
            if place not in self._refused:
                self._refused.add(place)
                _log.warning("the tick: %s could not do all it had to, and tries on: %s", self._name(place), trouble)
        except Exception:  # noqa: BLE001  # escalations may not end because some other duty has a bug
            _log.exception("the tick could not do all it had to; the next one tries again")

    def _name(self, place: int) -> str:
        duty = self._duties[place]
        return getattr(duty, "__qualname__", type(duty).__name__)

    def late(self) -> float | None:
        """Seconds since the last tick that did all it had to, else since the start; None before that."""
        since = self._began if self._last is None else self._last
        return None if since is None else time.monotonic() - since

    def fault(self) -> str | None:
        """What is wrong with the ticking, or None."""
        late = self.late()
        if late is None or late <= STALE_SECONDS:
            return "has not ticked yet" if self._last is None else None
        hanging = ", ".join(self._name(place) for place in sorted(self._doing))
        return f"has not ticked for {late:.0f} s" + (f": {hanging} has not come back" if hanging else "")
