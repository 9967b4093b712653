"""What may happen only so often: a link sent to somebody, a line written about somebody."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.core.ports import Clock


class Pause:
    """Lets the same thing through again only after a while; kept in memory, so a restart forgets it."""

    def __init__(self, clock: Clock, length: timedelta) -> None:
        self._clock = clock
        self._length = length
        self._last: dict[tuple[str, ...], datetime] = {}

    def is_over(self, *thing: str) -> bool:
        """Whether this thing (any texts that name it) may happen now; asking so counts as its happening."""
        now = self._clock.now()
        # Whoever can name things without end must not fill the memory: what is over is forgotten at each look.
        self._last = {key: at for key, at in self._last.items() if now - at < self._length}
        if thing in self._last:
            return False
        self._last[thing] = now
        return True
