"""The post office that most tests of the email channel begin with."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.channels.email.post import Post, opened


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    """An open post office."""
    async with opened() as opening:
        yield opening
