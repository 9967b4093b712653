"""The seam for channels whose cards are letters: what is kept of a letter so that an answer to it can count.

A letter cannot be changed once it is out. So each change that matters is a letter of its own, an answer is bound to
what its letter showed, and what came of an answer is written down before anybody is told.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from msgspec import Struct

from bot.core.ports.channel import Letter, Reviews

MOST_ANSWERS = 5
"""Answers that go to one thread at most, so that two machines cannot keep each other writing."""


class KeyItem(Struct, frozen=True, kw_only=True):
    """One request as a letter showed it; ``fully_shown`` says whether all of it was.

    ``number`` is what a digest calls it; 0 where the letter is about it alone. ``by_page``: it may be approved on its
    page alone, whatever else allows replies.
    """

    request: str
    revision: int
    digest: str
    delivery: str
    fully_shown: bool
    number: int = 0
    by_page: bool = False


class ReplyKey(Struct, frozen=True, kw_only=True):
    """What a letter's reply address stands for. ``hash`` is the SHA-256 (hex) of the token in that address.

    ``letter`` is the letter's own name, which its Message-ID carries; ``person`` whom it was written to.
    """

    hash: str
    letter: str
    channel: str
    person: str
    items: tuple[KeyItem, ...]
    at: datetime
    expires_at: datetime


class Cursor(Struct, frozen=True, kw_only=True):
    """How far a mailbox is read: every UID up to ``uid`` under this UIDVALIDITY (RFC 3501)."""

    mailbox: str
    validity: int
    uid: int


class Receipt(Struct, frozen=True, kw_only=True):
    """What became of one incoming letter, once. ``key`` is the same however often it arrives (SHA-256, hex).

    ``verdict`` is the named reason; ``thread`` the name of the letter that it answers.
    """

    key: str
    thread: str
    verdict: str
    at: datetime


class Handled(Struct, frozen=True, kw_only=True):
    """What the trail says of an incoming letter: on which request, from whom, through what.

    ``refused``: the channel itself refused it, and its receipt's verdict is the reason.
    """

    request: str
    actor: str
    via: str
    refused: bool


class Unreachable(Struct, frozen=True, kw_only=True):
    """An address at which a channel reaches nobody, since when, and what said so."""

    channel: str
    to: str
    error: str
    at: datetime


class LetterTx(Protocol):
    """What a unit of work may do about letters; part of `bot.core.ports.Tx`."""

    def keep_key(self, key: ReplyKey) -> None:
        """Keep what a letter's reply address stands for; one with the same hash is written over."""

    def add_receipt(self, received: Receipt, *, answered: bool) -> bool:
        """Write down what became of an incoming letter; False where that is there already."""

    def answers(self, thread: str) -> int:
        """How many letters to this reply key were answered."""

    def move_cursor(self, moved: Cursor) -> None:
        """Write down how far a mailbox is read."""

    def unreachable_at(self, channel: str, to: str) -> Unreachable | None:
        """Why nobody is reached at an address, if that is known."""

    def mark_unreachable(self, lost: Unreachable) -> None:
        """Write down that nobody is reached at an address."""

    def forget_unreachable(self, channel: str, to: str) -> bool:
        """An address lives again; False where nothing else was known."""


class LetterStore(Protocol):
    """What is read of letters beside the writes; part of `bot.core.ports.Store`."""

    async def reply_key(self, token_hash: str) -> ReplyKey | None:
        """What the reply address with this token's hash stands for."""

    async def letter(self, name: str) -> ReplyKey | None:
        """What was kept of the letter with this name."""

    async def receipt(self, key: str) -> Receipt | None:
        """What became of an incoming letter, if it was filed."""

    async def mailbox(self, name: str) -> Cursor | None:
        """How far a mailbox is read."""

    async def unreachable(self) -> tuple[Unreachable, ...]:
        """Every address at which a channel reaches nobody, longest first."""

    async def unreachable_at(self, channel: str, to: str) -> Unreachable | None:
        """Why nobody is reached at an address, if that is known."""


class Correspondence(Reviews, Protocol):
    """What a channel of letters may ask of the house: what every channel may, and what is kept of letters."""

    async def keep_key(self, key: ReplyKey) -> None:
        """Commit what a letter's reply address stands for, before the letter is sent."""

    async def reply_key(self, token_hash: str) -> ReplyKey | None:
        """What the reply address with this token's hash stands for."""

    async def letter(self, name: str) -> ReplyKey | None:
        """What was kept of the letter with this name."""

    async def received(self, key: str) -> Receipt | None:
        """What became of an incoming letter, if it was filed."""

    async def file(self, receipt: Receipt, answer: Letter | None, about: Handled) -> bool:
        """Commit that an incoming letter is dealt with, and owe its answer; once for each ``receipt.key``.

        Whether the answer will be sent: no more than `MOST_ANSWERS` go to one thread.
        """

    async def returned(self, key: ReplyKey, error: str) -> None:
        """A letter came back: its cards are failed, its address is unreachable, and chains move on at once."""

    async def unreachable(self, channel: str, to: str) -> Unreachable | None:
        """Why nobody is reached at an address, if that is known."""

    async def reached(self, channel: str, to: str) -> None:
        """Somebody wrote from this address, so it lives: forget that it was unreachable."""

    async def reads(self, mailbox: str) -> bool:
        """Whether this process is the one to read a mailbox now; of several that share a store, one is."""

    async def cursor(self, mailbox: str) -> Cursor | None:
        """How far a mailbox is read."""

    async def move_cursor(self, cursor: Cursor) -> None:
        """Commit how far a mailbox is read; after everything in it up to there is filed."""
