"""What the inbox needs of the house it stands in. Shapes only; ``bot/web/house.py`` fills them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from bot.core.card import Card
from bot.core.errors import SaysoError
from bot.core.examples import ExampleQuery
from bot.core.insight.asking import Question
from bot.core.insight.figures import Figures
from bot.core.model import ExecutionState, Key, Request, Role, Severity
from bot.core.policy import Policy
from bot.core.ports import Ballot, Clock, Link, Reviews, Session, Stopped, Store, Subscription, Way
from bot.core.ports.reports import Reporting
from bot.core.trust.grants import Grant
from bot.desk import Live
from bot.desk.examples import Parcel
from bot.desk.trusting import Earning
from bot.web.house import Probe


class Access(Protocol):
    """Who is signed in. Tokens and cookie values are secrets; the store holds only their hashes."""

    async def sign_in(
        self, token: str, /, *, asked_by: str | None = None, browser: str = ""
    ) -> tuple[str, Session] | None:
        """Use a one-time link up: a fresh cookie value and its session, or None where this browser may not.

        ``asked_by`` is the SHA-256 of what this browser holds since it asked for a link; ``browser`` what it calls
        itself, in a few words.
        """

    async def link(self, token: str, /) -> Link | None:
        """The link of a token, without using it up; None where it is not in force."""

    async def begin(self, person: str, /, *, way: Way, browser: str = "") -> tuple[str, Session]:
        """Sign a person in who is known by other means than a link."""

    async def session(self, cookie_value: str, /) -> Session | None:
        """The session of a cookie, while it is in force."""

    async def sessions(self, person: str | None = None, /) -> tuple[Session, ...]:
        """The sessions in force (of one person), those used last first."""

    async def end(self, session_id: str, /, *, by: str, reason: str = "ended", via: str = "inbox") -> bool:
        """End a session, ``by`` an actor, and its open pages; False where there is none."""

    async def end_all(self, person: str, /, *, by: str, but: str | None = None, via: str = "inbox") -> int:
        """End all of a person's sessions ``but`` one, ``by`` an actor; how many there were."""

    async def sign_out(self, cookie_value: str, /, *, reason: str = "signed out") -> None:
        """End the session of a cookie, by whom it is."""

    async def keys(self) -> tuple[Key, ...]:
        """Every API key, oldest first."""

    async def new_key(self, name: str, role: Role, /, *, by: str, via: str = "cli") -> tuple[Key, str]:
        """A new key and its secret, which is shown once; raises `SaysoError`."""

    async def revoke(self, key_id: str, /, *, by: str, via: str = "cli") -> bool:
        """Revoke a key; False where there is none in force with that id."""


class Desk(Reviews, Protocol):
    """What the inbox may ask of the desk."""

    async def settle(self, request_id: str, /, *, by: str, via: str, state: ExecutionState, note: str) -> object:
        """Say how an execution of unknown outcome ended (executed or failed), ``by`` an actor; raises `SaysoError`."""

    async def batch(self, batch: str, person: str, /) -> tuple[Request, ...]:
        """The open requests of a batch that this person may decide now, oldest first."""

    async def decide_batch(self, batch: str, ballots: Sequence[Ballot], /) -> tuple[Request | SaysoError, ...]:
        """Decide requests of a batch, each by itself: what became of each, in the order given."""

    def may_break_glass(self, person_id: str, /) -> bool:
        """Whether this person may approve past the review in an emergency."""

    async def undo(self, request_id: str, /, *, by: str, via: str, revision: int) -> Request:
        """Take back an approval that this person (an id) gave, while nothing ran; raises `SaysoError`."""

    async def read(self, request_id: str, revision: int, /, *, by: str) -> None:
        """Write down that this person (an id) has a revision before them."""

    @property
    def live(self) -> Live:
        """The pages that are open in this process."""

    async def subscriptions(self, person: str | None = None, /) -> tuple[Subscription, ...]:
        """Every browser that takes push (of one person)."""

    async def subscribe(self, subscription: Subscription, /) -> None:
        """Keep a browser that takes push."""

    async def unsubscribe(self, subscription_id: str, /, *, by: str, reason: str) -> bool:
        """Forget a browser that takes push, ``by`` an actor; False where there is none."""

    async def cards(self, requests: Sequence[Request], /) -> tuple[Card, ...]:
        """The cards of requests at hand, others having their turns meanwhile."""

    async def exported(self, *, by: str, via: str, **asked: str) -> None:
        """Put on record that somebody (``by``, an actor) took a copy of the trail; ``asked`` is of what."""

    async def export_examples(
        self, asked: ExampleQuery, *, by: str, via: str, chosen: Mapping[str, str] | None = None
    ) -> Parcel:
        """Examples, on record as taken by an actor, ready to leave; raises `SaysoError`."""

    async def report_taken(self, *, by: str, via: str, **asked: str | bool) -> None:
        """Put on record that somebody (``by``, an actor) took a report; ``asked`` is of what."""

    async def paused(self) -> bool:
        """Whether replays are stopped."""

    async def stopped(self) -> Stopped:
        """Whose replays are stopped."""

    async def pause(self, *, on: bool, by: str, via: str, agent: str | None = None, action: str | None = None) -> bool:
        """Stop or start all replays, or those of an agent or an action; whether that changed anything."""

    async def earnings_lately(self) -> tuple[datetime, tuple[Earning, ...]]:
        """What agents have shown under rules with trust, as of a moment at most an hour ago."""

    async def end_trust(self, grant_id: str, /, *, by: str, via: str, why: str) -> Grant | None:
        """End a grant or a proposal; None where there is nothing of that id to end."""

    async def roll_back(
        self, request_id: str, /, *, by: str, via: str, reason: str | None = None
    ) -> tuple[Request, bool]:
        """Propose what takes a request back, ``by`` an actor, and whether it was made now; raises `SaysoError`."""

    async def report_incident(self, request_id: str, /, *, by: str, via: str, severity: Severity, note: str) -> Request:
        """Keep that what ran did harm, ``by`` an actor; raises `SaysoError`."""


class Push(Protocol):
    """What the inbox needs of the push channel."""

    @property
    def public_key(self) -> str | None:
        """The house's VAPID key (RFC 8292), base64url of the uncompressed point; None where Web Push is off."""

    async def refresh(self) -> None:
        """Look anew at which browsers take push."""

    def made(self, token: str, /) -> bool:
        """Whether this house made a button's token, whatever has become of it."""

    async def act(self, token: str, /, *, person: str | None) -> Request:
        """Do what a notification's button says; ``person`` is who is signed in (None: nobody). Raises `SaysoError`."""


class Oidc(Protocol):
    """What the inbox needs of an identity provider."""

    @property
    def name(self) -> str:
        """What the sign-in page calls it."""

    async def begin(self, redirect_uri: str, /) -> tuple[str, str]:
        """(where to send the browser, what it keeps until it is back); raises `SaysoError`."""

    async def finish(self, kept: str, query: Mapping[str, str], redirect_uri: str, /) -> tuple[str, bool] | None:
        """Who came back: the value of the claim that names people, and whether it is a verified mail address.

        None where the provider names nobody; raises `SaysoError`.
        """


class House(Protocol):
    """Everything a page is made from."""

    @property
    def desk(self) -> Desk:
        """The one door for changes."""

    @property
    def store(self) -> Store:
        """Read only here."""

    @property
    def access(self) -> Access:
        """Sessions and one-time links."""

    @property
    def clock(self) -> Clock:
        """The time."""

    @property
    def public_url(self) -> str:
        """Where people reach the bot, such as ``https://sayso.example.com``; forms count from this origin only."""

    @property
    def policy(self) -> Callable[[], Policy]:
        """The routing.yaml in force."""

    @property
    def push(self) -> Push | None:
        """The push channel; None where it is off."""

    @property
    def reports(self) -> Reporting | None:
        """Who writes reports; None where nobody does."""

    @property
    def oidc(self) -> Oidc | None:
        """The identity provider; None where there is none."""

    @property
    def warnings(self) -> Callable[[], Sequence[str]]:
        """What the routing.yaml in force says that its author may not have meant."""

    @property
    def probes(self) -> Callable[[], Awaitable[Sequence[Probe]]]:
        """Whether each part of the house works."""

    @property
    def closing(self) -> asyncio.Event:
        """Set once the house closes; what waits is then answered at once."""

    @property
    def measured(self) -> Callable[[Question], Awaitable[Figures]]:
        """The figures that answer a question, with how far behind the trail they are."""

    @property
    def addressed(self) -> Callable[[str, str], str | None]:
        """(request id, mark) -> the id of the person for whom a mail's link was made, or None."""


SendLink = Callable[[str, str | None], Awaitable[None]]
"""Sends a person (by id) a one-time link through a channel, by mail first where they have an address.

The link works in the browser alone that holds what has this SHA-256 (None: in any).
"""
