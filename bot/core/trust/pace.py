"""How often something comes at which hour: nights, weekends and the rush of a morning are no change of anybody's ways.

A gap of fourteen hours means nothing over night and much at noon. So time is reckoned in what was to be expected of it:
`elapsed` is how many requests the same span would have brought at the pace of the evidence. The hours are those of UTC,
so where clocks change the profile is an hour off until the next evidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

_HOURS = 24
_SLOTS = 2 * _HOURS
_SATURDAY = 5
_HOUR = timedelta(hours=1)
_AROUND = 1
"""Hours before and after that stand for an hour of the day, too."""
_LENT_DAY, _LENT = 10.0, 30.0
"""Requests that each hour of the day is lent at the mean pace, and each hour of either kind of day at the pace that
both would give it by themselves: one in which little was seen says little.
"""
_LONGEST = timedelta(days=28)
"""Longer spans are taken for this one: whoever was away for so long comes back anew."""


def pace_of(times: Sequence[datetime]) -> tuple[float, ...]:
    """Requests an hour by hour of the day, of weekdays first, then of weekends; nothing of fewer than two ``times``.

    ``times`` are in order.
    """
    if len(times) < 2 or times[-1] <= times[0]:  # noqa: PLR2004  # between two there is a span
        return ()
    first, last = times[0].astimezone(UTC), times[-1].astimezone(UTC)
    seen, hours = [0.0] * _SLOTS, [0.0] * _SLOTS
    for at in times[1:]:
        seen[_slot(at.astimezone(UTC))] += 1
    for slot, part in _spans(first, last):
        hours[slot] += part
    mean = sum(seen) / sum(hours)
    paces = []
    for slot in range(_SLOTS):
        of_day, of_week = _ratio(seen, hours, slot, _HOURS), _ratio(seen, hours, slot - slot % _HOURS, 1)
        usual = mean * of_day * of_week
        paces.append((seen[slot] + _LENT) / (hours[slot] + _LENT / usual))
    return tuple(paces)


def _ratio(seen: Sequence[float], hours: Sequence[float], slot: int, step: int) -> float:
    """How much of the mean pace there was in a slot's hour of the day (``step`` 24) or its kind of day (1)."""
    mean = sum(seen) / sum(hours)
    if step == _HOURS:
        near = [(slot + apart) % _HOURS for apart in range(-_AROUND, _AROUND + 1)]
        slots = [*near, *(hour + _HOURS for hour in near)]
    else:
        slots = list(range(slot, slot + _HOURS))
    return (sum(seen[i] for i in slots) + _LENT_DAY) / (sum(hours[i] for i in slots) * mean + _LENT_DAY)


def elapsed(pace: Sequence[float], since: datetime, until: datetime) -> float:
    """How many requests were to be expected from the one moment to the other; 0 where the second is no later."""
    since, until = since.astimezone(UTC), until.astimezone(UTC)
    return sum(pace[slot] * part for slot, part in _spans(max(since, until - _LONGEST), until))


def _spans(since: datetime, until: datetime) -> list[tuple[int, float]]:
    """The slots of the profile between two moments, and how many hours of each."""
    found = []
    while since < until:
        following = min(since.replace(minute=0, second=0, microsecond=0) + _HOUR, until)
        found.append((_slot(since), (following - since) / _HOUR))
        since = following
    return found


def _slot(at: datetime) -> int:
    return at.hour + (_HOURS if at.weekday() >= _SATURDAY else 0)
