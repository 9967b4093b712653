"""Stores to test. A second database is one more factory here; the contract suite runs over every one of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from store import SqlStore, open_store

Opener = Callable[[], Awaitable[SqlStore]]


async def _sqlite(folder: Path) -> SqlStore:
    return await open_store(f"sqlite+aiosqlite:///{folder / 'sayso.db'}", exclusive=True)


FACTORIES: dict[str, Callable[[Path], Awaitable[SqlStore]]] = {"sqlite": _sqlite}


@pytest.fixture(params=sorted(FACTORIES))
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqlStore]:
    """An empty store of each kind."""
    opened = await FACTORIES[request.param](tmp_path)
    yield opened
    await opened.close()


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Where a SQLite store may be made."""
    return tmp_path / "sayso.db"


@pytest.fixture
def url(database: Path) -> str:
    """The address of `database`."""
    return f"sqlite+aiosqlite:///{database}"
