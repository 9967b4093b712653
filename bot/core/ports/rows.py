"""What is written and read: changes and effects, sessions and links, audit lines."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from bot.core.model import Decision, Delivery, Edit, Event, Execution, Kind, Request, Risk, State, Verb


class EffectKind(StrEnum):
    """What the courier has to do because a committed row says so."""

    CARD = "card"
    REFRESH = "refresh"
    REMIND = "remind"
    WEBHOOK = "webhook"
    DIGEST = "digest"
    LETTER = "letter"
    NOTICE = "notice"


class Effect(Struct, frozen=True, kw_only=True):
    """One thing to do outside, a row until it is done; ``ref`` is the delivery, or the event type of a webhook.

    Of a digest, ``note`` is the channel and the person, a space between: what has the same note goes into one letter.
    Of a letter, ``ref`` is the channel and ``note`` the `Letter` as JSON. A notice is a card that is sent so that
    somebody knows, whatever the state of its request; with a ``note`` it is a word at a card that stands: whom it is
    for, by id with spaces between, and below that what is said. Replays have no effect of their own: the execution's
    row is what says that one is to run.
    """

    id: str
    kind: EffectKind
    request: str
    ref: str
    due_at: datetime
    attempts: int = 0
    note: str = ""

    @property
    def lane(self) -> str:
        """What it goes in order with: those of one card, and one person's digests; everything else by itself."""
        if self.kind is EffectKind.DIGEST:
            return self.note
        return self.id if self.kind in (EffectKind.WEBHOOK, EffectKind.LETTER) else self.ref


class Replica(Struct, frozen=True, kw_only=True):
    """One process that shares a store with others, from its start to its end: an incarnation, never used again.

    ``name`` is its machine and process, ``rules`` the hash of its routing.yaml and, behind a space, what shows whether
    the SAYSO_SECRET of two is the same; ``until`` is when the others take over
    what it holds, by the store's own clock, unless it says again that it is alive.
    """

    id: str
    name: str
    rules: str
    started_at: datetime
    until: datetime


class Taken(Struct, frozen=True, kw_only=True):
    """What a replica took over: the ``replicas`` that were found dead, and what nobody alive held."""

    replicas: tuple[str, ...] = ()
    effects: tuple[Effect, ...] = ()
    executions: tuple[Execution, ...] = ()


class About(Struct, frozen=True, kw_only=True):
    """What a unit of work will ask for, as far as its caller knows: only a hint, by which much is read at once.

    Requests by id (with all that belongs to them), executions and effects by id, idempotency keys as (agent, key), and
    fingerprints that may have been rejected.
    """

    requests: tuple[str, ...] = ()
    executions: tuple[str, ...] = ()
    effects: tuple[str, ...] = ()
    keys: tuple[tuple[str, str], ...] = ()
    fingerprints: tuple[str, ...] = ()


class Moved(Struct, frozen=True, kw_only=True):
    """That a line was added to the audit: its number, and the request that it is about."""

    seq: int
    request: str | None


class Change(Struct, frozen=True, kw_only=True):
    """One step of one request, as rows and audit line together.

    ``before`` None creates the request; both None where only an execution, a delivery or nothing of a request
    changes. The store writes ``after`` only where the row still equals ``before`` in (state, revision, tracks, due_at,
    advice, how many decisions there are), and an execution only where it still has ``execution_before``'s state and
    attempts.

    The number of decisions is among them because two people's approvals at one time, on two replicas, may change
    nothing else: each would take itself for the first, and a stage that takes two would wait for ever with both given.
    So ``before`` has to bring every decision that the request has, as `Tx.request` reads it. ``advice`` is among them
    so that of two assessments at one time neither writes over the other.

    ``of`` is the request as it was read, where only its execution changes: it spares the store another look at it.
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
    of: Request | None = None


class Act(Struct, frozen=True):
    """What somebody decided when, and what they edited; that is forgotten where it was erased."""

    at: datetime
    verb: Verb
    edits: tuple[Edit, ...] = ()


class Stopped(Struct, frozen=True, kw_only=True):
    """Whose replays are stopped: all, or those of single agents and actions."""

    everything: bool = False
    agents: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything is stopped."""
        return bool(self.everything or self.agents or self.actions)

    def holds(self, agent: str | None, action: str) -> bool:
        """Whether a replay of this agent's (None: whom no agent's switch holds), of this action, is held."""
        return self.everything or agent in self.agents or action in self.actions


class Overtaken(Exception):
    """The row is no longer what it was when it was read: somebody else's change came first."""


class Way(StrEnum):
    """How somebody signed in."""

    LINK = "link"
    OIDC = "oidc"


class Session(Struct, frozen=True, kw_only=True):
    """One signed-in browser; ``id`` is the SHA-256 of its cookie.

    ``browser`` is what it calls itself, shortened, for its owner to know it by; ``seen_at`` when it was last used, to
    within a few minutes.
    """

    id: str
    person: str
    created_at: datetime
    expires_at: datetime
    way: Way = Way.LINK
    browser: str = ""
    seen_at: datetime | None = None


class Link(Struct, frozen=True, kw_only=True):
    """A one-time sign-in link; ``hash`` is the SHA-256 of its token.

    ``browser`` is the SHA-256 of what the browser that asked for it holds: no other may use it (None: any may, for
    whoever runs the bot handed it out).
    """

    hash: str
    person: str
    expires_at: datetime
    browser: str | None = None


class Subscription(Struct, frozen=True, kw_only=True):
    """One browser that takes Web Push (RFC 8030): where it is reached, and the keys that only it can read with.

    ``id`` is the SHA-256 (hex) of the endpoint; ``p256dh`` and ``auth`` are base64url (RFC 8291). ``browser`` as in
    `Session`.
    """

    id: str
    person: str
    endpoint: str
    p256dh: str
    auth: str
    browser: str
    created_at: datetime


class AccountEntry(Struct, frozen=True, kw_only=True):
    """What one request adds to a rule's windowed limit, under a ``key`` (whose account it is: the agent, the action).

    ``amount`` is in micro-units (a millionth of what the limit is written in), 0 where only requests are counted.
    """

    rule: str
    key: str
    at: datetime
    amount: int
    request: str


class Filter(Struct, frozen=True, kw_only=True):
    """Which requests to list, newest first; None does not narrow. ``cursor`` is the last id of the page before.

    ``since`` and ``until`` bound when it was submitted: at or after the one, before the other. ``practices`` False
    leaves declared practices out. ``spoilt`` True leaves out, and logs, what cannot be read instead of raising.
    """

    states: tuple[State, ...] | None = None
    agent: str | None = None
    action: str | None = None
    reviewer: str | None = None
    batch: str | None = None
    escalated: bool | None = None
    since: datetime | None = None
    until: datetime | None = None
    practices: bool = True
    spoilt: bool = False
    cursor: str | None = None
    limit: int = 50


class Wanted(Struct, frozen=True, kw_only=True):
    """Which open requests a queue shows, soonest deadline first; None does not narrow.

    ``waits_for``: this person may decide now and has not; ``asked``: somebody of these was asked so far. ``text`` is
    looked for in id, title, action, agent, batch and content, whatever the case of ASCII letters. ``unread_by``: the
    current revision was not opened by this person. ``after`` is the last id of the page before.
    """

    waits_for: str | None = None
    asked: tuple[str, ...] | None = None
    agent: str | None = None
    action: str | None = None
    kind: Kind | None = None
    risk: Risk | None = None
    escalated: bool | None = None
    text: str | None = None
    unread_by: str | None = None
    after: str | None = None
    limit: int = 50


class Alike(Struct, frozen=True, kw_only=True):
    """Open requests of one agent for one action: how many, and the soonest deadline among them."""

    agent: str
    action: str
    count: int
    deadline: datetime


class AuditQuery(Struct, frozen=True, kw_only=True):
    """Which lines of the whole trail to show, newest first; None does not narrow.

    ``actor`` as the event has it (``person:ana``, ``agent:billing``, ``sayso``); ``type`` may end in ``*``
    (``execution.*``); ``text`` is looked for in the line. ``before`` is the last number of the page before.
    """

    actor: str | None = None
    type: str | None = None
    request: str | None = None
    text: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None
    limit: int = 100


class AuditLine(Struct, frozen=True, kw_only=True, gc=False):
    """One stored audit event. ``hash`` = SHA-256 hex over ``previous`` (hex, ASCII) followed by ``body`` (UTF-8)."""

    seq: int
    previous: str
    hash: str
    body: str
