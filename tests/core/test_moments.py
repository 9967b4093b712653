"""P12: which moment a wall time is, in thirty zones and more, around every change of their clocks."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.calendars import moment
from tests.core.minutes import DAY, MINUTE, model
from tests.core.zones import ZONES

QUICK = settings(max_examples=200, deadline=None)


@pytest.mark.parametrize(
    ("zone", "day", "clock", "expected"),
    [
        ("Europe/Lisbon", "2026-03-28", "01:30", "2026-03-28T01:30"),
        ("Europe/Lisbon", "2026-03-29", "00:59", "2026-03-29T00:59"),
        ("Europe/Lisbon", "2026-03-29", "01:00", "2026-03-29T01:00"),
        ("Europe/Lisbon", "2026-03-29", "01:30", "2026-03-29T01:00"),
        ("Europe/Lisbon", "2026-03-29", "02:00", "2026-03-29T01:00"),
        ("Europe/Lisbon", "2026-03-29", "02:01", "2026-03-29T01:01"),
        ("Europe/Lisbon", "2026-10-25", "01:30", "2026-10-25T00:30"),
        ("Europe/Lisbon", "2026-10-25", "02:00", "2026-10-25T02:00"),
        ("America/New_York", "2026-03-08", "02:30", "2026-03-08T07:00"),
        ("America/New_York", "2026-11-01", "01:30", "2026-11-01T05:30"),
        ("Australia/Lord_Howe", "2026-10-04", "02:15", "2026-10-03T15:30"),
        ("Australia/Lord_Howe", "2026-04-05", "01:45", "2026-04-04T14:45"),
        ("Antarctica/Troll", "2026-03-29", "02:45", "2026-03-29T01:00"),
        ("America/Sao_Paulo", "2018-11-04", "00:00", "2018-11-04T03:00"),
        ("America/Sao_Paulo", "2018-11-03", "24:00", "2018-11-04T03:00"),
        ("America/Sao_Paulo", "2019-02-16", "23:30", "2019-02-17T01:30"),
        ("America/Sao_Paulo", "2019-02-16", "24:00", "2019-02-17T03:00"),
        ("America/St_Johns", "2010-11-07", "00:00", "2010-11-07T02:30"),
        ("Pacific/Apia", "2011-12-30", "12:00", "2011-12-30T10:00"),
        ("Pacific/Apia", "2011-12-31", "00:00", "2011-12-30T10:00"),
        ("Asia/Kathmandu", "2028-02-29", "24:00", "2028-02-29T18:15"),
        ("UTC", "2028-02-28", "24:00", "2028-02-29T00:00"),
        ("UTC", "2027-02-28", "24:00", "2027-03-01T00:00"),
    ],
)
def test_p12_a_wall_time_is_one_moment(zone: str, day: str, clock: str, expected: str) -> None:
    """What a gap swallows is the first moment after it, what happens twice its first happening; 24:00 is tomorrow."""
    hour, minute = map(int, clock.split(":"))
    assert moment(date.fromisoformat(day), hour * 60 + minute, zone) == datetime.fromisoformat(expected).replace(
        tzinfo=UTC
    )


@cache
def changes(zone: str) -> list[date]:
    """The days near which a zone's clocks change, and a few on which they do not."""
    there = ZoneInfo(zone)
    days = [date(2007, 1, 1) + n * DAY for n in range(365 * 24)]
    noons = [datetime(day.year, day.month, day.day, 12, tzinfo=there).utcoffset() for day in days]
    changed = [day for (before, after), day in zip(pairwise(noons), days, strict=False) if before != after]
    return [day + n * DAY for day in changed for n in (0, 1)] + [date(2028, 2, 28), date(2028, 2, 29), date(2026, 6, 1)]


DAYS = st.sampled_from(ZONES).flatmap(lambda zone: st.tuples(st.just(zone), st.sampled_from(changes(zone))))
MINUTES = st.one_of(st.integers(0, 1440), st.sampled_from([0, 30, 60, 90, 120, 150, 180, 1380, 1410, 1440]))


def test_there_are_thirty_zones() -> None:
    """The promise names thirty."""
    assert len(set(ZONES)) >= 30


@settings(max_examples=300, deadline=None)
@given(DAYS, MINUTES)
def test_p12_a_moment_is_when_the_clock_first_shows_it_or_a_later_time(where: tuple[str, date], minute: int) -> None:
    """In thirty zones, around every change of their clocks in 24 years."""
    zone, day = where
    clock = model(zone, day - DAY, 3)
    assert moment(day, minute, zone) == clock.first + clock.reached(day, minute) * MINUTE


@QUICK
@given(DAYS, MINUTES)
def test_p12_a_moment_leads_back_to_its_wall_time(where: tuple[str, date], minute: int) -> None:
    """Outside of gaps the clock shows at that moment what was asked for; in a gap it shows a later time."""
    zone, day = where
    there = moment(day, minute, zone).astimezone(ZoneInfo(zone)).replace(tzinfo=UTC)
    wall = datetime(day.year, day.month, day.day, tzinfo=UTC) + minute * MINUTE
    just_before = (moment(day, minute, zone) - MINUTE).astimezone(ZoneInfo(zone)).replace(tzinfo=UTC)
    assert there == wall or just_before < wall < there


@QUICK
@given(DAYS, MINUTES, MINUTES)
def test_p12_later_wall_times_are_no_earlier_moments(where: tuple[str, date], first: int, second: int) -> None:
    """So openings in order stay in order, whatever the clocks do."""
    zone, day = where
    assert moment(day, min(first, second), zone) <= moment(day, max(first, second), zone)
    assert moment(day, 1440, zone) == moment(day + DAY, 0, zone)
