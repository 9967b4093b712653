"""``python -m tests.torture``: kill the program at every point, then at random ones, for as long as is asked.

Prints its seed at the start, a line for each torture, and for each failure the command that repeats it.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

from tests.torture.lives import AT_ITS_END
from tests.torture.points import ANY, at_once, named
from tests.torture.run import torture
from tests.torture.stores import STORES, Databases, databases

HOURS = 4
_FIRST = "execution.started:after commit"
_LATEST = 400
"""Of the points that a life passes, up to which one a random kill is drawn."""


def main() -> int:
    """Run as asked; 1 where anything did not hold."""
    args = _arguments()
    seed = args.seed if args.seed is not None else random.SystemRandom().randrange(2**32)
    sys.stdout.write(f"seed {seed}\n")
    with databases(args.store) as stores:
        if args.kills is not None or args.point is not None:
            kills = [f"{args.point}#1"] if args.kills is None else args.kills
            return int(not _tortured(next(stores), seed, tuple(kills), args))
        return _for_hours(stores, seed, args)


def _arguments() -> argparse.Namespace:
    says = argparse.ArgumentParser(prog="python -m tests.torture", description=(__doc__ or "").partition("\n")[2])
    says.add_argument("--seed", type=int, help="draws the same workload and the same kills again")
    says.add_argument("--seconds", type=float, default=HOURS * 3600, help="for how long; each point comes first")
    says.add_argument("--store", choices=[*STORES, "both"], default="both")
    says.add_argument("--point", help="only one torture, killed at this point once")
    says.add_argument("--row", type=int, default=1, help="so many points in one torture, a life each (default: 1)")
    says.add_argument("--kills", nargs="*", help="only one torture, each life killed at <point>#<n>, or at *#<n>")
    says.add_argument("--mate", action="store_true", help="on PostgreSQL, another replica beside, which is not killed")
    says.add_argument("--keep", action="store_true", help="keep the folder of what held, too")
    return says.parse_args()


def _for_hours(stores: Iterator[Databases], seed: int, args: argparse.Namespace) -> int:
    until = time.monotonic() + args.seconds
    first = [next(stores) for _ in range(2 if args.store == "both" else 1)]
    chances = [random.Random(f"{seed} {store.name}") for store in first]  # noqa: S311  # the same tortures again
    plans = [_plans(chance, store.name, args.row) for chance, store in zip(chances, first, strict=True)]
    runs = failed = killed = 0
    for store, chance, plan in cycle(list(zip(first, chances, plans, strict=True))):
        if time.monotonic() >= until:
            break
        runs += 1
        held = _tortured(store, chance.randrange(2**32), next(plan), args)
        killed += held or 0
        failed += held is None
    sys.stdout.write(f"{runs} tortures, {killed} kills in those that held, {failed} did not hold (seed {seed})\n")
    return int(failed > 0)


def _plans(chance: random.Random, store: str, row: int) -> Iterator[tuple[str, ...]]:
    """Each point once, and a kill at random behind it, as likely as not in what the first one left; then at random."""
    every = list(at_once(store))
    chance.shuffle(every)
    for point in sorted(set(named(store)) - set(every)):
        yield f"{_FIRST}#1", f"{point}#1"
    for first in range(0, len(every), row):
        some = sorted(every[first : first + row], key=lambda point: point.startswith(AT_ITS_END))
        yield (*(f"{point}#1" for point in some), f"{ANY}#{chance.randrange(1, _LATEST)}")
    while True:
        count = chance.randrange(1, 6)
        drawn = [f"{chance.choice(every)}#{chance.choice((1, 1, 2, 3, 5))}" for _ in range(count)]
        yield tuple(kill if chance.random() < 0.5 else f"{ANY}#{chance.randrange(1, _LATEST)}" for kill in drawn)


def _tortured(store: Databases, seed: int, kills: tuple[str, ...], args: argparse.Namespace) -> int | None:
    """One torture; how many kills there were, None where something did not hold."""
    folder = Path(tempfile.mkdtemp(prefix="sayso-torture-"))
    began = time.monotonic()
    mate = bool(args.mate) and store.cluster is not None
    try:
        report = asyncio.run(torture(folder, store.url(folder), seed=seed, kills=kills, mate=mate))
    except Exception as fault:  # noqa: BLE001  # whatever it is, it is told with the command that repeats it
        again = " ".join(f"'{kill}'" for kill in kills)
        sys.stdout.write(f"FAILED in {folder}\n{''.join(traceback.format_exception(fault))}\n")
        beside = " --mate" if mate else ""
        sys.stdout.write(f"again: python -m tests.torture --store {store.name}{beside} --seed {seed} --kills {again}\n")
        sys.stdout.flush()
        return None
    took = time.monotonic() - began
    taken = f", taken over within {report.taken_within:.1f} s" if report.taken_within else ""
    told = f"{report.requests} requests, {report.lost} lost answers, {took:.1f} s{taken}"
    missed = ", ".join(kills[len(report.killed) :])
    sys.stdout.write(f"held on {store.name}: {', '.join(report.killed) or 'no kill'} ({told})\n")
    sys.stdout.write(f"not come to: {missed}\n" if missed else "")
    sys.stdout.flush()
    if not args.keep:
        shutil.rmtree(folder, ignore_errors=True)
    return len(report.killed)


if __name__ == "__main__":
    sys.exit(main())
