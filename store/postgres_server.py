"""What sayso asks of a PostgreSQL before it goes to work on it, and who there stands in its way."""

from __future__ import annotations

import logging
from ssl import SSLCertVerificationError

import asyncpg
from sqlalchemy import text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.core.errors import Unavailable
from store.postgres_door import OPENING, TROUBLES

log = logging.getLogger(__name__)

OLDEST = 15
"""The oldest PostgreSQL that the tests run on."""

_HERE = (None, "", "localhost", "127.0.0.1", "::1")
"""Hosts to which nobody stands between."""

_PROVED = "verify-full"

_OF_ANOTHER_SESSION = (asyncpg.InvalidSQLStatementNameError.sqlstate, asyncpg.DuplicatePreparedStatementError.sqlstate)
"""What a server says of a statement that was prepared in another session, or by somebody else in this one."""


async def fits(connection: AsyncConnection) -> None:
    """Refuse, with `Unavailable`, a server that is too old, or that would lose what it was given."""
    version = int((await connection.execute(text("SHOW server_version_num"))).scalar_one())
    if version < OLDEST * 10_000:
        raise Unavailable(f"The server is PostgreSQL {version // 10_000}; sayso needs {OLDEST} or newer.")
    if (await connection.execute(text("SHOW server_encoding"))).scalar_one() != "UTF8":
        raise Unavailable("The database is not in UTF-8; make one with: createdb --encoding UTF8 --template template0")


async def one_session_each(engine: AsyncEngine) -> None:
    """Refuse, with `Unavailable`, a pooler that gives a connection's session to others between its transactions.

    Settings, LISTEN and prepared statements belong to a session. Such a pooler hands the one that a connection just
    used to whoever asks next, which is what is tried here.
    """
    try:
        mixed = await _mixed(engine)
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", "") not in _OF_ANOTHER_SESSION:
            raise
        mixed = True
    if mixed:
        raise Unavailable(
            "A pooler stands before PostgreSQL that gives sessions to others between transactions: connect directly,"
            " or put its pool_mode for this database to session."
        )


async def _mixed(engine: AsyncEngine) -> bool:
    mine = text("SELECT pg_backend_pid()")
    async with engine.connect() as one, engine.connect() as other:
        first = (await one.execute(mine)).scalar_one()
        await other.execute(text("BEGIN"))
        between = (await other.execute(mine)).scalar_one()
        again = (await one.execute(mine)).scalar_one()
        await other.execute(text("ROLLBACK"))
    return first == between or bool(first != again)


async def doubtful(engine: AsyncEngine, address: URL) -> None:
    """Say what of the server may lose what is answered, or let others read and change it on the way."""
    async with engine.connect() as connection:
        for name in ("fsync", "full_page_writes", "synchronous_commit"):
            if (await connection.execute(text(f"SHOW {name}"))).scalar_one() == "off":
                log.warning("PostgreSQL's %s is off: what is answered may be lost when the machine fails", name)
    for host in _hosts(address):
        if host not in _HERE and address.query.get("ssl") != _PROVED:
            log.warning(
                "the way to PostgreSQL at %s is not proved: whoever stands between can read and change what is"
                " decided; write ssl=verify-full into the query of SAYSO_DATABASE_URL",
                host,
            )


def _hosts(address: URL) -> list[str | None]:
    """Every server that an address names, without the ports; a folder of sockets is none."""
    asked = address.query.get("host", ())
    named = [asked] if isinstance(asked, str) else [*asked]
    hosts = [host.rpartition(":")[0] or host for host in named if not host.startswith("/")]
    return [address.host, *hosts]


_WHO = (
    "format('process %s (%s, from %s)', pid, coalesce(nullif(application_name, ''), usename),"
    " coalesce(host(client_addr), 'this machine'))"
)
_HELD = (
    f"SELECT string_agg({_WHO}, ', ') FROM pg_locks JOIN pg_stat_activity USING (pid)"  # noqa: S608  # our own words
    " WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND (classid::bigint << 32 | objid::bigint) = :lock"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
_LOCKED = (
    f"SELECT string_agg(format('%s by %s', relname, {_WHO}), ', ')"  # noqa: S608  # our own words
    " FROM pg_locks JOIN pg_stat_activity USING (pid) JOIN pg_class ON pg_class.oid = relation"
    " WHERE granted AND relkind IN ('r', 'p')"
    " AND mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')"
    " AND relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = to_regclass('requests'))"
)
"""The modes that keep others from changing rows: of an ALTER, an index made or a VACUUM FULL, none of a bot's own."""


async def holding(engine: AsyncEngine, lock: int) -> str:
    """Who has an advisory lock, in words for a log; empty where nobody has, or nobody can be asked."""
    return await _told(engine, _HELD, lock=lock)


async def locked(engine: AsyncEngine) -> str:
    """Which of the tables are locked, and by whom, as of `holding`."""
    return await _told(engine, _LOCKED)


async def _told(engine: AsyncEngine, asked: str, **given: int) -> str:
    try:
        async with engine.connect() as connection:
            return (await connection.execute(text(asked), given)).scalar_one() or ""
    except (*TROUBLES, SQLAlchemyError) as error:
        log.warning("who holds the lock cannot be asked: %s", error)
        return ""


def said(error: BaseException) -> str:
    """Why a server could not be reached, in words."""
    cause = getattr(error, "orig", None) or error
    if isinstance(cause, SSLCertVerificationError):
        return (
            f"its certificate is not proved: {cause.verify_message.rstrip('.')} (PGSSLROOTCERT names the file of the"
            " authority that signed it)"
        )
    if isinstance(cause, FileNotFoundError) and not cause.filename:
        # What TLS reads is opened inside OpenSSL, which does not say the name.
        return "a file that PGSSLROOTCERT, PGSSLCERT, PGSSLKEY or PGSSLCRL names is not there"
    if isinstance(cause, TimeoutError) and not str(cause):
        return (
            f"no answer within {OPENING:g} s (a pooler before it may have no session left to give:"
            " each bot needs eight, and a command beside it three)"
        )
    return str(cause) or type(cause).__name__
