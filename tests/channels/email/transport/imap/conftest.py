"""The two servers, and hours that pass in moments."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.fakes.email import ImapServer, dovecot, pymap_server

SERVERS = {"dovecot": dovecot, "pymap": pymap_server}


@pytest.fixture(params=list(SERVERS))
async def imap(request: pytest.FixtureRequest) -> AsyncIterator[ImapServer]:
    """A mailbox on each server."""
    async with SERVERS[request.param]() as found:
        yield found


@pytest.fixture
async def pymap() -> AsyncIterator[ImapServer]:
    """A mailbox, where it is the proxy that matters."""
    async with pymap_server() as found:
        yield found


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits for a minute in the world waits for a moment here."""
    for name, seconds in {
        "_AGAIN_FROM": 0.1, "_AGAIN_MOST": 0.5, "_SETTLED_AGAIN": 0.5, "_TRIES_AFTER": 0.02,
        "_STORE_AGAIN_FROM": 0.05, "_STORE_AGAIN_MOST": 0.1, "POLL_EVERY": 0.2,
    }.items():  # fmt: skip
        monkeypatch.setattr(f"channels.email.transport.imap_reading.{name}", seconds)
