"""Intake alone: submissions by ``wrk`` over 32 connections (without it by our load), against peers and raw SQLite."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

from bench.contenders import LANGGRAPH, ORM, SAYSO, Setting, Standing, standing
from bench.cycles import MANY
from bench.floor import UNITS, floor, left_behind
from bench.load import BODY
from bench.report import Table

_SCRIPT = Path(__file__).with_suffix(".lua")
_ROWS = 2_000
_ROW = "intake, {} at a time: {}"
_RAW = "a tight loop of single raw sqlite3 transactions, a submission's rows"


class Refused(Exception):
    """``wrk`` had answers other than 2xx, or none."""


async def _by_wrk(wrk: str, it: Standing, seconds: float) -> float:
    """Accepted submissions a second. Raises `Refused`."""
    env = os.environ | {"BENCH_BODY": BODY.decode(), "BENCH_KEY": it.load.agent, "BENCH_BEGUN": str(time.time_ns())}
    words = [
        "-t1",
        f"-c{MANY}",
        f"-d{max(1, round(seconds))}s",
        "-s",
        str(_SCRIPT),
        f"http://127.0.0.1:{it.process.port}",
    ]
    process = await asyncio.create_subprocess_exec(
        wrk, *words, env=env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    printed, _ = await process.communicate()
    found = re.search(rb"Requests/sec:\s+([\d.]+)", printed)
    if found is None or b"Non-2xx" in printed:
        raise Refused(printed.decode(errors="replace")[-400:])
    return float(found[1])


def load_of_intake() -> str:
    """What loads the intake, for the table."""
    wrk = shutil.which("wrk")
    if wrk is None:
        return "the bench's own load (apt-get install wrk for an independent one)"
    said = subprocess.run([wrk, "-v"], capture_output=True, text=True, check=False).stdout  # noqa: S603  # our own words
    return " ".join(said.split()[:2])


async def submitted(it: Standing, seconds: float) -> float:
    """Accepted submissions a second, by whichever load is here."""
    wrk = shutil.which("wrk")
    if wrk is not None:
        return await _by_wrk(wrk, it, seconds)
    return (await it.load.run(it.load.submit, at_a_time=MANY, seconds=seconds)).rate


async def intake(table: Table, setting: Setting) -> None:
    """One round, everybody in turn."""
    ours = _ROW.format(MANY, SAYSO)
    for name in (SAYSO, LANGGRAPH, ORM):
        try:
            async with standing(name, setting) as it:
                await it.cycles(at_a_time=MANY, seconds=1.0)  # warm; and Sayso's leave the rows for the raw loop
                table.add(_ROW.format(MANY, name), await submitted(it, setting.seconds), unit="a second")
                if name == SAYSO and it.house is not None:
                    schema, rows = left_behind(it.house.database, _ROWS)
                    raw = floor(it.house.folder / "raw.db", schema, rows, 1, UNITS[:1])
                    table.add(_RAW, raw, unit="a second")
        except Exception as problem:  # noqa: BLE001  # whoever fails is reported; the rest goes on
            table.fail(f"intake of {name}", problem)
    table.ratio("intake, times LangGraph behind FastAPI", ours, _ROW.format(MANY, LANGGRAPH), aim=">= 12")
    table.ratio("intake, times FastAPI + ORM", ours, _ROW.format(MANY, ORM), aim=">= 7")
    table.ratio("intake, of a tight loop of single raw sqlite3 transactions", ours, _RAW, aim=">= 1", digits=2)
