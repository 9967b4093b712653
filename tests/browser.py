"""A real Chromium, wherever this machine has it: one for all that a worker of the suite looks at."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

if TYPE_CHECKING:
    from playwright.async_api import Browser

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

PATIENCE = 15_000
"""Milliseconds. A longer wait costs nothing where all is well, and the tests beside this one may have the cores."""

in_one_loop = pytest.mark.asyncio(loop_scope="session")
"""Of tests with a browser: it lives in the one loop that lasts as long as it does, and so does all that they await."""


class Browsers:
    """The browser of this worker, started when somebody first asks for it, and again where it fell over."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack
        self._browser: Browser | None = None

    async def open(self) -> Browser:
        """Open the browser; where there is none, skip the test, or fail it under SAYSO_TEST_ALL=1."""
        if self._browser is not None and self._browser.is_connected():
            return self._browser
        path = next((found for found in map(shutil.which, _NAMES) if found), None)
        if path is None:
            if os.environ.get("SAYSO_TEST_ALL") == "1":
                pytest.fail("there is no Chromium on this machine")
            pytest.skip("there is no Chromium on this machine; install Debian's package chromium to run this")
        # Every worker reads this file, and most of them see no browser.
        from playwright.async_api import async_playwright, expect  # noqa: PLC0415  # takes a third of a second

        expect.set_options(timeout=PATIENCE)
        playwright = await self._stack.enter_async_context(async_playwright())
        self._browser = await playwright.chromium.launch(executable_path=path, args=list(_QUIET))
        self._stack.push_async_callback(self._browser.close)
        return self._browser


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browsers() -> AsyncIterator[Browsers]:
    """Starting one for each test cost as much as what most of them do with it."""
    async with AsyncExitStack() as stack:
        yield Browsers(stack)


@pytest_asyncio.fixture(loop_scope="session")
async def browser(browsers: Browsers) -> AsyncIterator[Browser]:
    """Chromium, with no window open. Each context is a browser profile of its own; none outlives its test."""
    opened = await browsers.open()
    yield opened
    for context in opened.contexts:
        await context.close()
