"""``python -m bench``: start the bot as ``sayso up`` does, load it, and print what it does beside its floor.

The bot (and each thing it is compared with) runs alone on one core, the load on another. Everything is done once a
round, and the table gives medians and ranges over the rounds, for on a shared machine one run says little.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import uvloop

from bench.cards import cards
from bench.floor import floor, left_behind
from bench.house import ROOT, House, Process, free_port, spawn
from bench.load import Load, Receiver, Run
from bench.report import Table, percentile, surroundings
from bench.routing import AIMS, routing

_MANY = 32
_IDLE = 2.0
_RIVAL = "FastAPI + async ORM"
_CEILING = "empty server (the load's ceiling)"


class Wanted(NamedTuple):
    """How long, how often, and where."""

    seconds: float
    rounds: int
    only_bot: bool
    server_core: int | None


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _note(table: Table, name: str, run: Run, *, aim: str = "", clicks: str = "") -> None:
    table.add(f"{name}", run.rate, unit="a second", aim=aim)
    table.add(f"  server's CPU for each, {name}", run.cpu_each, unit="ms", digits=2)
    if run.clicks:
        table.add(f"  click to replay p50, {name}", percentile(run.clicks, 0.50) * 1000, unit="ms", digits=1)
        table.add(
            f"  click to replay p99, {name}", percentile(run.clicks, 0.99) * 1000, unit="ms", digits=1, aim=clicks
        )


async def _costed(process: Process, running: Awaitable[Run]) -> Run:
    before = process.cpu()
    run = await running
    run.cpu = process.cpu() - before
    return run


async def _bot(table: Table, folder: Path, receiver: Receiver, wanted: Wanted) -> None:
    """One round of the bot: a first start, a cold start, idle, cycles one by one, cycles at once, intake, the floor."""
    house = House(folder, receiver.port, core=wanted.server_core)
    async with await house.up() as process:
        table.add("first start of all, making the database", await _healthy(process), unit="s", digits=2)
    await house.make_keys()
    async with await house.up() as process:
        load = Load(house.port, house.agent, house.reviewer, receiver)
        started = await process.first(load.submission(), 201)
        table.add("cold start to the first accepted request", started, unit="s", digits=2, aim="< 1.2")
        await asyncio.sleep(_IDLE)
        table.add("memory, idle after the start", process.memory(), unit="MB", digits=1, aim="< 110")
        for at_a_time, aim, clicks in ((1, "", ""), (_MANY, ">= 1,000", "< 50")):
            recorded = partial(house.recorded, house.executed())
            running = load.run(load.cycle, at_a_time=at_a_time, seconds=wanted.seconds, recorded=recorded)
            _note(table, f"cycles, {at_a_time} at a time", await _costed(process, running), aim=aim, clicks=clicks)
        intake = load.run(load.submit, at_a_time=_MANY, seconds=wanted.seconds)
        _note(table, f"intake alone, {_MANY} at a time", await _costed(process, intake))
        table.add("memory, after the load", process.memory(), unit="MB", digits=1)
    _floor(table, house, folder)


async def _healthy(process: Process) -> float:
    return await process.first(b"GET /healthz HTTP/1.1\r\nhost: bench\r\n\r\n", 200)


def _floor(table: Table, house: House, folder: Path) -> None:
    schema, rows = left_behind(house.database, 8_000)
    for batch in (1, _MANY):
        some = rows if batch > 1 else {name: found[: len(found) // 8] for name, found in rows.items()}
        rate = floor(folder / f"floor-{batch}.db", schema, some, batch)
        table.add(f"floor: the same rows in plain sqlite3, {batch} a commit", rate, unit="a second")


async def _beside(table: Table, name: str, process: Process, load: Load, seconds: float) -> None:
    """Cycles at once against something that the bot is compared with."""
    async with process:
        await process.first(load.submission(), 201)
        _note(table, name, await _costed(process, load.run(load.cycle, at_a_time=_MANY, seconds=seconds)))


async def _round(table: Table, folder: Path, wanted: Wanted) -> None:
    receiver = Receiver()
    await receiver.start()
    await _bot(table, folder / "bot", receiver, wanted)
    others: dict[str, Callable[[int], list[str]]] = {}
    if not wanted.only_bot:
        others[_CEILING] = lambda port: ["-m", "bench.nothing", str(port), str(receiver.port)]
        if find_spec("fastapi") is not None:
            database = str(folder / "rival.db")
            others[_RIVAL] = lambda port: ["-m", "bench.rival", str(port), str(receiver.port), database]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    for name, words in others.items():
        port = free_port()
        process = await spawn(words(port), port, core=wanted.server_core, env=env, folder=folder)
        await _beside(table, f"{name}, {_MANY} at a time", process, Load(port, "a", "r", receiver), wanted.seconds)
    for kind, rate in () if wanted.only_bot else cards(1.0).items():
        table.add(f"cards, {kind}", rate, unit="a second", aim="2,000" if kind == "slack" else "")
    for (name, figure), aim in zip(routing(1.0).items(), AIMS, strict=True):
        table.add(name, figure, unit="ms", digits=2, aim=aim)
    receiver.stop()


async def measure(folder: Path, wanted: Wanted) -> Table:
    """All rounds."""
    table = Table()
    async with await House(folder / "warm" / "bot", free_port(), core=None).up() as process:
        await _healthy(process)  # it compiles the program, which no later start has to do
    for number in range(wanted.rounds):
        await _round(table, folder / str(number), wanted)
        say(f"round {number + 1} of {wanted.rounds} is done")
    return table


def main() -> None:
    """Read the arguments, pin the load, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0, help="how long each run loads the bot")
    parser.add_argument("--rounds", type=int, default=3, help="how often everything is done")
    parser.add_argument("--only-bot", action="store_true", help="leave out what it is compared with")
    args = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    apart = len(cores) > 1
    say(surroundings())
    say("")
    if apart:
        os.sched_setaffinity(0, {cores[-1]})
    else:
        say("One core: the load and the bot share it, and every figure is lower for that.")
    if find_spec("fastapi") is None:
        say("fastapi is not installed: the comparison with a plain service is left out (pip install fastapi).")
    wanted = Wanted(args.seconds, args.rounds, args.only_bot, cores[0] if apart else None)
    with tempfile.TemporaryDirectory(prefix="sayso-bench-") as folder:
        table = uvloop.run(measure(Path(folder), wanted))
    say("\n" + table.text())


if __name__ == "__main__":
    main()
