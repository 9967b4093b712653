"""Taking what was erased out of a SQLite file's own bytes: free pages, the slack of pages in use, and the log."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from store.lock import AlreadyRunning, Lock
from store.sqlite import reset_race_possible


def scrub(path: Path, *, busy_timeout: float) -> bool:
    """Write the file anew without what is free in it; whether its log is emptied, too.

    The log is left to a bot that runs on this file where this SQLite must not checkpoint beside another
    (`store.sqlite`); it is emptied then at that bot's next checkpoint, or when it stops. ``busy_timeout`` in seconds.
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


def _write_anew(path: Path, busy_timeout: float) -> None:
    with closing(sqlite3.connect(path, timeout=busy_timeout, isolation_level=None)) as connection:
        connection.execute("PRAGMA wal_autocheckpoint=0")
        connection.execute("VACUUM")
