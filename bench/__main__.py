"""``python -m bench``: start the bot as ``sayso up`` does, load it, and print what it does beside its aims and peers.

What is measured runs alone on one core, the load (and PostgreSQL) on another. Everything is done once a round, in turn,
and the table gives medians and ranges over the rounds, for on a shared machine one run says little. ``python -m bench
peers`` installs what it is compared with; without it the comparison is left out and said so. ``python -m bench year``
is another thing: a year of life, and whether the figures are true (``--help``).
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

import uvloop

from bench.cards import cards
from bench.click import click
from bench.contenders import Setting
from bench.cycles import cycles
from bench.disk import disk
from bench.due import due
from bench.full import full
from bench.house import House, free_port
from bench.insight import insight
from bench.intake import intake, load_of_intake
from bench.load import Receiver
from bench.paced import paced
from bench.peers.install import PEERS, install_all, versions
from bench.postgres import NoPostgres, Postgres, start_postgres
from bench.replicas import replicas
from bench.report import Table, surroundings
from bench.routing import AIMS, routing
from bench.soak import soak
from bench.starts import starts
from bench.trail import trail
from bench.year.command import year

Part = Callable[[Table, Setting], Awaitable[None]]


async def _cards(table: Table, _: Setting) -> None:
    cards(table, _EACH)


async def _routing(table: Table, _: Setting) -> None:
    for (name, figure), aim in zip(routing(_EACH).items(), AIMS, strict=True):
        table.add(name, figure, unit="ms", digits=2, aim=aim)


PARTS: dict[str, Part] = {
    "cycles": cycles,
    "intake": intake,
    "disk": disk,
    "paced": paced,
    "click": click,
    "due": due,
    "full": full,
    "replicas": replicas,
    "cards": _cards,
    "routing": _routing,
    "trail": trail,
    "insight": insight,
    "starts": starts,
    "soak": soak,
}
_ONCE = frozenset({"soak"})
"""The parts that are done once; the others in every round."""

_QUICK, _FULL = (1.0, 1), (2.0, 5)
_EACH = 0.7
"""Seconds of what needs no server."""


class Wanted(NamedTuple):
    """What, how long, how often, and where."""

    parts: list[str]
    seconds: float
    rounds: int
    quick: bool
    minutes: float
    core: int | None
    load_core: int | None


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def _round(table: Table, name: str, folder: Path, wanted: Wanted, postgres: Postgres | None) -> None:
    receiver = Receiver()
    await receiver.start()
    setting = Setting(folder, wanted.seconds, wanted.core, receiver, postgres, wanted.quick, wanted.minutes)
    try:
        await PARTS[name](table, setting)
    except Exception as problem:  # noqa: BLE001  # one part that fails is reported; the rest goes on
        table.fail(name, problem)
    finally:
        receiver.stop()


async def measure(folder: Path, wanted: Wanted) -> Table:
    """All parts, all rounds."""
    table = Table()
    try:
        postgres = await start_postgres(wanted.load_core)
        say(f"PostgreSQL {postgres.version}, with its own settings, on the load's core")
    except (NoPostgres, OSError, subprocess.CalledProcessError) as problem:
        postgres = None
        table.fail("PostgreSQL", problem)
    async with await House(folder / "warm" / "bot", free_port(), core=None).up() as process:
        # It compiles the program, which no later start has to do.
        await process.first(b"GET /healthz HTTP/1.1\r\nhost: bench\r\n\r\n", 200)
    for name in wanted.parts:
        for number in range(1 if name in _ONCE else wanted.rounds):
            table.round = number
            began = time.perf_counter()
            await _round(table, name, folder / f"{name}-{number}", wanted, postgres)
            shutil.rmtree(folder / f"{name}-{number}", ignore_errors=True)
            say(f"{name}: round {number + 1} is done, {time.perf_counter() - began:.0f} s")
    if postgres is not None:
        await postgres.stop()
    return table


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"peers, or of: {', '.join(PARTS)} (none: all)")
    parser.add_argument("--quick", action="store_true", help="one short round, to see that everything runs")
    parser.add_argument("--seconds", type=float, help=f"how long each run loads (quick: {_QUICK[0]}, else {_FULL[0]})")
    parser.add_argument(
        "--rounds", type=int, help=f"how often everything is done (quick: {_QUICK[1]}, else {_FULL[1]})"
    )
    parser.add_argument("--soak", type=float, default=0.5, metavar="MINUTES", help="how long the soak lasts")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure of every round there, too")
    args = parser.parse_args()
    unknown = [name for name in args.parts if name not in PARTS and name != "peers"]
    if unknown:
        parser.error(f"no part is called {', '.join(unknown)}; there are peers, {', '.join(PARTS)}")
    return args


def main() -> int:
    """Read the arguments, pin the load, measure, print."""
    if sys.argv[1:2] == ["year"]:
        return year(sys.argv[2:])
    args = _arguments()
    if args.parts == ["peers"]:
        return install_all()
    cores = sorted(os.sched_getaffinity(0))
    apart = len(cores) > 1
    say(surroundings())
    say(f"intake by {load_of_intake()}")
    for peer in PEERS:
        say(f"{peer}: {versions(peer)}")
    if apart:
        os.sched_setaffinity(0, {cores[-1]})
    else:
        say("One core: the load and the bot share it, and every figure is lower for that.")
    seconds, rounds = _QUICK if args.quick else _FULL
    wanted = Wanted(
        parts=args.parts or list(PARTS),
        seconds=args.seconds or seconds,
        rounds=args.rounds or rounds,
        quick=args.quick,
        minutes=args.soak,
        core=cores[0] if apart else None,
        load_core=cores[-1] if apart else None,
    )
    with tempfile.TemporaryDirectory(prefix="sayso-bench-") as folder:
        table = uvloop.run(measure(Path(folder), wanted))
    say("\n" + table.text())
    if args.json is not None:
        args.json.write_bytes(table.json())
    return 0


if __name__ == "__main__":
    sys.exit(main())
