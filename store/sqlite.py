"""One SQLite connection as the store wants it: durable, one writer at a time, never waited on by readers.

Checkpoints. SQLite before 3.51.3 (3.50.7 and 3.44.6 have the fix too) can lose pages when one connection checkpoints
while another's commit starts the log anew: the WAL-reset race, https://www.sqlite.org/wal.html#walresetbug. So SQLite's
own checkpointing is off on every connection. Only the writer of the process that holds the database checkpoints, by
TRUNCATE, which holds the write lock all the while, so that no commit can fall into it. Should another process keep that
lock for longer than `CHECKPOINT_WAIT`, SQLite falls back to a passive one; the log then holds lines of ours that no
checkpoint has copied, so it cannot start anew underneath, and the race stays out of reach. Tools beside the bot never
checkpoint, other than SQLite's own at the last close of all, which happens alone.

A TRUNCATE of a long log keeps who writes waiting for as long as the disk takes, 50 ms and more. So most of the log is
copied before it, once, by a passive checkpoint beside the commits. That is out of the race's reach: the log starts anew
only where all of it was copied, which after a TRUNCATE only this one can have done, and then it is at its end.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from store.cursor import Cursor
from store.kept import sqlite_statements

log = logging.getLogger(__name__)

CHECKPOINT_BYTES = 64 * 1024 * 1024
"""How long the log may grow before the writer checkpoints. At 16 MB a burst spends a sixth of its time on that, for the
same pages again and again; a log of 64 MB is read as fast as one of 16, and recovered in 24 ms after a kill."""

CHECKPOINT_WAIT = 0.2
"""Seconds that a checkpoint waits for other processes; the next commit after `CHECKPOINT_PAUSE` tries again."""

CHECKPOINT_PAUSE = 1.0

CHECKPOINT_WAIT_AGAIN = 0.02
"""As `CHECKPOINT_WAIT`, once one could not end: while a backup reads none can, and each try holds up who writes."""

_FIXED = (3, 51, 3)
_FIXED_BRANCHES = {(3, 50): 7, (3, 44): 6}

_DOWN = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_AUTH,
    }
)
"""The store's own troubles, as opposed to a wrong statement or a broken constraint."""


def reset_race_possible(version: tuple[int, int, int]) -> bool:
    """Whether this SQLite has the WAL-reset race."""
    return version < _FIXED and version[2] < _FIXED_BRANCHES.get(version[:2], version[2] + 1)


def down(error: BaseException) -> bool:
    """Whether an error says that the database cannot be used now (full, locked, read-only, broken)."""
    code = getattr(error, "sqlite_errorcode", None)
    return isinstance(error, sqlite3.Error) and code is not None and code & 0xFF in _DOWN


READ_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA wal_autocheckpoint=0",
    "PRAGMA query_only=1",
)
"""How a connection that only reads is set up."""


class Connection:
    """One connection. It may move between threads, but serves one at a time."""

    def __init__(self, path: Path, *, busy_timeout: float, checkpoints: bool = False) -> None:
        """``busy_timeout`` in seconds: how long to wait for another process's write. Raises ``sqlite3.Error``.

        ``checkpoints``: whether `overgrown` ever says so; for the writer of the process that holds the lock.
        """
        self._path = path
        self._checkpoints = checkpoints
        self._busy_timeout = busy_timeout
        self._waits = busy_timeout
        self._checkpointed = 0.0
        self._checkpoint_waits = CHECKPOINT_WAIT
        self._copied = True
        """Whether the log may have been copied since it was last emptied; what an earlier process did is not known."""
        self._driver = sqlite3.connect(path, timeout=busy_timeout, isolation_level=None, check_same_thread=False)
        self._cursor = cursor = self._driver.cursor()
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            cursor.execute("PRAGMA synchronous=FULL")
            cursor.execute("PRAGMA foreign_keys=ON")
            cursor.execute("PRAGMA wal_autocheckpoint=0")
        except sqlite3.Error:
            self.close()
            raise
        self.cursor = Cursor(cursor, sqlite_statements())

    def begin(self) -> None:
        """Begin to write, waiting for other processes up to the busy timeout."""
        self._wait(self._busy_timeout)
        self.cursor.driver.execute("BEGIN IMMEDIATE")

    def begin_now(self) -> bool:
        """Begin to write without waiting; False where another process writes just now."""
        self._wait(0)
        try:
            self.cursor.driver.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
                return False
            raise
        return True

    def _wait(self, seconds: float) -> None:
        """Wait so long for other processes from now on; told to SQLite only where that changes."""
        if seconds != self._waits:
            self.cursor.driver.execute(f"PRAGMA busy_timeout={int(seconds * 1000)}")
            self._waits = seconds

    def commit(self) -> None:
        """Make the transaction durable."""
        self.cursor.driver.execute("COMMIT")

    def rollback(self) -> None:
        """Forget the transaction, where there is one; SQLite has ended it itself after some errors."""
        if self._driver.in_transaction:
            self.cursor.driver.execute("ROLLBACK")

    def savepoint(self) -> None:
        """Begin a part that can be undone alone."""
        self.cursor.driver.execute("SAVEPOINT unit")

    def keep(self) -> None:
        """End the part and keep it."""
        self.cursor.driver.execute("RELEASE unit")

    def undo(self) -> None:
        """End the part and forget it."""
        self.cursor.driver.execute("ROLLBACK TO unit")
        self.cursor.driver.execute("RELEASE unit")

    def down(self, error: BaseException) -> bool:
        """Whether an error says that the database cannot be used now."""
        return down(error)

    def spoiled(self, error: BaseException) -> bool:
        """Never: a statement that fails takes nothing with it."""
        del error
        return False

    def overgrown(self, times: int = 1) -> bool:
        """Whether it is time for `checkpoint`: the log has grown long, or is to be emptied of what was erased.

        ``times``: so many times as long.
        """
        if not self._checkpoints or time.monotonic() - self._checkpointed < CHECKPOINT_PAUSE:
            return False
        if self.cursor.emptying:
            return True
        try:
            return os.stat(f"{self._path}-wal").st_size >= times * CHECKPOINT_BYTES  # noqa: PTH116 - once a commit
        except OSError:
            return False

    def copies_first(self) -> bool:
        """Whether `copy` comes before `checkpoint`: once, unless an empty log is waited for. It then counts as done."""
        first = not self._copied and not self.cursor.emptying
        self._copied = self._copied or first
        return first

    def copy(self) -> None:
        """Copy most of the log into the database while others write, on a connection of its own. Never fails."""
        from store.writeback import sync  # noqa: PLC0415  # nothing before it needs ctypes

        try:
            with closing(sqlite3.connect(self._path, timeout=0, isolation_level=None)) as beside:
                beside.execute("PRAGMA wal_autocheckpoint=0")
                beside.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
                sync(self._path)
        except (sqlite3.Error, OSError) as error:
            log.warning("the log of %s could not be copied: %s", self._path, error)

    def checkpoint(self) -> None:
        """Copy the log into the database and empty it. Never fails: the log stays right, only longer."""
        self._checkpointed = time.monotonic()
        try:
            self._wait(self._checkpoint_waits)
            self.cursor.driver.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            busy = self.cursor.driver.fetchall()[0][0]
            self._checkpoint_waits = CHECKPOINT_WAIT_AGAIN if busy else CHECKPOINT_WAIT
            self.cursor.emptying = self.cursor.emptying and bool(busy)
            self._copied = bool(busy)
        except sqlite3.Error as error:
            log.warning("the log of %s could not be checkpointed: %s", self._path, error)

    def close(self) -> None:
        """Close it; what was not committed is lost."""
        self._cursor.close()  # its last statement would keep the files open for as long as anything refers to it
        self._driver.close()
