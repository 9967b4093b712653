"""What may happen only so often: a link sent to somebody, a line written about somebody."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.core.ports import Clock


class Pause:
    """Lets the same thing through so many times in a while; kept in memory, so a restart forgets it."""

    def __init__(self, clock: Clock, length: timedelta, *, most: int = 1) -> None:
        """``most`` times within ``length``."""
        self._clock = clock
        self._length = length
        self._most = most
        self._times: dict[tuple[str, ...], tuple[datetime, ...]] = {}
        self._swept = clock.now()

    def is_over(self, *thing: str) -> bool:
        """Whether this thing (any texts that name it) may happen now; asking so counts as its happening."""
        now = self._clock.now()
        # Whoever can name things without end must not fill the memory, nor have each look go through all of it.
        if now - self._swept >= self._length / 10:
            self._times = {key: times for key, times in self._times.items() if now - times[-1] < self._length}
            self._swept = now
        lately = tuple(at for at in self._times.get(thing, ()) if now - at < self._length)
        if len(lately) >= self._most:
            return False
        self._times[thing] = (*lately, now)
        return True
