"""A request and all that becomes of it: decisions, cards, the one run."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct

from bot.core.model.content import Edit, Revision
from bot.core.model.routes import Route, Stage
from bot.core.model.states import DeliveryState, ExecutionState, Kind, Risk, State, Verb


class Decision(Struct, frozen=True, kw_only=True):
    """What one person decided, on which revision, having been shown which digest, through which channel."""

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


class Execution(Struct, frozen=True, kw_only=True):
    """The one run of one approved revision. ``id`` is also its idempotency key.

    ``due_at`` is when it may start (the end of the undo window, or the next attempt) or, once handed to the agent,
    when a missing outcome becomes ``unknown``. ``idempotent`` and ``attempts_allowed`` are as declared when approved.
    ``may_have_run``: an attempt ended without an answer, so that only success may still settle it by itself.
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

    ``stage`` and ``step`` index into ``route.stages`` and its steps; every step up to ``step`` is being asked.
    ``step_at`` is when the newest step was due, which the next one counts from, so a late tick shifts nothing.
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
    stage: int = 0
    step: int = 0
    step_at: datetime | None = None
    remind_at: datetime | None = None
    due_at: datetime | None = None
    exhausted: bool = False
    escalation_level: int = 0
    batch: str | None = None
    revises: str | None = None
    decided_at: datetime | None = None
    answer: str | None = None
    decisions: tuple[Decision, ...] = ()
    execution: Execution | None = None

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
        return tuple(d for d in self.decisions if d.decision.is_vote and d.revision == self.content.number)

    @property
    def stage_plan(self) -> Stage | None:
        """The stage being asked, or None where the rules asked nobody."""
        return self.route.stages[self.stage] if self.stage < len(self.route.stages) else None

    @property
    def assignees(self) -> tuple[str, ...]:
        """Who may decide now: the people of every step asked so far, in the order they were asked."""
        plan = self.stage_plan
        if plan is None or not self.state.open:
            return ()
        return tuple(dict.fromkeys(p for step in plan.steps[: self.step + 1] for p in step.people))
