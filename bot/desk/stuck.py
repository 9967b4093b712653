"""Requests of which something is due that cannot be done: left alone for a while that grows, so that they cost little.

Kept in memory alone: a restart tries each of them again at once.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

FIRST = timedelta(seconds=1)
"""How long one is left alone at first; each time that it still cannot be done, twice as long as before."""

LONGEST = timedelta(minutes=1)
"""And at most, so that one whose row was mended meanwhile is not late for long."""


class Stuck:
    """Which they are, since when and for how long each is left alone."""

    def __init__(self) -> None:
        self._left: dict[str, tuple[datetime, timedelta]] = {}

    @property
    def ids(self) -> Collection[str]:
        """All of them."""
        return self._left.keys()

    def add(self, request_id: str, now: datetime) -> None:
        """It could not be done, for the first time or once more."""
        known = self._left.get(request_id)
        self._left[request_id] = (now, FIRST if known is None else min(2 * known[1], LONGEST))

    def drop(self, request_id: str) -> None:
        """It could."""
        self._left.pop(request_id, None)

    def clear(self) -> None:
        """Nothing is due of any request."""
        self._left.clear()

    def ripe(self, now: datetime, most: int) -> tuple[str, ...]:
        """Those whose while is over, up to so many; of one added in what is the future now, the clock was set back."""
        ripe = (name for name, (since, span) in self._left.items() if not since <= now < since + span)
        return tuple(name for name, _ in zip(ripe, range(most), strict=False))
