"""A real Chromium, wherever this machine has it."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, async_playwright, expect

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

# Milliseconds. A longer wait costs nothing where all is well, and the tests beside this one may have the cores.
expect.set_options(timeout=15_000)


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Open the browser; where there is none, skip the test, or fail it under SAYSO_TEST_ALL=1."""
    path = next((found for found in map(shutil.which, _NAMES) if found), None)
    if path is None:
        if os.environ.get("SAYSO_TEST_ALL") == "1":
            pytest.fail("there is no Chromium on this machine")
        pytest.skip("there is no Chromium on this machine; install Debian's package chromium to run this")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=list(_QUIET))
        try:
            yield browser
        finally:
            await browser.close()
