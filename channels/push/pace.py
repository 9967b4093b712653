"""How many notifications one person gets: a few a minute, then one that stands for the rest."""

from __future__ import annotations

from collections import OrderedDict, deque
from datetime import datetime, timedelta
from enum import Enum

from channels.push.settings import INBOX

_SPAN = timedelta(minutes=1)
_MOST = 5
"""Notifications of one person in that span, beside the one for the rest."""
_PEOPLE = 10_000


class Turn(Enum):
    """What becomes of one notification."""

    SHOW = "show"
    SUM_UP = "sum_up"
    SILENT = "silent"


class Pace:
    """Counts what each place was shown of late. Kept in memory: a start anew begins a minute anew."""

    def __init__(self) -> None:
        """Nobody was shown anything."""
        self._shown: OrderedDict[str, deque[tuple[datetime, str]]] = OrderedDict()

    def take(self, place: str, now: datetime) -> Turn:
        """What becomes of the next one for this place; it counts from now on, unless it is given back."""
        shown = self._shown.setdefault(place, deque())
        self._shown.move_to_end(place)
        if len(self._shown) > _PEOPLE:
            self._shown.popitem(last=False)
        # What was shown at a time that is yet to come was shown before the clock was set back.
        while shown and not timedelta(0) <= now - shown[0][0] < _SPAN:
            shown.popleft()
        if sum(tag != INBOX for _, tag in shown) < _MOST:
            shown.append((now, ""))
            return Turn.SHOW
        if any(tag == INBOX for _, tag in shown):
            return Turn.SILENT
        shown.append((now, INBOX))
        return Turn.SUM_UP

    def give_back(self, place: str) -> None:
        """The last one that was taken for this place did not go out."""
        shown = self._shown.get(place)
        if shown:
            shown.pop()
