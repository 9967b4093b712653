"""Starts and idle memory: Sayso with Slack and mail on, beside LangGraph behind FastAPI, with neither and with both.

The clock runs from the spawn to the first submission that is accepted; both have their databases made by then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from bench.click import join_slack
from bench.contenders import LANGGRAPH, SAYSO, SQLITE, Setting, spawned
from bench.house import House, Process
from bench.load import Load
from bench.mail import Sink, join_mail
from bench.report import Table
from tests.fakes.slack import FakeSlack

_IDLE = 2.0
_START, _MEMORY = "start to the first accepted request: {}", "memory, idle after the start: {}"
_BESIDE = f"{LANGGRAPH}, slack-bolt and mail beside it"
_BARE, _WITH = f"{SAYSO}, no channel", f"{SAYSO}, Slack and mail on"


async def _noted(table: Table, name: str, start: Callable[[], Awaitable[tuple[Process, Load]]]) -> None:
    """The second start: the first makes what a start leaves behind, such as compiled modules and tables."""
    for first in (True, False):
        process, load = await start()
        async with process:
            started = await process.first(load.submission(), 201)
            if first:
                continue
            table.add(_START.format(name), started, unit="s", digits=2)
            await asyncio.sleep(_IDLE)
            table.add(_MEMORY.format(name), process.memory(), unit="MB", digits=1)


def _up(house: House, setting: Setting) -> Callable[[], Awaitable[tuple[Process, Load]]]:
    async def start() -> tuple[Process, Load]:
        return await house.up(), Load(house.port, house.agent, house.reviewer, setting.receiver)

    return start


async def _ours(table: Table, setting: Setting) -> None:
    bare = House(setting.folder / "bare", setting.receiver.port, core=setting.core)
    await bare.make_keys()
    await _noted(table, _BARE, _up(bare, setting))
    server = await asyncio.get_running_loop().create_server(Sink.keeping([]), "127.0.0.1", 0)
    async with FakeSlack() as slack:
        house = House(setting.folder / "with", setting.receiver.port, core=setting.core)
        join_slack(house, slack)
        join_mail(house, server.sockets[0].getsockname()[1])
        await house.make_keys()
        await _noted(table, _WITH, _up(house, setting))
    server.close()


async def _theirs(table: Table, setting: Setting) -> None:
    for name, env in ((LANGGRAPH, {}), (_BESIDE, {"GRAPH_CHANNELS": "1"})):
        folder = setting.folder / name.replace(" ", "-")
        await _noted(table, name, partial(spawned, LANGGRAPH, setting, SQLITE, folder, env))


async def starts(table: Table, setting: Setting) -> None:
    """One round, in turn."""
    for name, who in ((SAYSO, _ours), (LANGGRAPH, _theirs)):
        try:
            await who(table, setting)
        except Exception as problem:  # noqa: BLE001  # whoever fails is reported; the rest goes on
            table.fail(f"the start of {name}", problem)
    for what, row, aim in (("start", _START, "<= 0.6"), ("idle memory", _MEMORY, "<= 0.8")):
        for beside, peer in (("with neither", LANGGRAPH), ("with both", _BESIDE)):
            name = f"{what}, Slack and mail on, of LangGraph's {beside}"
            table.ratio(name, row.format(_WITH), row.format(peer), aim=aim, digits=2)
