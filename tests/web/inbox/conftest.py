"""A house for each test, and browsers to visit it with."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest

from tests.web.inbox.house import Standing, managed, standing
from tests.web.inbox.reader import Reader


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Standing]:
    """A house that listens."""
    async with standing(tmp_path) as opened:
        yield opened


@pytest.fixture
async def staged(tmp_path: Path) -> AsyncIterator[Standing]:
    """A house whose rules know stages, advisors, absences, exceptions and a glass to break."""
    async with standing(tmp_path, rules="stages.yaml") as opened:
        yield opened


@pytest.fixture
async def run(tmp_path: Path) -> AsyncIterator[Standing]:
    """A house with rules of every sort, an admin (kim), an auditor (lea) and reviewers (ana, ben)."""
    async with managed(tmp_path) as opened:
        yield opened


@pytest.fixture
def visited(request: pytest.FixtureRequest) -> Standing:
    """Whichever house the test has."""
    name = next((name for name in ("staged", "run") if name in request.fixturenames), "house")
    found: Standing = request.getfixturevalue(name)
    return found


@pytest.fixture
async def visit(visited: Standing) -> AsyncIterator[Callable[[str | None], Awaitable[Reader]]]:
    """Opens a browser of its own, signed in as a person (None: not signed in)."""
    async with AsyncExitStack() as stack:

        async def visit(person: str | None = None) -> Reader:
            jar = aiohttp.CookieJar(unsafe=True)
            client = await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=jar))
            reader = Reader(visited, client)
            if person is not None:
                assert (await reader.sign_in(person)).status == 303
            return reader

        yield visit


Visit = Callable[[str | None], Awaitable[Reader]]
