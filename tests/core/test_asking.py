"""From a chain as written to the stages of a request: seats, names, ends, absences and hours while it waits."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from bot.core.edits import tightened
from bot.core.model import (
    Absence,
    Ending,
    IfEmpty,
    OnExpiry,
    Opening,
    Person,
    Route,
    Schedule,
    Seat,
    Shift,
    Step,
    Submission,
    Then,
)
from bot.core.policy import OWN_CLOCK, AgentSpec, Chain, ChainStep, Exhausted, Policy, Rule, StageSpec, WorkTime, route
from bot.core.seating import clock_of, next_chance, seated
from tests.core.requests import HOUR, NOW
from tests.core.requests import route as plain
from tests.core.requests import stage as told

DAY = 24 * HOUR
FOLK = ("ana", "ben", "lea", "kim", "dan")
WEEK = tuple(Opening(day, 9 * 60, 18 * 60) for day in range(5))
DUTY = Schedule(name="duty", people=("ana", "lea"), start=date(2026, 3, 2), days=1, handover=9 * 60)


def asked(
    *steps: ChainStep, chain: dict[str, Any] | None = None, stage: dict[str, Any] | None = None, **more: Any
) -> Route:
    """The route of a refund by an agent that Dan owns, down a chain of these steps."""
    policy = Policy(
        hash="sha256:0",
        people={p: Person(id=p, name=p) for p in FOLK},
        groups={"finance": ("ana", "ben"), "legal": ("lea", "dan")},
        agents={"robot": AgentSpec(name="robot", owner="dan")},
        channels={},
        actions={},
        chains={"c": Chain(steps=steps, **(chain or {}))},
        rules=(),
        default=Rule(
            name="default",
            then=Then.STAGES,
            stages=(StageSpec(name="s", chain="c", **(stage or {})),),
            expires=more.pop("expires", 3 * DAY),
        ),
        **{"schedules": {"duty": DUTY}, **more},
    )
    return route(policy, Submission(action="refund"), agent="robot", now=NOW).route


def first(way: Route) -> Step:
    """The first step of its only stage."""
    return way.stages[0].steps[0]


def test_people_who_are_always_there_have_no_seats() -> None:
    """Whom such a step asks is known at submission; who may not review is not among them."""
    step = first(asked(ChainStep(notify=("finance", "legal"))))
    assert (step.people, step.seats, step.names) == (("ana", "ben", "lea"), (), {})


def test_a_schedule_is_seated_by_its_shifts_for_as_long_as_the_request_waits() -> None:
    """Whoever has the turn now, and the turns to come until it expires."""
    step = first(asked(ChainStep(notify=("duty",)), expires=2 * DAY))
    assert step.people == ("ana",)
    assert step.seats[0].shifts == (Shift("ana", NOW, NOW + DAY), Shift("lea", NOW + DAY, NOW + 2 * DAY))


def test_distinct_groups_are_asked_by_name() -> None:
    """Each seat says under which of the file's names somebody sits."""
    step = first(asked(ChainStep(notify=("finance", "kim")), stage={"approvals": 2, "distinct_groups": True}))
    assert step.names == {"ana": ("finance",), "ben": ("finance",), "kim": ("kim",)}


def test_those_told_at_the_end_are_asked_by_name_too() -> None:
    """Or two of one group, one of them told at the end, would be two groups."""
    end = {"exhausted": Exhausted(notify=("finance", "duty"))}
    way = asked(ChainStep(notify=("kim",), wait=HOUR), chain=end, stage={"approvals": 2, "distinct_groups": True})
    last = way.stages[0].steps[-1]
    assert (last.names["ben"], last.names["ana"]) == (("finance",), ("finance", "duty"))
    assert way.stages[0].ending is None


def test_an_end_that_ends_it_asks_nobody() -> None:
    """Whoever is told then is told only, without whom the request bars."""
    end = {"exhausted": Exhausted(notify=("legal",), then=OnExpiry.REJECT), "repeat": 2}
    stage = asked(ChainStep(notify=("kim",), wait=HOUR), chain=end).stages[0]
    assert (len(stage.steps), stage.ending, stage.repeat) == (1, Ending(OnExpiry.REJECT, ("lea",)), 2)


def test_a_delegate_sits_for_somebody_and_is_never_one_who_is_barred() -> None:
    """Lea stands in for Ana; Dan, who owns the agent, stands in for nobody."""
    absence = Absence(NOW - HOUR, NOW + DAY, "lea")
    step = first(asked(ChainStep(notify=("finance",)), away={"ana": (absence,)}))
    assert (step.people, step.stands_for) == (("lea", "ben"), {"lea": "ana"})
    barred = first(asked(ChainStep(notify=("finance",)), away={"ana": (replace(absence, delegate="dan"),)}))
    assert barred.people == ("ben",)


def test_who_stands_in_for_the_owner_is_barred_like_the_owner() -> None:
    """For as long as the absence touches the request's time."""
    absence = Absence(NOW + DAY, NOW + 2 * DAY, "lea")
    assert asked(ChainStep(notify=("legal",)), away={"dan": (absence,)}).excluded == ("dan", "lea")
    later = Absence(NOW + 9 * DAY, NOW + 10 * DAY, "lea")
    assert asked(ChainStep(notify=("legal",)), away={"dan": (later,)}).excluded == ("dan",)


def test_the_hours_of_a_delegate_run_the_clock_of_people() -> None:
    """While Lea stands in for Ana, it is Lea's working time that counts."""
    hours = {p: WorkTime(name=p, week=WEEK) for p in ("ana", "lea")}
    absence = Absence(NOW - HOUR, NOW + 2 * DAY, "lea")
    way = asked(ChainStep(notify=("ana",), wait=HOUR, clock=OWN_CLOCK), hours=hours, away={"ana": (absence,)})
    assert [calendar.name for calendar in clock_of(way, first(way))] == ["lea"]
    assert set(way.hours) == {"ana", "lea"}


@pytest.mark.parametrize(("gaps", "holds"), [(IfEmpty.SKIP, IfEmpty.SKIP), (IfEmpty.HOLD, IfEmpty.HOLD)])
def test_the_gaps_of_a_schedule_are_its_steps(gaps: IfEmpty, holds: IfEmpty) -> None:
    """A schedule that holds makes its step hold."""
    empty = replace(DUTY, start=date(2026, 3, 4), gaps=gaps)
    step = first(asked(ChainStep(notify=("duty",)), schedules={"duty": empty}))
    assert (step.people, step.if_empty) == ((), holds)


def test_the_next_chance_of_a_step_is_the_first_moment_when_it_asks_somebody() -> None:
    """A turn of somebody who is away is none; the end of an absence is one, and a barred person never."""
    away = {"ana": (Absence(NOW, NOW + 30 * HOUR),)}
    turns = (Shift("ana", NOW + HOUR, NOW + 20 * HOUR), Shift("dan", NOW + 20 * HOUR, NOW + 40 * HOUR))
    step = Step(notify=("duty", "ana"), people=(), seats=(Seat("duty", shifts=turns), Seat("ana", "ana")))
    way = plain(excluded=("dan",), absences=away)
    assert seated(way, step, NOW).people == ()
    assert next_chance(way, step, NOW, NOW + 5 * DAY) == NOW + 30 * HOUR
    assert next_chance(way, step, NOW, NOW + 30 * HOUR) is None
    assert next_chance(way, step, NOW, NOW + 5 * DAY, barred={"ana"}) is None


def test_a_fallback_is_asked_in_somebodys_place_and_so_may_be_away() -> None:
    """Then whoever stands in for the fallback is."""
    away = {"kim": (Absence(NOW, NOW + DAY, "lea"),)}
    step = Step(notify=("dan",), people=(), seats=(Seat("dan", "dan"),), fallback=("kim",))
    found = seated(plain(excluded=("dan",), absences=away), step, NOW)
    assert (found.people, found.stands_for, found.names) == (("lea",), {"lea": "kim"}, {"lea": ("dan",)})


def test_an_edit_that_asks_for_distinct_groups_asks_by_name() -> None:
    """Steps without names could not tell whose vote is which group's."""
    by_name = Step(notify=("finance",), people=("ana",), seats=(Seat("finance", "ana"),), names={"ana": ("finance",)})
    old = told(Step(notify=("ana",), people=("ana",)), approvals=2)
    new = told(by_name, approvals=2, distinct_groups=True)
    way = tightened(plain(old), plain(new))
    assert way.stages[0].distinct_groups
    assert way.stages[0].steps[0].seats == by_name.seats
    assert tightened(plain(new), plain(old)).stages == (new,)


def test_nothing_is_known_further_ahead_than_a_year() -> None:
    """A request that waits ten years does not carry ten years of turns."""
    shifts = first(asked(ChainStep(notify=("duty",)), expires=timedelta(days=3650))).seats[0].shifts
    assert shifts[-1].until <= NOW + timedelta(days=366)
