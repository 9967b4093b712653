"""Time's side: due steps fired and recorded a second, and what a tick costs with many open, beside APScheduler's store.

The desk runs in this process on a real store, with a clock that is set, and the collector as `sayso up` sets it; a step
is the next of a chain, with its new assignments, its event and its place in the hash chain. APScheduler fires jobs that
do nothing (coroutines, which it need not hand to a thread) and records no more than that they are gone, or, of those
that stay, when they are next due: as a request stays whose next step is asked, which is the nearer likeness of the two.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from apscheduler.events import EVENT_JOB_EXECUTED, EVENT_JOB_REMOVED, JobEvent
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from sqlalchemy import create_engine, event

from bench.contenders import Setting
from bench.crowd import APART, FIRST_DUE, crowd
from bench.house import RULES
from bench.report import Table, percentile
from bot.clock import entropy
from bot.desk import Desk, Ledger, Rounds
from bot.routing import parse
from bot.serving import collect_seldom
from store import open_store

FEW, MANY = 10_000, 1_000_000
_QUICK_MANY = 50_000
_FIRED, _QUICK_FIRED = 5_000, 1_000
_JOBS = 1_000
_DUE, _TICKS, _LOOKS = 100, 9, 200
_WITHIN = 120.0
_STEPS = "due steps fired and recorded"
_JOBS_ROW = "APScheduler's jobs on its SQLAlchemyJobStore, fired and removed"
_KEPT_ROW = "APScheduler's jobs on its SQLAlchemyJobStore, fired and due again"
_TICK = "a tick with 100 due, {:,} open"


class SetClock:
    """Stands where it is set."""

    def __init__(self) -> None:
        self.at = datetime.now(UTC)

    def now(self) -> datetime:
        """Now."""
        return self.at


@asynccontextmanager
async def desk_on(path: Path, clock: SetClock) -> AsyncIterator[Desk]:
    """A desk without channels or a courier on a database, as `bot.app` makes it."""
    store = await open_store(f"sqlite+aiosqlite:///{path}", exclusive=True)
    policy = parse(RULES.replace("RECEIVER", "http://127.0.0.1:9"), "routing.yaml")
    ledger = Ledger(store, clock, entropy)
    try:
        yield Desk(ledger, Rounds(ledger, {}), lambda: policy, lambda request: f"http://bench/{request}")
    finally:
        await store.close()


def _first_due(path: Path) -> datetime:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as driver:
        (micros,) = driver.execute("SELECT min(due_at) FROM requests WHERE open = 1").fetchone()
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)


async def settle(path: Path) -> None:
    """Do what is due in a crowd before the crowd itself is: requests that a run of `bench.full` has left there."""
    clock = SetClock()
    async with desk_on(path, clock) as desk:
        clock.at = FIRST_DUE - APART
        await desk.wake()


async def _fired(path: Path, count: int) -> float:
    """Steps a second when so many are due at once."""
    clock = SetClock()
    async with desk_on(path, clock) as desk:
        clock.at = _first_due(path) + count * APART
        began = time.perf_counter()
        moved = await desk.wake()
        return moved / (time.perf_counter() - began)


async def _ticked(path: Path, ticks: int) -> tuple[list[float], list[float]]:
    """What each tick took with 100 due, and with none (seconds)."""
    await settle(path)
    clock = SetClock()
    async with desk_on(path, clock) as desk:
        clock.at = _first_due(path)
        await desk.wake()
        full: list[float] = []
        for _ in range(ticks):
            clock.at += _DUE * APART
            full.append(await _took(desk))
        return full, [await _took(desk, expected=0) for _ in range(_LOOKS)]


async def _took(desk: Desk, expected: int = _DUE) -> float:
    began = time.perf_counter()
    moved = await desk.wake()
    took = time.perf_counter() - began
    if moved != expected:
        raise RuntimeError(f"a tick moved {moved} requests instead of {expected}")
    return took


async def _nothing() -> None:
    """What each job does. At the top of the module, for the job store keeps its name."""


async def _apscheduler(path: Path, *, stay: bool) -> float:
    """Jobs a second that are due at once; ``stay``: they are due again in an hour, else they are gone."""
    engine = create_engine(f"sqlite:///{path}")
    event.listen(engine, "connect", _durable)
    scheduler = AsyncIOScheduler(jobstores={"default": SQLAlchemyJobStore(engine=engine)}, timezone="UTC")
    past = datetime.now(UTC) - timedelta(seconds=60)
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    scheduler.start(paused=True)
    again = {"trigger": "interval", "hours": 1, "next_run_time": past, "coalesce": True}
    when = again if stay else {"trigger": "date", "run_date": past}
    for _ in range(_JOBS):
        scheduler.add_job(_nothing, misfire_grace_time=None, **when)
    done, left = asyncio.Event(), {EVENT_JOB_EXECUTED: _JOBS} | ({} if stay else {EVENT_JOB_REMOVED: _JOBS})

    def heard(told: JobEvent) -> None:
        left[told.code] -= 1
        if not any(left.values()):
            done.set()

    scheduler.add_listener(heard, EVENT_JOB_EXECUTED | EVENT_JOB_REMOVED)
    began = time.perf_counter()
    scheduler.resume()
    async with asyncio.timeout(_WITHIN):
        await done.wait()
    took = time.perf_counter() - began
    scheduler.shutdown(wait=False)
    engine.dispose()
    return _JOBS / took


def _durable(connection: sqlite3.Connection, _: object) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")


@contextmanager
def _collected_seldom() -> Iterator[None]:
    """The collector as in a bot that serves, for whoever is measured."""
    before = gc.get_threshold()
    collect_seldom()
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


@contextmanager
def pinned(core: int | None) -> Iterator[None]:
    """This process on the server's core, while it is what is measured."""
    before = os.sched_getaffinity(0)
    if core is not None:
        os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


async def due(table: Table, setting: Setting) -> None:
    """One round. The desk has the server's core to itself, though it runs in this process."""
    with pinned(setting.core), _collected_seldom():
        path = await crowd(FEW, setting.folder / "fired.db")
        fired = await _fired(path, _QUICK_FIRED if setting.quick else _FIRED)
        table.add(_STEPS, fired, unit="a second", aim=">= 20,000")
        for row, stay in ((_JOBS_ROW, False), (_KEPT_ROW, True)):
            table.add(row, await _apscheduler(setting.folder / f"jobs-{stay}.db", stay=stay), unit="a second")
        table.ratio("due steps, times APScheduler's own job store", _STEPS, _JOBS_ROW, aim=">= 15")
        table.ratio("due steps, times APScheduler's jobs that are due again", _STEPS, _KEPT_ROW)
        many = _QUICK_MANY if setting.quick else MANY
        for count, found in ((FEW, await crowd(FEW, setting.folder / "few.db")), (many, await crowd(many))):
            full, empty = await _ticked(found, _TICKS)
            table.add(_TICK.format(count), percentile(full, 0.5) * 1000, unit="ms", digits=2)
            name, looks = f"a tick with none due, {count:,} open", percentile(empty, 0.5) * 1e6
            table.add(name, looks, unit="µs", aim="< 1,000")
        few, lots = _TICK.format(FEW), _TICK.format(many)
        table.ratio(f"a tick with 100 due, {many:,} open, of {FEW:,}", lots, few, aim="<= 1.3", digits=2)
