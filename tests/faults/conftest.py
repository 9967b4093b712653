"""The installation that faults happen to, and what stands around it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.libc import Machine
from tests.fakes.receiver import Receiver
from tests.fakes.slack import FakeSlack
from tests.stories.program import SECRET, Program


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    """A workspace with the reviewers and the channel that cards are posted to."""
    async with FakeSlack() as fake:
        for user, name in (("U0ANA", "ana"), ("U0BEN", "ben"), ("U0LEA", "lea")):
            fake.workspace.add_user(user, name)
        fake.workspace.add_channel("approvals", "C0APPROVALS")
        yield fake


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """The service that approved actions are replayed to; it counts effects by execution."""
    async with Receiver(secret=SECRET) as service:
        yield service


@pytest.fixture
async def program(tmp_path: Path) -> AsyncIterator[Program]:
    """An installation without channels."""
    program = Program(tmp_path)
    yield program
    await program.stop()


@pytest.fixture
def machine(tmp_path: Path, program: Program) -> Machine:
    """The machine under it: its disk and its clock fail on order."""
    made = Machine(tmp_path)
    program.environment |= made.environment
    return made
