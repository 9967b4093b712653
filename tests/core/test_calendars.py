"""P12: open time, over gaps and folds and leap days, against a model that goes minute by minute."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.calendars import is_open, moment, openings, opens_at, worked
from bot.core.durations import LONGEST
from bot.core.model import Calendar, Opening
from tests.core.minutes import DAY, MINUTE, opened

QUICK = settings(max_examples=200, deadline=None)
HOUR = timedelta(hours=1)
OFFICE = tuple(Opening(weekday, 9 * 60, 18 * 60) for weekday in range(5))


def at(text: str) -> datetime:
    """A moment, UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


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


def test_p12_an_opening_that_a_gap_swallows_does_not_happen() -> None:
    """It opens a week later; what is asked for in the gap is not open either."""
    early = Calendar("early", "Europe/Lisbon", (Opening(6, 60, 120),))
    assert opens_at((early,), at("2026-03-28T00:00")) == at("2026-04-05T00:00")
    assert not is_open(early, at("2026-03-29T01:00"))


def test_p12_where_clocks_go_back_over_midnight_the_new_day_has_begun() -> None:
    """At 00:01 it was 23:01 again: Sunday's first hour had opened by then, and is two hours long."""
    first_hour = Calendar("first", "America/St_Johns", (Opening(6, 0, 60),))
    begin, end = at("2010-11-07T02:30"), at("2010-11-07T04:30")
    assert begin.astimezone(ZoneInfo("America/St_Johns")).hour == 0
    assert (begin + 30 * MINUTE).astimezone(ZoneInfo("America/St_Johns")).hour == 23
    assert list(openings((first_hour,), begin - DAY, begin + DAY)) == [(begin, end)]
    told = [is_open(first_hour, begin + n * MINUTE) for n in (-1, 0, 30, 119, 120)]
    assert told == [False, True, True, True, False]
    assert opens_at((first_hour,), begin + 30 * MINUTE) == begin + 30 * MINUTE


def test_a_wait_of_ten_years_ends_and_a_longer_one_does_not() -> None:
    """Also where the calendar is open all day, every day."""
    daily = Calendar("daily", "Asia/Kathmandu", tuple(Opening(weekday, 0, 1440) for weekday in range(7)))
    now = at("2026-03-02T09:00")
    assert worked((daily,), now, LONGEST) == now + LONGEST
    assert worked((daily,), now, LONGEST + timedelta.resolution) is None


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
