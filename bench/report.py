"""The table: medians and ranges of what the rounds gave, each figure beside its aim, and what it was measured with."""

from __future__ import annotations

import os
import platform
import re
import sqlite3
import statistics
import sys
import tempfile
from collections.abc import Callable, Coroutine, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import msgspec
import uvloop

_LIBRARIES: tuple[str, ...] = (
    "uvicorn",
    "uvloop",
    "httptools",
    "starlette",
    "aiohttp",
    "msgspec",
    "SQLAlchemy",
    "asyncpg",
    "jinja2",
)
_LIBRARIES += ("slack-bolt", "slack-sdk", "APScheduler")
_AIM = re.compile(r"([<>]=?) ([\d.,]+)")
_HEAD = f"{'':72} {'median':>11} {'range':>23}  {'unit':<9} aim"
_MET = "met"


class Row(msgspec.Struct):
    """One figure: its values by round, how it is shown, and what the issue asks for (``>= 12``, ``< 30``)."""

    name: str
    unit: str
    digits: int
    aim: str
    values: dict[int, float] = {}

    @property
    def median(self) -> float:
        """The middle of the rounds."""
        return statistics.median(self.values.values())

    @property
    def verdict(self) -> str:
        """``met``, ``not met``, or nothing where there is no aim that a figure can meet."""
        found = _AIM.fullmatch(self.aim)
        if found is None:
            return ""
        sign, bound = found.groups()
        return _MET if _SIGNS[sign](self.median, float(bound.replace(",", ""))) else "NOT MET"


_SIGNS: dict[str, Callable[[float, float], bool]] = {
    "<": lambda figure, bound: figure < bound,
    "<=": lambda figure, bound: figure <= bound,
    ">": lambda figure, bound: figure > bound,
    ">=": lambda figure, bound: figure >= bound,
}


class Table:
    """Rows of figures, one figure a round. ``round`` is the number of the round that is being measured."""

    def __init__(self) -> None:
        self.round = 0
        self.failures: list[str] = []
        self._rows: dict[str, Row] = {}

    def add(self, name: str, value: float, *, unit: str, digits: int = 0, aim: str = "") -> None:
        """One round's figure; ``aim`` is what the issue asks for."""
        row = self._rows.setdefault(name, Row(name, unit, digits, aim))
        row.values[self.round] = value

    def ratio(self, name: str, top: str, bottom: str, *, aim: str = "", digits: int = 1) -> None:
        """This round's ``top`` over its ``bottom``, both added before; nothing where one of them is missing."""
        above, below = self._rows.get(top), self._rows.get(bottom)
        if above and below and self.round in above.values and below.values.get(self.round):
            quotient = above.values[self.round] / below.values[self.round]
            self.add(name, quotient, unit="times", digits=digits, aim=aim)

    def fail(self, what: str, problem: BaseException) -> None:
        """Something could not be measured in this round."""
        self.failures.append(f"{what}, round {self.round + 1}: {type(problem).__name__}: {problem}")

    def text(self) -> str:
        """A row a figure: median, range, aim, whether it is met; the aims once more; what was not measured."""
        lines = [_HEAD, *map(_line, self._rows.values())]
        aimed = [row for row in self._rows.values() if row.verdict]
        if aimed:
            met = sum(row.verdict == _MET for row in aimed)
            lines += ["", f"Of {len(aimed)} aims, {met} are met:", _HEAD, *map(_line, aimed)]
        if self.failures:
            lines += ["", "Not measured:", *(f"  {line}" for line in self.failures)]
        return "\n".join(lines)

    def json(self) -> bytes:
        """Every figure of every round."""
        return msgspec.json.format(msgspec.json.encode({"rows": list(self._rows.values()), "failed": self.failures}))


def _line(row: Row) -> str:
    middle = f"{row.median:,.{row.digits}f}"
    spread = f"{min(row.values.values()):,.{row.digits}f} to {max(row.values.values()):,.{row.digits}f}"
    return f"{row.name:72} {middle:>11} {spread:>23}  {row.unit:<9} {row.aim:<9} {row.verdict}".rstrip()


def print_measured(measure: Callable[[Path, int | None], Coroutine[Any, Any, Table]]) -> None:
    """Measure in a folder of its own and print; the core that is given is the bot's alone (None: there is but one)."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) > 1:
        os.sched_setaffinity(0, {cores[-1]})
    sys.stdout.write(surroundings() + "\n\n")
    with tempfile.TemporaryDirectory(prefix="sayso-bench-") as folder:
        table = uvloop.run(measure(Path(folder), cores[0] if len(cores) > 1 else None))
    sys.stdout.write(table.text() + "\n")


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which that share of the values lies."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def surroundings() -> str:
    """The machine and the versions, in three lines."""
    model = platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        named = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = named[0] if named else model
    first = f"{model}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the start; {platform.platform()}"
    second = f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version} (WAL, synchronous=FULL)"
    return f"{first}\n{second}\n{', '.join(_versions())}"


def _versions() -> list[str]:
    found = []
    for library in _LIBRARIES:
        try:
            found.append(f"{library} {version(library)}")
        except PackageNotFoundError:
            found.append(f"no {library}")
    return found
