"""Steps that are held, passed over or filled by a fallback, and clocks that run in open time alone."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from bot.core import lifecycle
from bot.core.lifecycle import Turn
from bot.core.model import (
    Absence,
    Calendar,
    IfEmpty,
    OnUndeliverable,
    Opening,
)
from bot.core.tracks import enter, followed
from tests.core.requests import HOUR, NOW, request, route, stage, step, track
from tests.core.test_lifecycle_steps import turns
from tests.core.test_tracks import DAY, duty, woken


def test_a_step_is_held_until_somebody_has_the_shift() -> None:
    """Nobody may decide meanwhile, and its wait begins only then."""
    night = duty(("ana", 3, 9), if_empty=IfEmpty.HOLD, wait=HOUR)
    about = request(stage(night, step("lea")))
    assert (about.assignees, about.due_at) == ((), NOW + 3 * HOUR)
    assert turns(about, NOW + 3 * HOUR) == [Turn.ASK]
    asked = woken(about, 3 * HOUR)
    assert (asked.assignees, asked.due_at, asked.escalation_level) == (("ana",), NOW + 4 * HOUR, 0)
    assert woken(about, 4 * HOUR).assignees == ("ana", "lea")


def test_a_step_that_nobody_fills_before_the_end_is_passed_over() -> None:
    """However it is told to hold: a request does not wait for what never comes."""
    about = request(stage(duty(("ana", 30, 40), if_empty=IfEmpty.HOLD), step("lea")))
    assert (track(about).step, about.assignees) == (1, ("lea",))


def test_whoever_lost_the_shift_of_a_step_that_is_passed_over_may_not_decide() -> None:
    """The shift was lea's at submission; when its turn comes ben has it, who was asked: nobody ever asked lea."""
    turn = replace(duty(("lea", 0, 2), ("ben", 2, 9), wait=HOUR), people=("lea",))
    there = woken(request(stage(step("ana", "ben", wait=3 * HOUR), turn, step("kim"))), 3 * HOUR)
    assert (track(there).step, there.assignees) == (2, ("ana", "ben", "kim"))


def test_a_step_is_not_held_for_somebody_who_was_asked() -> None:
    """The shift is ben's again in an hour, and he was asked: the step after it is asked now."""
    turn = duty(("lea", 0, 2), ("ben", 4, 9), wait=HOUR, if_empty=IfEmpty.HOLD)
    there = woken(request(stage(step("ana", "ben", wait=3 * HOUR), turn, step("kim"))), 3 * HOUR)
    assert (track(there).step, track(there).held_until) == (2, None)
    assert there.assignees == ("ana", "ben", "kim")


def test_a_gap_is_skipped_or_filled_by_its_fallback() -> None:
    """As the schedule says."""
    assert request(stage(duty(("ana", 3, 9)), step("lea"))).assignees == ("lea",)
    filled = stage(duty(("ana", 3, 9), fallback="ben"), step("lea"))
    assert request(filled).assignees == ("ben",)
    away = {"ana": (Absence(NOW + 3 * HOUR, NOW + 5 * HOUR),)}
    for there, absent, asked in ((3, {}, "ana"), (3, away, "ben"), (5, away, "ana")):
        about = replace(request(filled), route=route(filled, absences=absent))
        assert enter(about, 0, NOW + there * HOUR).assignees == (asked,)


def test_nobody_is_reminded_by_a_clock_of_other_steps() -> None:
    """A stage whose steps became others that ask nobody moves nothing by itself any more, but for its end."""
    about = request(stage(step("ana", remind=HOUR)))
    assert about.due_at == NOW + HOUR
    nobody = replace(about, route=route(stage(step(remind=None))))
    after = followed(nobody, about, NOW)
    assert turns(after, NOW + 2 * HOUR) == [Turn.EXHAUSTED]
    assert woken(after, 2 * HOUR).due_at == about.expires_at


def test_who_is_asked_is_settled_when_they_are_asked() -> None:
    """Whoever has the shift then; the next one's turn changes nothing for what was asked before."""
    about = request(stage(step("lea", wait=2 * HOUR), duty(("ana", 0, 1), ("ben", 1, 5), ("kim", 5, 9))))
    later = woken(about, 2 * HOUR)
    assert later.assignees == ("lea", "ben")
    assert woken(later, 6 * HOUR).assignees == ("lea", "ben")


@pytest.mark.parametrize(("said", "moves"), [(OnUndeliverable.NEXT, True), (OnUndeliverable.WAIT, False)])
def test_a_step_that_reaches_nobody_gives_way_or_waits(said: OnUndeliverable, *, moves: bool) -> None:
    """As it says; a step that is held was not sent at all."""
    about = request(stage(step("ana", wait=HOUR, on_undeliverable=said), step("lea")))
    assert (lifecycle.move_on(about, 0, NOW) is not None) == moves
    held = request(stage(duty(("ana", 3, 9), if_empty=IfEmpty.HOLD, wait=HOUR), step("lea")))
    assert lifecycle.move_on(held, 0, NOW) is None


def test_a_clock_runs_in_its_open_time() -> None:
    """Monday at nine, a wait of ten hours, offices from nine to six: it ends at ten on Tuesday."""
    office = Calendar("office", "UTC", tuple(Opening(day, 9 * 60, 18 * 60) for day in range(5)))
    about = request(stage(step("ana", wait=10 * HOUR, clock=(office,)), step("lea")), expires=7 * DAY)
    assert about.due_at == NOW + 25 * HOUR


def test_a_clock_of_people_runs_while_one_of_them_is_at_work() -> None:
    """And always where somebody's hours are not known."""
    early = Calendar("ana", "UTC", tuple(Opening(day, 6 * 60, 10 * 60) for day in range(7)))
    way = route(stage(step("ana", wait=2 * HOUR, own_clock=True), step("lea")), hours={"ana": early})
    assert request(way=way).due_at == NOW + 22 * HOUR
    both = route(stage(step("ana", "ben", wait=2 * HOUR, own_clock=True), step("lea")), hours={"ana": early})
    assert request(way=both).due_at == NOW + 2 * HOUR
