"""How often something comes at which hour: nights, weekends and the rush of a morning are no change of anybody's ways.

A gap of fourteen hours means nothing over night and much at noon. So time is reckoned in what was to be expected of it:
`elapsed` is how many requests the same span would have brought at the pace of the evidence. The hours are those of UTC,
so where clocks change the profile is an hour off until the next evidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

_HOURS = 24
_SATURDAY = 5
_HOUR = timedelta(hours=1)
_LENT = 12.0
"""Hours at the mean pace that each hour of the profile is lent, so that one in which little was seen says little."""
_LONGEST = timedelta(days=28)
"""Longer spans are taken for this one: whoever was away for so long comes back anew."""


def pace_of(times: Sequence[datetime]) -> tuple[float, ...]:
    """Requests an hour by hour of the day, of weekdays first, then of weekends; nothing of fewer than two ``times``.

    ``times`` are in order.
    """
    if len(times) < 2 or times[-1] <= times[0]:  # noqa: PLR2004  # between two there is a span
        return ()
    first, last = times[0].astimezone(UTC), times[-1].astimezone(UTC)
    mean = (len(times) - 1) / ((last - first) / _HOUR)
    seen, hours = [0] * (2 * _HOURS), [0.0] * (2 * _HOURS)
    for at in times[1:]:
        seen[_slot(at.astimezone(UTC))] += 1
    for slot, part in _spans(first, last):
        hours[slot] += part
    return tuple((n + _LENT * mean) / (h + _LENT) for n, h in zip(seen, hours, strict=True))


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
