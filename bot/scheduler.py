"""The tick: APScheduler wakes the desk, the tables say what is due.

APScheduler keeps no jobs of ours: a job store would drop late jobs and run them twice on two processes, so due
times live in our tables and the one job here only asks them. ``misfire_grace_time=None`` and ``coalesce`` make a late
tick a tick.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

from bot.core.ports import Clock

_log = logging.getLogger(__name__)
TICK_SECONDS = 0.5
STALE_SECONDS = 10.0


class Scheduler:
    """Calls what has to be looked at, twice a second."""

    def __init__(self, clock: Clock, *duties: Callable[[], Awaitable[object]]) -> None:
        self._clock = clock
        self._duties = duties
        self._last: datetime | None = None
        # UTC, so that no change of the local clock can stretch or swallow a tick.
        self._scheduler = AsyncIOScheduler(timezone="UTC")

    def start(self) -> None:
        """Tick from now on."""
        self._scheduler.add_job(
            self.tick,
            IntervalTrigger(seconds=TICK_SECONDS, timezone="UTC"),
            misfire_grace_time=None,
            coalesce=True,
            max_instances=1,
        )
        self._scheduler.start()

    def stop(self) -> None:
        """Tick no more."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    async def tick(self) -> None:
        """One look at everything; a duty that fails is looked at again at the next tick."""
        for duty in self._duties:
            try:
                await duty()
            except Exception:  # noqa: BLE001  # escalations may not end because some other duty has a bug
                _log.exception("the tick could not do all it had to; the next one tries again")
        self._last = self._clock.now()

    def fault(self) -> str | None:
        """What is wrong with the ticking, or None."""
        if self._last is None:
            return "has not ticked yet"
        late = (self._clock.now() - self._last).total_seconds()
        return f"has not ticked for {late:.0f} s" if late > STALE_SECONDS else None
