"""When the people of the play are at work, reckoned day by day and in no way as `bot.core.calendars` does it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

HOURS = {
    "ana": ("Europe/Lisbon", 9, 18),
    "ben": ("Europe/Lisbon", 8, 17),
    "cem": ("Europe/Berlin", 9, 18),
    "dee": ("Europe/Berlin", 10, 16),
    "eli": ("Europe/Lisbon", 9, 18),
    "lea": ("Europe/Lisbon", 9, 19),
}
"""As ``routing.yaml`` has them, from Monday to Friday."""

_SATURDAY = 5
_DAY = timedelta(days=1)


@lru_cache(maxsize=4096)
def _open(person: str, day: date) -> tuple[datetime, datetime] | None:
    zone, first, last = HOURS[person]
    if day.weekday() >= _SATURDAY:
        return None
    local = ZoneInfo(zone)
    return (
        datetime.combine(day, time(first), local).astimezone(UTC),
        datetime.combine(day, time(last), local).astimezone(UTC),
    )


def _spans(person: str, since: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Their open spans that end after a moment, in order, without end."""
    day = since.date() - _DAY
    while True:
        span = _open(person, day)
        if span is not None and span[1] > since:
            yield max(span[0], since), span[1]
        day += _DAY


def at_work(person: str, since: datetime, seconds: float) -> datetime:
    """The moment at which so many seconds of their working time have passed."""
    left = timedelta(seconds=seconds)
    for first, last in _spans(person, since):
        if last - first > left:
            return first + left
        left -= last - first
    raise AssertionError("working days never end")


def worked(person: str, since: datetime, until: datetime) -> float:
    """How many seconds of their working time lie between two moments."""
    total = timedelta(0)
    for first, last in _spans(person, since):
        if first >= until:
            return total.total_seconds()
        total += min(last, until) - first
    raise AssertionError("working days never end")
