"""Opening a store on PostgreSQL: which version, whose schema."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

import asyncpg
from sqlalchemy import text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.core.errors import SaysoError, Unavailable
from store import postgres, postgres_server
from store.engine import database_at
from store.migrate import HEAD, SchemaMismatch, refuse_unknown, upgrade
from store.postgres_door import OPENING, TROUBLES, Door
from store.postgres_ears import Ears
from store.postgres_line import LOCK, PostgresLine
from store.postgres_reader import READERS, PostgresReader
from store.store import SqlStore
from store.writer import Writer

log = logging.getLogger(__name__)

_MIGRATION = {"lock_timeout": "60s", "statement_timeout": "0", "idle_in_transaction_session_timeout": "0"}
"""A start waits a minute for another's migration, and so does a migration for whoever reads a table."""

_TROUBLES = (*TROUBLES, SQLAlchemyError)

_BESIDE = 3
"""Connections beside those that read: one writes, one listens, one asks what became of a commit."""


async def open_postgres(address: URL, *, bot: bool, busy_timeout: float, waiting: int) -> SqlStore:
    """Open the database, making or migrating the tables. Raises as `store.engine.open_store` does.

    ``bot``: for a bot, which is told what is doubtful about the server; commands beside it are not, each time.
    """
    engine = postgres.engine_for(address, connections=READERS + _BESIDE, lock_timeout=busy_timeout)
    try:
        if bot:
            await postgres_server.one_session_each(engine)
        await _bring_up(engine, address)
        if bot:
            await postgres_server.doubtful(engine, address)
    except _TROUBLES as error:
        await engine.dispose()
        raise _unopened(address, error) from error
    except SaysoError:
        await engine.dispose()
        raise
    line = PostgresLine(engine)
    return PostgresStore(Writer(line, waiting=waiting), PostgresReader(engine, READERS + _BESIDE), line, engine)


class PostgresStore(SqlStore):
    """A store that several replicas may share; see `bot.core.ports.ReplicaStore`."""

    def __init__(self, writer: Writer, reader: PostgresReader, line: PostgresLine, engine: AsyncEngine) -> None:
        """``line`` is the writer's; the reader disposes of ``engine``."""
        super().__init__(writer, reader, None)
        self._line = line
        self._engine = engine
        self._ears: Ears | None = None

    @property
    def shared(self) -> bool:
        """See `ReplicaStore.shared`."""
        return True

    async def attend(self, replica: str, heard: Callable[[bool], None]) -> None:
        """See `ReplicaStore.attend`."""
        if self._ears is not None:
            await self._ears.close()
        self._line.me = replica
        self._line.doubted = partial(heard, True)  # noqa: FBT003 - as of a word
        self._ears = Ears(self._engine, replica, heard)

    async def close(self) -> None:
        """See `Store.close`."""
        if self._ears is not None:
            await self._ears.close()
        await super().close()


async def schema_of(url: str) -> str | None:
    """The schema of a database on a server, None where there is nothing of sayso's; nothing is made or changed.

    Raises `store.engine.BadAddress`, and `bot.core.errors.Unavailable` where it cannot be reached.
    """
    address = database_at(url)
    if not isinstance(address, URL):
        return None
    engine = postgres.engine_for(address, connections=1, lock_timeout=1.0)
    try:
        async with engine.connect() as connection:
            return await _current(connection)
    except _TROUBLES as error:
        raise _unopened(address, error) from error
    finally:
        await engine.dispose()


def _unopened(address: URL, error: BaseException) -> Unavailable:
    shown = address.render_as_string(hide_password=True)
    return Unavailable(f"The database {shown} cannot be opened: {postgres_server.said(error)}.")


async def _bring_up(engine: AsyncEngine, address: URL) -> None:
    async with engine.connect() as connection:
        await postgres_server.fits(connection)
        found = await _current(connection)
    if found == HEAD:
        return
    refuse_unknown(found)
    # Its own engine, for a migration runs in SQLAlchemy's transaction and may take its time.
    own = create_async_engine(address, connect_args={"timeout": OPENING, "async_creator_fn": Door(_MIGRATION).open})
    try:
        async with own.begin() as connection:
            # Of replicas that start at once one migrates, and the others find it done.
            await _alone(connection, engine)
            if await _others_run(connection, found):
                raise SchemaMismatch(
                    f"the database has schema {found}, this sayso {HEAD}, and bots of the older one run on it:"
                    " stop them first"
                )
            if await _current(connection) != HEAD:
                await connection.run_sync(upgrade)
    finally:
        await own.dispose()


async def _alone(connection: AsyncConnection, engine: AsyncEngine) -> None:
    """Take the lock that writers hold. Raises `Unavailable`, which says who has it, where it is not let go."""
    try:
        await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", "") != asyncpg.LockNotAvailableError.sqlstate:
            raise
        who = await postgres_server.holding(engine, LOCK) or "another client"
        raise Unavailable(
            f"The database is to be brought up to date, and {who} has held sayso's lock for too long; if that is a bot"
            " that migrates, start this one again later"
        ) from error


async def _current(connection: AsyncConnection) -> str | None:
    if (await connection.execute(text("SELECT to_regclass('alembic_version')"))).scalar_one() is None:
        return None
    found: str | None = (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalar_one_or_none()
    return found


async def _others_run(connection: AsyncConnection, found: str | None) -> bool:
    """Whether replicas of an older schema are alive."""
    if found is None or (await connection.execute(text("SELECT to_regclass('replicas')"))).scalar_one() is None:
        return False
    alive = "SELECT count(*) FROM replicas WHERE until > (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
    return bool((await connection.execute(text(alive))).scalar_one())
