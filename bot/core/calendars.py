"""Open time: which moment a local wall time is, when a calendar is open, and when a span of its open time has passed.

Reckoned in time that really passes: on the night when clocks change, an opening from 01:00 to 04:00 is two hours long,
or four. Moments are aware, UTC. Nothing here looks further ahead than `LONGEST`, which no request outlives.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from heapq import merge
from zoneinfo import ZoneInfo

from bot.core.durations import LONGEST
from bot.core.model import MINUTES_A_DAY, Calendar, Opening

Span = tuple[datetime, datetime]
"""Half open: the first moment, and the first that is past it."""

_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)
_SECOND = timedelta(seconds=1)
_ALL_DAY = ((0, MINUTES_A_DAY),)

zone_of = lru_cache(maxsize=None)(ZoneInfo)
"""The zone of a name. ``ZoneInfo`` itself keeps only the last few, and reads a file for any other."""


@lru_cache(maxsize=1 << 14)
def moment(day: date, minute: int, zone: str) -> datetime:
    """The moment of a local wall time, ``minute`` minutes after midnight (1440: the next midnight).

    A time that a gap swallows is the first moment after the gap; one that happens twice is its first happening. So
    later wall times are never earlier moments.
    """
    there = datetime(day.year, day.month, day.day, tzinfo=zone_of(zone)) + minute * _MINUTE
    before, after = there.utcoffset(), there.replace(fold=1).utcoffset()
    if before is None or after is None or before >= after:
        return there.astimezone(UTC)
    # PEP 495: in a gap, fold 0 is reckoned with the offset of before it, which leads beyond the change of clocks.
    late = there.astimezone(UTC)
    early = late - (after - before)
    while late - early > _SECOND:
        middle = early + (late - early) // _SECOND // 2 * _SECOND
        if middle.astimezone(zone_of(zone)).utcoffset() == before:
            early = middle
        else:
            late = middle
    return late


def is_open(calendar: Calendar, at: datetime) -> bool:
    """Whether the calendar is open at a moment."""
    day = at.astimezone(zone_of(calendar.timezone)).date()
    week = _by_weekday(calendar.week)
    # Where clocks are set back over midnight, tomorrow's first hour may be running before today's last is over.
    return any(begin <= at < end for d in (day, day + _DAY) for begin, end in _spans(calendar, week, d))


def opens_at(calendars: Sequence[Calendar], at: datetime) -> datetime | None:
    """The earliest moment, not before ``at``, when any of the calendars is open; None: none is within `LONGEST`."""
    firsts = [_first(calendar, at) for calendar in calendars]
    return min((first for first in firsts if first is not None), default=None)


def worked(calendars: Sequence[Calendar], since: datetime, span: timedelta) -> datetime | None:
    """The earliest moment when ``span`` has passed since ``since`` while any of the calendars was open.

    None: it does not pass within `LONGEST` (and never, where there are no calendars).
    """
    if span <= timedelta(0):
        return since
    last = since + LONGEST
    if any(not calendar.week and not calendar.holidays for calendar in calendars):
        return since + span if span <= LONGEST else None
    left = span
    for begin, end in _disjoint(calendars, since):
        if left <= end - begin:
            return begin + left if begin + left <= last else None
        left -= end - begin
    return None


def openings(calendars: Sequence[Calendar], since: datetime, until: datetime) -> Iterator[Span]:
    """When any of the calendars is open: disjoint, in order, what adjoins joined, cut to the time asked for."""
    current: Span | None = None
    for begin, end in _disjoint(calendars, since):
        if begin >= until:
            break
        if current is not None and current[1] == begin:
            current = (current[0], min(end, until))
            continue
        if current is not None:
            yield current
        current = (begin, min(end, until))
    if current is not None:
        yield current


def _first(calendar: Calendar, at: datetime) -> datetime | None:
    for begin, end in _every(calendar, at):
        if end > at:
            return max(begin, at) if begin <= at + LONGEST else None
    return None


def _disjoint(calendars: Sequence[Calendar], since: datetime) -> Iterator[Span]:
    """The union's spans from ``since`` on: in order, none reaching into another, adjoining ones not joined."""
    every: Iterable[Span] = merge(*[_every(calendar, since) for calendar in calendars])
    reached = since
    for begin, end in _every(calendars[0], since) if len(calendars) == 1 else every:
        if end > reached:
            yield max(begin, reached), end
            reached = end


def _every(calendar: Calendar, since: datetime) -> Iterator[Span]:
    """A calendar's spans, from the local day of ``since`` on, ordered by when they begin."""
    week = _by_weekday(calendar.week)
    day = since.astimezone(zone_of(calendar.timezone)).date()
    for ahead in range(LONGEST.days + 2):
        yield from _spans(calendar, week, day + ahead * _DAY)


_Week = tuple[tuple[tuple[int, int], ...], ...]


def _spans(calendar: Calendar, week: _Week, day: date) -> list[Span]:
    if day in calendar.holidays:
        return []
    zone = calendar.timezone
    hours = [(moment(day, opens, zone), moment(day, closes, zone)) for opens, closes in week[day.weekday()]]
    # A gap may swallow an opening whole.
    return [(begin, end) for begin, end in hours if begin < end]


@lru_cache(maxsize=1024)
def _by_weekday(week: tuple[Opening, ...]) -> _Week:
    if not week:
        return (_ALL_DAY,) * 7
    return tuple(tuple(sorted((o.opens, o.closes) for o in week if o.weekday == weekday)) for weekday in range(7))
