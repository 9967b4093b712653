"""The table: medians and ranges of what the rounds gave, the machine and the versions it was measured with."""

from __future__ import annotations

import os
import platform
import sqlite3
import statistics
import sys
import tempfile
from collections.abc import Callable, Coroutine, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import uvloop

_LIBRARIES = ("uvicorn", "uvloop", "httptools", "starlette", "aiohttp", "msgspec", "SQLAlchemy", "jinja2", "fastapi")


class Table:
    """Rows of figures, one figure a round."""

    def __init__(self) -> None:
        self._figures: dict[str, list[float]] = {}
        self._shown: dict[str, tuple[str, int, str]] = {}

    def add(self, name: str, value: float, *, unit: str, digits: int = 0, aim: str = "") -> None:
        """One round's figure; ``aim`` is what the issue asks for."""
        self._figures.setdefault(name, []).append(value)
        self._shown[name] = (unit, digits, aim)

    def text(self) -> str:
        """The table, a row a figure: median, range, aim."""
        lines = [f"{'':74} {'median':>9} {'range':>19}  {'unit':<9} aim"]
        for name, values in self._figures.items():
            unit, digits, aim = self._shown[name]
            middle = f"{statistics.median(values):,.{digits}f}"
            spread = f"{min(values):,.{digits}f} to {max(values):,.{digits}f}"
            lines.append(f"{name:74} {middle:>9} {spread:>19}  {unit:<9} {aim}".rstrip())
        return "\n".join(lines)


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
    cores = sorted(os.sched_getaffinity(0))
    first = f"{model}, {len(cores)} cores, load {os.getloadavg()[0]:.1f} before the start; {platform.platform()}"
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
