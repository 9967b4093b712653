"""A house for each test; at its end the audit trail must tell the very tables (promise P13)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.core.errors import Unavailable
from store import open_store
from tests.desk.house import House, open_house
from tests.desk.replayed import prove


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A desk on a real store, with two recording channels and no courier until a test sets one to work."""
    async with open_house(tmp_path / "sayso.db") as opened:
        yield opened
        if opened.courier is not None:
            await opened.courier.stop(2)
        try:
            await prove(opened.store)
        except Unavailable:
            # The test closed it, to start once more on what it left: that is what has to be told.
            again = await open_store(f"sqlite+aiosqlite:///{opened.path}", exclusive=False)
            await prove(again)
            await again.close()
