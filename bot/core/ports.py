"""The seams: what the desk needs of a store, a channel, a clock and a replayer. Shapes only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, TypeVar

from msgspec import Struct

from bot.core.card import Card
from bot.core.forms import Field
from bot.core.model import Decision, Delivery, Event, Execution, Key, Person, Request, State, Verb
from bot.core.policy import Execute

T = TypeVar("T")


class EffectKind(StrEnum):
    """What the courier has to do because a committed row says so."""

    CARD = "card"
    REFRESH = "refresh"
    REMIND = "remind"
    WEBHOOK = "webhook"


class Effect(Struct, frozen=True, kw_only=True):
    """One thing to do outside, a row until it is done; ``ref`` is the delivery, or the event type of a webhook.

    Replays have no effect of their own: the execution's row is what says that one is to run.
    """

    id: str
    kind: EffectKind
    request: str
    ref: str
    due_at: datetime
    attempts: int = 0
    note: str = ""


class Change(Struct, frozen=True, kw_only=True):
    """One step of one request, as rows and audit line together.

    ``before`` None creates the request; both None where only an execution, a delivery or nothing of a request
    changes. The store writes ``after`` only where the row still equals ``before`` in (state, revision, stage, step,
    remind_at, due_at, exhausted), and an execution only where it still has ``execution_before``'s state and attempts.
    """

    event: Event
    before: Request | None = None
    after: Request | None = None
    decision: Decision | None = None
    execution_before: Execution | None = None
    execution: Execution | None = None
    deliveries: tuple[Delivery, ...] = ()
    effects: tuple[Effect, ...] = ()
    done: tuple[str, ...] = ()


class Overtaken(Exception):
    """The row is no longer what it was when it was read: somebody else's change came first."""


class Session(Struct, frozen=True, kw_only=True):
    """One signed-in browser; ``id`` is the SHA-256 of its cookie."""

    id: str
    person: str
    created_at: datetime
    expires_at: datetime


class Link(Struct, frozen=True, kw_only=True):
    """A one-time sign-in link; ``hash`` is the SHA-256 of its token."""

    hash: str
    person: str
    expires_at: datetime


class Filter(Struct, frozen=True, kw_only=True):
    """Which requests to list, newest first; None does not narrow. ``cursor`` is the last id of the page before."""

    states: tuple[State, ...] | None = None
    agent: str | None = None
    action: str | None = None
    reviewer: str | None = None
    batch: str | None = None
    escalated: bool | None = None
    cursor: str | None = None
    limit: int = 50


class Tx(Protocol):
    """One unit of work inside a write transaction; everything in it is seen by itself and lost together."""

    def request(self, request_id: str) -> Request | None:
        """The whole request: revision, decisions of every revision oldest first, newest execution."""

    def record(self, change: Change) -> None:
        """Write the change and its audit line; raises `Overtaken` where ``before`` no longer holds."""

    def remembered(self, agent: str, key: str) -> tuple[str, str] | None:
        """(request id, body hash) under an idempotency key of this agent."""

    def remember(self, agent: str, key: str, body_hash: str, request_id: str, at: datetime) -> None:
        """Bind an idempotency key to a request."""

    def due(self, now: datetime, limit: int) -> tuple[str, ...]:
        """Ids of open requests whose ``due_at`` has come, earliest first (a partial index answers)."""

    def count_open(self, agent: str) -> int:
        """How many of the agent's requests are open."""

    def count_since(self, agent: str, since: datetime) -> int:
        """How many requests the agent submitted since."""

    def deliveries(self, request_id: str) -> tuple[Delivery, ...]:
        """The request's deliveries, oldest first."""

    def execution(self, execution_id: str) -> Execution | None:
        """One execution."""

    def unfinished(self) -> tuple[Execution, ...]:
        """Every execution in state ``waiting`` or ``executing``, oldest first."""

    def effects(self) -> tuple[Effect, ...]:
        """Every effect still to be done, earliest due first."""

    def postpone(self, effect: Effect) -> None:
        """Write an effect's new due time, attempts and note."""

    def finish(self, effect_ids: Sequence[str]) -> None:
        """Forget effects that are done."""

    def paused(self) -> bool:
        """Whether all replays are stopped."""

    def pause(self, *, on: bool, event: Event) -> None:
        """Stop or allow all replays, with its audit line."""

    def append(self, event: Event) -> None:
        """An audit line of its own, for what changes no request (a refusal, a key, a configuration)."""

    def add_key(self, key: Key, event: Event) -> None:
        """Store a new key."""

    def revoke_key(self, key_id: str, at: datetime, event: Event) -> bool:
        """Revoke a key; False where there is none in force."""

    def add_link(self, link: Link) -> None:
        """Store a one-time link."""

    def take_link(self, link_hash: str, now: datetime) -> str | None:
        """Use a link up: its person, once, while it is in force."""

    def add_session(self, session: Session) -> None:
        """Store a session."""

    def end_session(self, session_id: str) -> None:
        """Forget a session."""


class AuditLine(Struct, frozen=True, kw_only=True):
    """One stored audit event. ``hash`` = SHA-256 hex over ``previous`` (hex, ASCII) followed by ``body`` (UTF-8)."""

    seq: int
    previous: str
    hash: str
    body: str


class Store(Protocol):
    """Durable rows. Writes gather behind one writer, each answered after its own commit; reads never wait for it."""

    async def write(self, work: Callable[[Tx], T]) -> T:
        """Run ``work`` in a committed transaction; it may be run again from scratch, so it must not act outside.

        Raises what ``work`` raises (nothing of it is kept then), and `bot.core.errors.Unavailable` where the store
        cannot be written (full, locked, read-only).
        """

    async def request(self, request_id: str) -> Request | None:
        """As `Tx.request`, outside any write."""

    async def requests(self, query: Filter) -> tuple[Request, ...]:
        """A page of requests, newest first."""

    async def deliveries(self, request_id: str) -> tuple[Delivery, ...]:
        """As `Tx.deliveries`."""

    async def delivery_at(self, channel: str, place: Mapping[str, str]) -> Delivery | None:
        """The delivery whose handle holds these entries (a card's channel and ``ts``)."""

    async def audit(self, request_id: str) -> tuple[AuditLine, ...]:
        """A request's audit lines, oldest first."""

    async def audit_lines(self, after: int, limit: int) -> tuple[AuditLine, ...]:
        """All audit lines after a sequence number, oldest first."""

    async def audit_head(self) -> tuple[int, str]:
        """Number and hash of the newest audit line, as kept beside the trail; (0, 64 zeros) before the first."""

    async def next_due(self) -> datetime | None:
        """When the earliest open request is due."""

    async def key(self, key_hash: str) -> Key | None:
        """The key in force with this hash."""

    async def keys(self) -> tuple[Key, ...]:
        """Every key, oldest first."""

    async def link_person(self, link_hash: str, now: datetime) -> str | None:
        """Whose one-time link this is, while it is in force; it is not used up."""

    async def session(self, session_id: str, now: datetime) -> Session | None:
        """The session, while it is in force."""

    async def paused(self) -> bool:
        """Whether all replays are stopped."""

    async def writable(self) -> bool:
        """Whether a write would succeed now."""

    async def close(self) -> None:
        """Finish what was taken and release everything."""


class Clock(Protocol):
    """The time, as an argument."""

    def now(self) -> datetime:
        """Now, aware, UTC."""


class Place(Struct, frozen=True):
    """Where a channel reaches somebody: the channel's own address, and whose it is (None: a shared place)."""

    to: str
    person: str | None


class Channel(Protocol):
    """One way to reach people. It renders cards and sends them; it decides nothing."""

    name: str

    def place(self, person: Person) -> Place | None:
        """Where this channel reaches the person, or None. Pure."""

    async def send(self, card: Card, delivery: Delivery) -> dict[str, Any]:
        """Send the card; the handle with which it can be updated. Raises `bot.core.errors.SendFailed`."""

    async def update(self, card: Card, delivery: Delivery) -> None:
        """Bring a sent card up to date. Raises `SendFailed`."""

    async def remind(self, card: Card, delivery: Delivery, note: str) -> None:
        """Say ``note`` where the card stands (in its thread). Raises `SendFailed`."""

    async def start(self) -> None:
        """Connect; returns once connected or once the first attempt failed and retries go on by themselves."""

    async def stop(self) -> None:
        """Disconnect."""

    async def fault(self) -> str | None:
        """What is wrong right now, in one line, or None."""


class Ballot(Struct, frozen=True, kw_only=True):
    """What a reviewer's click, form or reply says, authenticated and parsed by its channel.

    ``by`` is a person's id. ``revision`` and ``digest`` are what that person was shown; ``fully_shown`` whether
    all of it was. ``arguments`` are the edited arguments whole. ``answer`` is for questions and choices.
    """

    request: str
    decision: Verb
    by: str
    channel: str
    revision: int
    digest: str
    fully_shown: bool = True
    arguments: dict[str, Any] | None = None
    comment: str | None = None
    category: str | None = None
    answer: str | None = None


class Reviews(Protocol):
    """What a channel may ask of the house when somebody acts in it."""

    async def decide(self, ballot: Ballot) -> Request:
        """Decide; raises a `bot.core.errors.SaysoError` whose ``detail`` can be said to the person."""

    async def request(self, request_id: str) -> Request | None:
        """The request as it stands."""

    async def card(self, request_id: str) -> Card | None:
        """Its card as it stands."""

    async def queue(self, person: str) -> tuple[Card, ...]:
        """The cards that wait for this person, soonest deadline first."""

    async def refused(self, *, request_id: str | None, actor: str, via: str, reason: str) -> None:
        """Record that somebody was refused (who, through what, why)."""

    async def delivery_at(self, channel: str, place: Mapping[str, str]) -> Delivery | None:
        """Which card stands at this place."""

    def person(self, person_id: str) -> Person | None:
        """A person by id."""

    def person_by_slack(self, user: str) -> Person | None:
        """A person by Slack user id."""

    def fields(self, request: Request) -> tuple[Field, ...]:
        """The form for editing this request's arguments."""


class OutcomeKind(StrEnum):
    """How one attempt at an approved action ended."""

    EXECUTED = "executed"
    FAILED = "failed"
    NOT_STARTED = "not_started"
    UNKNOWN = "unknown"


class Outcome(Struct, frozen=True, kw_only=True):
    """The end of one attempt: ``not_started`` means that nothing can have happened, ``unknown`` that it may have."""

    kind: OutcomeKind
    result: Any = None
    error: str | None = None


class Order(Struct, frozen=True, kw_only=True):
    """One approved action, ready to run; ``execution`` is the idempotency key, ``attempt`` counts from 1."""

    execution: str
    request: str
    revision: int
    digest: str
    agent: str
    action: str
    arguments: dict[str, Any]
    approved_by: tuple[str, ...]
    how: Execute
    attempt: int


class Replayer(Protocol):
    """Runs approved actions."""

    async def run(self, order: Order) -> Outcome:
        """Make one attempt; never raises for what the target does."""
