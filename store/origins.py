"""Where a copy of a store comes from: one snapshot of a SQLite file or of PostgreSQL, given as pages or as rows."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Protocol, TypeVar

import asyncpg
from sqlalchemy import NullPool
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.util import greenlet_spawn

from bot.core.errors import Unavailable
from store import pages
from store.contents import Contents, NotWhole, contents
from store.copying import PostgresRows, SqliteRows, Target, copy_rows
from store.cursor import Cursor
from store.evidence import may_write, read_whole
from store.lock import AlreadyRunning, Lock
from store.migrate import HEAD, SchemaMismatch, migrate, refuse_unknown
from store.parts import Told
from store.postgres import PgCursor, drop
from store.postgres_door import TROUBLES, Door
from store.postgres_line import LOCK
from store.postgres_server import said
from store.sqlite import Connection, down
from store.statements import statements_for

T = TypeVar("T")

_BUSY = 30.0
_ALIVE = "SELECT count(*) FROM replicas WHERE until > (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"


class Origin(Protocol):
    """One snapshot of a store. ``file`` is where it is read from, None of a server."""

    file: Path | None

    async def ask(self, question: Callable[[Cursor], T]) -> T:
        """Ask the snapshot; its tables may be of an older schema, in which the audit and its head are the same."""

    async def into_file(self, to: Path, told: Told) -> None:
        """Copy it into the empty file ``to``, a SQLite database in one file; its schema may be an older one.

        Raises ``OSError`` where there is no room for it.
        """

    async def into_rows(self, target: Target, told: Told) -> Contents:
        """Copy its rows; what there were. Raises `SchemaMismatch` where they are not of this program's schema."""


@contextmanager
def room_for(to: Path) -> Iterator[None]:
    """While ``to`` is written: raise ``OSError`` that names it where its disk is full, for what is read never is."""
    try:
        yield
    except (sqlite3.Error, DBAPIError) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        if getattr(cause, "sqlite_errorcode", sqlite3.SQLITE_OK) & 0xFF != sqlite3.SQLITE_FULL:
            raise
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(to)) from error


class SqliteOrigin:
    """A SQLite file."""

    def __init__(self, driver: sqlite3.Connection, file: Path) -> None:
        """``driver`` is in no transaction."""
        self._driver = driver
        self.file: Path | None = file
        self.schema = pages.schema_of(driver)

    async def ask(self, question: Callable[[Cursor], T]) -> T:
        """See `Origin.ask`."""
        return question(pages.cursor_of(self._driver))

    async def into_file(self, to: Path, told: Told) -> None:
        """See `Origin.into_file`."""
        with room_for(to):
            pages.copy(self._driver, to, told)

    async def into_rows(self, target: Target, told: Told) -> Contents:
        """See `Origin.into_rows`."""
        self._match()
        self._driver.execute("BEGIN")
        held = contents(pages.cursor_of(self._driver))
        copied = await copy_rows(SqliteRows(self._driver), target, told, held.rows)
        self._driver.execute("ROLLBACK")
        _same(held, copied)
        return held

    def _match(self) -> None:
        refuse_unknown(self.schema)
        if self.schema != HEAD:
            raise SchemaMismatch(
                f"{self.file} has schema {self.schema}, this sayso {HEAD}: take it into a SQLite file first, which"
                " brings it up to date, and move that on"
            )


class PostgresOrigin:
    """A PostgreSQL database."""

    def __init__(self, driver: asyncpg.Connection) -> None:
        """``driver`` is in a transaction that sees one snapshot."""
        self._driver = driver
        self.file: Path | None = None

    async def ask(self, question: Callable[[Cursor], T]) -> T:
        """See `Origin.ask`."""
        return await asked(self._driver, question)

    async def into_file(self, to: Path, told: Told) -> None:
        """See `Origin.into_file`."""
        with room_for(to):
            migrate(to, None, _BUSY)
        with room_for(to), closing(sqlite3.connect(to, isolation_level=None)) as target:
            target.execute("PRAGMA journal_mode=OFF")
            target.execute("PRAGMA synchronous=OFF")
            target.execute("BEGIN")
            target.execute("DELETE FROM chain")  # the head of an empty one, which the migration put there
            await self.into_rows(SqliteRows(target), told)
            target.execute("COMMIT")
            if target.execute("PRAGMA foreign_key_check").fetchone():
                raise NotWhole("the copy has rows that refer to none")
            pages.one_file(target)

    async def into_rows(self, target: Target, told: Told) -> Contents:
        """See `Origin.into_rows`."""
        held = await self.ask(contents)
        _same(held, await copy_rows(PostgresRows(self._driver), target, told, held.rows))
        return held


def _same(held: Contents, copied: dict[str, int]) -> None:
    if held.rows != copied:
        raise NotWhole(f"the copy has {copied} rows, the store {held.rows}")


async def asked(driver: asyncpg.Connection, question: Callable[[Cursor], T]) -> T:
    """Ask a PostgreSQL connection by the store's own plain calls, in the transaction that it is in."""
    cursor = Cursor(PgCursor(driver), statements_for("postgresql"))
    answer: T = await greenlet_spawn(question, cursor)
    return answer


_PATIENT = {"statement_timeout": "0", "idle_in_transaction_session_timeout": "0"}
"""A move takes its time, whatever the role's own limits are."""


@asynccontextmanager
async def postgres(address: URL) -> AsyncIterator[asyncpg.Connection]:
    """A connection of asyncpg's own, without the limits that those of a bot have. Raises `Unavailable`."""
    engine = create_async_engine(address, poolclass=NullPool, connect_args={"async_creator_fn": Door(_PATIENT).open})
    try:
        connection = await engine.connect()
    except (*TROUBLES, SQLAlchemyError) as error:
        shown = address.render_as_string(hide_password=True)
        raise Unavailable(f"The database {shown} cannot be opened: {said(error)}.") from error
    try:
        driver = (await connection.get_raw_connection()).driver_connection
        if driver is None:
            raise Unavailable
        yield driver
    except (OSError, asyncpg.InterfaceError, asyncpg.PostgresError) as error:
        if not isinstance(error, ConnectionError) and isinstance(error, OSError):
            raise
        shown = address.render_as_string(hide_password=True)
        raise Unavailable(f"{shown}: {error or type(error).__name__}; nothing was kept.") from error
    finally:
        # What was not committed is forgotten with the connection, whatever state it is in.
        await drop(connection)
        await engine.dispose()


async def schema_of(driver: asyncpg.Connection) -> str | None:
    """The revision of the tables; None where there are none."""
    if await driver.fetchval("SELECT to_regclass('alembic_version')") is None:
        return None
    found: str | None = await driver.fetchval("SELECT version_num FROM alembic_version")
    return found


async def refuse_live(driver: asyncpg.Connection) -> None:
    """Raise `AlreadyRunning` where a bot runs on the database."""
    if alive := await driver.fetchval(_ALIVE):
        raise AlreadyRunning(f"{alive} sayso run on this database, or ended a moment ago without a word: stop them")


@asynccontextmanager
async def sqlite_origin(path: Path, *, still: bool = False, kept: bool = False) -> AsyncIterator[SqliteOrigin]:
    """A file. ``still``: no bot runs on it, and nobody writes to it meanwhile; ``kept``: it is a backup.

    Raises `AlreadyRunning`, `NotWhole` where it is no store, `Unavailable` where it cannot be read.
    """
    lock: Lock | None = None
    try:
        lock = _locked(path, still=still)
        with _opened(path, kept=kept) as driver:
            held = _held(path) if still else None
            try:
                yield SqliteOrigin(driver, path)
            finally:
                if held is not None:
                    held.rollback()
                    held.close()
    except NotWhole as problem:
        raise NotWhole(f"{path}: {problem.detail}") from problem
    except sqlite3.Error as error:
        if down(error):
            raise Unavailable(f"{path} cannot be copied: {error}.") from error
        raise
    finally:
        if lock is not None:
            lock.release()


def _locked(path: Path, *, still: bool) -> Lock | None:
    if not path.is_file():
        raise NotWhole("there is no such file")
    return Lock(path) if still else None


def _opened(path: Path, *, kept: bool) -> AbstractContextManager[sqlite3.Connection]:
    if kept:
        return closing(pages.sealed(path))
    return closing(pages.reading(path)) if may_write(path) else read_whole(path, timeout=_BUSY)


def _held(path: Path) -> Connection:
    """Keep out whoever would write."""
    held = Connection(path, busy_timeout=_BUSY)
    held.begin()
    return held


@asynccontextmanager
async def postgres_origin(address: URL, *, still: bool = False) -> AsyncIterator[PostgresOrigin]:
    """A database; ``still`` and errors as of `sqlite_origin`, `SchemaMismatch` where its schema is not this one's."""
    async with postgres(address) as driver:
        shown = address.render_as_string(hide_password=True)
        found = await schema_of(driver)
        if found != HEAD:
            raise SchemaMismatch(f"{shown} has schema {found}, this sayso {HEAD}: use the sayso that wrote it")
        if still:
            # Taken before the snapshot, so that nothing falls between; closing the connection lets go of it.
            await driver.execute("SELECT pg_advisory_lock($1)", LOCK)
            await refuse_live(driver)
        async with driver.transaction(isolation="repeatable_read", readonly=True):
            yield PostgresOrigin(driver)
