"""Whole cycles at 1 and 32 at a time, on SQLite and PostgreSQL, beside what one would pick instead, and the floors."""

from __future__ import annotations

from functools import partial

from bench.contenders import (
    CEILING,
    DBOS,
    LANGGRAPH,
    ORM,
    POSTGRES,
    SAYSO,
    SQLITE,
    UNSTORED,
    Setting,
    Standing,
    standing,
)
from bench.floor import floor, left_behind
from bench.floor_postgres import floor as floor_in_postgres
from bench.load import Run
from bench.report import Table, percentile

MANY = 32
_WARM = 0.5
_FLOOR = 4_000


def named(what: str, name: str, on: str, at_a_time: int) -> str:
    """A row's name."""
    where = f", {on}" if on else ""
    return f"{what}, {at_a_time} at a time: {name}{where}"


def _note(table: Table, name: str, on: str, at_a_time: int, run: Run) -> None:
    row = partial(named, name=name, on=on, at_a_time=at_a_time)
    ours = name == SAYSO and at_a_time == MANY
    table.add(row("cycles"), run.rate, unit="a second")
    table.add(row("  p50 of a cycle"), percentile(run.took, 0.50) * 1000, unit="ms", digits=2)
    table.add(row("  p99 of a cycle"), percentile(run.took, 0.99) * 1000, unit="ms", digits=2)
    clicks = percentile(run.clicks, 0.99) * 1000
    table.add(row("  p99, decision to replay"), clicks, unit="ms", digits=2, aim="< 30" if ours else "")
    table.add(row("  server's CPU of a cycle"), run.cpu_each, unit="ms", digits=2)


async def _measured(table: Table, name: str, on: str, setting: Setting) -> None:
    shown = "" if name in (UNSTORED, CEILING) else on
    async with standing(name, setting, on=on) as it:
        await it.cycles(at_a_time=MANY, seconds=_WARM)
        for at_a_time in (1, MANY):
            seconds = setting.seconds if at_a_time == MANY else setting.seconds / 2
            _note(table, name, shown, at_a_time, await it.cycles(at_a_time=at_a_time, seconds=seconds))
        if name == SAYSO:
            table.add(f"replays made twice, {on}", setting.receiver.twice, unit="", aim="<= 0")
            await _floors(table, it, on)


async def _floors(table: Table, it: Standing, on: str) -> None:
    """What the same rows cost without us."""
    if it.house is None:
        return
    for batch in (1, MANY):
        most = _FLOOR if batch == MANY else _FLOOR // 8
        if on == SQLITE:
            name = f"floor: the same rows by plain sqlite3, {batch} a commit"
            rate = floor(it.house.folder / f"floor-{batch}.db", *left_behind(it.house.database, most), batch)
        else:
            name = f"floor: the same rows by plain asyncpg, {batch} a commit"
            url = it.house.env["SAYSO_DATABASE_URL"].replace("+asyncpg", "")
            rate = await floor_in_postgres(url, most, batch)
        table.add(name, rate, unit="cycles/s")


async def cycles(table: Table, setting: Setting) -> None:
    """One round, everybody in turn."""
    for on in (SQLITE, POSTGRES):
        for name in (SAYSO, LANGGRAPH, DBOS, ORM, *((UNSTORED, CEILING) if on == SQLITE else ())):
            try:
                await _measured(table, name, on, setting)
            except Exception as problem:  # noqa: BLE001  # whoever fails is reported; the rest goes on
                table.fail(f"cycles of {name} on {on}", problem)
    row = partial(named, "cycles", at_a_time=MANY)
    for on, aim in ((SQLITE, ">= 12"), (POSTGRES, ">= 8")):
        ours = row(name=SAYSO, on=on)
        for peer in (LANGGRAPH, DBOS, ORM):
            aimed = aim if peer == LANGGRAPH else ""
            table.ratio(f"cycles at {MANY}, times {peer}, {on}", ours, row(name=peer, on=on), aim=aimed)
        bottom = row(name=UNSTORED, on="")
        table.ratio(f"cycles at {MANY}, of the server storing nothing, {on}", ours, bottom, aim=">= 0.4", digits=2)
        alone = partial(named, "  p50 of a cycle", on=on, at_a_time=1)
        table.ratio(
            f"p50 of a cycle at 1, of LangGraph's, {on}",
            *(alone(name=SAYSO), alone(name=LANGGRAPH)),
            aim="<= 0.25",
            digits=2,
        )
