"""How many refusals of one actor the trail takes line by line; what is over that is counted, and told in one line.

Every refusal is recorded, and a key that only ever gets refused must not fill the disk with it (threat T13).
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta

from msgspec import Struct

LINES = 60
"""Refusals of one actor in `WINDOW` that have a line each."""
WINDOW = timedelta(minutes=1)
_ACTORS = 10_000


class _Window(Struct):
    since: datetime
    lines: int = 0
    left_out: int = 0


class Refusals:
    """This process's own count; a restart begins anew, so at worst it forgets how many it had left out."""

    def __init__(self) -> None:
        self._windows: OrderedDict[str, _Window] = OrderedDict()

    def takes(self, actor: str, now: datetime) -> bool:
        """Whether one more refusal of this actor gets a line of its own; else it is counted."""
        window = self._windows.get(actor)
        if window is None or (not window.left_out and now - window.since >= WINDOW):
            window = self._windows[actor] = _Window(now)
        self._windows.move_to_end(actor)
        if len(self._windows) > _ACTORS:
            self._windows.popitem(last=False)
        if window.lines < LINES:
            window.lines += 1
            return True
        window.left_out += 1
        return False

    def left_out(self, now: datetime) -> tuple[tuple[str, int], ...]:
        """By actor, how many were left out in windows that are over; each is told once."""
        over = [(actor, w) for actor, w in self._windows.items() if w.left_out and now - w.since >= WINDOW]
        for actor, _ in over:
            del self._windows[actor]
        return tuple((actor, window.left_out) for actor, window in over)
