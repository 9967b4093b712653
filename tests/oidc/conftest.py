"""A provider that listens, this house's side of it, and a browser between them."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from bot.oidc import Provider
from tests.fakes import oidc as fake

REDIRECT = "https://sayso.example.com/sign-in/oidc/callback"


class Clock:
    """The machine's time, shifted by as much as a test says."""

    shift = timedelta(0)

    def now(self) -> datetime:
        """Now, shifted."""
        return datetime.now(UTC) + self.shift


@pytest.fixture
async def there() -> AsyncIterator[fake.Provider]:
    """A provider that listens."""
    async with fake.Provider() as provider:
        yield provider


@pytest.fixture
def clock() -> Clock:
    """The clock of this house."""
    return Clock()


@pytest.fixture
def here(there: fake.Provider, clock: Clock) -> Provider:
    """This house as a client of it."""
    return client(there, clock)


def client(there: fake.Provider, clock: Clock, **other: Any) -> Provider:
    """A client of the provider, told otherwise where a test says."""
    told: dict[str, Any] = {"issuer": there.url, "client_id": fake.CLIENT, "client_secret": fake.SECRET}
    told |= {"claim": "email", "name": "Fake ID", "secrets": ["s" * 32], "clock": clock, "entropy": secrets.token_bytes}
    return Provider(**(told | other))


async def sign_in(here: Provider, there: fake.Provider) -> tuple[str, bool] | None:
    """The whole way: there, the button, and back."""
    address, kept = await here.begin(REDIRECT)
    return await here.finish(kept, query_of(there.approve(address)), REDIRECT)


def query_of(address: str) -> dict[str, str]:
    """What an address carries."""
    return dict(parse_qsl(urlsplit(address).query))
