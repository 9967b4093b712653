"""A request and all that becomes of it: decisions, cards, the one run."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct

from bot.core.matching import matched
from bot.core.model.content import Edit, Revision
from bot.core.model.routes import Route, Stage, Step, Track
from bot.core.model.states import DeliveryState, ExecutionState, Kind, Opinion, Risk, Severity, State, Verb


class Decision(Struct, frozen=True, kw_only=True):
    """What one person decided, on which revision, having been shown which digest, through which channel.

    ``instead_of`` is for whom they stood in, ``names`` are the file's (groups, schedules) under which they were asked.
    ``broke_glass``: in an emergency, past the review that was due.
    """

    id: str
    request: str
    decision: Verb
    by: str
    at: datetime
    channel: str
    stage: int
    stage_name: str
    revision: int
    digest: str
    comment: str | None = None
    category: str | None = None
    edits: tuple[Edit, ...] = ()
    answer: str | None = None
    instead_of: str | None = None
    names: tuple[str, ...] = ()
    broke_glass: bool = False


class Assessment(Struct, frozen=True, kw_only=True):
    """What another agent thinks of a request; shown as that, never a vote."""

    id: str
    request: str
    by: str
    at: datetime
    revision: int
    opinion: Opinion
    note: str | None = None


class Incident(Struct, frozen=True, kw_only=True):
    """That what ran did harm; ``by`` is ``person:ana``, ``admin:<key>`` or ``agent:<name>``."""

    id: str
    severity: Severity
    note: str
    by: str
    at: datetime


class Execution(Struct, frozen=True, kw_only=True):
    """The one run of one approved revision. ``id`` is also its idempotency key.

    ``due_at`` is when it may start (the end of the undo window, or the next attempt) or, once handed to the agent,
    when a missing outcome becomes ``unknown``. ``idempotent`` and ``attempts_allowed`` are as declared when approved.
    ``may_have_run``: an attempt ended without an answer, so that only success may still settle it by itself.
    ``rollback`` is the newest request that is to take it back, ``review`` the one that asks about it afterwards.
    ``was`` is what it was, executed or unknown, before its rollback began.
    """

    id: str
    request: str
    revision: int
    digest: str
    state: ExecutionState
    due_at: datetime | None
    attempts: int = 0
    attempts_allowed: int = 1
    idempotent: bool = False
    by_agent: bool = False
    may_have_run: bool = False
    result: Any = None
    error: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    incidents: tuple[Incident, ...] = ()
    rollback: str | None = None
    review: str | None = None
    was: ExecutionState | None = None


class Delivery(Struct, frozen=True, kw_only=True):
    """One card sent to one place through one channel.

    ``to`` is the channel's own address (a Slack channel or user id, a mail address); ``person`` who lives there
    (None for a shared place). ``handle`` is what the channel needs to find the card again, once sent.
    """

    id: str
    request: str
    channel: str
    to: str
    person: str | None
    stage: int
    step: int
    state: DeliveryState
    at: datetime
    revision: int = 1
    handle: dict[str, Any] | None = None
    error: str | None = None


class Request(Struct, frozen=True, kw_only=True):
    """One action put to people: where it stands, on which revision, by which route.

    ``tracks`` are the stages under way (more than one where they run together); they stay as they were once it ended.
    ``due_at`` is the next moment at which something happens by itself (None once ended).
    """

    id: str
    state: State
    kind: Kind
    agent: str
    action: str
    title: str
    risk: Risk
    route: Route
    content: Revision
    created_at: datetime
    expires_at: datetime
    tracks: tuple[Track, ...] = ()
    due_at: datetime | None = None
    escalation_level: int = 0
    batch: str | None = None
    revises: str | None = None
    decided_at: datetime | None = None
    answer: str | None = None
    decisions: tuple[Decision, ...] = ()
    execution: Execution | None = None
    advice: tuple[Assessment, ...] = ()

    @property
    def revision(self) -> int:
        """The number of the current revision."""
        return self.content.number

    @property
    def digest(self) -> str:
        """The digest of the current revision."""
        return self.content.digest

    @property
    def votes(self) -> tuple[Decision, ...]:
        """The votes that count now: this revision's, newest last."""
        if not self.decisions:
            return ()
        number = self.content.number
        return tuple([d for d in self.decisions if d.decision.is_vote and d.revision == number])

    @property
    def advice_missing(self) -> tuple[str, ...]:
        """The advisors who are asked and have not spoken of this revision; nobody once the request ended."""
        given = {advice.by for advice in self.advice if advice.revision == self.content.number}
        return tuple(name for name in self.route.advisors if name not in given) if self.state.open else ()

    @property
    def names_what_runs(self) -> bool:
        """Whether it is known what an approval would run: not of an answer, nor of a choice that nobody has made."""
        return self.kind.runs and (self.kind is not Kind.CHOICE or self.content.chosen is not None)

    def given(self, stage: int) -> int:
        """How many approvals a stage has now; where groups have to be distinct, as many as can each have one.

        A stricter route may bar somebody who voted already: that vote counts no more (`bot.core.consent` says so, too).
        Who broke the glass reviewed nothing.
        """
        if not self.decisions:
            return 0
        here = [v for v in self.votes if v.stage == stage and v.by not in self.route.excluded]
        approvals = [v for v in here if v.decision is not Verb.REJECT and not v.broke_glass]
        if not self.route.stages[stage].distinct_groups:
            return len(approvals)
        # Where a stage came to ask for distinct groups late, all votes without a name count as of one group.
        return matched([v.names or ("",) for v in approvals])

    def full(self, stage: int) -> bool:
        """Whether a stage has the approvals that it takes."""
        return self.given(stage) >= self.route.stages[stage].approvals

    @property
    def open_tracks(self) -> tuple[Track, ...]:
        """The stages that still wait for somebody, in order; none once the request ended."""
        if not self.state.open:
            return ()
        if not self.decisions:  # as most are, each time they are looked at
            tracks, stages = self.tracks, self.route.stages
            if len(tracks) == 1 and stages[tracks[0].stage].approvals > 0:
                return tracks
            return tuple([t for t in tracks if stages[t.stage].approvals > 0])
        return tuple([t for t in self.tracks if not self.full(t.stage)])

    @property
    def track(self) -> Track | None:
        """The stage that a single line speaks of: the first that waits, or where it ended; None where it had none."""
        tracks = self.open_tracks or self.tracks[-1:]
        return tracks[0] if tracks else None

    @property
    def stage_plan(self) -> Stage | None:
        """The stage of `track`."""
        return None if self.track is None else self.route.stages[self.track.stage]

    def reached(self, track: Track) -> tuple[Step, ...]:
        """The steps that a stage has come to, in order, without one that is still held."""
        steps = self.route.stages[track.stage].steps
        return steps if track.round else steps[: track.step + (track.held_until is None)]

    def asked(self, track: Track) -> tuple[str, ...]:
        """Whom a stage has asked so far, in that order; nobody of a step that is still held.

        Nor anybody who voted in another stage: one person never fills two.
        """
        if not self.decisions:
            known = self.route.stages[track.stage].people_up_to
            come_to = track.step + (track.held_until is None)
            # A row may say a step that its stage no longer has; then all were asked.
            return known[-1 if track.round or come_to >= len(known) else come_to]
        elsewhere = {vote.by for vote in self.votes if vote.stage != track.stage}
        return tuple(dict.fromkeys([p for step in self.reached(track) for p in step.people if p not in elsewhere]))

    @property
    def assignees(self) -> tuple[str, ...]:
        """Who may decide now: the people of every step asked so far, in the order they were asked."""
        tracks = self.open_tracks
        if len(tracks) == 1:  # nearly always, and asked of every request at every change
            return self.asked(tracks[0])
        return tuple(dict.fromkeys([p for track in tracks for p in self.asked(track)]))

    def waits_for(self, person: str) -> bool:
        """Whether this person may decide now and has not voted yet."""
        return person in self.assignees and all(vote.by != person for vote in self.votes)
