"""A server to send to, and letters."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bot.core.errors import SendFailed
from bot.core.servers import MAIL_OUT, Server, server_of
from channels.email.transport.smtp import Pool
from tests.fakes.email import FakeSmtp

ME, ANA = "approvals@bot.test", "ana@people.test"
LETTER = (
    b"Date: Wed, 25 Nov 2026 12:00:00 +0000\r\nFrom: approvals@bot.test\r\nTo: ana@people.test\r\n"
    b"Message-ID: <one@bot.test>\r\nSubject: Approve?\r\n\r\nHello.\r\n"
)


def server(smtp: FakeSmtp, options: str = "") -> Server:
    """The fake, as it would be configured."""
    return server_of(smtp.url + options, MAIL_OUT)


@asynccontextmanager
async def opened(options: str = "", *, most: int = 4, **how: Any) -> AsyncIterator[tuple[FakeSmtp, Pool]]:
    """A server and connections to it."""
    async with FakeSmtp(**how) as smtp:
        pool = Pool(server(smtp, options), most=most)
        try:
            yield smtp, pool
        finally:
            await pool.close()


async def failed(pool: Pool, to: str = ANA, message: bytes = LETTER) -> SendFailed:
    """How sending fails."""
    with pytest.raises(SendFailed) as caught:
        await pool.send(ME, to, message)
    return caught.value


async def until(true: Callable[[], object], within: float = 3.0) -> None:
    """Wait for something."""
    async with asyncio.timeout(within):
        while not true():
            await asyncio.sleep(0.01)
