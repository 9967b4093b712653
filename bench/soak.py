"""A soak: cycles at 32 for minutes; how much the bot's memory grows once it is warm."""

from __future__ import annotations

from bench.contenders import SAYSO, Setting, standing
from bench.cycles import MANY
from bench.report import Table

_WARM = 0.25
"""The share of the time after which memory counts as that of a warm bot."""


async def soak(table: Table, setting: Setting) -> None:
    """Once."""
    seconds = setting.minutes * 60
    async with standing(SAYSO, setting) as it:
        table.add("soak: memory at the start", it.process.memory(), unit="MB", digits=1)
        done = (await it.cycles(at_a_time=MANY, seconds=seconds * _WARM)).done
        warm = it.process.memory()
        run = await it.cycles(at_a_time=MANY, seconds=seconds * (1 - _WARM))
        table.add("soak: memory, warm", warm, unit="MB", digits=1)
        table.add("soak: memory at the end", it.process.memory(), unit="MB", digits=1)
        table.add(f"soak: cycles done in {setting.minutes:g} minutes", done + run.done, unit="")
        grown = (it.process.memory() / warm - 1) * 100
        table.add("soak: memory grown since warm", grown, unit="%", digits=1, aim="< 10")
