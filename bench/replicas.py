"""Two replicas on one PostgreSQL beside one: cycles a second, and whether anything was done twice.

Each replica has a core of its own where there are four (one each, one for the load, one for PostgreSQL); with fewer
they share what there is, and the figure says what sharing costs rather than what a second replica gives.
"""

from __future__ import annotations

import asyncio
import os
import time

from bench.contenders import POSTGRES, SAYSO, Setting, Standing, standing
from bench.cycles import MANY
from bench.house import free_port, spawn
from bench.load import Load
from bench.report import Table

_CORES = 4
_ONE, _TWO = "cycles, one replica on PostgreSQL", "cycles, two replicas on one PostgreSQL"


async def _two(table: Table, it: Standing, setting: Setting) -> None:
    if it.house is None:
        return
    port, cores = free_port(), sorted(os.sched_getaffinity(os.getppid())) or [0]
    core = cores[1] if len(cores) >= _CORES else setting.core
    folder = it.house.folder / "second"
    folder.mkdir()
    env = it.house.env | {"SAYSO_LISTEN": f"127.0.0.1:{port}", "SAYSO_CONFIG": str(it.house.folder / "routing.yaml")}
    second = await spawn(["-m", "bot", "up"], port, core=core, env=env, folder=folder)
    async with second:
        load = Load(port, it.house.agent, it.house.reviewer, setting.receiver)
        await second.first(load.submission(), 201)
        await _both(it, load, 0.5)
        twice = setting.receiver.twice
        table.add(_TWO, await _both(it, load, setting.seconds), unit="a second")
        table.add("replays made twice, two replicas", setting.receiver.twice - twice, unit="", aim="<= 0")


async def _both(it: Standing, other: Load, seconds: float) -> float:
    """Cycles a second of both together; the clock stops when all are on record."""
    if it.on_record is None:
        raise RuntimeError("nothing says how many cycles are on record")
    before, began = await it.on_record(), time.perf_counter()
    runs = await asyncio.gather(
        *(load.run(load.cycle, at_a_time=MANY // 2, seconds=seconds) for load in (it.load, other))
    )
    done = sum(run.done for run in runs)
    while await it.on_record() < before + done:  # noqa: ASYNC110  # another process writes them
        await asyncio.sleep(0.005)
    return done / (time.perf_counter() - began)


async def replicas(table: Table, setting: Setting) -> None:
    """One round."""
    async with standing(SAYSO, setting, on=POSTGRES) as it:
        await it.cycles(at_a_time=MANY, seconds=0.5)
        table.add(_ONE, (await it.cycles(at_a_time=MANY, seconds=setting.seconds)).rate, unit="a second")
        await _two(table, it, setting)
    enough = (os.cpu_count() or 1) >= _CORES
    aim = ">= 1.6" if enough else ">= 1.6, for four cores or more"
    table.ratio("two replicas, times one", _TWO, _ONE, aim=aim, digits=2)
