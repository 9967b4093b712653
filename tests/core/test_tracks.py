"""How stages run: together, again, held, skipped, to their end; and where a vote counts."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from msgspec.structs import replace

from bot.core import errors, lifecycle
from bot.core.consent import consented
from bot.core.edits import tightened
from bot.core.lifecycle import Turn
from bot.core.model import (
    Absence,
    Ending,
    OnExpiry,
    Request,
    Seat,
    Shift,
    Stage,
    State,
    Step,
    Then,
    Verb,
)
from tests.core.requests import HOUR, MINUTE, NOW, ballot, content, decision, request, route, stage, step, track
from tests.core.test_lifecycle import assessment
from tests.core.test_lifecycle_steps import turns

DAY = 24 * HOUR


def voted(about: Request, *people: str, verb: Verb = Verb.APPROVE) -> Request:
    """The request after each of them decided, each where the desk places it."""
    for person in people:
        lifecycle.authorise(about, ballot(about, person, verb), NOW)
        told = decision(about, person, verb)
        about = lifecycle.approve(about, told, NOW) if verb is Verb.APPROVE else lifecycle.reject(about, told, NOW)
    return about


def woken(about: Request, at: timedelta) -> Request:
    """The request once everything due by then has happened."""
    while (turn := lifecycle.wake(about, NOW + at)) is not None:
        about = turn.request
    return about


def duty(*turns: tuple[str, float, float], name: str = "duty", fallback: str | None = None, **more: Any) -> Step:
    """A step that asks whoever is on duty: a person, from and until so many hours from now."""
    held = tuple(Shift(person, NOW + since * HOUR, NOW + until * HOUR) for person, since, until in turns)
    return Step(notify=(name,), people=(), seats=(Seat(name, shifts=held, fallback=fallback),), **more)


def grouped(**groups: tuple[str, ...]) -> Step:
    """A step that asks people of groups, each known by theirs."""
    seats = tuple(Seat(name, person) for name, people in groups.items() for person in people)
    return Step(notify=tuple(groups), people=(), seats=seats)


def together(*stages: Stage) -> tuple[Stage, ...]:
    """Stages of one parallel group."""
    return tuple(replace(one, parallel=1) for one in stages)


def test_stages_of_a_group_are_asked_together_and_the_next_after_all_of_them() -> None:
    """Each is filled on its own; what follows is asked once the last of them is full."""
    both = together(stage(step("ana")), stage(step("ben"), name="legal"))
    about = request(*both, stage(step("lea"), name="last"))
    assert about.assignees == ("ana", "ben")
    once = voted(about, "ben")
    assert (once.state, once.assignees) == (State.PENDING, ("ana",))
    twice = voted(once, "ana")
    assert [t.stage for t in twice.tracks] == [2]
    done = voted(twice, "lea")
    assert (done.state, consented(done)) == (State.APPROVED, True)


def test_two_groups_next_to_each_other_run_one_after_the_other() -> None:
    """Stages of another group, or of none, wait."""
    first = together(stage(step("ana")), stage(step("ben"), name="legal"))
    second = tuple(replace(one, parallel=2) for one in (stage(step("lea"), name="x"), stage(step("kim"), name="y")))
    about = request(*first, *second)
    assert [t.stage for t in about.tracks] == [0, 1]
    assert [t.stage for t in voted(about, "ana", "ben").tracks] == [2, 3]


def test_each_stage_of_a_group_has_its_own_clock() -> None:
    """One escalates while the other waits; what comes first is due first."""
    slow, fast = step("ana", wait=5 * HOUR), step("ben", wait=HOUR, remind=20 * MINUTE)
    about = request(*together(stage(slow, step("kim")), stage(fast, step("lea"), name="legal")))
    assert about.due_at == NOW + 20 * MINUTE
    assert turns(about, NOW + HOUR) == [Turn.NEXT_STEP]
    later = woken(about, HOUR)
    assert [t.step for t in later.tracks] == [0, 1]
    assert later.due_at == NOW + 5 * HOUR
    assert [t.step for t in woken(about, 5 * HOUR).tracks] == [1, 1]


def test_a_full_stage_is_neither_reminded_nor_escalated() -> None:
    """Only what still waits for somebody comes due."""
    about = request(*together(stage(step("ana", wait=HOUR), step("kim")), stage(step("ben"), name="legal")))
    once = voted(about, "ana")
    assert once.due_at == once.expires_at
    assert turns(once, NOW + 5 * HOUR) == []


@pytest.mark.parametrize("order", list(permutations(("ana", "ben", "lea"))))
def test_a_vote_is_placed_where_the_rest_can_still_fill_every_stage(order: tuple[str, ...]) -> None:
    """Ana and Ben are asked in both, Lea in one: whoever comes first, three votes fill both."""
    wide, narrow = stage(step("ana", "ben", "lea"), approvals=2), stage(step("ana", "ben"), name="legal")
    for both in permutations((wide, narrow)):
        assert voted(request(*together(*both)), *order).state is State.APPROVED


def test_a_vote_is_placed_with_a_long_way_round_in_mind() -> None:
    """Three stages, of which each shares somebody with the next: every order of three votes fills all."""
    chains = (stage(step("ana", "ben")), stage(step("ben", "lea"), name="legal"), stage(step("lea"), name="last"))
    for three in permutations(chains):
        for order in permutations(("ana", "ben", "lea")):
            assert voted(request(*together(*three)), *order).state is State.APPROVED, (three, order)


def test_a_vote_says_as_whom_somebody_was_asked_so_far() -> None:
    """Of a step that nobody has reached it takes no name; of all that asked them it has every one."""
    first, second = grouped(finance=("ana", "ben")), grouped(legal=("ana", "lea"))
    way = route(stage(replace(first, wait=HOUR), second, approvals=2, distinct_groups=True))
    about = request(way=way)
    assert lifecycle.place_of(about, "ana")["names"] == ("finance",)
    both = lifecycle.place_of(woken(about, HOUR), "ana")["names"]
    assert set(both) == {"finance", "legal"}


def test_distinct_groups_need_a_vote_of_each() -> None:
    """Two of one group are one; a person in two groups stands for whichever is missing."""
    way = route(stage(grouped(finance=("ana", "ben", "kim"), legal=("lea", "kim")), approvals=2, distinct_groups=True))
    two = voted(request(way=way), "ana", "ben")
    assert (two.state, two.given(0)) == (State.PENDING, 1)
    assert voted(two, "lea").state is State.APPROVED
    assert voted(request(way=way), "kim", "lea").state is State.APPROVED
    assert voted(request(way=way), "kim", "ana").state is State.APPROVED


def test_a_fallback_stands_for_the_names_of_its_step() -> None:
    """Or two of one group, one of them asked as a fallback, would be two groups."""
    empty = replace(duty(name="legal"), fallback=("ben", "kim"))
    way = route(stage(grouped(finance=("ana", "ben")), replace(empty, wait=HOUR), approvals=3, distinct_groups=True))
    about = request(way=replace(way, stages=(replace(way.stages[0], steps=(empty,)),)))
    assert about.given(0) == 0
    assert voted(about, "ben", "kim").given(0) == 1


def test_a_delegate_votes_as_the_group_of_whom_they_stand_in_for() -> None:
    """And the decision says for whom."""
    away = {"ana": (Absence(NOW - HOUR, NOW + DAY, "lea"),)}
    about = request(way=route(stage(grouped(finance=("ana",))), absences=away))
    place = lifecycle.place_of(about, "lea")
    assert (about.assignees, place["names"], place["instead_of"]) == (("lea",), ("finance",), "ana")


@pytest.mark.parametrize(("needed", "state"), [(1, State.REJECTED), (2, State.PENDING), (3, State.PENDING)])
def test_a_stage_may_take_more_than_one_rejection(needed: int, state: State) -> None:
    """Up to then the others may still approve."""
    about = request(stage(step("ana", "ben", "lea", "kim"), rejections=needed))
    once = voted(about, "ana", verb=Verb.REJECT)
    assert once.state is state
    if state is State.PENDING:
        with pytest.raises(errors.AlreadyVoted):
            lifecycle.authorise(once, ballot(once, "ana"), NOW)
        assert voted(once, "ben").state is State.APPROVED
        assert consented(voted(once, "ben"))


def test_rejections_are_counted_by_the_stage() -> None:
    """One in each of two stages that take two ends nothing; the second in one of them does."""
    both = together(stage(step("ana", "ben"), rejections=2), stage(step("lea"), name="legal", rejections=2))
    about = voted(request(*both), "ana", "lea", verb=Verb.REJECT)
    assert about.state is State.PENDING
    assert voted(about, "ben", verb=Verb.REJECT).state is State.REJECTED


def test_a_chain_begins_again_as_often_as_it_says() -> None:
    """Round after round, each a level; then its end, then silence."""
    about = request(stage(step("ana", wait=HOUR), step("lea", wait=HOUR), repeat=1))
    assert turns(about, NOW + DAY) == [*[Turn.NEXT_STEP] * 3, Turn.EXHAUSTED, Turn.EXPIRED]
    again = woken(about, 2 * HOUR)
    assert (track(again).step, track(again).round, again.escalation_level) == (0, 1, 2)
    assert again.assignees == ("ana", "lea")
    assert woken(about, 5 * HOUR).escalation_level == 3


@pytest.mark.parametrize(("then", "state"), [(OnExpiry.EXPIRE, State.EXPIRED), (OnExpiry.REJECT, State.REJECTED)])
def test_the_end_of_a_chain_may_end_the_request(then: OnExpiry, state: State) -> None:
    """Once its last step has waited, long before it would expire; decided when that was seen, as an expiry is."""
    about = request(stage(step("ana", wait=HOUR), ending=Ending(then)))
    assert turns(about, NOW + HOUR) == [Turn.EXHAUSTED]
    ended = woken(about, 3 * HOUR)
    assert (ended.state, ended.decided_at) == (state, NOW + 3 * HOUR)


def test_a_chain_that_ended_still_waits_and_reminds() -> None:
    """Without an ending whoever was asked may decide until it expires."""
    about = woken(request(stage(step("ana", wait=HOUR, remind=25 * MINUTE))), HOUR)
    assert (track(about).exhausted, about.assignees, about.due_at) == (True, ("ana",), NOW + 75 * MINUTE)
    assert voted(about, "ana").state is State.APPROVED


def test_advice_is_waited_for_no_longer_than_it_may_take() -> None:
    """Meanwhile nobody is asked; at the latest moment everybody is, and their clocks begin there."""
    way = route(stage(step("ana", wait=HOUR), step("lea")), advisors=("checker",), advice_within=10 * MINUTE)
    about = request(way=way)
    assert (about.assignees, about.due_at) == ((), NOW + 10 * MINUTE)
    late = woken(about, 10 * MINUTE)
    assert (late.assignees, late.due_at) == (("ana",), NOW + 70 * MINUTE)
    spoken = lifecycle.advise(about, about, assessment(about), NOW + MINUTE)
    assert (spoken.assignees, spoken.due_at, spoken.votes) == (("ana",), NOW + 61 * MINUTE, ())


def test_an_edit_starts_the_clocks_of_what_it_opens_again() -> None:
    """A stage that was full waits for people anew, not since the day when it was first asked."""
    both = together(stage(step("ana", wait=HOUR), step("kim")), stage(step("ben"), name="legal"))
    about = woken(voted(request(*both), "ana"), 5 * HOUR)
    later = NOW + 5 * HOUR
    after = replace(about, content=content(2, {"amount": 1.0}, proposed={"amount": 240.0}))
    told = decision(about, "ben", Verb.APPROVE_WITH_EDITS, revision=2, digest=after.digest)
    edited = lifecycle.edit(about, after, told, later)
    assert edited.assignees == ("ana",)
    assert edited.due_at == later + HOUR


def test_an_edit_forgets_nobody_who_may_vote_again() -> None:
    """Who voted in the first stage is not asked in the second; after an edit somebody else may, and then they are."""
    second = stage(step("ana", "ben", "lea"), name="legal", approvals=2)
    about = voted(request(stage(step("ana", "ben")), second), "ana")
    assert about.assignees == ("ben", "lea")
    after = replace(about, content=content(2, {"amount": 1.0}, proposed={"amount": 240.0}))
    after = replace(after, route=tightened(about.route, about.route))
    told = decision(about, "lea", Verb.APPROVE_WITH_EDITS, revision=2, digest=after.digest)
    again = voted(lifecycle.edit(about, after, told, NOW), "ben")
    assert again.assignees == ("ana", "lea")
    assert voted(again, "ana", "lea").state is State.APPROVED_WITH_EDITS


def test_a_fallback_gives_way_again_where_its_step_can_ask() -> None:
    """Asked instead of Ana, who had voted; after an edit that cleared her vote it is she who is asked."""
    instead = Step(notify=("ana",), people=(), seats=(Seat("ana", "ana"),), fallback=("lea",))
    about = voted(request(stage(step("ana", "ben")), stage(instead, name="legal")), "ana")
    assert about.assignees == ("lea",)
    after = replace(about, content=content(2, {"amount": 1.0}, proposed={"amount": 240.0}))
    told = decision(about, "lea", Verb.APPROVE_WITH_EDITS, revision=2, digest=after.digest)
    assert voted(lifecycle.edit(about, after, told, NOW), "ben").assignees == ("ana",)


def test_advice_that_makes_a_full_stage_ask_for_more_is_heard() -> None:
    """Its approvals are asked for after those under way; nothing is approved on fewer votes than its route takes."""
    about = voted(request(stage(step("ana", "ben", "kim")), stage(step("lea"), name="legal")), "ana")
    more = route(stage(step("ana", "ben", "kim"), approvals=2), stage(step("lea"), name="legal"))
    way = tightened(about.route, more)
    advised = lifecycle.advise(about, replace(about, route=way), assessment(about), NOW)
    assert (advised.assignees, [v.by for v in advised.votes]) == (("lea",), ["ana"])
    back = voted(advised, "lea")
    assert (back.state, back.assignees) == (State.PENDING, ("ana", "ben", "kim"))
    done = voted(back, "kim")
    assert (done.state, consented(done)) == (State.APPROVED, True)


def test_advice_that_asks_for_distinct_groups_asks_by_name_from_then_on() -> None:
    """Votes given before without a name count as of one group, and the chain is asked from its first step."""
    about = voted(request(stage(step("ana", "ben", wait=HOUR), step("kim"), approvals=2)), "ana")
    by_name = stage(grouped(finance=("ana", "ben"), legal=("lea",)), approvals=2, distinct_groups=True)
    late = woken(about, HOUR)
    way = tightened(late.route, route(by_name))
    advised = lifecycle.advise(late, replace(late, route=way), assessment(late), NOW + HOUR)
    assert set(advised.assignees) == {"ben", "lea"}
    assert (advised.given(0), voted(advised, "lea").state) == (1, State.APPROVED)


def test_an_opinion_that_blocks_ends_it() -> None:
    """As the rules say about what advisors think; no vote softens it."""
    about = voted(request(stage(step("ana", "ben"), approvals=2)), "ana")
    blocked = lifecycle.advise(about, replace(about, route=route(then=Then.BLOCK)), assessment(about), NOW)
    assert (blocked.state, blocked.due_at, blocked.assignees) == (State.BLOCKED, None, ())
    assert (blocked.stage_plan, blocked.asked(track(blocked))) == (about.route.stages[0], ("ana", "ben"))


def test_breaking_the_glass_says_so_for_ever() -> None:
    """It approves past the review, whatever was missing, and is consent by its own mark alone."""
    about = request(stage(step("ana", "ben"), approvals=2))
    broken = lifecycle.break_glass(about, decision(about, "lea"), NOW)
    assert (broken.state, broken.decisions[-1].broke_glass, consented(broken)) == (State.APPROVED, True, True)
    unmarked = replace(broken, decisions=(replace(broken.decisions[-1], broke_glass=False),))
    assert not consented(unmarked)
