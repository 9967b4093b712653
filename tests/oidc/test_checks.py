"""What `sayso doctor` says of the provider."""

from __future__ import annotations

import pytest

from bot.core.checkup import Finding, Level
from bot.oidc.checks import looks
from tests.fakes import oidc as fake
from tests.oidc.conftest import REDIRECT, Clock


async def found(there: fake.Provider, clock: Clock) -> Finding:
    """The one finding."""
    (look,) = looks(there.url, REDIRECT, clock)
    (finding,) = await look.run()
    return finding


async def test_a_provider_that_answers(there: fake.Provider, clock: Clock) -> None:
    """With what has to be registered there."""
    finding = await found(there, clock)
    assert (finding.level, finding.says) == (Level.OK, f"{there.url} answers, and signs with 1 key")
    assert REDIRECT in finding.to_do


async def test_a_provider_whose_keys_are_of_no_use(there: fake.Provider, clock: Clock) -> None:
    """Nobody could sign in by it."""
    there.published = []
    assert (await found(there, clock)).level is Level.WARNING


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/keys"])
async def test_a_provider_that_does_not(there: fake.Provider, clock: Clock, path: str) -> None:
    """With what it answered instead."""
    there.answers[path] = fake.said({}, "404 Not Found")
    finding = await found(there, clock)
    assert (finding.level, "answered 404" in finding.says) == (Level.WRONG, True)
