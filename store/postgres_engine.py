"""Opening a store on PostgreSQL: which version, whose schema."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

import asyncpg
from sqlalchemy import text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.core.errors import SaysoError, Unavailable
from store import postgres
from store.migrate import HEAD, SchemaMismatch, refuse_unknown, upgrade
from store.postgres_ears import Ears
from store.postgres_line import LOCK, PostgresLine
from store.postgres_reader import READERS, PostgresReader
from store.store import SqlStore
from store.writer import Writer

log = logging.getLogger(__name__)

OLDEST = 15
"""The oldest PostgreSQL that the tests run on."""

_HERE = (None, "", "localhost", "127.0.0.1", "::1")
"""Hosts to which nobody stands between."""

_TROUBLES = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, SQLAlchemyError)

_BESIDE = 3
"""Connections beside those that read: one writes, one listens, one asks what became of a commit."""


async def open_postgres(address: URL, *, bot: bool, busy_timeout: float, waiting: int) -> SqlStore:
    """Open the database, making or migrating the tables. Raises as `store.engine.open_store` does.

    ``bot``: for a bot, which is told what is doubtful about the server; commands beside it are not, each time.
    """
    engine = postgres.engine_for(address, connections=READERS + _BESIDE, lock_timeout=busy_timeout)
    try:
        await _bring_up(engine, address)
        if bot:
            await _warn(engine, address)
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


def _said(error: BaseException) -> str:
    cause = getattr(error, "orig", None) or error
    return str(cause) or type(cause).__name__


async def schema_of(url: str) -> str | None:
    """The schema of a database on a server, None where there is nothing of sayso's; nothing is made or changed.

    Raises `bot.core.errors.Unavailable` where it cannot be reached.
    """
    address = make_url(url)
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
    return Unavailable(f"The database {shown} cannot be opened: {_said(error)}.")


async def _bring_up(engine: AsyncEngine, address: URL) -> None:
    async with engine.connect() as connection:
        await _look(connection)
        found = await _current(connection)
    if found == HEAD:
        return
    refuse_unknown(found)
    # Its own engine, for a migration runs in SQLAlchemy's transaction and may take its time.
    own = create_async_engine(address)
    try:
        async with own.begin() as connection:
            # Of replicas that start at once one migrates, and the others find it done.
            await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
            if await _others_run(connection, found):
                raise SchemaMismatch(
                    f"the database has schema {found}, this sayso {HEAD}, and bots of the older one run on it:"
                    " stop them first"
                )
            if await _current(connection) != HEAD:
                await connection.run_sync(upgrade)
    finally:
        await own.dispose()


async def _warn(engine: AsyncEngine, address: URL) -> None:
    """Say what of the server may lose what is answered, or let others read and change it on the way."""
    async with engine.connect() as connection:
        for name in ("fsync", "full_page_writes", "synchronous_commit"):
            if (await connection.execute(text(f"SHOW {name}"))).scalar_one() == "off":
                log.warning("PostgreSQL's %s is off: what is answered may be lost when the machine fails", name)
    if address.host not in _HERE and not address.query.get("host") and address.query.get("ssl") != "verify-full":
        log.warning(
            "the way to PostgreSQL at %s is not proved: whoever stands between can read and change what is decided;"
            " write ?ssl=verify-full behind SAYSO_DATABASE_URL",
            address.host,
        )


async def _look(connection: AsyncConnection) -> None:
    """Refuse a server that is too old, or that would lose what it was given."""
    version = int((await connection.execute(text("SHOW server_version_num"))).scalar_one())
    if version < OLDEST * 10_000:
        raise Unavailable(f"The server is PostgreSQL {version // 10_000}; sayso needs {OLDEST} or newer.")
    if (await connection.execute(text("SHOW server_encoding"))).scalar_one() != "UTF8":
        raise Unavailable("The database is not in UTF-8; make one with: createdb --encoding UTF8 --template template0")


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
