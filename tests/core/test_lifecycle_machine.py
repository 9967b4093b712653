"""The lifecycle as a storm: everybody does anything at any time, and the laws hold after every step."""

from __future__ import annotations

from datetime import timedelta
from itertools import count

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec.structs import replace

from bot.core import errors, lifecycle
from bot.core.consent import consented
from bot.core.edits import tightened
from bot.core.lifecycle import Turn
from bot.core.model import Decision, OnExpiry, Request, Route, Stage, State, Then, Verb
from bot.core.transitions import HAPPENING_OF, TRANSITIONS
from tests.core.requests import HOUR, NOW, ballot, content, request, route, stage, step

PEOPLE = ("ana", "ben", "lea", "mallory", "dan")
EXCLUDED = ("dan",)
SPANS = st.sampled_from([None, timedelta(minutes=7), HOUR, 5 * HOUR])
STEPS = st.builds(
    lambda people, wait, remind: step(*people, wait=wait, remind=remind),
    st.lists(st.sampled_from(("ana", "ben", "lea")), max_size=3, unique=True),
    SPANS,
    SPANS,
)
STAGES = st.builds(
    lambda steps, approvals, name: stage(*steps, name=name, approvals=approvals),
    st.lists(STEPS, min_size=1, max_size=3),
    st.integers(1, 3),
    st.sampled_from(("finance", "legal")),
)
ROUTES = st.builds(
    lambda stages, on_expiry, then: route(*stages, on_expiry=on_expiry, then=then, excluded=EXCLUDED),
    st.lists(STAGES, min_size=1, max_size=3),
    st.sampled_from(OnExpiry),
    st.sampled_from([Then.STAGES] * 8 + [Then.APPROVE, Then.BLOCK]),
)
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
        self._seen()

    def _seen(self) -> None:
        if not self.request.state.open and self.ended is None:
            self.ended = self.request

    @rule(
        by=st.sampled_from(PEOPLE), verb=st.sampled_from(Verb), age=st.integers(0, 1), other=st.booleans(), more=ROUTES
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
        self._seen()

    def _decided(self, verb: Verb, by: str, more: Route) -> Request:
        before = self.request
        plan = before.route.stages[before.stage]
        told = Decision(
            id=f"dec_{next(self.numbers)}",
            request=before.id,
            decision=verb,
            by=by,
            at=self.now,
            channel="slack",
            stage=before.stage,
            stage_name=plan.name,
            revision=before.revision,
            digest=before.digest,
        )
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
            assert not woken.request.state.approved
            assert woken.request.votes == self.request.votes
            self.steps_taken += woken.turn is Turn.NEXT_STEP
            self.request = woken.request
        self._seen()
        due = self.request.due_at
        assert due is None or due > self.now

    @rule()
    def unreachable(self) -> None:
        """The newest step cannot be reached."""
        if self.request.state.open:
            moved = lifecycle.move_on(self.request, self.now)
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
        assert not {v.by for v in votes} & {*EXCLUDED, "mallory"}

    @invariant()
    def an_approval_has_its_reason(self) -> None:
        """A rule approved it, or every stage holds as many approvals of this digest as it needs."""
        assert consented(self.request) == self.request.state.approved
        if not self.request.state.approved or self.request.route.then is Then.APPROVE:
            return
        for index, plan in enumerate(self.request.route.stages):
            given = [v for v in self.request.votes if v.stage == index and v.decision is not Verb.REJECT]
            assert len(given) >= plan.approvals
        edited = self.request.content.proposed is not None
        assert self.request.state is (State.APPROVED_WITH_EDITS if edited else State.APPROVED)

    @invariant()
    def the_level_counts_the_steps(self) -> None:
        """Each step down the chain is one level, whoever or whatever took it."""
        assert self.request.escalation_level == self.steps_taken

    @invariant()
    def the_place_in_the_route_exists(self) -> None:
        """Stage and step stand for something, and whoever is asked stands in a step that was reached."""
        plan: Stage | None = self.request.stage_plan
        assert plan is not None
        assert 0 <= self.request.step < len(plan.steps)


Lifecycle.TestCase.settings = settings(
    max_examples=150, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestLifecycle = Lifecycle.TestCase
TestLifecycle.__doc__ = "Hypothesis drives the machine above; the laws are its invariants."
