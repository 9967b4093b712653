"""The installation that each story starts from."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.receiver import Receiver
from tests.fakes.slack import FakeSlack
from tests.stories.program import SECRET, Program


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    """A workspace with the three reviewers and the channel that cards are posted to."""
    async with FakeSlack() as fake:
        for user, name in (("U0ANA", "ana"), ("U0BEN", "ben"), ("U0LEA", "lea"), ("U0ZOE", "zoe")):
            fake.workspace.add_user(user, name)
        fake.workspace.add_channel("approvals", "C0APPROVALS")
        yield fake


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """The service that approved actions are replayed to; it checks signatures and counts effects."""
    async with Receiver(secret=SECRET) as service:
        yield service


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """An installation without Slack."""
    return Program(tmp_path)
