"""What waits now: how many requests are open, how long they have been, and before whom."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from statistics import median

from msgspec import Struct


class Ages(Struct, frozen=True, kw_only=True):
    """How many requests wait, and for how many seconds: the oldest, and half of them at most (None: none wait)."""

    count: int
    oldest: float | None
    median: float | None


class Waits(Struct, frozen=True, kw_only=True):
    """What waits for one person's decision; what waits for several is in each one's."""

    person: str
    ages: Ages


class Queue(Struct, frozen=True, kw_only=True):
    """All that is open, and ``by_person`` those who may decide something now and have not, most first."""

    open: Ages
    by_person: tuple[Waits, ...] = ()


def queue_of(waiting: Iterable[tuple[str, datetime]], now: datetime) -> Queue:
    """From (person, when it was submitted); the person is empty once for each request that is open."""
    since: dict[str, list[datetime]] = defaultdict(list)
    for person, at in waiting:
        since[person].append(at)
    everything = _ages(since.pop("", []), now)
    people = sorted(since, key=lambda person: (-len(since[person]), person))
    return Queue(open=everything, by_person=tuple(Waits(person=one, ages=_ages(since[one], now)) for one in people))


def _ages(since: list[datetime], now: datetime) -> Ages:
    ages = [max(0.0, (now - at).total_seconds()) for at in since]
    return Ages(count=len(ages), oldest=max(ages, default=None), median=median(ages) if ages else None)
