"""Warnings of time: clocks that do not fit together, and people who are not there."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.routing import parse
from bot.routing.lint import warnings

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
"""A Monday."""
PEOPLE = "  {ana: {email: a@x.io}, ben: {email: b@x.io}, lea: {email: l@x.io}, kim: {email: k@x.io}}\n"
OFFICE = "calendars: {office: {hours: Mon-Fri 09:00-18:00}}\n"


def told(chain: str, *, people: str = PEOPLE, more: str = "", expires: str = "24h") -> tuple[str, ...]:
    """The warnings of a file with one chain, leaving out people whom nobody asks."""
    text = (
        f"version: 1\npeople:\n{people}{more}chains:\n  c: {chain}\n"
        f"default: {{stages: [{{chain: c}}], expires: {expires}}}\n"
    )
    return tuple(line for line in warnings(parse(text, "routing.yaml"), NOW) if "nobody ever asks" not in line)


CLOCKS = [
    (
        "[{notify: ana, wait: 15m}, {notify: ben}]",
        (
            'the chain "c" comes to its end 15m after it began, and for 23h45m more, until requests of the rule '
            '"default" '
            "expire, nobody is asked or reminded; add remind, repeat or exhausted, or shorten `expires`"
        ),
        "[{notify: ana, wait: 15m}, {notify: ben, remind: 4h}]",
    ),
    (
        "{steps: [{notify: ana, wait: 1h}], repeat: 2}",
        (
            'the chain "c" comes to its end 3h after it began, and for 21h more, until requests of the rule "default" '
            "expire, nobody is asked or reminded; add remind, repeat or exhausted, or shorten `expires`"
        ),
        "{steps: [{notify: ana, wait: 6h}], repeat: 2}",
    ),
    (
        "[{notify: ana, wait: 1h}, {notify: ben, wait: 1h}]",
        (
            'the chain "c" comes to its end 2h after it began, and for 22h more, until requests of the rule "default" '
            "expire, nobody is asked or reminded; add remind, repeat or exhausted, or shorten `expires`"
        ),
        "{steps: [{notify: ana, wait: 1h}, {notify: ben, wait: 1h}], exhausted: {then: reject}}",
    ),
    (
        "[{notify: ana, wait: 1h}]",
        (
            'step 1 of the chain "c" is the last and has a `wait`, after which nobody else is asked; '
            "add a step, repeat or exhausted, or remove it"
        ),
        "{steps: [{notify: ana, wait: 1h}], exhausted: {notify: ben}}",
    ),
    (
        "[{notify: ana}, {notify: ben}]",
        'step 1 of the chain "c" has no `wait`, so the next step is only asked by hand; add one',
        "[{notify: ana, wait: 13h}, {notify: ben}]",
    ),
    (
        "[{notify: ana, wait: 13h, remind: 13h}, {notify: ben}]",
        'step 1 of the chain "c" never reminds: `remind` is not shorter than `wait`',
        "[{notify: ana, wait: 13h, remind: 12h}, {notify: ben}]",
    ),
    (
        "[{notify: ana, wait: 24h}, {notify: ben}]",
        (
            'step 2 of the chain "c" is never asked by the rule "default": the request expires before; '
            "shorten a `wait` or lengthen `expires`"
        ),
        "[{notify: ana, wait: 23h}, {notify: ben}]",
    ),
]


@pytest.mark.parametrize(("chain", "words", "near"), CLOCKS)
def test_waits_that_do_not_fit_the_expiry(chain: str, words: str, near: str) -> None:
    """Each is told in these words, and a chain that is nearly the same and in order is left in peace."""
    assert words in told(chain)
    assert told(near) == ()


def test_a_wait_by_the_calendar_is_reckoned_in_its_open_time() -> None:
    """Ten office hours never pass within half a day; within a day they may not, and within four they do."""
    chain = "[{notify: ana, wait: 10h, clock: office, remind: 1h}, {notify: ben, remind: 1h}]"
    never = (
        'step 2 of the chain "c" is never asked by the rule "default": the request expires before; '
        "shorten a `wait` or lengthen `expires`"
    )
    may = (
        'step 1 of the chain "c" waits 10h of the calendar "office", which may be open for only 0s of the 1d12h before '
        'requests of the rule "default" expire: then nobody further is asked; shorten the `wait`, or lengthen `expires`'
    )
    assert told(chain, more=OFFICE, expires="12h") == (never,)
    assert told(chain, more=OFFICE, expires="36h") == (may,)
    assert told(chain, more=OFFICE, expires="4d") == ()


def test_the_hours_of_whoever_is_asked_are_reckoned_too() -> None:
    """Eight hours of somebody who works four a day take until tomorrow."""
    people = PEOPLE.replace("{email: a@x.io}", "{email: a@x.io, hours: daily 09:00-13:00}")
    chain = "[{notify: ana, wait: 8h, clock: people, remind: 1h}, {notify: ben, remind: 1h}]"
    assert any("is never asked" in line for line in told(chain, people=people, expires="20h"))
    assert told(chain, people=people, expires="3d") == ()


def duty(*, more: str = "", start: str = "2026-01-05") -> str:
    """A schedule of two people."""
    return f"schedules: {{duty: {{rotate: weekly, handover: Mon 09:00, start: {start}, people: [ana, ben]{more}}}}}\n"


ABROAD = "away: [{from: 2026-12-20, until: 2027-01-02%s}]"


def away(ana: str, ben: str | None = None) -> str:
    """People of whom Ana, and maybe Ben, are away over the new year; each with their delegate, or nobody."""
    found = PEOPLE
    for name, delegate in (("a@x.io", ana), ("b@x.io", ben)):
        if delegate is not None:
            absence = ABROAD % (f", delegate: {delegate}" if delegate else "")
            found = found.replace(f"{{email: {name}}}", f"{{email: {name}, {absence}}}")
    return found


PRESENCE = [
    (
        "[{notify: ana, remind: 1h}]",
        {"people": away("")},
        (
            'step 1 of the chain "c" asks nobody from 2026-12-20 00:00 UTC to 2027-01-02 00:00 UTC, since ana is away '
            "then, and is passed over; name a delegate, or add if_empty or somebody else"
        ),
        {"people": away("lea")},
    ),
    (
        "[{notify: [ana, ben], remind: 1h}]",
        {"people": away("", "")},
        (
            'step 1 of the chain "c" asks nobody from 2026-12-20 00:00 UTC to 2027-01-02 00:00 UTC, since ana '
            "and ben are "
            "away then, and is passed over; name a delegate, or add if_empty or somebody else"
        ),
        {"people": away("")},
    ),
    (
        "[{notify: duty, remind: 1h}]",
        {"more": duty(more=", hours: Mon-Fri 09:00-18:00")},
        (
            'step 1 of the chain "c" asks nobody from 2026-03-02 18:00 UTC to 2026-03-03 09:00 UTC, since nobody is on '
            "duty then, and is passed over; add gaps to the schedule, or if_empty or somebody else"
        ),
        {"more": duty(more=", hours: Mon-Fri 09:00-18:00, gaps: hold")},
    ),
    (
        "[{notify: duty, remind: 1h}]",
        {"more": duty(start="2026-06-01")},
        'the schedule "duty" begins on 2026-06-01, until when nobody has its turn; begin earlier, or add a fallback',
        {"more": duty(start="2026-02-23")},
    ),
    (
        "[{notify: duty, remind: 1h}]",
        {"more": duty(more=", overrides: [{from: 2025-01-01, until: 2025-01-02, person: lea}]")},
        'the schedule "duty" has an override for lea that ended on 2025-01-02, more than a year ago; remove it',
        {"more": duty(more=", overrides: [{from: 2025-06-01, until: 2025-06-02, person: lea}]")},
    ),
    (
        "[{notify: [ana, kim], remind: 1h}]",
        {"people": away("ben", "ana")},
        (
            "ana is away on 2026-12-20, and those who stand in lead in a circle: ana -> ben -> ana; "
            "name a delegate who is there"
        ),
        {"people": away("ben", "lea")},
    ),
    (
        "[{notify: [ana, kim], remind: 1h}]",
        {"people": away("ben", "")},
        (
            "ben stands in for ana and is away on 2026-12-20, too, so that nobody is asked instead of ana; "
            "name another delegate"
        ),
        {"people": away("ben")},
    ),
    (
        "[{notify: [ana, kim], remind: 1h}]",
        {"people": away("ben"), "more": "agents: {robot: {owner: ben}}\n"},
        "ben stands in for ana and owns robot: what that asks of ana then, ben never reviews; name another delegate",
        {"people": away("ben"), "more": "agents: {robot: {owner: lea}}\n"},
    ),
    (
        "[{notify: [ana, kim], remind: 1h}]",
        {"people": away("lea").replace("lea: {email: l@x.io}", "lea: {}")},
        (
            "lea stands in for ana and cannot be reached through any channel; "
            "give lea an address, or name another delegate"
        ),
        {"people": away("lea")},
    ),
]


@pytest.mark.parametrize(("chain", "bad", "words", "near"), PRESENCE)
def test_people_who_are_not_there(chain: str, bad: dict[str, str], words: str, near: dict[str, str]) -> None:
    """Each is told in these words, and a file that is nearly the same and in order is left in peace."""
    assert words in told(chain, **bad)
    assert told(chain, **near) == ()


@pytest.mark.parametrize("fills", ["if_empty: hold", "if_empty: {fallback: lea}"])
def test_a_step_that_says_what_becomes_of_it_is_left_in_peace(fills: str) -> None:
    """Held or handed to somebody else, it is not passed over."""
    assert told(f"[{{notify: ana, remind: 1h, {fills}}}]", people=away("")) == ()


def test_a_schedule_whose_people_are_away_in_turn_is_told() -> None:
    """Nobody of the duty is there: Ana has the turn, is away, and nobody stands in for her."""
    found = told("[{notify: duty, remind: 1h}]", people=away(""), more=duty())
    assert len(found) == 1
    assert "asks nobody from 2026-12-21 09:00 UTC to 2026-12-28 09:00 UTC" in found[0]


def test_what_is_over_is_not_told() -> None:
    """An absence that has ended empties no step any more."""
    past = PEOPLE.replace("{email: a@x.io}", "{email: a@x.io, away: [{from: 2026-01-01, until: 2026-01-09}]}")
    assert told("[{notify: ana, remind: 1h}]", people=past) == ()
