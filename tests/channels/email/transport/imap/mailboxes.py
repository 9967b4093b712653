"""A house that takes letters, and a mailbox that is read."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from msgspec.structs import replace

from bot.core.errors import Unavailable
from bot.core.ports import Cursor
from bot.core.servers import MAIL_IN, Server, server_of
from channels.email.transport.imap import Mailbox
from tests.fakes.email import ImapServer


def letter(name: str, size: int = 0) -> bytes:
    """A letter with this Message-ID."""
    head = f"From: ana@people.test\r\nTo: a+key@bot.test\r\nMessage-ID: <{name}@people.test>\r\nSubject: Re\r\n\r\n"
    return head.encode() + b"approve\r\n" + b"filler filler filler filler\r\n" * (size // 29)


class House:
    """What takes letters and keeps the cursor. ``broken``: what to raise for a name, once each time it is listed."""

    def __init__(self) -> None:
        self.letters: list[tuple[str, int]] = []
        self.raw: list[bytes] = []
        self.tried: list[str] = []
        self.kept: Cursor | None = None
        self.moves: list[Cursor] = []
        self.broken: dict[str, list[Exception]] = {}
        self.store_down = False
        self.hang = False
        self.slow = 0.0

    async def take(self, raw: bytes, size: int) -> None:
        """Take a letter."""
        name = raw.partition(b"Message-ID: <")[2].partition(b"@")[0].decode()
        self.tried.append(name)
        if self.hang:
            await asyncio.Event().wait()
        await asyncio.sleep(self.slow)
        if self.broken.get(name):
            raise self.broken[name].pop()
        self.letters.append((name, size))
        self.raw.append(raw)

    async def cursor(self) -> Cursor | None:
        """How far it was read."""
        if self.store_down:
            raise Unavailable
        return self.kept

    async def moved(self, cursor: Cursor) -> None:
        """It was read so far."""
        if self.store_down:
            raise Unavailable
        self.kept = cursor
        self.moves.append(cursor)

    @property
    def names(self) -> list[str]:
        """The letters that were taken."""
        return [name for name, _ in self.letters]


def server_at(imap: ImapServer, **changes: Any) -> Server:
    """The server as it would be configured."""
    return replace(server_of(imap.url, MAIL_IN), **changes)


@asynccontextmanager
async def reading(imap: ImapServer, house: House, **changes: Any) -> AsyncIterator[Mailbox]:
    """A mailbox that is read."""
    mailbox = Mailbox(server_at(imap, **changes), take=house.take, cursor=house.cursor, moved=house.moved)
    await mailbox.start()
    try:
        yield mailbox
    finally:
        began = time.monotonic()
        await mailbox.stop()
        assert time.monotonic() - began < 2.0


async def until(true: Callable[[], object], within: float = 5.0) -> None:
    """Wait for something."""
    async with asyncio.timeout(within):
        while not true():
            await asyncio.sleep(0.01)


async def until_well(mailbox: Mailbox, within: float = 5.0) -> None:
    """Wait until nothing is wrong any more."""
    async with asyncio.timeout(within):
        while await mailbox.fault() is not None:
            await asyncio.sleep(0.01)


async def told(mailbox: Mailbox, words: str, within: float = 5.0) -> str:
    """Wait until a fault says this."""
    async with asyncio.timeout(within):
        while words not in (fault := await mailbox.fault() or ""):
            await asyncio.sleep(0.01)
        return fault
