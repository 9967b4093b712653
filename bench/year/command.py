"""``python -m bench year``: a year of life through the real desk, and whether what Sayso says of it is true.

Everything is drawn from a seed, which is printed; the same seed and dates are the same year. ``--keep DIR`` leaves the
database behind, with the rules it was lived under, so that the pages can be looked at with a year of data:

    python -m bench year --checks life --keep /tmp/year
    cd /tmp/year && SAYSO_CONFIG=routing.yaml SAYSO_DATABASE_URL=sqlite+aiosqlite:///sayso.db sayso up
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import uvloop

from bench.postgres import start_postgres
from bench.report import surroundings
from bench.year.cast import SHIPPING
from bench.year.checks import drift, figures, gates, grants, trust, watchers
from bench.year.findings import Finding, as_json, table
from bench.year.life import Life
from bench.year.stage import RULES, Stage, open_stage
from bot.core.insight.fact import Fact
from bot.core.ports.insight import FactQuery
from bot.insight.reading import Reading

_SEED = 20_261_126
_LIFE = "life"
_WHOLE = 200
"""Days from which on a life is long enough for all that is to show in it."""
CHECKS: dict[str, Callable[[int], Iterator[Finding]]] = {
    "trust": trust.check,
    "drift": drift.check,
    "thresholds": gates.check,
    "watchers": watchers.check,
}
"""What needs no desk, by name; the rest is of the life that is lived."""


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def arguments(words: list[str]) -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m bench year", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=_SEED, help=f"what everything is drawn from ({_SEED})")
    parser.add_argument("--days", type=int, default=365, help="how long the life is (365)")
    parser.add_argument("--scale", type=float, default=1.0, help="how much the agents propose, of some 26 a day (1)")
    parser.add_argument(
        "--until", type=datetime.fromisoformat, metavar="DATE", help="the day on which the life ends (today)"
    )
    names = (_LIFE, *CHECKS)
    parser.add_argument("--checks", default=",".join(names), help=f"which of {', '.join(names)}, comma between (all)")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="leave the database and its rules there")
    parser.add_argument("--postgres", action="store_true", help="live on a PostgreSQL instead of SQLite")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the findings there, too")
    asked = parser.parse_args(words)
    unknown = {*asked.checks.split(",")} - {*names}
    if unknown:
        parser.error(f"no check is called {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    return asked


async def facts_of(stage: Stage) -> tuple[Fact, ...]:
    """Every fact, practices too, oldest first."""
    found: list[Fact] = []
    for practice in (False, True):
        found += await stage.store.facts_of(FactQuery(practice=practice, limit=1_000_000))
    return tuple(sorted(found, key=lambda fact: fact.created_at))


async def lived(stage: Stage, draw: Random, *, days: int, scale: float) -> tuple[Life, list[Finding]]:
    """A life, and what its figures, its trust and its watchers come to."""
    life = Life(stage, draw, days=days, scale=scale)
    diary = await life.live()
    found = await figures.check(Reading(stage.store, stage.clock), diary, life.start, life.end)
    whole = days >= _WHOLE
    differ = figures.decisions(diary, await facts_of(stage))
    name = "decisions, one by one: who, when, how long they had it and worked"
    found.append(Finding(check=figures.CHECK, name=name, found=f"{len(differ)} differ", wanted="0", good=not differ))
    found += watchers.in_life(await facts_of(stage), life.start, life.end, whole=whole)
    found += grants.check(diary, await stage.store.grants(), life.turned.get(SHIPPING.name), whole=whole)
    return life, found


async def _life(asked: argparse.Namespace, folder: Path) -> list[Finding]:
    draw = Random(asked.seed)  # noqa: S311  # the same year each time
    until = (asked.until or datetime.now(UTC)).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=UTC)
    began = time.perf_counter()
    postgres = await start_postgres(None) if asked.postgres else None
    url = f"sqlite+aiosqlite:///{folder}/sayso.db"
    if postgres is not None:
        url = (await postgres.database()).replace("postgresql:", "postgresql+asyncpg:", 1)
    try:
        async with open_stage(url, until - timedelta(days=asked.days), draw) as stage:
            life, found = await lived(stage, draw, days=asked.days, scale=asked.scale)
    finally:
        if postgres is not None:
            await postgres.stop()
    count, took = len(life.diary.entries), time.perf_counter() - began
    _say(f"{count:,} requests in {asked.days} days to {until:%Y-%m-%d}, {took:.0f} s on {url.partition('+')[0]}")
    for agent, states in sorted(life.diary.summary().items()):
        _say(f"  {agent:10} " + ", ".join(f"{state} {number}" for state, number in sorted(states.items())))
    return found


def year(words: list[str]) -> int:
    """Run it; 1 where a figure and the truth differ."""
    asked = arguments(words)
    wanted = asked.checks.split(",")
    _say(f"{surroundings()}\nseed {asked.seed}")
    found: list[Finding] = []
    for name, check in CHECKS.items():
        if name in wanted:
            began = time.perf_counter()
            found += check(asked.seed)
            _say(f"{name} took {time.perf_counter() - began:.0f} s")
    if _LIFE in wanted:
        with tempfile.TemporaryDirectory(prefix="sayso-year-") as made:
            folder = asked.keep or Path(made)
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(RULES, folder / "routing.yaml")
            found += uvloop.run(_life(asked, folder.resolve()))
    found.sort(key=lambda finding: finding.check)
    _say(table(found))
    if asked.json is not None:
        asked.json.write_bytes(as_json(asked.seed, found))
    return int(any(finding.good is False for finding in found))
