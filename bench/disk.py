"""The disk: how many syncs a cycle costs, and what is left of the speed where each sync takes 2 ms more."""

from __future__ import annotations

from bench.contenders import LANGGRAPH, SAYSO, Setting, standing
from bench.cycles import MANY
from bench.report import Table
from bench.syncs import Syncs

_SLOWER = 0.002
_AIMS = {1: "<= 3.1", MANY: "<= 0.4"}
_WARM = 0.5


async def _counted(table: Table, name: str, setting: Setting) -> None:
    setting.folder.mkdir(parents=True, exist_ok=True)
    syncs = Syncs(setting.folder / f"syncs-{name}".replace(" ", "-"))
    async with standing(name, setting, env=syncs.env) as it:
        for at_a_time in (1, MANY):
            before = syncs.count()
            run = await it.cycles(at_a_time=at_a_time, seconds=setting.seconds / 2)
            aim = _AIMS[at_a_time] if name == SAYSO else ""
            each = (syncs.count() - before) / run.done
            table.add(f"syncs a cycle, {at_a_time} at a time: {name}", each, unit="", digits=2, aim=aim)


async def _slowed(table: Table, name: str, setting: Setting) -> None:
    folder = setting.folder / "slow"
    folder.mkdir(parents=True, exist_ok=True)
    syncs = Syncs(folder / f"syncs-{name}".replace(" ", "-"), delay=_SLOWER)
    async with standing(name, setting._replace(folder=folder), env=syncs.env) as it:
        await it.cycles(at_a_time=MANY, seconds=_WARM)
        run = await it.cycles(at_a_time=MANY, seconds=setting.seconds)
        table.add(_slow(name), run.rate, unit="a second")


def _slow(name: str) -> str:
    return f"cycles on a slow disk (2 ms a sync more), {MANY} at a time: {name}"


async def disk(table: Table, setting: Setting) -> None:
    """One round, everybody in turn."""
    for name in (SAYSO, LANGGRAPH):
        for what in (_counted, _slowed):
            try:
                await what(table, name, setting)
            except Exception as problem:  # noqa: BLE001  # whoever fails is reported; the rest goes on
                table.fail(f"the disk under {name}", problem)
    table.ratio("cycles on a slow disk, times LangGraph", _slow(SAYSO), _slow(LANGGRAPH), aim=">= 35")
