"""Stores to test. A second database is one more factory here; the contract suite runs over every one of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.core.ports import About, Tx
from store import SqlStore, open_store
from store.postgres import PgCursor
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


async def furnished(cluster: Cluster) -> str:
    """A new database with the tables in it; its name."""
    if cluster.port not in _templates:
        _templates[cluster.port] = await cluster.make()
        made = await open_store(cluster.url(_templates[cluster.port]), exclusive=True)
        await made.close()
    return await cluster.make(_templates[cluster.port])


@asynccontextmanager
async def _postgresql(_: Path, cluster: Cluster) -> AsyncIterator[SqlStore]:
    name = await furnished(cluster)
    opened = await open_store(cluster.url(name), exclusive=True)
    _names[id(opened)] = name
    yield opened
    del _names[id(opened)]
    await opened.close()
    await cluster.drop(name)


_names: dict[int, str] = {}
"""The databases of the open stores on PostgreSQL."""


def name_of(opened: SqlStore) -> str:
    """The database of an open store on PostgreSQL."""
    return _names[id(opened)]


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


ME = "rep_me"
"""The replica that writes to `shared`."""


@pytest.fixture
async def shared(tmp_path: Path, cluster: Cluster) -> AsyncIterator[SqlStore]:
    """An empty store on PostgreSQL, which the replica `ME` shares."""
    async with FACTORIES["postgresql"](tmp_path, cluster) as opened:
        await opened.attend(ME, lambda _: None)
        await opened.write(lambda tx: tx.join(ME, "me", "rules", timedelta(minutes=5)))
        yield opened


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is said to the server from now on, each a trip there and back."""
    said: list[str] = []
    for name in ("execute", "executemany", "command"):
        told = getattr(PgCursor, name)

        def noted(self: PgCursor, sql: str, *values: Any, told: Callable[..., None] = told) -> None:
            said.append(sql)
            told(self, sql, *values)

        monkeypatch.setattr(PgCursor, name, noted)
    return said


async def together(store: SqlStore, *units: tuple[Callable[[Tx], Any], About | None]) -> list[Any]:
    """Run units in one batch; what each answered or raised."""
    return await asyncio.gather(*(store.write(work, about=about) for work, about in units), return_exceptions=True)
