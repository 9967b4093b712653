"""What the courier does now and what it will do later: its tasks, and one alarm a thing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime
from typing import Any

from bot.core.errors import Overloaded, SaysoError, Unavailable
from bot.core.ports import Clock

_log = logging.getLogger(__name__)
_LONGEST_SLEEP = 60.0
_STORE_PAUSE = 1.0


class Shift:
    """Tasks and alarms until `stop`; after that nothing new begins."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.over = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._alarms: dict[str, asyncio.TimerHandle] = {}
        self._waiting = 0
        """How many wait for a store that did not record what was done."""

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Do it beside everything else."""
        if self.over:
            work.close()
            return
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _log.error("the courier dropped something", exc_info=task.exception())

    def at(self, key: str, due: datetime, act: Callable[[], None]) -> None:
        """Act when the time has come, now if it has; a later alarm for the same ``key`` takes this one's place."""
        self.forget(key)
        if self.over:
            return
        delay = (due - self.clock.now()).total_seconds()
        if delay <= 0:
            act()
            return

        def ring() -> None:
            self._alarms.pop(key, None)
            self.at(key, due, act)

        # The wall clock may jump while an alarm sleeps: it wakes at least every minute and looks again.
        self._alarms[key] = asyncio.get_running_loop().call_later(min(delay, _LONGEST_SLEEP) + 0.001, ring)

    def sleeps(self, key: str) -> bool:
        """Whether an alarm is set for this."""
        return key in self._alarms

    def forget(self, key: str) -> None:
        """Take an alarm back."""
        alarm = self._alarms.pop(key, None)
        if alarm is not None:
            alarm.cancel()

    def forget_all(self) -> None:
        """Take every alarm back."""
        for key in tuple(self._alarms):
            self.forget(key)

    async def insist(self, act: Callable[[], Awaitable[None]]) -> None:
        """Commit what became of something, waiting out a store that cannot write; given up once the shift is over."""
        waits = False
        try:
            while True:
                try:
                    await act()
                except SaysoError as trouble:
                    if self.over:
                        return
                    if not waits:
                        waits = True
                        self._in_vain(trouble)
                    await asyncio.sleep(_STORE_PAUSE)
                else:
                    return
        finally:
            self._waiting -= waits
            if waits and not self._waiting and not self.over:
                _log.info("the store records again what was done")

    def _in_vain(self, trouble: SaysoError) -> None:
        """A line an outage, for of a hundred that wait each second's would fill a disk that may be full already."""
        self._waiting += 1
        if not isinstance(trouble, Unavailable | Overloaded):
            _log.warning("the store does not record what was done; it is told again each second", exc_info=trouble)
        elif self._waiting == 1:
            _log.warning("the store cannot record what was done; it is told again each second: %s", trouble)

    def hurry(self) -> None:
        """Wait for nothing that still runs: cancel it, as `stop` does in the end."""
        for task in tuple(self._tasks):
            task.cancel()

    async def stop(self, within: float) -> None:
        """Begin nothing more, and give what runs so many seconds; what has not ended then is cancelled."""
        self.over = True
        self.forget_all()
        if self._tasks:
            await asyncio.wait(tuple(self._tasks), timeout=within)
        left = tuple(self._tasks)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
