"""A SQLite store that can be read here and not written: evidence on a disk that is mounted read-only, another's file.

Where a log lies beside the file, SQLite reads it only where the log's index is there, too, or may be made. A file
without a log holds everything, and is read as one that never changes; whether it did after all is looked at after each
answer. A log is never passed over: what is in it would be missing from a trail that then reads as whole.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

from bot.core.errors import Unavailable
from bot.core.ports import About
from store.batches import Outcome, Work
from store.cursor import Cursor
from store.migrate import HEAD, SchemaMismatch, refuse_unknown, revision
from store.reader import Reader
from store.sqlite import down
from store.store import SqlStore
from store.writer import Writer

T = TypeVar("T")


def may_write(path: Path) -> bool:
    """Whether this process may write the file that is there, and make its log beside it."""
    itself = path.resolve()
    effective = os.access in os.supports_effective_ids
    return all(os.access(each, os.W_OK, effective_ids=effective) for each in (itself, itself.parent))


def connect(path: Path, *, timeout: float) -> sqlite3.Connection:
    """A connection that reads and makes nothing beside the file, unless the index of a log that lies there.

    ``timeout`` in seconds. Raises `Unavailable` where its log cannot be read, and ``sqlite3.Error``.
    """
    itself = path.resolve()
    log = _log(itself)
    address = f"{itself.as_uri()}?mode=ro" + ("" if log else "&immutable=1")
    driver = sqlite3.connect(address, timeout=timeout, isolation_level=None, check_same_thread=False, uri=True)
    try:
        driver.execute("PRAGMA query_only=1").close()
        driver.execute("SELECT count(*) FROM sqlite_master").close()
    except sqlite3.OperationalError as error:
        driver.close()
        if log is None:
            raise
        raise Unavailable(
            f"What is written last in {path} lies in {log.name}, and SQLite cannot read that here ({error}): copy both"
            " into a folder that you may write, and read them there."
        ) from error
    except BaseException:
        driver.close()
        raise
    return driver


def _log(itself: Path) -> Path | None:
    """The log beside a database, if anything is in one, or somebody may be about to write there."""
    live = itself.with_name(itself.name + "-shm").exists()
    for end in ("-wal", "-journal"):
        log = itself.with_name(itself.name + end)
        if log.exists() and (live or log.stat().st_size):
            return log
    return None


def _stamp(itself: Path) -> tuple[int, int, int]:
    found = itself.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


class _Watch:
    """Whether a file without a log is as it was; one with a log may change, for SQLite keeps what is read together."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._itself = path.resolve()
        # Before the log is looked for: whoever writes between the two is noticed.
        self._was = _stamp(self._itself)
        self._logged = _log(self._itself) is not None

    def look(self) -> None:
        """Raise `Unavailable` where it was written meanwhile."""
        if not self._logged and _stamp(self._itself) != self._was:
            raise Unavailable(f"{self._path} was written to while it was read. Try again.")


@contextmanager
def read_whole(path: Path, *, timeout: float) -> Iterator[sqlite3.Connection]:
    """A connection as of `connect`; raises `Unavailable` in the end where the file was written to meanwhile."""
    watch = _Watch(path)
    with closing(connect(path, timeout=timeout)) as driver:
        yield driver
    watch.look()


class EvidenceReader(Reader):
    """A reader of a file that nobody should write; it answers nothing that may be half of one state and of another."""

    def __init__(self, path: Path, *, busy_timeout: float) -> None:
        """Nothing is opened before `open`; ``busy_timeout`` in seconds. Raises ``OSError`` where there is no file."""
        super().__init__(path, busy_timeout=busy_timeout)
        self._watch = _Watch(path)

    def _connect(self, timeout: float) -> sqlite3.Connection:
        return connect(self._path, timeout=timeout)

    async def read(self, ask: Callable[[Cursor], T]) -> T:
        """See `Reader.read`; also raises `Unavailable` where the file was written to meanwhile."""
        answer = await super().read(ask)
        self._watch.look()
        return answer

    async def glance(self, ask: Callable[[Cursor], T]) -> T:
        """See `read`."""
        answer = await super().glance(ask)
        self._watch.look()
        return answer


class _NoLine:
    """The writer's connection where there is none."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def transact(self, batch: Sequence[Work], about: Sequence[About] = ()) -> list[Outcome]:
        del batch, about
        raise PermissionError(errno.EROFS, "it is only read here", str(self._path))

    async def let_go(self) -> None:
        pass

    async def tidy(self) -> None:
        pass

    async def close(self) -> None:
        pass


async def open_evidence(path: Path, *, busy_timeout: float) -> SqlStore:
    """The store in a file that cannot be written here: it answers, and refuses every change.

    Raises `SchemaMismatch` where another sayso wrote it, for it cannot be brought up to date; `store.migrate.Strange`;
    `Unavailable`.
    """
    try:
        reader = EvidenceReader(path, busy_timeout=busy_timeout)
        with closing(connect(path, timeout=busy_timeout)) as driver:
            found = revision(driver, path)
        if found != HEAD:
            refuse_unknown(found)
            raise SchemaMismatch(
                f"{path} has schema {found or 'none'}, this sayso {HEAD}, and it cannot be written here to be brought"
                " up to date: use the sayso that wrote it, or copy it to where you may write"
            )
        await reader.open()
    except (OSError, sqlite3.Error) as error:
        if isinstance(error, sqlite3.Error) and not down(error):
            raise
        raise Unavailable(f"The database {path} cannot be read: {error}.") from error
    return SqlStore(Writer(_NoLine(path)), reader, None)
