"""Figures of 1,000,000 requests: how long a year beside another takes, how fast requests are measured, at what cost.

Facts are one life's, with ids and times of their own; cells are what so many add up to. Measured at the store: reading
and reckoning, without HTTP. What measuring costs shows in the cycles that are left beside a bot that measures nothing.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from itertools import islice, product
from pathlib import Path
from typing import Any

import asyncpg
import msgspec

from bench.contenders import Setting, Standing
from bench.cycles import MANY
from bench.due import pinned
from bench.house import House, spawn
from bench.load import Load
from bench.report import Table
from bot.clock import SystemClock
from bot.core.insight.adding import begins, cells_of
from bot.core.insight.asking import Question
from bot.core.insight.cell import CellKey
from bot.core.insight.fact import Fact, Judgement
from bot.core.insight.summing import Sum
from bot.core.model import ExecutionState, Kind, Risk, State, Then, Verb
from bot.insight import Follower
from bot.insight.reading import Reading
from bot.routing import load
from store import SqlStore, open_store
from store.insight import row_of, spelt

_MANY, _QUICK = 1_000_000, 50_000
_DAYS = 730
_AT_ONCE = 5_000
_LAST = datetime(2026, 11, 1, tzinfo=UTC)
_FIRST = _LAST - timedelta(days=_DAYS)
_AGENTS, _ACTIONS = 8, 5
_ON, _OFF = "cycles, 32 at a time, measured", "cycles, 32 at a time, nothing measured"

Row = dict[str, Any]


def _lives() -> Iterator[Fact]:
    """One fact of every agent, action and way to end, for one moment."""
    for agent, action, way in product(range(_AGENTS), range(_ACTIONS), range(4)):
        took = timedelta(seconds=20 + 37 * agent + 11 * action + 400 * way)
        by = Verb.REJECT if way == 2 else Verb.APPROVE  # noqa: PLR2004  # one way in four
        vote = Judgement(
            by=f"person-{(agent + action) % 12}",
            verb=by,
            at=_FIRST + took,
            channel=("slack", "inbox")[way % 2],
            stage="finance",
            revision=1,
            had=took.total_seconds() / 2,
            waited=took.total_seconds(),
            length=400,
        )
        ruled = way == 3  # noqa: PLR2004  # likewise
        yield Fact(
            request="",
            created_at=_FIRST,
            agent=f"agent-{agent}",
            action=f"action.{action}",
            rule="tiny" if ruled else "refunds",
            kind=Kind.APPROVAL,
            risk=Risk.REVERSIBLE,
            state=State.REJECTED if by is Verb.REJECT else State.APPROVED,
            then=Then.APPROVE if ruled else Then.STAGES,
            confidence=0.5 + agent / 20,
            gate=0.85,
            labels={"region": ("north", "south", "east", "west")[agent % 4]},
            viewed_at=_FIRST + took / 2,
            decided_at=_FIRST + took,
            ended_at=_FIRST + 2 * took,
            execution=ExecutionState.NONE if by is Verb.REJECT else ExecutionState.EXECUTED,
            judged=() if ruled else (vote,),
        )


def _facts(count: int) -> Iterator[Row]:
    """So many rows of facts, spread over the time."""
    lives = [row_of(fact) for fact in _lives()]
    bodies = [msgspec.json.decode(str(row["body"])) for row in lives]
    apart = timedelta(days=_DAYS) / count
    for number in range(count):
        life = number % len(lives)
        at, name = _FIRST + number * apart, f"req_{number:026d}"
        body = bodies[life] | {"request": name, "created_at": at.isoformat()}
        changed = {"request": name, "created_at": int(at.timestamp() * 1_000_000), "body": msgspec.json.encode(body)}
        yield lives[life] | changed | {"body": changed["body"].decode()}  # type: ignore[attr-defined]


def _tallies(count: int) -> Iterator[Row]:
    """The cells of so many, hour by hour: each life comes once an hour or so, as many times as it takes."""
    cases = [{(key.grain, key.sort, key.parts): cell for key, cell in cells_of(life).items()} for life in _lives()]
    hours = _DAYS * 24
    each = max(1, round(count / hours / len(cases) * 10))
    open_cells: defaultdict[CellKey, Sum] = defaultdict(Sum)
    for hour in range(hours):
        at = _FIRST + timedelta(hours=hour)
        over = [key for key in open_cells if begins(key.grain, at) != key.at]
        yield from (_tally(key, open_cells.pop(key)) for key in over)
        for case in cases[hour % 10 :: 10]:
            for (grain, sort, parts), cell in case.items():
                open_cells[CellKey(grain, begins(grain, at), sort, parts)].add(cell, each)
    yield from (_tally(key, sums) for key, sums in open_cells.items())


def _tally(key: CellKey, sums: Sum) -> Row:
    return {"key": spelt(key), "body": msgspec.json.encode(sums.cell()).decode()}


async def _filled(path: Path, count: int) -> str:
    url = f"sqlite+aiosqlite:///{path}"
    await (await open_store(url, exclusive=True)).close()

    def fill() -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as driver:
            driver.execute("PRAGMA synchronous=OFF")
            for table, rows in (("facts", _facts(count)), ("tallies", _tallies(count))):
                while some := list(islice(rows, _AT_ONCE)):
                    places = ", ".join(f":{name}" for name in some[0])
                    driver.execute("BEGIN")
                    driver.executemany(f"INSERT INTO {table} ({', '.join(some[0])}) VALUES ({places})", some)  # noqa: S608  # our tables
                    driver.execute("COMMIT")

    await asyncio.to_thread(fill)
    return url


async def _copied(path: Path, plain: str) -> str:
    """The same rows in a database of PostgreSQL; ``plain`` is its address as asyncpg has it."""
    url = plain.replace("postgresql", "postgresql+asyncpg", 1)
    await (await open_store(url, exclusive=True)).close()
    target = await asyncpg.connect(plain)
    try:
        await target.execute("SET session_replication_role = replica")  # there are no requests to refer to
        with closing(sqlite3.connect(path)) as driver:
            for table in ("facts", "tallies"):
                found = driver.execute(f"SELECT * FROM {table}")  # noqa: S608  # our tables
                columns = [one[0] for one in found.description]
                while some := found.fetchmany(_AT_ONCE):
                    await target.copy_records_to_table(table, columns=columns, records=some)
        await target.execute("ANALYZE facts; ANALYZE tallies")
    finally:
        await target.close()
    return url


_ASKED: dict[str, dict[str, Any]] = {
    "all of it": {},
    "by agent": {"by": "agent"},
    "by reviewer": {"by": "reviewer"},
    "by week, of one action": {"by": "week", "action": "action.1"},
    "by a label": {"by": "label:region"},
}


async def _read(table: Table, store: SqlStore, on: str) -> None:
    reading = Reading(store, SystemClock())
    for name, narrowed in _ASKED.items():
        question = Question(since=_LAST - timedelta(days=365), until=_LAST, **narrowed)
        began = time.perf_counter()
        found = await reading.figures(question)
        took = time.perf_counter() - began
        if not msgspec.json.encode(found):
            raise RuntimeError("no figures")
        table.add(f"figures of a year and the one before, {name}, {on}", took, unit="s", digits=2, aim="< 1")


@asynccontextmanager
async def _up(setting: Setting, words: list[str], name: str) -> AsyncIterator[Standing]:
    house = House(setting.folder / name, setting.receiver.port, core=setting.core)
    await house.make_keys()
    process = await spawn(words, house.port, core=setting.core, env=house.env, folder=house.folder)
    async with process:
        it = Load(house.port, house.agent, house.reviewer, setting.receiver)
        await process.first(it.submission(), 201)
        yield Standing(process, it, _recorded(house), house)


def _recorded(house: House) -> Callable[[], Any]:
    async def count() -> int:
        return house.executed()

    return count


async def _cost(table: Table, setting: Setting) -> Path:
    """Cycles with and without; the database of those that were not measured."""
    left = Path()
    for module, row in (("bench.unmeasured", _OFF), ("bot", _ON)):
        async with _up(setting, ["-m", module, "up"], f"insight-{module}") as it:
            await it.cycles(at_a_time=MANY, seconds=0.5)
            table.add(row, (await it.cycles(at_a_time=MANY, seconds=setting.seconds)).rate, unit="a second")
            if row == _OFF and it.house is not None:
                left = it.house.folder
    table.ratio("cycles that are measured, of those that are not", _ON, _OFF, aim=">= 0.85", digits=2)
    return left


async def _caught_up(table: Table, folder: Path, core: int | None) -> None:
    """How fast what lies behind is measured by one that never rests."""
    with pinned(core):
        store = await open_store(f"sqlite+aiosqlite:///{folder / 'sayso.db'}", exclusive=True)
        try:
            policy = load(folder / "routing.yaml")
            requests, began = len(await _all(store)), time.perf_counter()
            await Follower(store, SystemClock(), lambda: policy, pause=0.0).level()
            table.add("requests measured, never resting", requests / (time.perf_counter() - began), unit="a second")
        finally:
            await store.close()


async def _all(store: SqlStore) -> set[str]:
    found: set[str] = set()
    after = 0
    while lines := await store.changes(after, 10_000):
        found |= {line.request for line in lines if line.request is not None}
        after = lines[-1].seq
    return found


async def insight(table: Table, setting: Setting) -> None:
    """One round."""
    await _caught_up(table, await _cost(table, setting), setting.core)
    count = _QUICK if setting.quick else _MANY
    path = setting.folder / f"facts-{time.time_ns()}.db"
    urls = {"SQLite": await _filled(path, count)}
    if setting.postgres is not None:
        urls["PostgreSQL"] = await _copied(path, await setting.postgres.database())
    with pinned(setting.core):
        for on, url in urls.items():
            store = await open_store(url, exclusive=True)
            try:
                await _read(table, store, on)
            finally:
                await store.close()
