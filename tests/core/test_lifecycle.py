"""What may happen to a request, transition by transition; the storm of them is in test_lifecycle_machine.py."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from bot.core import errors, lifecycle
from bot.core.lifecycle import Turn
from bot.core.model import Assessment, OnExpiry, Opinion, Request, State, Then, Verb
from bot.core.tracks import next_step_at
from bot.core.transitions import HAPPENING_OF, TRANSITIONS, Happening, check, refusal
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


def test_a_refusal_names_who_decided() -> None:
    """Late clicks learn the person and the time."""
    about = request(stage(step("ana", "ben")))
    gone = lifecycle.reject(about, decision(about, verb=Verb.REJECT), NOW)
    told = refusal(gone)
    assert told.extra["decided_by"] == "ana"
    assert "rejected by ana at 2026-03-02 09:00:00 UTC" in told.detail


@pytest.mark.parametrize("ending", ["cancelled", "rejected by silence"])
def test_a_refusal_blames_nobody_who_did_not_end_it(ending: str) -> None:
    """After one of two approvals the agent withdraws it, or nobody else answers: that was not the first approver."""
    way = route(stage(step("ana", "ben"), approvals=2), on_expiry=OnExpiry.REJECT)
    about = request(way=way)
    voted = lifecycle.approve(about, decision(about), NOW)
    if ending == "cancelled":
        ended = lifecycle.cancel(voted, NOW + MINUTE)
    else:
        woken = lifecycle.wake(voted, voted.expires_at)
        assert woken is not None
        ended = woken.request
    told = refusal(ended)
    assert "ana" not in told.detail
    assert "decided_by" not in told.extra


def test_a_time_that_nobody_knows_is_said_so() -> None:
    """A decided request without a time of decision is refused all the same."""
    assert "an unknown time" in refusal(replace(in_state(State.APPROVED), decided_at=None)).detail


def edited(about: Request, *stages: Any) -> Request:
    """The request with its second revision, on a route through these stages (by default its own)."""
    way = replace(about.route, stages=stages) if stages else about.route
    return replace(about, content=content(2, {"amount": 5.0}, proposed={"amount": 240.0}), route=way)


def edit_by(about: Request, by: str, after: Request) -> Request:
    """The edit as a decision of this person."""
    told = decision(about, by, Verb.APPROVE_WITH_EDITS, revision=2, digest=after.digest)
    return lifecycle.edit(about, after, told, NOW)


def test_an_edit_decides_at_once_where_one_approval_was_needed() -> None:
    """One approval, no other vote: approved with edits, by a vote on the new revision's digest."""
    about = request(stage(step("ana")))
    done = edit_by(about, "ana", edited(about))
    assert done.state is State.APPROVED_WITH_EDITS
    assert [(v.by, v.digest) for v in done.votes] == [("ana", done.digest)]


def test_an_edit_clears_the_other_votes() -> None:
    """Where two were needed the editor's approval counts on the new revision, and the earlier vote no longer does."""
    about = request(stage(step("ana", "ben", "lea"), approvals=2))
    voted = lifecycle.approve(about, decision(about, "ben"), NOW)
    after = edit_by(voted, "ana", edited(voted))
    assert (after.state, [v.by for v in after.votes]) == (State.PENDING, ["ana"])
    done = lifecycle.approve(after, decision(after, "ben"), NOW)
    assert done.state is State.APPROVED_WITH_EDITS


def test_an_edit_in_a_later_stage_starts_over() -> None:
    """The new revision begins at the first stage; an editor who is not asked there has not approved it there."""
    about = request(stage(step("ana")), stage(step("lea"), name="legal"))
    second = lifecycle.approve(about, decision(about, "ana"), NOW)
    after = edit_by(second, "lea", edited(second))
    assert (after.state, track(after).stage, after.votes) == (State.PENDING, 0, ())
    assert after.decisions[-1].decision is Verb.APPROVE_WITH_EDITS
    again = lifecycle.approve(after, decision(after, "ana"), NOW)
    done = lifecycle.approve(again, decision(again, "lea"), NOW)
    assert done.state is State.APPROVED_WITH_EDITS


def test_an_edit_onto_a_stricter_route_asks_what_that_asks() -> None:
    """A stage that the new content needs is asked, the editor's approval of the first one counting."""
    about = request(stage(step("ana")))
    after = edit_by(about, "ana", edited(about, *about.route.stages, stage(step("lea"), name="legal")))
    assert (after.state, track(after).stage, after.assignees) == (State.PENDING, 1, ("lea",))


def test_an_edit_never_counts_for_somebody_the_new_route_bars() -> None:
    """An editor whom the stricter route takes out of the steps has proposed, not approved."""
    about = request(stage(step("dan", "ana")))
    after = edit_by(about, "dan", edited(about, stage(step("ana"))))
    assert (after.state, after.votes, after.assignees) == (State.PENDING, (), ("ana",))


def test_asking_stops_the_clocks_but_not_expiry() -> None:
    """While the agent owes an answer nobody is reminded and nothing escalates."""
    about = request(stage(step("ana", wait=HOUR, remind=MINUTE), step("lea")))
    asked = lifecycle.ask(about, decision(about, verb=Verb.ASK))
    assert (asked.state, asked.due_at) == (State.NEEDS_INFO, about.expires_at)
    assert lifecycle.wake(asked, NOW + 5 * HOUR) is None
    assert next_step_at(asked) is None
    assert lifecycle.move_on(asked, 0, NOW) is None
    woken = lifecycle.wake(asked, about.expires_at)
    assert woken is not None
    assert woken.request.state is State.EXPIRED


def test_an_answer_asks_the_same_people_again_with_clocks_anew() -> None:
    """The next revision goes to whoever was asked, escalated people among them; votes are cleared."""
    about = request(stage(step("ana", wait=HOUR), step("lea", wait=HOUR), step("eva"), approvals=2))
    moved = lifecycle.escalate(about, decision(about, verb=Verb.ESCALATE), NOW)
    asked = lifecycle.ask(moved, decision(moved, "lea", Verb.ASK))
    later = NOW + 3 * HOUR
    after = lifecycle.inform(asked, replace(asked, content=content(2)), later)
    assert (after.state, after.assignees, track(after).step_at) == (State.PENDING, ("ana", "lea"), later)
    assert after.due_at == later + HOUR


@pytest.mark.parametrize("change", ["the route changed", "a later stage asked"])
def test_an_answer_starts_over_where_it_must(change: str) -> None:
    """On another route, or out of a later stage, the new revision begins at the first stage."""
    about = request(stage(step("ana")), stage(step("lea"), name="legal"))
    if change == "a later stage asked":
        about = lifecycle.approve(about, decision(about, "ana"), NOW)
    asked = lifecycle.ask(about, decision(about, "lea", Verb.ASK))
    stages = asked.route.stages if track(about).stage else (*asked.route.stages, stage(step("eva"), name="more"))
    informed = replace(asked, content=content(2), route=replace(asked.route, stages=stages))
    after = lifecycle.inform(asked, informed, NOW)
    assert (track(after).stage, track(after).step, after.assignees) == (0, 0, ("ana",))


def test_escalating_asks_the_next_step_now() -> None:
    """The level rises, earlier people may still decide, the new step's clock starts; at the end it is refused."""
    about = request(stage(step("ana", wait=HOUR), step("lea", wait=HOUR)))
    after = lifecycle.escalate(about, decision(about, verb=Verb.ESCALATE), NOW + MINUTE)
    assert (track(after).step, after.escalation_level, after.assignees) == (1, 1, ("ana", "lea"))
    assert after.due_at == NOW + MINUTE + HOUR
    with pytest.raises(errors.ChainEnded):
        lifecycle.escalate(after, decision(after, verb=Verb.ESCALATE), NOW)
    assert lifecycle.move_on(after, 0, NOW) is None


def test_a_step_that_reaches_nobody_new_is_passed_over() -> None:
    """Empty steps and steps that repeat people through the same channels wait for nothing."""
    first = step("ana", wait=HOUR, via=["slack"])
    about = request(stage(first, step(wait=HOUR), step("ana", wait=HOUR, via=["slack"]), step("lea", via=["slack"])))
    moved = lifecycle.move_on(about, 0, NOW)
    assert moved is not None
    assert (track(moved).step, moved.escalation_level) == (3, 1)


@pytest.mark.parametrize(
    ("first", "second", "follows"),
    [
        ((), (), False),
        ((), ("email",), False),
        (("slack",), ("email",), True),
        (("slack",), ("slack", "email"), True),
        (("slack",), (), True),
        (("slack", "email"), ("email",), False),
    ],
)
def test_the_same_person_through_another_channel_is_a_step(first: Any, second: Any, *, follows: bool) -> None:
    """A step asks its people through its channels: paging whoever missed the message is no repetition."""
    about = request(stage(step("ana", via=first, wait=HOUR), step("ana", via=second)))
    assert (lifecycle.move_on(about, 0, NOW) is not None) == follows


def test_a_chain_begins_where_somebody_is() -> None:
    """Steps emptied by exclusion are skipped without counting as escalations."""
    about = request(stage(step(wait=HOUR), step("lea", wait=HOUR)))
    assert (track(about).step, about.assignees, about.escalation_level) == (1, ("lea",), 0)


def test_t08_an_empty_chain_means_nobody() -> None:
    """Where everybody is excluded nobody may decide, nobody is reminded, and it expires."""
    about = request(stage(step(wait=HOUR), step(wait=HOUR, remind=MINUTE)))
    assert (about.assignees, track(about).remind_at) == ((), None)
    with pytest.raises(errors.NotAssigned):
        lifecycle.authorise(about, ballot(about), NOW)
    assert turns(about, about.expires_at) == [Turn.EXHAUSTED, Turn.EXPIRED]


def turns(about: Request, at: datetime) -> list[Turn]:
    """Everything that comes due by then."""
    found: list[Turn] = []
    while (woken := lifecycle.wake(about, at)) is not None:
        found.append(woken.turn)
        about = woken.request
    return found


def test_a_chain_walks_down_on_time() -> None:
    """Reminders while a step is the newest, then the next step, then the end of the chain, then expiry; no vote."""
    about = request(stage(step("ana", wait=HOUR, remind=25 * MINUTE), step("lea", wait=HOUR)))
    seen = []
    at = NOW
    while about.due_at is not None:
        assert lifecycle.wake(about, about.due_at - timedelta(microseconds=1)) is None
        at = about.due_at
        woken = lifecycle.wake(about, at)
        assert woken is not None
        about = woken.request
        seen.append((woken.turn, (at - NOW) // MINUTE))
    assert seen == [
        (Turn.REMIND, 25),
        (Turn.REMIND, 50),
        (Turn.NEXT_STEP, 60),
        (Turn.EXHAUSTED, 120),
        (Turn.EXPIRED, 24 * 60),
    ]
    assert about.votes == ()


def test_p07_after_downtime_each_step_once_in_order() -> None:
    """Six hours late: every step in order, each counted from when it was due, and one reminder for all missed ones."""
    steps = [step(name, wait=HOUR, remind=10 * MINUTE) for name in ("ana", "lea", "eva")]
    about = request(stage(*steps, step("dan", remind=10 * MINUTE)))
    late = NOW + 6 * HOUR + MINUTE
    assert turns(about, late) == [Turn.NEXT_STEP, Turn.NEXT_STEP, Turn.NEXT_STEP, Turn.REMIND]
    while (woken := lifecycle.wake(about, late)) is not None:
        about = woken.request
    assert (track(about).step_at, track(about).remind_at) == (NOW + 3 * HOUR, NOW + 6 * HOUR + 10 * MINUTE)
    assert about.due_at is not None
    assert about.due_at > late


def test_steps_due_before_expiry_are_still_told_in_order() -> None:
    """Downtime past expiry: what was due before it happened first; a step due at expiry itself does not."""
    about = request(stage(step("ana", wait=HOUR), step("lea", wait=HOUR), step("eva")), expires=2 * HOUR)
    assert turns(about, NOW + 9 * HOUR) == [Turn.NEXT_STEP, Turn.EXPIRED]


@pytest.mark.parametrize(("on_expiry", "state"), [(OnExpiry.EXPIRE, State.EXPIRED), (OnExpiry.REJECT, State.REJECTED)])
def test_silence_is_never_consent(on_expiry: OnExpiry, state: State) -> None:
    """What nobody decided expires or is rejected, as the rule says."""
    about = request(way=route(stage(step("ana")), on_expiry=on_expiry))
    woken = lifecycle.wake(about, about.expires_at + HOUR)
    assert woken is not None
    assert (woken.turn, woken.request.state, woken.request.due_at) == (Turn.EXPIRED, state, None)


def test_a_wake_that_finds_nothing_due_does_nothing() -> None:
    """Where the due time is older than anything that is due (it never should be), nothing happens."""
    about = replace(request(stage(step("ana"))), due_at=NOW)
    assert lifecycle.wake(about, NOW) is None
