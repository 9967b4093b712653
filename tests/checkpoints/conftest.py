"""A real store, a clock to turn, a notary over both; places that are real files, sockets and servers."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot.core.model import Event
from store import SqlStore, open_store
from tests.core.trails import NOW


class HandClock:
    """A clock that stands until it is turned."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        """What it shows."""
        return self.at

    def turn(self, **by: float) -> None:
        """Turn it by ``hours=1`` and the like."""
        self.at += timedelta(**by)


@pytest.fixture
def clock() -> HandClock:
    """It shows the morning of 26 November 2026."""
    return HandClock()


_templates: list[Path] = []
"""An empty store that a test before this one made; a copy is quicker than all migrations."""


@pytest.fixture
async def database(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where an empty store is."""
    if not _templates:
        made = tmp_path_factory.mktemp("template") / "sayso.db"
        await (await open_store(f"sqlite+aiosqlite:///{made}", exclusive=True)).close()
        _templates.append(made)
    return Path(shutil.copy(_templates[0], tmp_path / "sayso.db"))


@pytest.fixture
async def store(database: Path) -> AsyncIterator[SqlStore]:
    """An empty store, open."""
    opened = await open_store(f"sqlite+aiosqlite:///{database}", exclusive=True)
    yield opened
    await opened.close()


async def tell(store: SqlStore, clock: HandClock, lines: int = 1) -> None:
    """So many lines more on its trail."""
    event = Event(type="refusal", at=clock.now(), actor="person:ana", via="inbox", data={"reason": "tried"})
    for _ in range(lines):
        await store.write(lambda tx: tx.append(event))
