"""Bringing to the disk what was written to a SQLite file, without keeping others from it meanwhile."""

from __future__ import annotations

import ctypes
import os
import time
from pathlib import Path

_OPEN_FILES = Path("/proc/self/fd")

TAKES = 0.2
"""Seconds that the disk is given to write by itself what it was told of; some tens of MB, in pieces."""

_WRITE = 2
"""``SYNC_FILE_RANGE_WRITE``: begin to write every page that is dirty, and wait for none (sync_file_range(2), Linux)."""


def sync(path: Path) -> None:
    """Bring to the disk what was written to a file that SQLite has open; where that cannot be told (no Linux), nothing.

    Slowly: a sync of megabytes at once goes through the file system's journal, and every commit beside it waits as
    long, some 30 ms. So the disk is first told to begin, and asked for the rest when that is next to nothing.

    By a descriptor that is SQLite's own. To open the file here would be to close it too, which takes from this process
    every lock that SQLite holds on it (POSIX advisory locks). Raises ``OSError``.
    """
    number = _descriptor(path)
    begin = getattr(ctypes.CDLL(None), "sync_file_range", None)
    if number is None or begin is None:
        return
    begin(number, ctypes.c_int64(0), ctypes.c_int64(0), _WRITE)
    time.sleep(TAKES)
    os.fsync(number)


def _descriptor(path: Path) -> int | None:
    if not _OPEN_FILES.is_dir():
        return None
    meant = path.stat()
    for number in map(int, os.listdir(_OPEN_FILES)):  # noqa: PTH208  # the names are numbers, not paths
        try:
            found = os.fstat(number)
        except OSError:
            continue
        if (found.st_dev, found.st_ino) == (meant.st_dev, meant.st_ino):
            return number
    return None
