"""The seams to channels, and what a channel may ask of the house; the clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from msgspec import Struct

from bot.core.card import Card
from bot.core.forms import Field
from bot.core.model import Delivery, Person, Request, Verb


class Clock(Protocol):
    """The time, as an argument."""

    def now(self) -> datetime:
        """Now, aware, UTC."""


class Place(Struct, frozen=True):
    """Where a channel reaches somebody: the channel's own address, and whose it is (None: a shared place)."""

    to: str
    person: str | None


class Channel(Protocol):
    """One way to reach people. It renders cards and sends them; it decides nothing.

    ``redraws``: a sent card changes where it stands. A channel without it writes letters: each change that matters is
    one more, so the house waits a moment for what follows at once, and says nothing twice.
    """

    name: str
    redraws: bool

    def place(self, person: Person) -> Place | None:
        """Where this channel reaches the person, or None. Pure."""

    async def send(self, card: Card, delivery: Delivery) -> dict[str, Any]:
        """Send the card; the handle with which it can be updated. Raises `bot.core.errors.SendFailed`."""

    async def stands(self, delivery: Delivery) -> dict[str, Any] | None:
        """The handle of a card that a process posted and died before it could say so; None: none is known to stand.

        Channels whose cards cannot be changed once they are out never look. Raises `SendFailed`.
        """

    async def update(self, card: Card, delivery: Delivery) -> dict[str, Any] | None:
        """Bring a sent card up to date; its new handle where that changed. Raises `SendFailed`."""

    async def remind(self, card: Card, delivery: Delivery, note: str) -> None:
        """Say ``note`` where the card stands (in its thread). Raises `SendFailed`."""

    def gathers(self, person: Person, step: timedelta | None, *, ended: bool) -> timedelta | None:
        """For how long what the person is asked (once ``ended``: told) is gathered into one letter; None: not at all.

        ``step`` is what the chain's step says. Pure.
        """

    async def digest(
        self, asks: Sequence[tuple[Card, Delivery]], tells: Sequence[tuple[Card, Delivery]]
    ) -> Sequence[dict[str, Any]]:
        """Send one letter for all of it, to one person; the handles, of ``asks`` first. Raises `SendFailed`."""

    async def write(self, letter: Letter, name: str) -> None:
        """Send words to one person; ``name`` stays the same when they are sent again. Raises `SendFailed`."""

    async def start(self) -> None:
        """Connect; returns once connected or once the first attempt failed and retries go on by themselves."""

    async def stop(self) -> None:
        """Disconnect."""

    async def fault(self) -> str | None:
        """What is wrong right now, in one line, or None."""


class Letter(Struct, frozen=True, kw_only=True):
    """Words to one person in an existing thread, as an effect's note (JSON). ``lines`` are plain text.

    ``thread`` is the name of the letter that began the thread; ``answers`` the Message-ID of what this answers;
    ``link`` the page to look at.
    """

    person: str
    subject: str
    lines: tuple[str, ...]
    link: str
    thread: str
    answers: str | None = None


class Ballot(Struct, frozen=True, kw_only=True):
    """What a reviewer's click, form or reply says, authenticated and parsed by its channel.

    ``by`` is a person's id. ``revision`` and ``digest`` are what that person was shown; ``fully_shown`` whether
    all of it was. ``arguments`` are the edited arguments whole. ``answer`` answers a question, or is the id of the
    option that is picked. ``id`` is the decision's, where the channel knows one that stays the same when the same act
    arrives again. ``break_glass``: approve in an emergency, past the review; the comment says why.
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
    id: str | None = None
    break_glass: bool = False


class Reviews(Protocol):
    """What a channel may ask of the house when somebody acts in it."""

    async def decide(self, ballot: Ballot) -> Request:
        """Decide; raises a `bot.core.errors.SaysoError` whose ``detail`` can be said to the person.

        A ballot with an ``id`` that was counted already is the same decision and not another.
        """

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

    def announced(self) -> str | None:
        """How the team was told of practices, to be shown where requests are listed; None: there are none."""

    def fields(self, request: Request) -> tuple[Field, ...]:
        """The form for editing this request's arguments."""
