"""Opening the store: which database, whose lock, which schema."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import re
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bot.core.errors import SaysoError, Unavailable
from store.lock import AlreadyRunning, Lock
from store.migrate import HEAD, SchemaMismatch, current, migrate, refuse_strange
from store.reader import Reader
from store.sqlite import Connection, reset_race_possible
from store.sqlite_line import SqliteLine
from store.store import SqlStore
from store.tx import UnitTx
from store.writer import WAITING, Writer

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

log = logging.getLogger(__name__)

BUSY_TIMEOUT = 5.0
"""Seconds that a write waits for another process's write before it is refused."""


DRIVERS = ("sqlite+aiosqlite", "postgresql+asyncpg")
"""How addresses begin that sayso knows."""

_FILE = re.compile(r"sqlite\+aiosqlite:///([^?%:]+)")
"""An address that names a file by nothing but its path, so that nothing of it has to be decoded."""

_ASKED = frozenset({"ssl", "passfile", "host", "port", "target_session_attrs", "prepared_statement_cache_size"})
"""What may stand in the query of a PostgreSQL address: asyncpg's arguments, and what SQLAlchemy takes out of it."""


class BadAddress(SaysoError):
    """SAYSO_DATABASE_URL does not name a database that sayso can use."""

    code = "bad_database_url"


async def open_store(
    url: str,
    *,
    exclusive: bool,
    reads: bool = False,
    busy_timeout: float = BUSY_TIMEOUT,
    waiting: int = WAITING,
) -> SqlStore:
    """Open the database at ``url``, making or migrating it.

    ``exclusive``: for the one process that runs the bot; it holds the lock file and checkpoints. The tools open
    beside it with False; they migrate only while no bot runs.
    ``reads``: for tools that only read; a SQLite file that they may not write is opened as it is, see `store.evidence`.

    Raises `BadAddress`; `AlreadyRunning`; `store.migrate.Strange`; `SchemaMismatch` where the schema is of a newer
    sayso, or of an older one while that is running; `bot.core.errors.Unavailable` where the file cannot be opened or
    written.
    """
    path = database_at(url)
    if not isinstance(path, Path):
        from store.postgres_engine import open_postgres  # noqa: PLC0415  # its driver takes 40 ms to load

        return await open_postgres(path, bot=exclusive, busy_timeout=busy_timeout, waiting=waiting)
    if reads and path.exists():
        from store.evidence import may_write, open_evidence  # noqa: PLC0415  # a bot, which writes, starts without

        if not may_write(path):
            return await open_evidence(path, busy_timeout=busy_timeout)
    reader = Reader(path, busy_timeout=busy_timeout)
    opening = partial(_open, path, exclusive=exclusive, busy_timeout=busy_timeout, waiting=waiting)
    writer, lock = await asyncio.get_running_loop().run_in_executor(None, opening)
    store = SqlStore(writer, reader, lock)
    try:
        await reader.open()
    except (OSError, sqlite3.Error) as error:
        await store.close()
        raise _unopened(path, error) from error
    return store


def _address(url: str) -> URL:
    from sqlalchemy.engine import make_url  # noqa: PLC0415  # a start on a plain file does without (`store.kept`)
    from sqlalchemy.exc import ArgumentError  # noqa: PLC0415  # as above

    try:
        address = make_url(url)
    except (ArgumentError, ValueError):
        # Not said again: its password may stand anywhere in what could not be read.
        raise BadAddress("SAYSO_DATABASE_URL is no URL: try sqlite+aiosqlite:///sayso.db") from None
    if address.drivername not in DRIVERS:
        raise BadAddress(
            f"SAYSO_DATABASE_URL names {address.drivername}, which sayso cannot use:"
            f" try {DRIVERS[0]}:///sayso.db or {DRIVERS[1]}://sayso@localhost/sayso"
        )
    strange = sorted(address.query.keys() - _ASKED - {"password"})
    if strange and address.get_backend_name() == "postgresql":
        raise BadAddress(
            f"SAYSO_DATABASE_URL has {strange[0]} in its query, which sayso does not know: try {DRIVERS[0]}:///sayso.db"
            f" or {DRIVERS[1]}://sayso@localhost/sayso?ssl=verify-full"
        )
    if "password" in address.query:
        # Everywhere that an address is shown, on the trail too, it is without the password before its @ alone.
        raise BadAddress(
            f"SAYSO_DATABASE_URL has a password in its query: try {DRIVERS[0]}:///sayso.db"
            f" or {DRIVERS[1]}://user:password@host/sayso"
        )
    return address


def database_at(url: str) -> Path | URL:
    """The SQLite file that an address names, or the address of a PostgreSQL database. Raises `BadAddress`."""
    plain = _FILE.fullmatch(url)
    if plain is not None:
        return Path(plain[1])
    address = _address(url)
    return address if address.get_backend_name() == "postgresql" else _path(address)


def _path(address: URL) -> Path:
    if not address.database or address.database == ":memory:":
        raise BadAddress(
            "SAYSO_DATABASE_URL must name a file, for approvals outlive the process: try sqlite+aiosqlite:///sayso.db"
        )
    return Path(address.database)


def _unopened(path: Path, error: BaseException) -> Unavailable:
    return Unavailable(f"The database {path} cannot be opened for writing: {error}.")


def _open(path: Path, *, exclusive: bool, busy_timeout: float, waiting: int) -> tuple[Writer, Lock | None]:
    lock: Lock | None = None
    try:
        refuse_strange(path, busy_timeout)
        if exclusive:
            lock = Lock(path)
            _say_what_this_sqlite_is()
        _bring_up(path, busy_timeout, locked=exclusive)
        connect = partial(Connection, path, busy_timeout=busy_timeout, checkpoints=exclusive)
        writer = Writer(SqliteLine(connect), waiting=waiting)
    except (OSError, sqlite3.Error) as error:
        if lock is not None:
            lock.release()
        raise _unopened(path, error) from error
    except BaseException:
        if lock is not None:
            lock.release()
        raise
    return writer, lock


def _bring_up(path: Path, busy_timeout: float, *, locked: bool) -> None:
    """Migrate where the schema is not this program's; a file that cannot be written is found out here, not at work."""
    if path.exists() and not os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
        # SQLite would open it all the same and leave a log beside it that bears the same mode.
        raise PermissionError(errno.EACCES, "no permission to write")
    # Made for its owner alone, before SQLite would make it for everybody; the log beside it takes the same mode.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    with closing(Connection(path, busy_timeout=busy_timeout)) as connection:
        found = current(connection)
        if found == HEAD:
            connection.begin()
            UnitTx(connection.cursor).touch()
            connection.rollback()
    if found == HEAD:
        return
    if locked:
        migrate(path, found, busy_timeout)
        return
    try:
        lock = Lock(path)
    except AlreadyRunning as error:
        raise SchemaMismatch(
            f"the database has schema {found}, this sayso {HEAD}, and {error.detail}: use the same version as the bot"
        ) from error
    try:
        migrate(path, found, busy_timeout)
    finally:
        lock.release()


def _say_what_this_sqlite_is() -> None:
    if reset_race_possible(sqlite3.sqlite_version_info):
        log.info(
            "SQLite %s has the WAL-reset race (fixed in 3.51.3): sayso checkpoints under the write lock, which avoids"
            " it; let no program but sayso and its commands write to this database",
            sqlite3.sqlite_version,
        )
