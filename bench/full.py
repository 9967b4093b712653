"""With 1,000,000 open requests in the store: how long a start takes, and what is left of the intake."""

from __future__ import annotations

import time

from bench.contenders import SAYSO, Setting, Standing, standing
from bench.crowd import crowd
from bench.cycles import MANY
from bench.due import settle
from bench.house import House
from bench.intake import submitted
from bench.load import Load
from bench.report import Table

_MANY, _QUICK = 1_000_000, 50_000
_INTAKE = "intake with {} open, 32 at a time"


async def full(table: Table, setting: Setting) -> None:
    """One round: the full house and an empty one in turn."""
    count = _QUICK if setting.quick else _MANY
    path = await crowd(count)
    await settle(path)
    url = f"sqlite+aiosqlite:///{path}"
    house = House(setting.folder / "full", setting.receiver.port, core=setting.core, database_url=url)
    await house.make_keys(f"bench-{time.time_ns()}")
    async with await house.up() as process:
        load = Load(house.port, house.agent, house.reviewer, setting.receiver)
        started = await process.first(load.submission(), 201)
        table.add(
            f"start with {count:,} stored requests, to the first accepted", started, unit="s", digits=2, aim="< 3"
        )
        many = _INTAKE.format(f"{count:,}")
        await load.run(load.submit, at_a_time=MANY, seconds=0.5)
        table.add(many, await submitted(Standing(process, load), setting.seconds), unit="a second")
    async with standing(SAYSO, setting) as it:
        await it.load.run(it.load.submit, at_a_time=MANY, seconds=0.5)
        table.add(_INTAKE.format("none"), await submitted(it, setting.seconds), unit="a second")
    table.ratio(
        f"intake with {count:,} open, of an empty store's", many, _INTAKE.format("none"), aim=">= 0.75", digits=2
    )
