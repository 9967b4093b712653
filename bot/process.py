"""What the process takes of the machine, by the names that every Prometheus client gives it."""

from __future__ import annotations

import errno
import os
import platform
import resource
import sqlite3
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bot.web.house import Figure

_STARTED = time.time()
_OPEN = "Files and sockets that are open."


def own_version() -> str:
    """The installed version; 0 where it runs from files alone."""
    try:
        return version("sayso-bot")
    except PackageNotFoundError:
        return "0"


def process_figures() -> list[Figure]:
    """Memory, files and processor time; nothing of what this system does not tell."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    most = float(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    found = [
        Figure(
            "process_cpu_seconds_total",
            "Processor time, user and system.",
            used.ru_utime + used.ru_stime,
            {},
            "counter",
        ),
        Figure("process_start_time_seconds", "When the process started, since the epoch.", _STARTED),
        Figure("process_max_fds", "Files that may be open at once.", most),
    ]
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        files = len(os.listdir("/proc/self/fd"))  # noqa: PTH208  # a thousand paths would only be counted
    except (OSError, ValueError, IndexError) as fault:
        # Where not even this can be opened, all are: the alert may not end as what it is about comes to its worst.
        short = isinstance(fault, OSError) and fault.errno == errno.EMFILE
        return [*found, Figure("process_open_fds", _OPEN, most)] if short else found
    return [
        *found,
        Figure("process_resident_memory_bytes", "Memory that it holds.", float(pages * resource.getpagesize())),
        Figure("process_open_fds", _OPEN, float(files)),
    ]


def build_figures(database_url: str) -> list[Figure]:
    """Which sayso this is, on what."""
    kept = database_url.partition(":")[0].partition("+")[0]
    labels = {
        "version": own_version(),
        "python": platform.python_version(),
        "store": kept,
        "sqlite": sqlite3.sqlite_version,
    }
    return [Figure("sayso_build_info", "Which sayso this is, on what.", 1.0, labels)]
