"""Stores to test. A second database is one more factory here; the contract suite runs over every one of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from store import SqlStore, open_store
from tests.databases import lay
from tests.postgres import Cluster


@asynccontextmanager
async def _sqlite(folder: Path, _: Cluster) -> AsyncIterator[SqlStore]:
    lay(folder / "sayso.db")
    opened = await open_store(f"sqlite+aiosqlite:///{folder / 'sayso.db'}", exclusive=True)
    yield opened
    await opened.close()


Settle = Callable[[SqlStore], Awaitable[None]]

_templates: dict[int, str] = {}
"""By server: a database with the tables in it, for a copy is quicker than a migration."""


@asynccontextmanager
async def _postgresql(_: Path, cluster: Cluster) -> AsyncIterator[SqlStore]:
    if cluster.port not in _templates:
        _templates[cluster.port] = await cluster.make()
        made = await open_store(cluster.url(_templates[cluster.port]), exclusive=True)
        await made.close()
    name = await cluster.make(_templates[cluster.port])
    opened = await open_store(cluster.url(name), exclusive=True)
    _names[id(opened)] = name
    yield opened
    del _names[id(opened)]
    await opened.close()
    await cluster.drop(name)


_names: dict[int, str] = {}
"""The databases of the open stores on PostgreSQL."""

FACTORIES = {"sqlite": _sqlite, "postgresql": _postgresql}


@pytest.fixture(params=sorted(FACTORIES))
async def store(request: pytest.FixtureRequest, tmp_path: Path, cluster: Cluster) -> AsyncIterator[SqlStore]:
    """An empty store of each kind."""
    async with FACTORIES[request.param](tmp_path, cluster) as opened:
        yield opened


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Where a SQLite store may be made."""
    return tmp_path / "sayso.db"


@pytest.fixture
def url(database: Path) -> str:
    """The address of `database`."""
    return f"sqlite+aiosqlite:///{database}"


@pytest.fixture
def settle(cluster: Cluster) -> Settle:
    """Has PostgreSQL count what is in a store, as it does by itself within a minute, for its plans rest on that."""

    async def settled(store: SqlStore) -> None:
        if id(store) in _names:
            await cluster.run("ANALYZE", _names[id(store)])

    return settled
