"""P12: open time, over gaps and folds, leap days and time zones, against a model that goes minute by minute."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import groupby, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.calendars import is_open, moment, openings, opens_at, worked
from bot.core.durations import LONGEST
from bot.core.model import Calendar, Opening
from tests.core.minutes import DAY, MINUTE, model, opened
from tests.core.zones import ZONES

QUICK = settings(max_examples=250, deadline=None)
HOUR = timedelta(hours=1)
OFFICE = tuple(Opening(weekday, 9 * 60, 18 * 60) for weekday in range(5))


def at(text: str) -> datetime:
    """A moment, UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


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
    assert moment(date.fromisoformat(day), hour * 60 + minute, zone) == at(expected)


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


@settings(max_examples=400, deadline=None)
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


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Lisbon", "2026-03-28", 3),
        ("Europe/Lisbon", "2026-03-29", 2),
        ("Europe/Lisbon", "2026-10-25", 4),
        ("America/New_York", "2026-03-08", 2),
        ("America/New_York", "2026-11-01", 4),
        ("Australia/Lord_Howe", "2026-10-04", 2.5),
        ("Australia/Lord_Howe", "2026-04-05", 3.5),
        ("Antarctica/Troll", "2026-03-29", 1),
        ("Pacific/Apia", "2011-12-30", 0),
        ("UTC", "2028-02-29", 3),
    ],
)
def test_p12_an_opening_is_as_long_as_it_really_lasts(zone: str, day: str, hours: float) -> None:
    """From 01:00 to 04:00 is two hours where a gap falls into it, and four where an hour happens twice."""
    on = date.fromisoformat(day)
    calendar = Calendar("night", zone, tuple(Opening(weekday, 60, 240) for weekday in range(7)))
    spans = list(openings((calendar,), moment(on, 0, zone), moment(on, 1440, zone)))
    assert sum((end - begin for begin, end in spans), timedelta(0)) == hours * HOUR


WEEKS = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 95), st.integers(1, 96)).map(
        lambda o: Opening(o[0], min(o[1], o[2] - 1) * 15, max(o[1] + 1, o[2]) * 15)
    ),
    max_size=6,
).map(tuple)
WINDOWS = {
    "Africa/Casablanca": date(2026, 2, 10),
    "America/Havana": date(2026, 10, 26),
    "America/New_York": date(2026, 3, 2),
    "America/Sao_Paulo": date(2018, 10, 29),
    "America/St_Johns": date(2010, 11, 1),
    "Antarctica/Troll": date(2026, 10, 19),
    "Australia/Lord_Howe": date(2026, 3, 30),
    "Europe/Dublin": date(2026, 10, 19),
    "Europe/Lisbon": date(2026, 3, 23),
    "Pacific/Apia": date(2011, 12, 25),
    "UTC": date(2028, 2, 22),
}
WINDOW = 21
"""Days; the clocks change in the first half."""


@st.composite
def situations(draw: st.DrawFn) -> tuple[tuple[Calendar, ...], date]:
    """Calendars, one of them in a zone whose clocks change in the three weeks from the date on."""
    zone, first = draw(st.sampled_from(sorted(WINDOWS.items())))
    zones = [zone, *draw(st.lists(st.sampled_from(["Europe/Lisbon", "Asia/Kathmandu", zone]), max_size=2))]
    off = st.lists(st.integers(0, WINDOW).map(lambda n: first + n * DAY), max_size=4).map(tuple)
    return tuple(Calendar(f"c{n}", z, draw(WEEKS), draw(off)) for n, z in enumerate(zones)), first


@QUICK
@given(situations(), st.integers(1440, 10 * 1440), st.integers(0, 3000))
def test_p12_waits_end_where_the_model_says(
    situation: tuple[tuple[Calendar, ...], date], since: int, span: int
) -> None:
    """The moment when so many open minutes have passed, and the next open moment, counted out over three weeks."""
    calendars, first = situation
    minutes = opened(calendars, first, WINDOW)
    start = datetime(first.year, first.month, first.day, tzinfo=UTC)
    indices = [n for n in range(since, len(minutes)) if minutes[n]]
    begin = start + since * MINUTE
    if indices:
        assert opens_at(calendars, begin) == start + indices[0] * MINUTE
    if len(indices) >= span > 0:
        assert worked(calendars, begin, span * MINUTE) == start + (indices[span - 1] + 1) * MINUTE


@QUICK
@given(situations(), st.integers(1440, 9 * 1440), st.integers(1, 8 * 1440))
def test_p12_openings_are_the_runs_of_open_minutes(
    situation: tuple[tuple[Calendar, ...], date], since: int, length: int
) -> None:
    """Disjoint, in order, joined where they adjoin, cut to the time asked for; and each calendar says the same."""
    calendars, first = situation
    minutes = opened(calendars, first, WINDOW)
    start = datetime(first.year, first.month, first.day, tzinfo=UTC)
    until = since + length
    runs = [list(run) for is_on, run in groupby(range(since, until), key=lambda n: minutes[n]) if is_on]
    expected = [(start + run[0] * MINUTE, start + (run[-1] + 1) * MINUTE) for run in runs]
    assert list(openings(calendars, start + since * MINUTE, start + until * MINUTE)) == expected
    for n in range(since, until, 97):
        assert any(is_open(c, start + n * MINUTE) for c in calendars) == bool(minutes[n])


SPANS = st.timedeltas(timedelta(0), 12 * HOUR)


@QUICK
@given(situations(), st.timedeltas(timedelta(0), timedelta(days=WINDOW)), SPANS, SPANS)
def test_waits_add_up(
    situation: tuple[tuple[Calendar, ...], date], since: timedelta, first: timedelta, second: timedelta
) -> None:
    """To wait so long, and then so long, is to wait for both; to wait longer, or from later on, never ends sooner."""
    calendars, day = situation
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC) + since
    middle, end = worked(calendars, begin, first), worked(calendars, begin, first + second)
    assert middle is not None
    assert end is not None
    assert begin + first <= middle <= end
    assert worked(calendars, middle, second) == end
    later = worked(calendars, begin + second, first)
    assert later is not None
    assert later >= middle


@QUICK
@given(situations(), st.timedeltas(timedelta(0), timedelta(days=WINDOW)))
def test_what_opens_is_open(situation: tuple[tuple[Calendar, ...], date], since: timedelta) -> None:
    """At the moment that `opens_at` names some calendar is open; just before it none is, if it was not asked then."""
    calendars, day = situation
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC) + since
    opens = opens_at(calendars, begin)
    assert opens is not None
    assert any(is_open(c, opens) for c in calendars)
    before = opens - timedelta.resolution
    assert opens == begin or not any(is_open(c, before) for c in calendars)
    assert opens_at(calendars, opens) == opens


def test_a_wait_over_a_weekend_and_a_holiday() -> None:
    """Friday 16:00 and four hours of office time is Monday 11:00; on a holiday nothing of it passes."""
    office = Calendar("office", "Europe/Lisbon", OFFICE)
    friday = at("2026-03-27T16:00")
    assert worked((office,), friday, 4 * HOUR) == at("2026-03-30T10:00")
    closed = Calendar("office", "Europe/Lisbon", OFFICE, (date(2026, 3, 30),))
    assert worked((closed,), friday, 4 * HOUR) == at("2026-03-31T10:00")
    assert opens_at((closed,), at("2026-03-27T18:00")) == at("2026-03-31T08:00")
    assert not is_open(closed, at("2026-03-30T12:00"))
    # Where any of two is open, time passes once.
    madrid = Calendar("madrid", "Europe/Madrid", (Opening(0, 8 * 60, 12 * 60),))
    assert worked((closed, madrid), friday, 4 * HOUR) == at("2026-03-30T08:00")


def test_a_wait_ends_when_the_office_closes_not_when_it_opens_again() -> None:
    """The last minute of the day ends the wait; a microsecond more waits for the next day."""
    office = Calendar("office", "UTC", OFFICE)
    morning = at("2026-03-02T09:00")
    assert worked((office,), morning, 9 * HOUR) == at("2026-03-02T18:00")
    over = worked((office,), morning, 9 * HOUR + timedelta.resolution)
    assert over == at("2026-03-03T09:00") + timedelta.resolution
    assert worked((office,), at("2026-03-01T00:00"), timedelta(0)) == at("2026-03-01T00:00")


def test_nights_are_whole() -> None:
    """What closes at 24:00 and opens at 00:00 is one opening, also on a leap day."""
    night = Calendar("night", "UTC", (Opening(0, 1320, 1440), Opening(1, 0, 360)))
    monday = at("2028-02-28T00:00")
    assert list(openings((night,), monday, monday + 7 * DAY)) == [(at("2028-02-28T22:00"), at("2028-02-29T06:00"))]
    assert worked((night,), monday, 8 * HOUR) == at("2028-02-29T06:00")


def test_without_hours_a_calendar_is_always_open_but_on_holidays() -> None:
    """A calendar may be holidays alone, and one without either is wall time."""
    always = Calendar("always", "Asia/Tokyo")
    now = at("2026-03-02T09:00")
    assert is_open(always, now)
    assert worked((always,), now, LONGEST) == now + LONGEST
    assert worked((always,), now, LONGEST + timedelta.resolution) is None
    holiday = Calendar("h", "UTC", (), (date(2026, 3, 3),))
    assert worked((holiday,), now, 24 * HOUR) == at("2026-03-04T09:00")
    assert list(openings((holiday,), now, now + 2 * DAY)) == [
        (now, at("2026-03-03T00:00")),
        (at("2026-03-04T00:00"), at("2026-03-04T09:00")),
    ]


def test_what_never_opens() -> None:
    """No calendar is never open; nor is one that is shut for longer than a request can live; nor do such waits end."""
    now = at("2026-03-02T09:00")
    shut = Calendar("shut", "UTC", OFFICE, tuple(date(2026, 1, 1) + n * DAY for n in range(11 * 366)))
    for calendars in ((), (shut,), (shut, shut)):
        assert opens_at(calendars, now) is None
        assert worked(calendars, now, timedelta.resolution) is None
        assert list(openings(calendars, now, now + 365 * DAY)) == []
    rare = Calendar("rare", "UTC", (Opening(0, 0, 1),))
    assert worked((rare,), now, 500 * MINUTE) is not None
    assert worked((rare,), now, 600 * MINUTE) is None
