"""A phone with every way, for one test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.channels.push.house import Phone, opened


@pytest.fixture
async def phone() -> AsyncIterator[Phone]:
    """Ben has a topic."""
    async with opened() as made:
        made.house.change("ben", ntfy="ben-7gh2")
        yield made
