"""A house, and a receiver of this machine that its actions go to; at the end the trail must tell the tables (P13)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.desk.house import SECRET, House, open_house
from tests.desk.replayed import prove
from tests.fakes.receiver import Receiver


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver that verifies signatures and counts effects by execution."""
    async with Receiver(secret=SECRET) as listening:
        yield listening


@pytest.fixture
async def house(tmp_path: Path, receiver: Receiver) -> AsyncIterator[House]:
    """A desk whose actions' targets are the receiver."""
    address = receiver.url.removesuffix("/hook")
    async with open_house(tmp_path / "sayso.db", receiver=address) as opened:
        yield opened
        if opened.courier is not None:
            await opened.courier.stop(2)
        await prove(opened.store)
