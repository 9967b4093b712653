"""Pace: a span is worth as many requests as it usually brings, whatever hour and kind of day it is."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from bot.core.trust.pace import elapsed, pace_of

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)


def office_hours(days: int) -> list[datetime]:
    """Six requests an hour from nine to five on weekdays, one every other hour otherwise."""
    drawn = random.Random(3)  # noqa: S311  # the same agent each time
    found = []
    for hour in range(24 * days):
        at = MONDAY + timedelta(hours=hour)
        busy = at.weekday() < 5 and 9 <= at.hour < 17
        found += [at + timedelta(hours=drawn.random()) for _ in range(6 if busy else hour % 2)]
    return sorted(found)


def test_a_night_is_worth_as_little_as_it_brings() -> None:
    """An hour at noon is worth many times an hour at night or on a Sunday, and a whole week what came in one."""
    times = office_hours(28)
    pace = pace_of(times)
    noon, night, sunday = (elapsed(pace, at, at + timedelta(hours=1)) for at in _hours())
    assert noon > 4 * night
    assert noon > 4 * sunday
    week = elapsed(pace, MONDAY, MONDAY + timedelta(days=7))
    assert week == pytest.approx(len(times) / 4, rel=0.1)


def _hours() -> tuple[datetime, datetime, datetime]:
    return MONDAY.replace(hour=12), MONDAY.replace(hour=2), MONDAY.replace(hour=12) + timedelta(days=6)


def test_spans_add_up_and_nothing_is_worth_nothing() -> None:
    """Two spans next to each other are worth what both together are; no span, or one backwards, nothing."""
    pace = pace_of(office_hours(14))
    first, middle, last = MONDAY, MONDAY + timedelta(hours=30, minutes=17), MONDAY + timedelta(days=5)
    assert elapsed(pace, first, middle) + elapsed(pace, middle, last) == pytest.approx(elapsed(pace, first, last))
    assert elapsed(pace, first, first) == elapsed(pace, last, first) == 0
    assert pace_of([]) == pace_of([MONDAY]) == pace_of([MONDAY, MONDAY]) == ()


def test_years_of_silence_cost_no_more_than_a_month() -> None:
    """Whoever was away for years comes back anew, and nobody counts the hours of it."""
    pace = pace_of(office_hours(14))
    month = elapsed(pace, MONDAY, MONDAY + timedelta(days=28))
    assert elapsed(pace, MONDAY - timedelta(days=28 * 52), MONDAY + timedelta(days=28)) == pytest.approx(month)
