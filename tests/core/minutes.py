"""A model of open time that knows nothing of time zones but what each minute's wall clock shows: minute by minute."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import accumulate
from zoneinfo import ZoneInfo

from bot.core.model import Calendar, Opening

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
_ZERO = datetime(1970, 1, 1, tzinfo=UTC)


def _wall(at: datetime) -> int:
    """What the wall clock shows, in minutes; the same for every zone that shows the same."""
    return (at.replace(tzinfo=UTC) - _ZERO) // MINUTE


class Model:
    """Some days of a zone, minute by minute; ``first`` is the first of them, UTC."""

    def __init__(self, zone: str, first: date, days: int) -> None:
        self.first = datetime(first.year, first.month, first.day, tzinfo=UTC)
        self.length = days * 24 * 60
        there = ZoneInfo(zone)
        shown = [_wall((self.first + n * MINUTE).astimezone(there)) for n in range(self.length)]
        # The latest time that the clock has shown so far: what it shows again for a second time is no news.
        self.latest = list(accumulate(shown, max))

    def reached(self, day: date, minute: int) -> int:
        """The first minute at which the clock has shown this time or a later one."""
        return bisect_left(self.latest, _wall(datetime(day.year, day.month, day.day, tzinfo=UTC)) + minute)

    def opened(self, calendar: Calendar) -> bytearray:
        """One byte a minute: 1 where the calendar is open."""
        found = bytearray(self.length)
        every = [Opening(weekday, 0, 24 * 60) for weekday in range(7)]
        for ahead in range(-1, self.length // (24 * 60) + 1):
            day = self.first.date() + ahead * DAY
            for opening in calendar.week or every:
                if day.weekday() == opening.weekday and day not in calendar.holidays:
                    begin, end = self.reached(day, opening.opens), self.reached(day, opening.closes)
                    found[begin:end] = b"\1" * (end - begin)
        return found


@lru_cache(maxsize=64)
def model(zone: str, first: date, days: int) -> Model:
    """The model of those days, built once."""
    return Model(zone, first, days)


def opened(calendars: Sequence[Calendar], first: date, days: int) -> bytearray:
    """One byte a minute: 1 where any of the calendars is open."""
    found = bytearray(days * 24 * 60)
    for calendar in calendars:
        for n, is_open in enumerate(model(calendar.timezone, first, days).opened(calendar)):
            found[n] |= is_open
    return found
