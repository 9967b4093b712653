"""What a file says of people's time is read as it was meant: hours, holidays, calendars, schedules, absences."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.calendars import moment
from bot.core.duty import standing_in
from bot.core.model import Absence, IfEmpty, Opening, PersonRole, PushWay, Shift
from bot.core.policy import WorkTime
from bot.routing import load
from bot.routing.hours import DAYS
from tests.core.shifts import on_duty
from tests.routing.cases import DATA, DEFAULT, GROUND, faults, policy

GOOD = DATA / "good"
NINE, SIX = 9 * 60, 18 * 60
ALL_WEEK = tuple(range(7))


def at(text: str) -> datetime:
    """A moment, UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def calendar(written: str) -> WorkTime:
    """A calendar of the file, written as the inside of its braces."""
    return policy(more=f"calendars: {{office: {{{written}}}}}\n").calendars["office"]


def week(*openings: tuple[int, int, int]) -> tuple[Opening, ...]:
    """Openings as (weekday, opens, closes)."""
    return tuple(Opening(*opening) for opening in openings)


@pytest.mark.parametrize(
    ("written", "openings"),
    [
        ("Mon-Fri 09:00-18:00", [(day, NINE, SIX) for day in range(5)]),
        ("daily 08:00-20:00", [(day, 480, 1200) for day in ALL_WEEK]),
        ("Sat,Sun 10:00-16:00", [(5, 600, 960), (6, 600, 960)]),
        ("Sun, Sat 10:00-16:00", [(5, 600, 960), (6, 600, 960)]),
        ("Mon 09:00-12:30, 13:30-18:00", [(0, 540, 750), (0, 810, 1080)]),
        ("Mon 13:30-18:00,09:00-12:30", [(0, 540, 750), (0, 810, 1080)]),
        ("Tue 09:00-12:00; Fri 09:00-14:00", [(1, 540, 720), (4, 540, 840)]),
        ("Fri-Mon 09:00-10:00", [(day, 540, 600) for day in (0, 4, 5, 6)]),
        ("Mon-Mon 09:00-10:00", [(0, 540, 600)]),
        ("Mon,Wed-Fri 09:00-10:00", [(day, 540, 600) for day in (0, 2, 3, 4)]),
        ("Fri 22:00-06:00", [(4, 1320, 1440), (5, 0, 360)]),
        ("Sun 22:00-06:00", [(0, 0, 360), (6, 1320, 1440)]),
        ("Fri 22:00-24:00", [(4, 1320, 1440)]),
        ("Fri 22:00-00:00", [(4, 1320, 1440)]),
        ("daily 00:00-24:00", [(day, 0, 1440) for day in ALL_WEEK]),
        ("Mon 00:00-24:00; Tue 00:00-01:00", [(0, 0, 1440), (1, 0, 60)]),
        ("Mon 22:00-06:00; Tue 06:00-07:00", [(0, 1320, 1440), (1, 0, 360), (1, 360, 420)]),
        ("mon-FRI  09:00 - 18:00 ", [(day, NINE, SIX) for day in range(5)]),
    ],
)
def test_hours(written: str, openings: list[tuple[int, int, int]]) -> None:
    """Days and their ranges, several openings a day, over midnight, over the week's end, in any case and spacing."""
    assert calendar(f'hours: "{written}"').week == week(*openings)


@st.composite
def open_weeks(draw: st.DrawFn) -> tuple[Opening, ...]:
    """Openings that do not overlap, some of them adjoining."""
    found: list[Opening] = []
    for weekday in ALL_WEEK:
        edges = sorted(draw(st.lists(st.integers(0, 1440), max_size=6, unique=True)))
        found += [Opening(weekday, *pair) for pair in zip(edges[::2], edges[1::2], strict=False)]
    return tuple(found)


@settings(max_examples=150, deadline=None)
@given(open_weeks().filter(bool), st.randoms(use_true_random=False))
def test_hours_are_read_as_they_were_written(openings: tuple[Opening, ...], chance: Random) -> None:
    """Any week, written out one opening a part in any order, comes back as it was."""

    def clock(minute: int) -> str:
        return f"{minute // 60:02}:{minute % 60:02}"

    parts = [f"{DAYS[o.weekday]} {clock(o.opens)}-{clock(o.closes)}" for o in openings]
    chance.shuffle(parts)
    assert calendar(f'hours: "{"; ".join(parts)}"').week == openings


def test_a_comma_in_braces_is_told_as_that() -> None:
    """Braces end a value at a comma; the fault says so beside the key that came of it."""
    found = faults(GROUND + "calendars: {office: {hours: Mon 09:00-12:30, 13:30-18:00}}\n" + DEFAULT)
    assert [(fault.line, fault.column) for fault in found] == [(11, 46), (11, 46)]
    assert "put them in quotes" in found[1].fix


def off(written: str, first: str, last: str) -> list[str]:
    """The holidays of a calendar in some time."""
    days = calendar(f"holidays: {written}").holidays
    assert days is not None
    return [day.isoformat() for day in days(date.fromisoformat(first), date.fromisoformat(last))]


def test_public_holidays_are_those_of_the_country_or_its_part() -> None:
    """In order, between the dates, both included, over the turn of a year; Bavaria has days that Germany has not."""
    assert off("PT", "2026-12-08", "2027-01-01") == ["2026-12-08", "2026-12-25", "2027-01-01"]
    assert off("PT", "2026-12-09", "2026-12-24") == []
    assert off("DE", "2026-01-01", "2026-01-31") == ["2026-01-01"]
    assert off("DE-BY", "2026-01-01", "2026-01-31") == ["2026-01-01", "2026-01-06"]
    assert off("[PT, DE-BY]", "2026-04-01", "2026-04-30") == ["2026-04-03", "2026-04-05", "2026-04-06", "2026-04-25"]


def test_days_off_of_ones_own() -> None:
    """Dates stand beside a country or alone; one that is a holiday anyway is one day off."""
    assert off("[PT, 2026-12-24, 2026-12-25]", "2026-12-20", "2026-12-31") == ["2026-12-24", "2026-12-25"]
    assert off("[2028-02-29, 2026-12-24]", "2026-01-01", "2028-12-31") == ["2026-12-24", "2028-02-29"]
    assert off("2026-12-24", "2026-01-01", "2026-12-31") == ["2026-12-24"]


@pytest.mark.parametrize("code", ["BR", "CN", "GB-SCT", "IN", "JP", "NO", "PT", "US-CA", "ZA", "NZ", "AR", "EG"])
def test_holidays_of_many_countries(code: str) -> None:
    """Every year has some; Norway's code is text and not a word for false."""
    for year in range(2024, 2031):
        assert 5 <= len(off(code, f"{year}-01-01", f"{year}-12-31")) <= 40


def test_the_library_of_holidays_is_imported_only_for_a_file_that_names_them() -> None:
    """A file without holidays of a country starts without it."""
    told = []
    for holidays in ("2026-12-24", "PT"):
        text = f"version: 1\ncalendars: {{c: {{holidays: {holidays}}}}}\ndefault: {{then: block}}\n"
        run = f"import sys; from bot.routing import parse; parse({text!r}, 'x'); print('holidays' in sys.modules)"
        command = (sys.executable, "-c", run)
        told.append(subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip())  # noqa: S603  # our own words
    assert told == ["False", "True"]


def test_two_readings_of_the_same_holidays_are_equal() -> None:
    """So a file that was only touched is the same policy."""
    assert calendar("holidays: [PT, 2026-12-24]") == calendar("holidays: [PT, 2026-12-24, PT]")
    assert calendar("holidays: PT") != calendar("holidays: ES")


def test_calendars_and_peoples_own_time() -> None:
    """A calendar is in its own zone, or UTC; a person's hours are in theirs."""
    read = load(GOOD / "time_calendars.yaml")
    assert read.calendars["store"] == WorkTime(name="store", week=week(*[(d, 480, 1200) for d in ALL_WEEK]))
    assert read.calendars["office"].timezone == "Europe/Lisbon"
    assert (read.hours, read.away) == ({}, {})
    hours = load(GOOD / "time_hours.yaml").hours
    assert set(hours) == {"ana", "ben"}
    assert (hours["ana"].name, hours["ana"].timezone, hours["ben"].timezone) == ("ana", "Europe/Lisbon", "UTC")
    assert (len(hours["ana"].week), len(hours["ben"].week)) == (9, 8)
    people = load(GOOD / "time_holidays.yaml").hours
    assert people["ana"].week == ()
    assert people["ana"].holidays is not None
    blocks = load(GOOD / "time_hours_block.yaml").calendars
    assert len(blocks["week"].week) == 12
    assert blocks["night"].week[:2] == week((0, 0, 240), (0, 1200, 1440))


def test_schedules_are_read() -> None:
    """Every key; what is left out is UTC, midnight, no hours, no overrides, and gaps that are skipped."""
    read = load(GOOD / "time_schedules.yaml").schedules
    duty, days, office, fortnight = (read[name] for name in ("duty", "days", "office", "fortnight"))
    assert (duty.name, duty.timezone, duty.people, duty.start) == (
        "duty",
        "Europe/Lisbon",
        ("ana", "ben"),
        date(2026, 1, 5),
    )
    assert (duty.days, duty.handover, duty.gaps, duty.fallback) == (7, NINE, IfEmpty.SKIP, None)
    assert duty.overrides == (Shift("lea", at("2026-03-01T00:00"), at("2026-03-02T00:00")),)
    assert (days.timezone, days.days, days.handover, days.people, days.gaps) == ("UTC", 1, 0, ("ana",), IfEmpty.HOLD)
    assert (office.days, office.handover, office.people) == (3, 450, ("ana", "ben", "ana"))
    assert (office.gaps, office.fallback, len(office.week)) == (IfEmpty.SKIP, "lea", 5)
    assert (fortnight.days, fortnight.handover, fortnight.overrides) == (14, 0, ())
    assert on_duty(duty, at("2026-03-01T12:00")) == "lea"
    assert on_duty(office, at("2026-01-10T12:00")) is None


def test_moments_are_local_unless_they_say_otherwise() -> None:
    """A date is its midnight there; a time in the gap is the first after it; an offset, or Z, says which moment."""
    exact = load(GOOD / "time_schedules.yaml").schedules["exact"]
    assert exact.overrides == (
        Shift("lea", at("2026-03-08T07:00"), at("2026-03-08T16:00")),
        Shift("ben", at("2026-03-09T00:00"), at("2026-03-11T04:00")),
    )


def test_absences_are_read_in_order() -> None:
    """In the person's own zone, sorted; whoever is not away is not among them."""
    away = load(GOOD / "time_away.yaml").away
    assert away["ana"] == (
        Absence(at("2026-08-01T11:00"), at("2026-08-14T23:00")),
        Absence(at("2026-12-20T00:00"), at("2027-01-02T00:00"), "lea"),
    )
    assert away["ben"] == (Absence(at("2026-12-24T00:00"), at("2026-12-27T17:00"), "ana"),)
    assert set(away) == {"ana", "ben"}
    assert standing_in(away, "ben", at("2026-12-25T00:00")) == "lea"


def test_absences_may_adjoin_and_delegates_lead_in_a_circle() -> None:
    """Neither is a fault; while they lead in a circle nobody stands in."""
    away = load(GOOD / "time_away_circle.yaml").away
    assert len(away["ana"]) == 2
    told = [standing_in(away, "ana", at(f"2026-12-{day}T12:00")) for day in (19, 21, 25, 29)]
    assert told == ["ana", "ben", None, "ben"]


def test_channels_of_a_person() -> None:
    """In order of preference; one may stand alone; none named is through all."""
    people = load(GOOD / "time_channels.yaml").people
    assert people["ana"].channels == ("push", "slack", "email")
    assert people["ben"].channels == ("email",)
    assert people["lea"].channels == ()


def test_what_people_are_and_how_they_are_known() -> None:
    """Roles, the identity provider's words to the letter, ways of push in the order written; what is left out."""
    found = load(GOOD / "roles.yaml")
    assert {name: person.role for name, person in found.people.items()} == {
        "ana": PersonRole.REVIEWER,
        "ben": PersonRole.REVIEWER,
        "lea": PersonRole.ADMIN,
        "rui": PersonRole.AUDITOR,
        "kim": PersonRole.REVIEWER,
    }
    assert found.people["ana"].oidc == "auth0|5f7c8ec7c33c6c004bbafe82"
    assert (found.people["ben"].oidc, found.people["kim"].oidc) == ("Ana", None)
    assert found.people["ana"].push == (PushWay.NTFY, PushWay.WEB)
    assert (found.people["ben"].push, found.people["kim"].push) == ((PushWay.WEB,), ())
    assert found.channels["push"] == {"buttons": "off"}


def test_a_schedule_may_be_asked_in_a_chain_even_where_it_is_at_fault() -> None:
    """What is wrong with a schedule is told once, and not again wherever it is named."""
    text = GROUND.replace("notify: lea", "notify: duty")
    found = faults(text + "schedules: {duty: {rotate: daily, people: [ana]}}\n" + DEFAULT)
    assert ["has no start" in fault.what for fault in found] == [True]


YEARS = st.dates(date(1970, 1, 1), date(2199, 12, 30))


@settings(max_examples=150, deadline=None)
@given(YEARS, st.integers(0, 1439), st.sampled_from(["UTC", "Europe/Lisbon", "Asia/Kathmandu", "Australia/Lord_Howe"]))
def test_any_date_and_time_is_read_as_its_moment(day: date, minute: int, zone: str) -> None:
    """From 1970 to 2199, in the schedule's zone."""
    written = f"{day}T{minute // 60:02}:{minute % 60:02}"
    override = f"{{from: {written}, until: {day + timedelta(days=2)}, person: lea}}"
    duty = f"{{timezone: {zone}, rotate: daily, start: {day}, people: ana, overrides: [{override}]}}"
    read = policy(more=f"schedules: {{duty: {duty}}}\n").schedules["duty"]
    assert read.overrides[0].since == moment(day, minute, zone)
    assert (read.start, on_duty(read, moment(day, minute, zone))) == (day, "lea")
