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

_log = logging.getLogger(__name__)
TICK_SECONDS = 0.5
STALE_SECONDS = 10.0
_TICK = timedelta(seconds=TICK_SECONDS)
_LOOK_SECONDS = 2.0


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
        self._last: float | None = None
        self._look: asyncio.TimerHandle | None = None
        # UTC, so that no change of the local clock can stretch or swallow a tick.
        self._scheduler = AsyncIOScheduler(timezone="UTC")

    def start(self) -> None:
        """Tick from now on."""
        now = datetime.now(UTC)
        job = self._scheduler.add_job(
            self.tick, Beat(), misfire_grace_time=None, coalesce=True, max_instances=1, next_run_time=now
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

    async def tick(self) -> None:
        """One look at everything; a duty that fails is looked at again at the next tick."""
        for duty in self._duties:
            try:
                await duty()
            except Exception:  # noqa: BLE001  # escalations may not end because some other duty has a bug
                _log.exception("the tick could not do all it had to; the next one tries again")
        self._last = time.monotonic()

    def late(self) -> float | None:
        """Seconds since the last tick; None before the first."""
        return None if self._last is None else time.monotonic() - self._last

    def fault(self) -> str | None:
        """What is wrong with the ticking, or None."""
        late = self.late()
        if late is None:
            return "has not ticked yet"
        return f"has not ticked for {late:.0f} s" if late > STALE_SECONDS else None
