"""Starts and idle memory: Sayso with Slack and mail on, beside LangGraph behind FastAPI, with neither and with both.

The clock runs from the spawn to the first submission that is accepted; both have their databases made by then. What is
loaded where it is first needed counts in the last figure: memory after some cycles, and, of Sayso, listings of every
kind and, where Slack is on, a press on a card.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from bench.click import furnish, join_slack, press
from bench.contenders import LANGGRAPH, SAYSO, SQLITE, Setting, spawned
from bench.house import House, Process
from bench.load import Load, Run
from bench.mail import Sink, join_mail
from bench.report import Table
from bench.wire import connect
from tests.fakes.slack import FakeSlack

_IDLE = 2.0
_WORKING = 1.0
_OK = 200
_START, _MEMORY = "start to the first accepted request: {}", "memory, idle after the start: {}"
_USED = "memory, once all of it was used: {}"
_LISTINGS = ("/v1/requests", "/v1/requests?state=pending&agent=billing-assistant")
Using = Callable[[Load], Awaitable[None]]
_BESIDE = f"{LANGGRAPH}, slack-bolt and mail beside it"
_BARE, _WITH = f"{SAYSO}, no channel", f"{SAYSO}, Slack and mail on"


async def _noted(table: Table, name: str, start: Callable[[], Awaitable[tuple[Process, Load]]], *also: Using) -> None:
    """The second start: the first makes what a start leaves behind, such as compiled modules and tables.

    ``also``: how it is used, beside cycles.
    """
    for first in (True, False):
        process, load = await start()
        async with process:
            started = await process.first(load.submission(), 201)
            if first:
                continue
            table.add(_START.format(name), started, unit="s", digits=2)
            await asyncio.sleep(_IDLE)
            table.add(_MEMORY.format(name), process.memory(), unit="MB", digits=1)
            await load.run(load.cycle, at_a_time=1, seconds=_WORKING)
            for use in also:
                await use(load)
            await asyncio.sleep(_IDLE)
            table.add(_USED.format(name), process.memory(), unit="MB", digits=1)


async def _listed(load: Load) -> None:
    line = await connect("127.0.0.1", load.port)
    for path in _LISTINGS:
        asked = f"GET {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {load.reviewer}\r\n\r\n"
        status, body = await line.call(asked.encode())
        if status != _OK:
            raise RuntimeError(f"{path} was answered {status}: {body[:200]!r}")
    line.close()


def _pressing(slack: FakeSlack) -> Using:
    async def pressed(load: Load) -> None:
        line = await connect("127.0.0.1", load.port)
        await load.submit(line, Run())
        line.close()
        await press(slack, load.port)

    return pressed


def _up(house: House, setting: Setting) -> Callable[[], Awaitable[tuple[Process, Load]]]:
    async def start() -> tuple[Process, Load]:
        return await house.up(), Load(house.port, house.agent, house.reviewer, setting.receiver)

    return start


async def _ours(table: Table, setting: Setting) -> None:
    bare = House(setting.folder / "bare", setting.receiver.port, core=setting.core)
    await bare.make_keys()
    await _noted(table, _BARE, _up(bare, setting), _listed)
    server = await asyncio.get_running_loop().create_server(Sink.keeping([]), "127.0.0.1", 0)
    async with FakeSlack() as slack:
        furnish(slack)
        house = House(setting.folder / "with", setting.receiver.port, core=setting.core)
        join_slack(house, slack)
        join_mail(house, server.sockets[0].getsockname()[1])
        await house.make_keys()
        await _noted(table, _WITH, _up(house, setting), _listed, _pressing(slack))
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
