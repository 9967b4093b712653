"""The lifecycle as a storm: everybody does anything at any time, and the laws hold after every step."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec.structs import replace

from bot.core import errors, lifecycle
from bot.core.consent import consented
from bot.core.edits import tightened
from bot.core.lifecycle import Turn
from bot.core.model import Assessment, Decision, Opinion, Request, Route, State, Then, Verb
from bot.core.transitions import HAPPENING_OF, TRANSITIONS
from tests.core.requests import HOUR, NOW, ballot, content, request
from tests.core.routes import BARRED, PEOPLE, routes

ANYBODY = (*PEOPLE, *BARRED, "mallory")
ROUTES = routes()
SHIFTS = st.sampled_from([timedelta(0), timedelta(milliseconds=1), timedelta(minutes=6), HOUR, 13 * HOUR])


class Lifecycle(RuleBasedStateMachine):
    """One request from beginning to end, decided only the way the desk does it."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.numbers = count(1)

    @initialize(way=ROUTES)
    def begin(self, way: Route) -> None:
        """The request begins."""
        self.request = request(way=way)
        self.ended: Request | None = None
        self.steps_taken = 0
        self.broken = False
        self._seen()

    def _seen(self) -> None:
        if not self.request.state.open and self.ended is None:
            self.ended = self.request

    @rule(
        by=st.sampled_from(ANYBODY),
        verb=st.sampled_from([*Verb, Verb.APPROVE, Verb.APPROVE]),
        age=st.sampled_from([0, 0, 0, 1]),
        other=st.sampled_from([False, False, False, True]),
        more=ROUTES,
    )
    def decide(self, by: str, verb: Verb, age: int, more: Route, *, other: bool) -> None:
        """Anybody decides anything, sometimes on what is no longer there."""
        before = self.request
        digest = "sha256:other" if other else before.digest
        vote = ballot(before, by, verb, revision=before.revision - age, digest=digest)
        try:
            lifecycle.authorise(before, vote, self.now)
            self.request = self._decided(verb, by, more)
        except errors.SaysoError:
            assert self.request is before
            return
        assert before.state.open
        assert by in before.assignees
        assert by not in before.route.excluded
        assert (age, other) == (0, False)
        assert self.now < before.expires_at
        assert (before.state, HAPPENING_OF[verb]) in TRANSITIONS
        self.steps_taken += verb is Verb.ESCALATE
        assert self.request.due_at is None or self.request.due_at >= self.now, "what was due before is left undone"
        self._seen()

    @precondition(lambda self: self.request.state is State.PENDING and self.request.assignees)
    @rule(pick=st.integers(0, 9), verb=st.sampled_from([*Verb, *[Verb.APPROVE] * 5]), more=ROUTES)
    def decide_as_asked(self, pick: int, verb: Verb, more: Route) -> None:
        """Somebody who is asked decides."""
        asked = self.request.assignees
        self.decide(asked[pick % len(asked)], verb, 0, more, other=False)

    def _decision(self, by: str, verb: Verb) -> Decision:
        known: dict[str, Any] = {"revision": self.request.revision, "digest": self.request.digest}
        known |= lifecycle.place_of(self.request, by)
        made: dict[str, Any] = {"id": f"dec_{next(self.numbers)}", "request": self.request.id, "channel": "slack"}
        return Decision(decision=verb, by=by, at=self.now, **made, **known)

    def _decided(self, verb: Verb, by: str, more: Route) -> Request:
        before = self.request
        told = self._decision(by, verb)
        if verb is Verb.APPROVE:
            return lifecycle.approve(before, told, self.now)
        if verb is Verb.REJECT:
            return lifecycle.reject(before, told, self.now)
        if verb is Verb.ASK:
            return lifecycle.ask(before, told)
        if verb is Verb.ESCALATE:
            return lifecycle.escalate(before, told, self.now)
        edited = self._revised(more, f"person:{by}")
        return lifecycle.edit(before, edited, replace(told, revision=edited.revision, digest=edited.digest), self.now)

    def _revised(self, more: Route, author: str) -> Request:
        """The next revision, on the old route or on one that asks more."""
        fresh = replace(more, then=Then.STAGES)
        number = self.request.revision + 1
        proposed = {"amount": 240.0} if author.startswith("person") else None
        revised = content(number, {"amount": float(number)}, author=author, proposed=proposed)
        old = self.request.route
        way = tightened(old, fresh if number % 2 else old)
        assert sum(s.approvals for s in way.stages) >= sum(s.approvals for s in old.stages)
        return replace(self.request, content=revised, route=way)

    @precondition(lambda self: self.request.state is State.NEEDS_INFO)
    @rule(more=ROUTES)
    def inform(self, more: Route) -> None:
        """The agent answers."""
        if self.now >= self.request.expires_at:
            return
        before = self.request
        self.request = lifecycle.inform(before, self._revised(more, "agent:billing"), self.now)
        assert self.request.votes == ()
        assert self.request.revision == before.revision + 1

    @precondition(lambda self: self.request.state.open)
    @rule(more=ROUTES, opinion=st.sampled_from(Opinion))
    def advise(self, more: Route, opinion: Opinion) -> None:
        """An advisor speaks; the route may become stricter for it."""
        if self.now >= self.request.expires_at:
            return
        before = self.request
        made: dict[str, Any] = {
            "id": f"adv_{next(self.numbers)}",
            "request": before.id,
            "by": "checker",
            "at": self.now,
        }
        said = Assessment(revision=before.revision, opinion=opinion, **made)
        way = tightened(before.route, more)
        self.request = lifecycle.advise(before, replace(before, route=way), said, self.now)
        assert self.request.votes == before.votes
        assert not self.request.state.approved
        self._seen()

    @precondition(lambda self: self.request.state.open)
    @rule(chance=st.integers(0, 9))
    def break_glass(self, chance: int) -> None:
        """Now and then somebody approves past the review."""
        if chance or self.now >= self.request.expires_at:
            return
        self.request = lifecycle.break_glass(self.request, self._decision("eva", Verb.APPROVE), self.now)
        assert self.request.state.approved
        self.broken = True
        self._seen()

    @precondition(lambda self: self.request.state.approved and self.request.votes)
    @rule()
    def undo(self) -> None:
        """Somebody takes their approval back before anything ran: the same content, and nobody has voted on it."""
        before = self.request
        made = {"author": "person:ana", "proposed": before.content.proposed}
        same = content(before.revision + 1, before.content.arguments, **made)
        self.request = lifecycle.undo(before, replace(before, content=same), self.now)
        assert self.request.state is State.PENDING
        assert self.request.votes == ()
        assert self.request.decisions == before.decisions
        assert self.request.tracks[0].stage == 0
        self.ended, self.broken = None, False

    @rule()
    def cancel(self) -> None:
        """The agent withdraws it."""
        try:
            self.request = lifecycle.cancel(self.request, self.now)
        except errors.Conflict:
            assert not self.request.state.open
        self._seen()

    @rule(by=SHIFTS)
    def time_passes(self, by: timedelta) -> None:
        """Time passes, and the desk is woken."""
        self.now += by
        while (woken := lifecycle.wake(self.request, self.now)) is not None:
            before, after = self.request, woken.request
            assert not after.state.approved
            assert after.votes == before.votes
            assert woken.turn in (Turn.EXHAUSTED, Turn.EXPIRED) or after.state is State.PENDING
            self._goes_on(before, after)
            self.steps_taken += woken.turn is Turn.NEXT_STEP
            self.request = after
        self._seen()
        due = self.request.due_at
        assert due is None or due > self.now

    def _goes_on(self, before: Request, after: Request) -> None:
        """Time leads forward in every stage: no step is counted from before the one it follows."""
        assert after.escalation_level >= before.escalation_level
        assert [track.stage for track in after.tracks] == [track.stage for track in before.tracks]
        for old, new in zip(before.tracks, after.tracks, strict=True):
            assert (new.round, new.step) >= (old.round, old.step)
            assert old.step_at is None or (new.step_at is not None and new.step_at >= old.step_at)

    @rule()
    def unreachable(self) -> None:
        """The newest step cannot be reached."""
        for track in self.request.open_tracks:
            moved = lifecycle.move_on(self.request, track.stage, self.now)
            self.steps_taken += moved is not None
            self.request = moved or self.request

    @invariant()
    def nothing_leaves_an_end(self) -> None:
        """Once ended it stays the very same, with one outcome."""
        if self.ended is not None:
            assert self.request is self.ended or self.request == self.ended

    @invariant()
    def open_requests_come_due_and_ended_ones_do_not(self) -> None:
        """Whatever is open will at least expire."""
        due = self.request.due_at
        assert (due is not None) == self.request.state.open
        assert due is None or due <= self.request.expires_at
        assert (self.request.decided_at is None) == self.request.state.open

    @invariant()
    def votes_belong_to_the_current_revision(self) -> None:
        """Each counts once, by a person who was not barred, on the digest that stands."""
        votes = self.request.votes
        assert all(v.digest == self.request.digest for v in votes)
        assert len({v.by for v in votes}) == len(votes)
        assert not {v.by for v in votes} & {*BARRED, "mallory"}

    @invariant()
    def an_approval_has_its_reason(self) -> None:
        """A rule approved it, or every stage holds as many approvals of this digest as it needs."""
        assert consented(self.request) == self.request.state.approved
        if not self.request.state.approved or self.request.route.then is Then.APPROVE:
            return
        for index, plan in enumerate(self.request.route.stages):
            given = [v for v in self.request.votes if v.stage == index and v.decision is not Verb.REJECT]
            assert len(given) >= plan.approvals or self.broken
        edited = self.request.content.proposed is not None
        assert self.request.state is (State.APPROVED_WITH_EDITS if edited else State.APPROVED)

    @invariant()
    def a_vote_counts_once(self) -> None:
        """All stages together hold no more approvals than people who gave one, and each stage no more than its own."""
        given = [self.request.given(index) for index in range(len(self.request.route.stages))]
        yes = [v for v in self.request.votes if v.decision is not Verb.REJECT]
        assert sum(given) <= len({v.by for v in yes})
        assert all(n <= len({v.by for v in yes if v.stage == index}) for index, n in enumerate(given))

    @invariant()
    def nobody_barred_is_asked(self) -> None:
        """Not by a seat, not as a delegate or a fallback; nor anybody in a second place after their vote."""
        assert not set(self.request.assignees) & {*BARRED}
        for track in self.request.open_tracks:
            elsewhere = {vote.by for vote in self.request.votes if vote.stage != track.stage}
            assert not elsewhere & set(self.request.asked(track))

    @invariant()
    def the_level_counts_the_steps(self) -> None:
        """Each step down the chain is one level, whoever or whatever took it."""
        assert self.request.escalation_level == self.steps_taken

    @invariant()
    def the_place_in_the_route_exists(self) -> None:
        """Stage and step stand for something, and whoever is asked stands in a step that was reached."""
        for track in self.request.tracks:
            assert 0 <= track.step < len(self.request.route.stages[track.stage].steps)
            assert 0 <= track.round <= self.request.route.stages[track.stage].repeat


Lifecycle.TestCase.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestLifecycle = Lifecycle.TestCase
TestLifecycle.__doc__ = "Hypothesis drives the machine above; the laws are its invariants. More in `make torture`."


@pytest.mark.torture
class TestLongLifecycle(Lifecycle.TestCase):  # type: ignore[misc,valid-type]  # a class that Hypothesis makes
    """The same for twenty times as long."""

    settings = settings(Lifecycle.TestCase.settings, max_examples=1_200)
