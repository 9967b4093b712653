"""PostgreSQL as the store wants it: durable, one writer at a time over all replicas, reads from snapshots.

Statements run in order on one connection, each awaited underneath the store's plain calls (a greenlet gives the loop
away meanwhile). They go to asyncpg as prepared statements, without SQLAlchemy's adapter between, which costs as much
again as the statement.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import asyncpg
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolIsEmpty
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.util import await_only

from store.postgres_door import OPENING, Door
from store.prepared import Row

ANSWERED = 30.0
"""Seconds in which a statement is answered; a server that was cut off without a word answers none."""

IDLE = 5.0
"""Seconds after which PostgreSQL ends a transaction in which nothing happens: its process is stopped, or cut off, and
holds what the others wait for."""

_ESCAPE = "\U0010fffd"
"""Begins what stands for a NUL, and for itself: the last character for private use, which nobody types."""

_MOST_PREPARED = 500
"""Statements kept prepared on a connection; of listings and searches there may be many."""

_WORKS_ON = (
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.DataError,
    asyncpg.SyntaxOrAccessError,
    asyncpg.UndefinedTableError,
)
"""The server's answers that say that a statement was wrong, not that it cannot serve."""


def down(error: BaseException) -> bool:
    """Whether an error says that the database cannot be used now.

    It is gone, cut off, full, read-only, locked, too busy, or closed to this role.
    """
    if isinstance(error, DBAPIError):
        error = error.orig or error
        error = error.__cause__ or error
    if isinstance(error, asyncpg.PostgresError):
        # A right that the role lacks is the administrator's matter, as a server that only reads is.
        return isinstance(error, asyncpg.InsufficientPrivilegeError) or not isinstance(error, _WORKS_ON)
    return isinstance(
        error, asyncpg.InterfaceError | asyncpg.InternalClientError | OSError | TimeoutError | PoolIsEmpty
    )


def engine_for(url: URL, *, connections: int, lock_timeout: float) -> AsyncEngine:
    """The pool of connections; ``lock_timeout`` in seconds: how long a statement waits for another's lock.

    Each is in autocommit, so that transactions begin and end where the store says.
    """
    settings = {
        "idle_in_transaction_session_timeout": str(int(IDLE * 1000)),
        "lock_timeout": str(int(lock_timeout * 1000)),
        "client_connection_check_interval": "1s",
        "jit": "off",
    }
    connect = {
        "timeout": OPENING,
        "command_timeout": ANSWERED,
        "server_settings": {"application_name": "sayso", "timezone": "UTC"},
        "async_creator_fn": Door(settings).open,
    }
    return create_async_engine(
        url,
        isolation_level="AUTOCOMMIT",
        pool_size=connections,
        max_overflow=0,
        pool_timeout=OPENING,
        connect_args=connect,
    )


class PgCursor:
    """The part of PEP 249 that the store uses (`store.cursor.DriverCursor`), over one asyncpg connection."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        """For use inside ``sqlalchemy.util.greenlet_spawn`` alone."""
        self.connection = connection
        self.rowcount = -1
        self._found: Sequence[Row] = ()
        self._prepared: dict[str, Any] = {}

    def _statement(self, sql: str) -> Any:
        statement = self._prepared.get(sql)
        if statement is None:
            if len(self._prepared) >= _MOST_PREPARED:
                self._prepared.clear()
            statement = self._prepared[sql] = await_only(self.connection.prepare(sql))
        return statement

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> None:
        """Run a statement."""
        statement = self._statement(sql)
        self._found = [given_row(row) for row in await_only(statement.fetch(*taken_row(parameters)))]
        # "UPDATE 1", "INSERT 0 1": how many it touched comes last.
        told = (statement.get_statusmsg() or "").rpartition(" ")[2]
        self.rowcount = int(told) if told.isdecimal() else -1

    def executemany(self, sql: str, parameters: Sequence[Sequence[Any]], /) -> None:
        """Run a statement once a row, without waiting for the answer to each."""
        await_only(self._statement(sql).executemany([taken_row(row) for row in parameters]))

    def fetchall(self) -> Sequence[Row]:
        """Every row of the last statement."""
        return self._found

    def command(self, sql: str) -> None:
        """Run what takes no parameters and answers nothing, such as BEGIN; several in one go where told so."""
        await_only(self.connection.execute(sql))


def taken(text: str) -> str:
    """A text as PostgreSQL takes it, which no text with a NUL in it is; `given` undoes it."""
    if "\0" in text or _ESCAPE in text:
        return text.replace(_ESCAPE, _ESCAPE + "1").replace("\0", _ESCAPE + "0")
    return text


def given(text: str) -> str:
    """The text that `taken` was given."""
    return text.replace(_ESCAPE + "0", "\0").replace(_ESCAPE + "1", _ESCAPE) if _ESCAPE in text else text


async def driver_of(connection: AsyncConnection) -> PgCursor:
    """The cursor on a pooled connection, kept with it for its prepared statements."""
    raw = await connection.get_raw_connection()
    kept: PgCursor | None = raw.info.get("cursor")
    if kept is None:
        kept = raw.info["cursor"] = PgCursor(raw.driver_connection)
    return kept


def taken_row(row: Sequence[Any]) -> list[Any]:
    """A row's values, or columns of many rows, texts as of `taken`."""
    return [taken(value) if type(value) is str else taken_row(value) if type(value) is list else value for value in row]


def given_row(row: Row) -> Row:
    """A row's values, texts as of `given`."""
    for value in row:
        if type(value) is str and _ESCAPE in value:
            return tuple(given(one) if type(one) is str else one for one in row)
    return row


async def drop(connection: AsyncConnection) -> None:
    """Throw a connection away, whatever state it is in, without waiting for a server that may never answer."""
    raw = await connection.get_raw_connection()
    driver = raw.driver_connection
    if driver is not None:
        driver.terminate()
    await connection.invalidate()
    await connection.close()


async def patiently(task: asyncio.Task[Any]) -> Any:
    """What a task answers; who is cancelled meanwhile waits for its end, for a half-done transaction serves nobody."""
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            continue
    return task.result()
