"""The places at which the process may be killed. Each has a name; passing one for the n-th time may be the last thing.

A point is ``<what>:<when>``. ``SAYSO_KILL_AT=<point>#<n>`` kills the process as it passes the point for the n-th time;
``*#<n>`` as it passes any point for the n-th time in all. ``SAYSO_POINTS`` is a file to which each point is added when
it is passed first, and how many were passed in all when the process ends by itself.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from pathlib import Path

KILL_AT = "SAYSO_KILL_AT"
PASSED = "SAYSO_POINTS"
ANY = "*"
NOTE = "#"
"""In the data, behind a point that one store alone has, and before its name; at its beginning the line is none."""
DATA = Path(__file__).with_name("points.txt")


class Points:
    """What was passed in this process, and where it is to be killed."""

    def __init__(self, kill_at: str, passed: str) -> None:
        """Raises `ValueError` where ``kill_at`` is not ``<point>#<n>`` (empty: nowhere)."""
        self._name, _, times = kill_at.partition("#")
        self._times = int(times) if kill_at else 0
        self._file = os.open(passed, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600) if passed else None
        self.seen: Counter[str] = Counter()
        self.all = 0

    def reach(self, name: str) -> None:
        """Pass a point, or end here: SIGKILL, which nothing in the process hears of."""
        self.all += 1
        self.seen[name] += 1
        if self._file is not None and self.seen[name] == 1:
            os.write(self._file, f"{name}\n".encode())
        if self._times == (self.all if self._name == ANY else self.seen[name] if self._name == name else -1):
            os.kill(os.getpid(), signal.SIGKILL)

    def tell(self) -> None:
        """Write down how many points were passed."""
        if self._file is not None:
            os.write(self._file, f"= {self.all}\n".encode())


def named(store: str | None = None) -> tuple[str, ...]:
    """Every point that there is, as the data has them; those of one ``store`` (see `stores.STORES`)."""
    lines = [line.partition(NOTE) for line in DATA.read_text(encoding="utf-8").splitlines()]
    return tuple(name.strip() for name, _, only in lines if name.strip() and (not store or only.strip() in ("", store)))


def at_once(store: str) -> tuple[str, ...]:
    """Those of a store that a first life comes to; the others come with the next, that takes over from it."""
    return tuple(name for name in named(store) if not name.startswith("replica.lost:"))


def passed(file: Path) -> tuple[set[str], int]:
    """The points that processes wrote down, and the largest number passed by one of them that ended by itself."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    counts = [int(line[2:]) for line in lines if line.startswith("= ")]
    return {line for line in lines if not line.startswith("= ")}, max(counts, default=0)
