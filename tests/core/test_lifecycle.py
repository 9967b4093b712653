"""What may happen to a request, transition by transition; the storm of them is in test_lifecycle_machine.py."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from bot.core import errors, lifecycle
from bot.core.model import Assessment, Opinion, Request, State, Then, Verb
from bot.core.transitions import HAPPENING_OF, TRANSITIONS, Happening, check
from tests.core.requests import HOUR, MINUTE, NOW, ballot, content, decision, request, route, stage, step, track

ENDED = [state for state in State if not state.open]


def in_state(state: State) -> Request:
    """A request of two steps that stands in this state, decided by nobody."""
    found = request(stage(step("ana", wait=HOUR), step("lea")))
    return replace(found, state=state, decided_at=None if state.open else NOW)


def assessment(about: Request, **more: Any) -> Assessment:
    """What an advisor says of a request as it stands."""
    said: dict[str, Any] = {"by": "checker", "opinion": Opinion.DOUBT, "revision": about.revision}
    return Assessment(id="adv_1", request=about.id, at=NOW, **(said | more))


def happen(about: Request, happening: Happening) -> object:
    """Let it happen, whatever the state."""
    told = decision(about)
    calls: dict[Happening, Any] = {
        Happening.APPROVE: lambda: lifecycle.approve(about, told, NOW),
        Happening.EDIT: lambda: lifecycle.edit(about, replace(about, content=content(2)), told, NOW),
        Happening.REJECT: lambda: lifecycle.reject(about, told, NOW),
        Happening.ASK: lambda: lifecycle.ask(about, told),
        Happening.INFORM: lambda: lifecycle.inform(about, replace(about, content=content(2)), NOW),
        Happening.ESCALATE: lambda: lifecycle.escalate(about, decision(about, verb=Verb.ESCALATE), NOW),
        Happening.ADVISE: lambda: lifecycle.advise(about, about, assessment(about), NOW),
        Happening.BREAK_GLASS: lambda: lifecycle.break_glass(about, told, NOW),
        Happening.CANCEL: lambda: lifecycle.cancel(about, NOW),
        Happening.UNDO: lambda: lifecycle.undo(about, replace(about, content=content(2)), NOW),
        Happening.EXPIRE: lambda: check(about, Happening.EXPIRE),
    }
    return calls[happening]()


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("happening", Happening)
def test_the_table_is_the_law(state: State, happening: Happening) -> None:
    """What the table holds may happen and ends where it says; every pair that it does not hold is refused."""
    about = in_state(state)
    allowed = TRANSITIONS.get((state, happening))
    if allowed is None:
        with pytest.raises(errors.Conflict):
            happen(about, happening)
        return
    after = happen(about, happening)
    assert after is None or (isinstance(after, Request) and after.state in allowed)


def test_nothing_leaves_an_ended_state() -> None:
    """No ended state stands in the table but to take an approval back, and waking one does nothing."""
    left = {(state, happening) for state, happening in TRANSITIONS if state in ENDED}
    assert left == {(state, Happening.UNDO) for state in (State.APPROVED, State.APPROVED_WITH_EDITS)}
    assert all(lifecycle.wake(replace(in_state(s), due_at=NOW), NOW + HOUR) is None for s in ENDED)


def test_every_verb_has_its_happening() -> None:
    """Whatever a person can decide is in the table's words."""
    assert set(HAPPENING_OF) == set(Verb)


@pytest.mark.parametrize(
    ("then", "state"), [(Then.APPROVE, State.APPROVED), (Then.BLOCK, State.BLOCKED), (Then.STAGES, State.PENDING)]
)
def test_a_request_begins_as_its_route_says(then: Then, state: State) -> None:
    """A rule approves or blocks at once, with nothing left to come due; stages wait for people."""
    begun = request(way=route(stage(step("ana", wait=HOUR)), then=then))
    assert begun.state is state
    assert (begun.due_at is None, begun.decided_at is None) == (not state.open, state.open)


REFUSALS: list[tuple[str, dict[str, Any], State, type[errors.SaysoError] | None]] = [
    ("the person asked", {}, State.PENDING, None),
    ("a stranger", {"by": "mallory"}, State.PENDING, errors.NotAssigned),
    ("somebody of a later step", {"by": "lea"}, State.PENDING, errors.NotAssigned),
    ("the agent's owner", {"by": "dan"}, State.PENDING, errors.SelfReview),
    ("an older revision", {"revision": 0}, State.PENDING, errors.Stale),
    ("another digest", {"digest": "sha256:0"}, State.PENDING, errors.Stale),
    ("a stranger with another digest", {"by": "mallory", "digest": ""}, State.PENDING, errors.NotAssigned),
    ("not all of it shown", {"fully_shown": False}, State.PENDING, errors.NotFullyShown),
    ("a question not yet answered", {}, State.NEEDS_INFO, errors.NeedsInfo),
    ("a question, from an older revision", {"revision": 0}, State.NEEDS_INFO, errors.NeedsInfo),
    ("decided", {}, State.APPROVED, errors.AlreadyDecided),
    ("decided, seen by a later step", {"by": "lea"}, State.REJECTED, errors.AlreadyDecided),
    ("decided, seen by a stranger", {"by": "mallory"}, State.APPROVED, errors.NotAssigned),
    ("expired", {}, State.EXPIRED, errors.Expired),
]


@pytest.mark.parametrize(("case", "changes", "state", "refused"), REFUSALS, ids=[r[0] for r in REFUSALS])
def test_t08_who_may_decide_and_why_not(
    case: str, changes: dict[str, Any], state: State, refused: type[errors.SaysoError] | None
) -> None:
    """Each reason to refuse, in its order: a stranger learns nothing but that, then time, state, content, votes."""
    del case
    way = route(stage(step("ana", "dan"), step("lea")), excluded=("dan",))
    about = replace(request(way=way), state=state, decided_at=None if state.open else NOW)
    if refused is None:
        lifecycle.authorise(about, ballot(about, **changes), NOW)
        return
    with pytest.raises(refused) as told:
        lifecycle.authorise(about, ballot(about, **changes), NOW)
    assert type(told.value) is refused


@pytest.mark.parametrize(("offset", "allowed"), [(-1, True), (0, False), (1, False)])
def test_t07_the_moment_of_expiry_is_too_late(offset: int, *, allowed: bool) -> None:
    """One millisecond before it a decision counts; at it and after it, it has expired, ticker or no ticker."""
    about = request(stage(step("ana")), expires=HOUR)
    at = about.expires_at + timedelta(milliseconds=offset)
    if allowed:
        lifecycle.authorise(about, ballot(about), at)
    else:
        with pytest.raises(errors.Expired):
            lifecycle.authorise(about, ballot(about), at)
    assert (lifecycle.wake(about, at) is None) == allowed


@pytest.mark.parametrize("verb", [Verb.REJECT, Verb.ASK, Verb.ESCALATE])
def test_what_is_not_fully_shown_can_still_be_stopped(verb: Verb) -> None:
    """Only an approval needs all of it in view."""
    about = request(stage(step("ana", wait=HOUR), step("lea")))
    lifecycle.authorise(about, ballot(about, verb=verb, fully_shown=False), NOW)
    with pytest.raises(errors.NotFullyShown):
        lifecycle.authorise(about, ballot(about, verb=Verb.APPROVE, fully_shown=False), NOW)


def test_one_vote_a_person() -> None:
    """Whoever approved this revision does not vote again, but may still ask or escalate."""
    about = request(stage(step("ana", "ben"), approvals=2))
    voted = lifecycle.approve(about, decision(about), NOW)
    for verb in (Verb.APPROVE, Verb.REJECT, Verb.APPROVE_WITH_EDITS):
        with pytest.raises(errors.AlreadyVoted):
            lifecycle.authorise(voted, ballot(voted, verb=verb), NOW)
    lifecycle.authorise(voted, ballot(voted, verb=Verb.ASK), NOW)


def test_stages_run_in_order() -> None:
    """The next stage is asked once the first is full, and the last one ends it; a half-full stage waits."""
    about = request(stage(step("ana", "ben"), approvals=2), stage(step("lea"), name="legal"))
    once = lifecycle.approve(about, decision(about, "ana"), NOW)
    assert (once.state, track(once).stage) == (State.PENDING, 0)
    twice = lifecycle.approve(once, decision(once, "ben"), NOW + MINUTE)
    assert (twice.state, track(twice).stage, twice.assignees) == (State.PENDING, 1, ("lea",))
    done = lifecycle.approve(twice, decision(twice, "lea"), NOW + HOUR)
    assert (done.state, done.decided_at, done.due_at) == (State.APPROVED, NOW + HOUR, None)
