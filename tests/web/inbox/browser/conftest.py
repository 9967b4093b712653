"""The houses and browsers of the tests next door, in the one loop in which the browser lives."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.web.inbox.house import Standing, managed, standing


@pytest_asyncio.fixture(loop_scope="session")
async def house(tmp_path: Path) -> AsyncIterator[Standing]:
    """A house that listens."""
    async with standing(tmp_path) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def staged(tmp_path: Path) -> AsyncIterator[Standing]:
    """A house whose rules know stages, advisors, absences, exceptions and a glass to break."""
    async with standing(tmp_path, rules="stages.yaml") as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def run(tmp_path: Path) -> AsyncIterator[Standing]:
    """A house with rules of every sort, an admin (kim), an auditor (lea) and reviewers (ana, ben)."""
    async with managed(tmp_path) as opened:
        yield opened
