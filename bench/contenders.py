"""Everything that does the same job, started alike: a folder and a database of its own, one core, the same load."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from bench.house import ROOT, House, Process, free_port, spawn
from bench.load import Load, Receiver, Run
from bench.peers.install import PEERS, installed, python_of
from bench.postgres import NoPostgres, Postgres

SAYSO = "Sayso"
LANGGRAPH = "LangGraph"
DBOS = "DBOS"
ORM = "FastAPI + ORM"
UNSTORED = "the same server storing nothing"
CEILING = "empty answers (the load's ceiling)"
SQLITE, POSTGRES = "SQLite", "PostgreSQL"

_ENVIRONMENTS = {LANGGRAPH: "langgraph", DBOS: "dbos", ORM: "orm"}
_SCHEMES = {ORM: ("sqlite+aiosqlite", "postgresql+asyncpg"), DBOS: ("sqlite", "postgresql+psycopg")}
_MODULES = {UNSTORED: "bench.unstored", CEILING: "bench.nothing"}


class NotInstalled(Exception):
    """The peer has no environment yet: run ``python -m bench peers``."""


class Setting(NamedTuple):
    """How one round of one part is measured. ``folder`` is the round's own."""

    folder: Path
    seconds: float
    core: int | None
    receiver: Receiver
    postgres: Postgres | None
    quick: bool
    minutes: float


class Standing(NamedTuple):
    """A contender that serves; ``on_record`` says how many cycles are on record (None: its answer says so)."""

    process: Process
    load: Load
    on_record: Callable[[], Awaitable[int]] | None = None
    house: House | None = None

    async def cycles(self, *, at_a_time: int, seconds: float) -> Run:
        """Cycles in a closed loop; the clock stops when all are on record."""
        before = await self.on_record() if self.on_record is not None else 0

        async def recorded(more: int) -> None:
            while self.on_record is not None and await self.on_record() < before + more:  # noqa: ASYNC110  # another process's
                await asyncio.sleep(0.005)

        return await self.costed(
            self.load.run(self.load.cycle, at_a_time=at_a_time, seconds=seconds, recorded=recorded)
        )

    async def costed(self, running: Awaitable[Run]) -> Run:
        """The run, with the processor time that the server spent on it."""
        before = self.process.cpu()
        run = await running
        run.cpu = self.process.cpu() - before
        return run


@asynccontextmanager
async def standing(
    name: str, setting: Setting, *, on: str = SQLITE, env: Mapping[str, str] | None = None
) -> AsyncIterator[Standing]:
    """Start a contender, and end it. Raises what hinders it: `NotInstalled`, `NoPostgres`, ``TimeoutError``."""
    folder = setting.folder / f"{name}-{on}".replace(" ", "-")
    if name == SAYSO:
        async with _sayso(folder, setting, on, env or {}) as found:
            yield found
        return
    process, load = await spawned(name, setting, on, folder, env)
    async with process:
        await process.first(load.submission(), 201)
        yield Standing(process, load)


async def spawned(
    name: str, setting: Setting, on: str, folder: Path, env: Mapping[str, str] | None = None
) -> tuple[Process, Load]:
    """A peer (or a server that stores nothing) in a folder, spawned; and the load for it. Raises `NotInstalled`."""
    folder.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240  # once, before anything is measured
    port = free_port()
    python, words = await _words(name, setting, on, folder)
    process = await spawn(
        [words[0], words[1], str(port), str(setting.receiver.port), *words[2:]],
        port,
        core=setting.core,
        env={**_clean(), **(env or {}), "PYTHONPATH": str(ROOT)},
        folder=folder,
        python=python,
    )
    return process, Load(port, "a", "r", setting.receiver)


async def _words(name: str, setting: Setting, on: str, folder: Path) -> tuple[str, list[str]]:
    if name in _MODULES:
        return sys.executable, ["-m", _MODULES[name]]
    peer = _ENVIRONMENTS[name]
    if not installed(peer):
        raise NotInstalled(f"{name}: run python -m bench peers")
    schemes = _SCHEMES.get(name, ("sqlite", "postgresql"))
    if on == SQLITE:
        url = f"{schemes[0]}:///{folder / 'peer.db'}"
    else:
        url = (await _database(setting)).replace("postgresql", schemes[1], 1)
    return str(python_of(peer)), ["-m", PEERS[peer], url]


async def _database(setting: Setting) -> str:
    if setting.postgres is None:
        raise NoPostgres
    return await setting.postgres.database()


def _clean() -> dict[str, str]:
    kept = ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH", "GRAPH_DURABILITY")
    return {name: value for name, value in os.environ.items() if name in kept}


@asynccontextmanager
async def _sayso(folder: Path, setting: Setting, on: str, env: Mapping[str, str]) -> AsyncIterator[Standing]:
    url = "" if on == SQLITE else await _database(setting)
    ours = url.replace("postgresql", "postgresql+asyncpg", 1)
    house = House(folder, setting.receiver.port, core=setting.core, database_url=ours)
    await house.make_keys()
    house.env |= env
    async with await house.up() as process:
        load = Load(house.port, house.agent, house.reviewer, setting.receiver)
        await process.first(load.submission(), 201)
        count = _executed_in(setting.postgres, url) if setting.postgres and url else _executed_of(house)
        yield Standing(process, load, count, house)


def _executed_of(house: House) -> Callable[[], Awaitable[int]]:
    async def count() -> int:
        return house.executed()

    return count


def _executed_in(postgres: Postgres, url: str) -> Callable[[], Awaitable[int]]:
    async def count() -> int:
        found = await postgres.run("SELECT count(*) FROM executions WHERE state = 'executed'", url)
        return int(found[0][0])

    return count
