"""``python -m bench year``: a year of life through the real desk, and what it shows of the figures.

The year is drawn from a seed, which is printed; the same seed is the same year. ``--keep DIR`` leaves the database
behind, with the rules it was lived under, so that the pages can be looked at with a year of data:

    python -m bench year --keep /tmp/year
    cd /tmp/year && SAYSO_CONFIG=routing.yaml SAYSO_DATABASE_URL=sqlite+aiosqlite:///sayso.db sayso up
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import uvloop

from bench.year.life import Life
from bench.year.stage import RULES, open_stage

_SEED = 20_261_126


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
    parser.add_argument("--keep", type=Path, metavar="DIR", help="leave the database and its rules there")
    return parser.parse_args(words)


async def _year(asked: argparse.Namespace, folder: Path) -> None:
    draw = Random(asked.seed)  # noqa: S311  # the same year each time
    until = (asked.until or datetime.now(UTC)).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=UTC)
    began = time.perf_counter()
    async with open_stage(f"sqlite+aiosqlite:///{folder}/sayso.db", until - timedelta(days=asked.days), draw) as stage:
        life = Life(stage, draw, days=asked.days, scale=asked.scale)
        diary = await life.live()
    took = time.perf_counter() - began
    _say(f"seed {asked.seed}: {len(diary.entries):,} requests in {asked.days} days to {until:%Y-%m-%d}, {took:.0f} s")
    for agent, states in sorted(diary.summary().items()):
        _say(f"  {agent:10} " + ", ".join(f"{state} {number}" for state, number in sorted(states.items())))


def year(words: list[str]) -> int:
    """Run it; 1 where a figure and the truth differ."""
    asked = arguments(words)
    with tempfile.TemporaryDirectory(prefix="sayso-year-") as made:
        folder = asked.keep or Path(made)
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(RULES, folder / "routing.yaml")
        uvloop.run(_year(asked, folder.resolve()))
    return 0
