"""Taking what was erased out of a SQLite file's own bytes: free pages, the slack of pages in use, and the log."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from bot.core.errors import Unavailable
from bot.core.ports import Store, Tx
from store.lock import AlreadyRunning, Lock
from store.sqlite import reset_race_possible

_BUSY = 5.0
_LOOKS = 8
_PAUSE = 0.5
"""Seconds between looks whether the log was emptied; its next checkpoint is a second after the last."""


def scrub(path: Path, *, busy_timeout: float) -> bool:
    """Write the file anew without what is free in it; whether its log is emptied, too.

    The log is left to a bot that runs on this file where this SQLite must not checkpoint beside another
    (`store.sqlite`); that bot empties it once it sees that another process wrote. ``busy_timeout`` in seconds.
    Raises ``sqlite3.Error``, also where there is no room for a second copy of the file.
    """
    lock: Lock | None = None
    try:
        lock = Lock(path)
    except AlreadyRunning:
        if reset_race_possible(sqlite3.sqlite_version_info):
            _write_anew(path, busy_timeout)
            return False
    try:
        _write_anew(path, busy_timeout)
        with closing(sqlite3.connect(path, timeout=busy_timeout, isolation_level=None)) as connection:
            connection.execute("PRAGMA wal_autocheckpoint=0")
            busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            return not busy
    finally:
        if lock is not None:
            lock.release()


async def rewrite(store: Store, url: str) -> bool:
    """Take what was erased out of the files of the database that a bot runs on; whether nothing of it is left there."""
    if url.startswith("sqlite"):
        return await scrub_beside(store, Path(url.partition(":///")[2].partition("?")[0]), busy_timeout=_BUSY)
    from store.vacuuming import vacuum  # noqa: PLC0415  # its driver takes 40 ms to load

    return await vacuum(url)


async def scrub_beside(store: Store, path: Path, *, busy_timeout: float) -> bool:
    """As `scrub`, in the process that runs on the file, with ``store``; False where readers kept the log from it.

    What is to be written meanwhile waits. Raises `Unavailable` where the file cannot be written anew.
    """
    try:
        await asyncio.to_thread(_write_anew, path, busy_timeout)
    except sqlite3.Error as problem:
        raise Unavailable(f"{path} cannot be written anew: {problem}.") from problem
    log = path.with_name(f"{path.name}-wal")
    full = _length(log)
    for _ in range(_LOOKS):
        await store.write(_empty)
        await asyncio.sleep(_PAUSE)
        if _length(log) < full:
            return True
    return False


def _empty(tx: Tx) -> None:
    tx.empty_log()


def _length(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def _write_anew(path: Path, busy_timeout: float) -> None:
    with closing(sqlite3.connect(path, timeout=busy_timeout, isolation_level=None)) as connection:
        connection.execute("PRAGMA wal_autocheckpoint=0")
        connection.execute("VACUUM")
