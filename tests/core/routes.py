"""Random routes: seats with shifts and gaps, absences with delegates, clocks, parallel stages, ends of every kind."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from bot.core.model import (
    Absence,
    Calendar,
    Ending,
    IfEmpty,
    OnExpiry,
    OnUndeliverable,
    Opening,
    Route,
    Seat,
    Shift,
    Stage,
    Step,
    Then,
)
from tests.core.requests import HOUR, MINUTE, NOW, route

PEOPLE = ("ana", "ben", "lea", "kim")
BARRED = ("dan",)
"""Stands in seats, in absences as a delegate, and as a fallback; never to be asked."""
NAMES = ("finance", "legal", "duty")
SPANS = st.sampled_from([None, 7 * MINUTE, HOUR, 5 * HOUR])
ANYBODY = st.sampled_from((*PEOPLE, *BARRED))
OPEN = Calendar("open")
OFFICE = Calendar("office", "Europe/Lisbon", tuple(Opening(day, 9 * 60, 18 * 60) for day in range(5)))
NIGHT = Calendar("night", "America/New_York", tuple(Opening(day, 0, 4 * 60) for day in range(7)), (date(2026, 3, 3),))
CLOCKS = st.sampled_from([(), (), (OFFICE,), (NIGHT,), (OPEN,)])


@st.composite
def shifts(draw: st.DrawFn) -> tuple[Shift, ...]:
    """Somebody's turns from two hours before on, some of them with gaps between."""
    found: list[Shift] = []
    at: datetime = NOW - 2 * HOUR
    for _ in range(draw(st.integers(1, 4))):
        at += draw(st.sampled_from([timedelta(0), timedelta(0), HOUR, 9 * HOUR]))
        until = at + draw(st.sampled_from([HOUR, 3 * HOUR, 12 * HOUR]))
        found.append(Shift(draw(ANYBODY), at, until))
        at = until
    return tuple(found)


SEATS = st.one_of(
    st.builds(Seat, st.sampled_from(NAMES), ANYBODY),
    st.builds(
        lambda name, turns, fallback: Seat(name, shifts=turns, fallback=fallback),
        st.sampled_from(NAMES),
        shifts(),
        st.one_of(st.none(), ANYBODY),
    ),
)


@st.composite
def steps(draw: st.DrawFn, *, named: bool) -> Step:
    """A step of fixed people, or of seats; ``named``: of seats, as a stage of distinct groups has them."""
    common: dict[str, Any] = {
        "wait": draw(SPANS),
        "remind": draw(SPANS),
        "if_empty": draw(st.sampled_from(IfEmpty)),
        "fallback": tuple(draw(st.one_of(st.just([]), st.lists(ANYBODY, max_size=2, unique=True)))),
        "on_undeliverable": draw(st.sampled_from(OnUndeliverable)),
        "clock": draw(CLOCKS),
        "own_clock": draw(st.booleans()),
    }
    if named or draw(st.booleans()):
        seats = tuple(draw(st.lists(SEATS, min_size=1, max_size=3)))
        return Step(notify=NAMES, people=(), seats=seats, **common)
    people = tuple(draw(st.lists(st.sampled_from(PEOPLE), max_size=3, unique=True)))
    return Step(notify=people, people=people, **common)


@st.composite
def stages(draw: st.DrawFn) -> Stage:
    """One stage, of any kind."""
    distinct = draw(st.sampled_from([False, False, True]))
    name = draw(st.sampled_from(("finance", "legal")))
    end = draw(st.one_of(st.none(), st.none(), st.builds(Ending, st.sampled_from(OnExpiry), st.just(("lea",)))))
    return Stage(
        name=name,
        chain=name,
        steps=tuple(draw(st.lists(steps(named=distinct), min_size=1, max_size=3))),
        approvals=draw(st.integers(1, 3)),
        rejections=draw(st.sampled_from([1, 1, 2])),
        distinct_groups=distinct,
        parallel=draw(st.sampled_from([0, 0, 1, 1, 2])),
        repeat=draw(st.sampled_from([0, 0, 1, 2])),
        ending=end,
    )


@st.composite
def away(draw: st.DrawFn) -> tuple[Absence, ...]:
    """Absences that may overlap, lead in a circle, or to somebody barred."""
    found = []
    for _ in range(draw(st.integers(0, 2))):
        since = NOW + draw(st.integers(-5, 20)) * HOUR
        until = since + draw(st.integers(1, 30)) * HOUR
        found.append(Absence(since, until, draw(st.one_of(st.none(), ANYBODY))))
    return tuple(found)


@st.composite
def routes(draw: st.DrawFn) -> Route:
    """A route through up to three stages; now and then one that asks nobody."""
    then = draw(st.sampled_from([Then.STAGES] * 8 + [Then.APPROVE, Then.BLOCK]))
    advised = draw(st.sampled_from([False, False, True]))
    return route(
        *draw(st.lists(stages(), min_size=1, max_size=3)),
        then=then,
        on_expiry=draw(st.sampled_from(OnExpiry)),
        excluded=BARRED,
        absences={person: draw(away()) for person in PEOPLE},
        hours={person: draw(st.sampled_from([OFFICE, NIGHT])) for person in draw(st.sets(st.sampled_from(PEOPLE)))},
        advisors=("checker",) if advised else (),
        advice_within=10 * MINUTE if advised else None,
    )
