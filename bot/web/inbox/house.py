"""What the inbox needs of the house it stands in. Shapes only; ``bot/web/house.py`` fills them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from bot.core.errors import SaysoError
from bot.core.model import ExecutionState, Request
from bot.core.policy import Policy
from bot.core.ports import Ballot, Clock, Reviews, Session, Store


class Access(Protocol):
    """Who is signed in. Tokens and cookie values are secrets; the store holds only their hashes."""

    async def sign_in(self, token: str, /) -> tuple[str, Session] | None:
        """Use a one-time link up: a fresh cookie value and its session, or None where the link is not in force."""

    async def session(self, cookie_value: str, /) -> Session | None:
        """The session of a cookie, while it is in force."""

    async def sign_out(self, cookie_value: str, /) -> None:
        """End the session of a cookie."""

    async def link_person(self, token: str, /) -> str | None:
        """Whose link this is, without using it up; None where it is not in force."""


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
    def addressed(self) -> Callable[[str, str], str | None]:
        """(request id, mark) -> the id of the person for whom a mail's link was made, or None."""


SendLink = Callable[[str], Awaitable[None]]
"""Sends a person (by id) a one-time link through a channel, by mail first where they have an address."""
