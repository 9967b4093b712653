"""The seam to the store: one transaction, and the durable rows around it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from bot.core.model import Delivery, Event, Execution, Key, Request
from bot.core.ports.insight import InsightStore, InsightTx
from bot.core.ports.letters import LetterStore, LetterTx
from bot.core.ports.replicas import ReplicaStore, ReplicaTx
from bot.core.ports.reports import ReportStore
from bot.core.ports.rows import (
    About,
    AccountEntry,
    Act,
    Alike,
    AuditLine,
    AuditQuery,
    Change,
    Effect,
    Filter,
    Link,
    Session,
    Stopped,
    Subscription,
    Wanted,
)
from bot.core.ports.standing import Census, Load, Standing
from bot.core.ports.trust import TrustStore, TrustTx

T = TypeVar("T")
DueRequest = tuple[Request, tuple[Delivery, ...]]


class Tx(LetterTx, ReplicaTx, TrustTx, InsightTx, Protocol):
    """One unit of work inside a write transaction; everything in it is seen by itself and lost together."""

    def request(self, request_id: str) -> Request | None:
        """The whole request: revision, decisions of every revision oldest first, newest execution."""

    def record(self, change: Change) -> None:
        """Write the change and its audit line; raises `Overtaken` where ``before`` no longer holds."""

    def record_all(self, changes: Sequence[Change]) -> None:
        """As `record` of each, in order; of many requests that move along their chains it costs less."""

    def remembered(self, agent: str, key: str) -> tuple[str, str] | None:
        """(request id, body hash) under an idempotency key of this agent."""

    def remember(self, agent: str, key: str, body_hash: str, request_id: str, at: datetime) -> None:
        """Bind an idempotency key to a request."""

    def due(self, now: datetime, limit: int) -> tuple[str, ...]:
        """Ids of open requests whose ``due_at`` has come, earliest first (a partial index answers)."""

    def due_whole(self, now: datetime, limit: int, but: Collection[str] = ()) -> Iterator[DueRequest]:
        """Up to ``limit`` of those requests, without those ``but``, as they stood when this was called.

        Each is as `request` gives it, and beside it its `deliveries`; it is read as it is taken, of those ``but`` no
        more than the id. Fails at one that cannot be read.
        """

    def count_open(self, agent: str) -> int:
        """How many of the agent's requests are open."""

    def count_since(self, agent: str, since: datetime) -> int:
        """How many requests the agent submitted since."""

    def count_practices(self, agent: str, since: datetime | None) -> int:
        """How many of `count_since` (None: of `count_open`) are declared practices, which the agent never asked for."""

    def owned(self, subject: str) -> tuple[str, ...]:
        """Ids of the requests that carry this subject's data and were not erased."""

    def subject_hash(self, subject: str) -> str:
        """What stands for a subject wherever it is written down."""

    def erase(self, subject: str, *, at: datetime, actor: str, via: str) -> int:
        """Destroy a subject's keys and write over all that its requests say, with their audit lines; how many.

        For good: nothing of it can be read again, by anybody, from this database.
        """

    def owes(self, effect_id: str) -> bool:
        """Whether an effect is still in the table: neither done, nor taken back by an erasure."""

    def spent(self, rule: str, key: str, since: datetime) -> tuple[int, int]:
        """How many entries an account has at or after ``since``, and the sum of their amounts in micro-units.

        Those of requests that were rejected, expired, cancelled or blocked do not count; those that still wait do.
        """

    def spend(self, entry: AccountEntry) -> None:
        """Add to an account, in the transaction that submits the request.

        What does not fit into 64 bits is kept as the most that does. Entries older than 400 days are forgotten.
        """

    def rejected(self, fingerprint: str, since: datetime) -> str | None:
        """Id of the newest request with this fingerprint that was rejected at or after ``since``."""

    def keep_rejection(self, fingerprint: str, request_id: str, at: datetime) -> None:
        """Keep that a request was rejected, to be found by its fingerprint; after 400 days it is forgotten."""

    def acts_on(self, person: str, action: str, most: int) -> tuple[Act, ...]:
        """What somebody decided of an action, newest first, without escalations: of their newest 500 decisions."""

    def votes_of(self, person: str, most: int) -> tuple[datetime, ...]:
        """When somebody voted, newest first."""

    def deliveries(self, request_id: str) -> tuple[Delivery, ...]:
        """The request's deliveries, oldest first."""

    def delivery(self, delivery_id: str) -> Delivery | None:
        """One delivery."""

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

    def paused(self, agent: str | None = None, action: str | None = None) -> bool:
        """Whether all replays are stopped; of an agent and an action, also whether either is by itself."""

    def stopped(self) -> Stopped:
        """Whose replays are stopped."""

    def pause(self, *, on: bool, event: Event, agent: str | None = None, action: str | None = None) -> None:
        """Stop or allow all replays, those of one agent, or those of one action, with its audit line."""

    def append(self, event: Event) -> None:
        """An audit line of its own, for what changes no request (a refusal, a key, a configuration)."""

    def add_key(self, key: Key, event: Event) -> None:
        """Store a new key."""

    def revoke_key(self, key_id: str, at: datetime, event: Event) -> bool:
        """Revoke a key; False where there is none in force."""

    def add_link(self, link: Link) -> None:
        """Store a one-time link."""

    def take_link(self, link_hash: str, now: datetime, browser: str | None = None) -> str | None:
        """Use a link up: its person, once, while it is in force.

        ``browser`` is the SHA-256 of what the browser holds that comes with it; a link that another asked for is left.
        """

    def add_session(self, session: Session) -> None:
        """Store a session."""

    def touch_session(self, session_id: str, at: datetime) -> None:
        """Write down when a session was last used."""

    def end_session(self, session_id: str) -> bool:
        """Forget a session; False where there is none."""

    def end_sessions(self, person: str, *, but: str | None = None) -> tuple[str, ...]:
        """Forget all of a person's sessions ``but`` one; the ids of those that were there."""

    def mark_seen(self, person: str, request_id: str, revision: int, at: datetime) -> None:
        """Write down that a person opened a revision; the first time of each counts."""

    def keep_subscription(self, subscription: Subscription) -> None:
        """Keep where a browser is reached by push; one with the same id is written over."""

    def drop_subscription(self, subscription_id: str) -> bool:
        """Forget it; False where there is none."""

    def keep(self, name: str, value: str) -> str:
        """Keep what the house made for itself under a name, unless something stands there; what stands there now."""

    def kept(self, name: str) -> str | None:
        """What the house keeps under a name."""

    def keep_newer(self, name: str, value: str) -> None:
        """Write over what the house keeps under a name."""


class Store(LetterStore, ReplicaStore, TrustStore, InsightStore, ReportStore, Protocol):
    """Durable rows. Writes gather behind one writer, each answered after its own commit; reads never wait for it."""

    async def write(self, work: Callable[[Tx], T], *, patient: bool = False, about: About | None = None) -> T:
        """Run ``work`` in a committed transaction; it may be run again from scratch, so it must not act outside.

        ``patient``: after all others that wait, as submissions do, for no click may wait behind them. ``about``: what
        it will ask for; a store on another machine then fetches that for many units at once.

        Raises what ``work`` raises (nothing of it is kept then), and `bot.core.errors.Unavailable` where the store
        cannot be written (full, locked, read-only).
        """

    async def request(self, request_id: str) -> Request | None:
        """As `Tx.request`, outside any write."""

    async def requests(self, query: Filter) -> tuple[Request, ...]:
        """A page of requests, newest first."""

    async def queue(self, wanted: Wanted) -> tuple[Request, ...]:
        """A page of open requests, soonest deadline first, then by id.

        The deadline is when the next step is asked, else when the request expires.
        """

    async def queued(self, wanted: Wanted) -> int:
        """How many there are on all pages."""

    async def alike(self, wanted: Wanted) -> tuple[Alike, ...]:
        """Those requests by agent and action, most of them first, at most 200."""

    async def open_names(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The agents and the actions of all open requests, each sorted."""

    async def waiting(self, agent: str | None, action: str | None) -> tuple[tuple[str, datetime], ...]:
        """(person, when it was submitted) of all that is open: for each who may decide it now, and once for nobody."""

    async def seen(self, person: str, request_ids: Sequence[str]) -> Mapping[str, int]:
        """The newest revision of each that this person opened; what they never opened is left out."""

    async def troubled(self, limit: int) -> tuple[Request, ...]:
        """Requests whose newest execution is failed or unknown, the newest executions first."""

    async def undelivered(self, limit: int) -> tuple[Delivery, ...]:
        """Deliveries that failed, newest first."""

    async def deliveries(self, request_id: str) -> tuple[Delivery, ...]:
        """As `Tx.deliveries`."""

    async def delivery_at(self, channel: str, place: Mapping[str, str]) -> Delivery | None:
        """The delivery whose handle holds these entries (a card's channel and ``ts``)."""

    async def audit(self, request_id: str) -> tuple[AuditLine, ...]:
        """A request's audit lines, oldest first."""

    async def told(self, request: Request) -> tuple[AuditLine, ...]:
        """Its audit lines as people read them: opened while the key is there, nothing hidden; no longer as hashed."""

    async def audit_lines(self, after: int, limit: int) -> tuple[AuditLine, ...]:
        """All audit lines after a sequence number, oldest first."""

    async def audit_search(self, query: AuditQuery) -> tuple[AuditLine, ...]:
        """A page of audit lines, newest first."""

    async def audit_head(self) -> tuple[int, str]:
        """Number and hash of the newest audit line, as kept beside the trail; (0, 64 zeros) before the first."""

    async def next_due(self) -> datetime | None:
        """When the earliest open request is due."""

    async def key(self, key_hash: str) -> Key | None:
        """The key in force with this hash."""

    async def keys(self) -> tuple[Key, ...]:
        """Every key, oldest first."""

    async def link(self, link_hash: str, now: datetime) -> Link | None:
        """The one-time link with this hash, while it is in force; it is not used up."""

    async def session(self, session_id: str, now: datetime) -> Session | None:
        """The session, while it is in force."""

    async def sessions(self, now: datetime, person: str | None = None) -> tuple[Session, ...]:
        """The sessions in force (of one person), those used last first."""

    async def subscriptions(self, person: str | None = None) -> tuple[Subscription, ...]:
        """Every browser that takes push (of one person), oldest first."""

    async def paused(self) -> bool:
        """Whether all replays are stopped."""

    async def stopped(self) -> Stopped:
        """Whose replays are stopped."""

    async def writable(self) -> bool:
        """Whether a write would succeed now."""

    async def standing(self, now: datetime) -> Standing:
        """What indexes say at a glance, for the figures."""

    async def census(self) -> Census:
        """What is counted one by one, for the figures: 0.1 s and more where there are millions."""

    def load(self) -> Load:
        """What waits to be written now, and how long commits took."""

    async def close(self) -> None:
        """Finish what was taken and release everything."""
