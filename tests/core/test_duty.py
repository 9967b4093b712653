"""P12: who is on duty, over changes of clocks, overrides and hours; who stands in for somebody who is away."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.core.calendars import moment, openings
from bot.core.duty import boundaries, shifts, standing_in
from bot.core.model import Absence, Calendar, Opening, Schedule, Shift
from tests.core.shifts import on_duty
from tests.core.zones import ZONES

QUICK = settings(max_examples=250, deadline=None)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
PEOPLE = ("ana", "ben", "lea", "dan")


def at(text: str) -> datetime:
    """A moment, UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


DUTY = Schedule(
    name="duty",
    timezone="Europe/Lisbon",
    people=("ana", "ben"),
    start=date(2026, 1, 5),
    days=7,
    handover=9 * 60,
)


def told(schedule: Schedule, since: str, until: str) -> list[tuple[str, str, str]]:
    """The shifts of some time, as text."""
    every = shifts(schedule, at(since), at(until))
    return [(s.person, s.since.strftime("%m-%dT%H:%M"), s.until.strftime("%m-%dT%H:%M")) for s in every]


def test_turns_change_at_the_local_hour_whatever_the_clocks_do() -> None:
    """A week's turn is an hour shorter, and one is longer, so that the handover stays at nine."""
    assert told(DUTY, "2026-03-20T00:00", "2026-04-10T00:00") == [
        ("ana", "03-20T00:00", "03-23T09:00"),
        ("ben", "03-23T09:00", "03-30T08:00"),
        ("ana", "03-30T08:00", "04-06T08:00"),
        ("ben", "04-06T08:00", "04-10T00:00"),
    ]
    assert told(DUTY, "2026-10-20T00:00", "2026-10-27T00:00") == [
        ("ben", "10-20T00:00", "10-26T09:00"),
        ("ana", "10-26T09:00", "10-27T00:00"),
    ]


def test_before_its_start_nobody_is_on_duty() -> None:
    """The first turn begins on the day of ``start`` at the hour of handover; a schedule of nobody has no shifts."""
    assert told(DUTY, "2025-12-01T00:00", "2026-01-06T00:00") == [("ana", "01-05T09:00", "01-06T00:00")]
    assert on_duty(DUTY, at("2026-01-05T08:59")) is None
    assert on_duty(DUTY, at("2026-01-05T09:00")) == "ana"
    assert told(replace(DUTY, people=()), "2026-01-01T00:00", "2027-01-01T00:00") == []


def test_a_handover_in_the_gap_happens_right_after_it() -> None:
    """The turn of that day begins when the clock first shows a later time; in a fold, at the first of the two times."""
    daily = replace(DUTY, days=1, handover=90, start=date(2026, 3, 27))
    assert told(daily, "2026-03-28T00:00", "2026-03-31T00:00") == [
        ("ana", "03-28T00:00", "03-28T01:30"),
        ("ben", "03-28T01:30", "03-29T01:00"),
        ("ana", "03-29T01:00", "03-30T00:30"),
        ("ben", "03-30T00:30", "03-31T00:00"),
    ]
    assert on_duty(daily, at("2026-10-25T00:29")) != on_duty(daily, at("2026-10-25T00:30"))
    assert on_duty(daily, at("2026-10-25T00:30")) == on_duty(daily, at("2026-10-25T01:30"))


def test_an_override_wins_and_a_later_one_wins_over_it() -> None:
    """Also outside the hours of duty, and before the start."""
    first = Shift("lea", at("2026-03-01T00:00"), at("2026-03-03T00:00"))
    second = Shift("dan", at("2026-03-02T00:00"), at("2026-03-02T12:00"))
    overridden = replace(DUTY, overrides=(first, second))
    assert told(overridden, "2026-02-28T00:00", "2026-03-04T00:00") == [
        ("ben", "02-28T00:00", "03-01T00:00"),
        ("lea", "03-01T00:00", "03-02T00:00"),
        ("dan", "03-02T00:00", "03-02T12:00"),
        ("lea", "03-02T12:00", "03-03T00:00"),
        ("ana", "03-03T00:00", "03-04T00:00"),
    ]
    early = replace(overridden, start=date(2026, 4, 6), week=(Opening(0, 540, 600),))
    assert told(early, "2026-02-28T00:00", "2026-03-04T00:00") == [
        ("lea", "03-01T00:00", "03-02T00:00"),
        ("dan", "03-02T00:00", "03-02T12:00"),
        ("lea", "03-02T12:00", "03-03T00:00"),
    ]


def test_within_hours_only_gaps_are_absent() -> None:
    """While nobody is on duty there is no shift; a turn that changes while it is open is cut there."""
    office = replace(DUTY, week=tuple(Opening(day, 8 * 60, 18 * 60) for day in range(5)))
    assert told(office, "2026-03-06T12:00", "2026-03-10T00:00") == [
        ("ana", "03-06T12:00", "03-06T18:00"),
        ("ana", "03-09T08:00", "03-09T09:00"),
        ("ben", "03-09T09:00", "03-09T18:00"),
    ]
    assert on_duty(office, at("2026-03-07T12:00")) is None


def test_what_adjoins_is_one_shift() -> None:
    """Of one person: alone in the rotation, twice in it, overridden by themselves, over midnight."""
    year = ("2026-02-01T00:00", "2027-02-01T00:00")
    assert told(replace(DUTY, people=("ana",)), *year) == [("ana", "02-01T00:00", "02-01T00:00")]
    twice = replace(DUTY, people=("ana", "ana", "ben"))
    assert [s.until - s.since for s in shifts(twice, at("2026-01-05T09:00"), at("2026-02-16T09:00"))] == [
        14 * DAY, 7 * DAY, 14 * DAY, 7 * DAY,
    ]  # fmt: skip
    own = replace(DUTY, overrides=(Shift("ana", at("2026-01-06T00:00"), at("2026-01-07T00:00")),))
    assert told(own, "2026-01-05T09:00", "2026-01-12T09:00") == [("ana", "01-05T09:00", "01-12T09:00")]


ROTATIONS = st.builds(
    Schedule,
    name=st.just("duty"),
    timezone=st.sampled_from(ZONES),
    people=st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=4).map(tuple),
    start=st.dates(date(2010, 1, 1), date(2027, 1, 1)),
    days=st.sampled_from([1, 2, 3, 7, 14, 30]),
    handover=st.integers(0, 1439),
)
OVERRIDDEN = st.builds(
    replace,
    ROTATIONS,
    week=st.sampled_from([(), tuple(Opening(day, 540, 1080) for day in range(5)), (Opening(6, 0, 1440),)]),
    overrides=st.lists(
        st.builds(
            lambda person, since, span: Shift(person, since, since + span),
            st.sampled_from(PEOPLE),
            st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001  # the zone is Hypothesis's to add
            st.timedeltas(timedelta(minutes=1), timedelta(days=9)),
        ),
        max_size=4,
    ).map(tuple),
)
SCHEDULES = st.one_of(OVERRIDDEN, OVERRIDDEN, OVERRIDDEN, OVERRIDDEN.map(lambda one: replace(one, people=())))
MOMENTS = st.datetimes(datetime(2025, 12, 1), datetime(2027, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # as above


@QUICK
@given(
    SCHEDULES, MOMENTS, st.timedeltas(timedelta(minutes=1), timedelta(days=60)), st.lists(st.floats(0, 1), max_size=9)
)
def test_p12_shifts_and_who_is_on_duty_agree(
    schedule: Schedule, since: datetime, length: timedelta, moments: list[float]
) -> None:
    """Shifts are disjoint, ordered, joined, within the time asked for; and at any moment they say who is on duty."""
    until = since + length
    found = shifts(schedule, since, until)
    assert all(shift.since < shift.until for shift in found)
    assert all(a.until < b.since or (a.until == b.since and a.person != b.person) for a, b in pairwise(found))
    assert not found or (since <= found[0].since and found[-1].until <= until)
    edges = [edge for shift in found for edge in (shift.since, shift.until - timedelta.resolution)]
    for when in [*edges, *(since + length * part * 0.999 for part in moments)]:
        assert on_duty(schedule, when) == next((s.person for s in found if s.since <= when < s.until), None)


@QUICK
@given(SCHEDULES, MOMENTS, st.timedeltas(timedelta(minutes=1), timedelta(days=60)), st.floats(0, 1))
# No time at all, in the middle of an override: nobody is on duty for it.
@example(
    replace(DUTY, overrides=(Shift("lea", at("2026-03-01T00:00"), at("2026-03-03T00:00")),)),
    at("2026-03-02T00:00"),
    DAY,
    0.0,
)
def test_p12_a_view_cut_in_two_is_the_same_view(
    schedule: Schedule, since: datetime, length: timedelta, part: float
) -> None:
    """Who asks for the first part of a time, and then for the rest, is told the same as who asks for all of it."""
    middle, until = since + length * part, since + length
    whole = shifts(schedule, since, until)
    halves = (*shifts(schedule, since, middle), *shifts(schedule, middle, until))
    assert sum((s.until - s.since for s in whole), timedelta(0)) == sum(
        (s.until - s.since for s in halves), timedelta(0)
    )
    assert all(half.since < half.until for half in halves)
    for half in halves:
        assert any(s.person == half.person and s.since <= half.since and half.until <= s.until for s in whole)


@QUICK
@given(OVERRIDDEN, MOMENTS)
def test_p12_a_rotation_covers_all_time_and_hours_cut_it(schedule: Schedule, since: datetime) -> None:
    """Without hours there is somebody on duty at every moment from the start on; with hours, in just these."""
    bare = replace(schedule, overrides=(), week=())
    until = since + 60 * DAY
    begin = max(since, moment(schedule.start, schedule.handover, schedule.timezone))
    found = shifts(bare, since, until)
    assert sum((s.until - s.since for s in found), timedelta(0)) == max(until - begin, timedelta(0))
    if schedule.week and begin < until:
        hours = openings((Calendar("h", schedule.timezone, schedule.week),), begin, until)
        cut = shifts(replace(bare, week=schedule.week), since, until)
        open_time = sum((end - start for start, end in hours), timedelta(0))
        assert sum((s.until - s.since for s in cut), timedelta(0)) == open_time
        assert all(on_duty(bare, s.since) == s.person for s in cut)


@settings(max_examples=500, deadline=None)
@given(ROTATIONS, MOMENTS)
def test_p12_the_turn_is_that_of_the_local_day(schedule: Schedule, when: datetime) -> None:
    """Whose turn it is follows from the wall clock alone: so many days since the start, yesterday's until handover."""
    there = when.astimezone(ZoneInfo(schedule.timezone))
    assume(not there.fold)
    today = there.date() if there.hour * 60 + there.minute >= schedule.handover else there.date() - DAY
    turn = (today - schedule.start).days // schedule.days
    expected = schedule.people[turn % len(schedule.people)] if turn >= 0 else None
    assert on_duty(schedule, when) == expected


def away(since: str, until: str, delegate: str | None = None) -> tuple[Absence, ...]:
    """One absence."""
    return (Absence(at(since), at(until), delegate),)


NOON = at("2026-12-24T12:00")
TWO_DAYS = ("2026-12-24T00:00", "2026-12-26T00:00")


@pytest.mark.parametrize(
    ("absences", "asked"),
    [
        ({}, "ana"),
        ({"ana": away(*TWO_DAYS)}, None),
        ({"ana": away(*TWO_DAYS, "ben")}, "ben"),
        ({"ana": away("2026-12-24T12:00", "2026-12-25T00:00", "ben")}, "ben"),
        ({"ana": away("2026-12-24T00:00", "2026-12-24T12:00", "ben")}, "ana"),
        ({"ana": away(*TWO_DAYS, "ben"), "ben": away(*TWO_DAYS, "lea")}, "lea"),
        ({"ana": away(*TWO_DAYS, "ben"), "ben": away("2026-12-25T00:00", "2026-12-26T00:00", "lea")}, "ben"),
        ({"ana": away(*TWO_DAYS, "ben"), "ben": away(*TWO_DAYS)}, None),
        ({"ana": away(*TWO_DAYS, "ben"), "ben": away(*TWO_DAYS, "ana")}, None),
        ({"ana": away(*TWO_DAYS, "ana")}, None),
        ({"ana": away(*TWO_DAYS, "ben"), "ben": away(*TWO_DAYS, "lea"), "lea": away(*TWO_DAYS, "ben")}, None),
        ({"ana": away("2026-12-01T00:00", "2026-12-02T00:00", "lea") + away(*TWO_DAYS, "ben")}, "ben"),
        ({"ana": away(*TWO_DAYS, "ben") + away(*TWO_DAYS, "lea")}, "ben"),
    ],
)
def test_who_stands_in(absences: dict[str, tuple[Absence, ...]], asked: str | None) -> None:
    """The delegate, or theirs; nobody where one is missing or they lead in a circle; ``until`` is outside."""
    assert standing_in(absences, "ana", NOON) == asked


def test_boundaries_follow_the_delegates() -> None:
    """What happens to a delegate counts only while they stand in, and only within the time asked for."""
    absences = {
        "ana": away("2026-12-10T00:00", "2026-12-20T00:00", "ben"),
        "ben": away("2026-12-08T00:00", "2026-12-12T00:00", "lea") + away("2026-12-22T00:00", "2026-12-23T00:00"),
        "lea": away("2026-12-11T00:00", "2026-12-30T00:00", "ana"),
    }
    assert boundaries(absences, "ana", at("2026-12-01T00:00"), at("2027-01-01T00:00")) == (
        at("2026-12-10T00:00"),
        at("2026-12-11T00:00"),
        at("2026-12-12T00:00"),
        at("2026-12-20T00:00"),
    )
    assert boundaries(absences, "ana", at("2026-12-10T00:00"), at("2026-12-12T00:00")) == (at("2026-12-11T00:00"),)
    assert boundaries(absences, "dan", at("2026-12-01T00:00"), at("2027-01-01T00:00")) == ()


@st.composite
def absent(draw: st.DrawFn) -> dict[str, tuple[Absence, ...]]:
    """Absences of four people over four days, in whole hours; they may overlap, and delegates may lead anywhere."""
    found: dict[str, tuple[Absence, ...]] = {}
    for person in PEOPLE:
        spans = draw(st.lists(st.tuples(st.integers(0, 95), st.integers(1, 60)), max_size=3))
        delegates = st.sampled_from((*PEOPLE, None))
        found[person] = tuple(
            Absence(NOON + since * HOUR, NOON + (since + length) * HOUR, draw(delegates)) for since, length in spans
        )
    return found


@QUICK
@given(absent(), st.integers(-5, 90), st.integers(1, 99))
def test_p12_between_boundaries_the_answer_stays(
    absences: dict[str, tuple[Absence, ...]], since: int, length: int
) -> None:
    """Whoever stands in changes at a boundary or not at all; boundaries are in order and within the time asked for."""
    first, last = NOON + since * HOUR, NOON + (since + length) * HOUR
    found = boundaries(absences, "ana", first, last)
    assert list(found) == sorted(set(found))
    assert all(first < edge < last for edge in found)
    hours = [first + n * HOUR for n in range(length)]
    for before, after in pairwise(hours):
        if standing_in(absences, "ana", before) != standing_in(absences, "ana", after):
            assert after in found
