"""The values the whole house speaks in: requests, revisions, decisions, deliveries, executions.

Every value is frozen. Times are aware UTC datetimes, durations are ``timedelta``, arguments are plain JSON
values (``dict``, ``list``, ``str``, ``int``, ``float``, ``bool``, ``None``) that already passed the intake's
limits. The words are those of the contract.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from msgspec import Struct

JSON = Any
"""A JSON value; kept as ``Any`` because a recursive alias buys nothing that the intake has not checked."""

Arguments = dict[str, Any]


class Kind(StrEnum):
    """What is asked of the person."""

    APPROVAL = "approval"
    QUESTION = "question"
    CHOICE = "choice"


class Risk(StrEnum):
    """How much harm a wrong approval can do; later members are stricter."""

    READ_ONLY = "read_only"
    REVERSIBLE = "reversible"
    IRREVERSIBLE = "irreversible"

    @property
    def rank(self) -> int:
        """0 for the mildest."""
        return tuple(Risk).index(self)


class State(StrEnum):
    """Where a request stands."""

    PENDING = "pending"
    NEEDS_INFO = "needs_info"
    APPROVED = "approved"
    APPROVED_WITH_EDITS = "approved_with_edits"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    BLOCKED = "blocked"

    @property
    def open(self) -> bool:
        """Whether a decision is still to come."""
        return self in (State.PENDING, State.NEEDS_INFO)

    @property
    def approved(self) -> bool:
        """Whether the action may run."""
        return self in (State.APPROVED, State.APPROVED_WITH_EDITS)


class Verb(StrEnum):
    """What a person decides."""

    APPROVE = "approve"
    APPROVE_WITH_EDITS = "approve_with_edits"
    REJECT = "reject"
    ASK = "ask"
    ESCALATE = "escalate"

    @property
    def is_vote(self) -> bool:
        """Votes count toward a stage, one a person; asking and escalating do not."""
        return self in (Verb.APPROVE, Verb.APPROVE_WITH_EDITS, Verb.REJECT)


class ExecutionState(StrEnum):
    """Where the replay of an approved action stands."""

    NONE = "none"
    WAITING = "waiting"
    EXECUTING = "executing"
    EXECUTED = "executed"
    FAILED = "failed"
    UNKNOWN = "unknown"
    ROLLING_BACK = "rolling_back"
    ROLLED_BACK = "rolled_back"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self not in (ExecutionState.WAITING, ExecutionState.EXECUTING, ExecutionState.ROLLING_BACK)


class DeliveryState(StrEnum):
    """Where one card on its way to one place stands."""

    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"
    SKIPPED = "skipped"


class Option(Struct, frozen=True, forbid_unknown_fields=True):
    """One of the alternatives of a ``choice``; its arguments are what runs."""

    id: str
    title: str
    arguments: Arguments


class Submission(Struct, frozen=True, kw_only=True):
    """What an agent posts, parsed once. ``risk``, ``confidence`` (0 to 1) and ``labels`` are the agent's claims."""

    action: str
    arguments: Arguments = {}
    reason: str | None = None
    confidence: float | None = None
    kind: Kind = Kind.APPROVAL
    risk: Risk | None = None
    labels: dict[str, Any] = {}
    on_behalf_of: str | None = None
    context: dict[str, Any] = {}
    options: tuple[Option, ...] = ()
    batch: str | None = None
    revises: str | None = None
    expires_in: timedelta | None = None


class Revision(Struct, frozen=True, kw_only=True):
    """A request's exact content, never changed once written.

    ``arguments`` are what would run; ``proposed`` are the agent's own where a person edited them.
    ``author`` is ``agent:<name>`` or ``person:<name>``. ``target`` is what the digest binds: a URL,
    ``module:name`` or ``agent``.
    """

    request: str
    number: int
    digest: str
    author: str
    created_at: datetime
    action: str
    arguments: Arguments
    target: str
    proposed: Arguments | None = None
    reason: str | None = None
    confidence: float | None = None
    labels: dict[str, Any] = {}
    context: dict[str, Any] = {}
    on_behalf_of: str | None = None
    options: tuple[Option, ...] = ()


class Step(Struct, frozen=True, kw_only=True):
    """One step of a chain as the request got it: whom (``people`` resolved, ``notify`` as written), how, how long.

    ``wait`` is how long before the next step is asked too (None: this step never gives way);
    ``remind`` is how often the asked are reminded while this step is the newest (None: never).
    """

    notify: tuple[str, ...]
    people: tuple[str, ...]
    via: tuple[str, ...] = ()
    wait: timedelta | None = None
    remind: timedelta | None = None


class Stage(Struct, frozen=True, kw_only=True):
    """One round of review: a chain of people and how many approvals it takes."""

    name: str
    chain: str
    steps: tuple[Step, ...]
    approvals: int = 1


class Then(StrEnum):
    """What the rules answer; later members are stricter."""

    APPROVE = "approve"
    STAGES = "stages"
    BLOCK = "block"

    @property
    def rank(self) -> int:
        """0 for the laxest."""
        return tuple(Then).index(self)


class OnExpiry(StrEnum):
    """What silence turns into; never an approval."""

    EXPIRE = "expire"
    REJECT = "reject"


class Route(Struct, frozen=True, kw_only=True):
    """What the rules answered for a request; the request keeps it whatever the file says later.

    ``rule`` is the rule's name (``default`` where none held), ``why`` the named reason. ``excluded`` are people who
    may not review this request; they are already absent from the steps. ``policy`` is the configuration's hash.
    """

    then: Then
    rule: str
    why: str
    stages: tuple[Stage, ...] = ()
    gate: float | None = None
    expires: timedelta = timedelta(hours=24)
    on_expiry: OnExpiry = OnExpiry.EXPIRE
    excluded: tuple[str, ...] = ()
    risk: Risk = Risk.IRREVERSIBLE
    warnings: tuple[str, ...] = ()
    policy: str = ""


class Edit(Struct, frozen=True):
    """One argument that a person changed; ``kind``: ``changed``, ``added``, ``removed`` (the missing side is None)."""

    pointer: str
    before: Any
    after: Any
    kind: str = "changed"


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


class Person(Struct, frozen=True, kw_only=True):
    """A reviewer as routing.yaml knows one."""

    id: str
    name: str
    email: str | None = None
    slack: str | None = None
    ntfy: str | None = None
    timezone: str = "UTC"


class Role(StrEnum):
    """What a key may do; a key carries exactly one role."""

    AGENT = "agent"
    REVIEWER = "reviewer"
    ADMIN = "admin"


class Key(Struct, frozen=True, kw_only=True):
    """An API key as stored: never the key itself, only its SHA-256."""

    id: str
    name: str
    role: Role
    hash: str
    created_at: datetime
    revoked_at: datetime | None = None


class Event(Struct, frozen=True, kw_only=True):
    """One line of the audit trail: who did what through what, and exactly what changed.

    ``data`` holds the change as the tables took it (``request`` columns, ``revision``, ``decision``, ``execution``,
    ``delivery``), so replaying events in order rebuilds the tables.
    """

    type: str
    at: datetime
    actor: str
    via: str
    request: str | None = None
    data: dict[str, Any] = {}
