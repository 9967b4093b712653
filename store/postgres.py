"""PostgreSQL as the store wants it: durable, one writer at a time over all replicas, reads from snapshots.

Statements run in order on one connection, each awaited underneath the store's plain calls (a greenlet gives the loop
away meanwhile). They go to asyncpg as prepared statements, without SQLAlchemy's adapter between, which costs as much
again as the statement.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolIsEmpty
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.util import await_only

from store import postgres_wire
from store.postgres_door import OPENING, Door
from store.prepared import Row

ANSWERED = 30.0
"""Seconds in which a statement is answered; a server that was cut off without a word answers none."""

IDLE = 5.0
"""Seconds after which PostgreSQL ends a transaction in which nothing happens: its process is stopped, or cut off, and
holds what the others wait for."""

POOLED = 16
"""More connections than a pool holds: each may turn out to be closed."""

_ESCAPE = "\U0010fffd"
"""Begins what stands for a NUL, and for itself: the last character for private use, which nobody types."""

_MOST_PREPARED = 500
"""Statements kept prepared on a connection; of listings and searches there may be many."""

_NOTHING = "SELECT"
"""Ends a trip, and asks for no row."""

GONE = (
    asyncpg.ConnectionDoesNotExistError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    ConnectionError,
)
"""What a connection answers that is of no use any more.

asyncpg has an internal error of its own for one whose end the server has told, and that is not closed yet: as all
are for a moment that lie idle in a restart.
"""

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


def damaged(error: BaseException) -> bool:
    """Whether the server calls itself broken (SQLSTATE XX…), which it says of one damaged row, too."""
    return isinstance(error, asyncpg.InternalServerError)


def engine_for(url: URL, *, connections: int, lock_timeout: float) -> AsyncEngine:
    """The pool of connections; ``lock_timeout`` in seconds: how long a statement waits for another's lock.

    Each is in autocommit, so that transactions begin and end where the store says.
    """
    settings = {
        "idle_in_transaction_session_timeout": str(int(IDLE * 1000)),
        # A role's or a server's own would end what lies in the pool, and each end is a question asked in vain.
        "idle_session_timeout": "0",
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
        self.told = ""
        """What the server said of the last statement, such as ``INSERT 0 1``."""
        self._found: Sequence[Row] = ()
        self._prepared: dict[str, Any] = {}
        self._named: dict[str, Any] = {}
        self._ahead: list[tuple[Any, bytes]] = []
        """Each with its statement, which the server knows by its name for as long as somebody holds it."""
        self._open = False
        """Whether something was prepared since the last trip was ended."""

    async def name(self, statements: Mapping[str, str]) -> None:
        """Prepare statements under names, by which they are run from now on."""
        for name, sql in statements.items():
            if name not in self._named:
                self._named[name] = await self.connection.prepare(sql, name=name)
                self._open = True

    def _statement(self, sql: str) -> Any:
        statement = self._named.get(sql) or self._prepared.get(sql)
        if statement is None:
            if len(self._prepared) >= _MOST_PREPARED:
                self._prepared.clear()
            statement = self._prepared[sql] = await_only(self.connection.prepare(sql))
            self._open = True
        return statement

    def ahead(self, sql: str, given: Sequence[bytes] = ()) -> None:
        """Have a statement that answers no rows run right before the next one, in the same round trip.

        Where it fails, the next one is not run, and raises for it. ``given``: see `store.postgres_wire.run`.
        """
        statement = self._statement(sql)
        self._ahead.append((statement, postgres_wire.run(statement.get_name(), given)))

    def drop_ahead(self) -> bool:
        """Send nothing of what was to go ahead; whether there was anything."""
        dropped = bool(self._ahead)
        self._ahead.clear()
        return dropped

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> None:
        """Run a statement, and before it what goes ahead."""
        statement, given = self._statement(sql), taken_row(parameters)
        if self._ahead:
            if self._open:
                # asyncpg leaves that open in which it prepared something: a BEGIN would come too late in there.
                await_only(self.connection.execute(_NOTHING))
            # asyncpg ends each statement's trip by itself (Sync), reads answers until that is confirmed, and passes
            # over those of more statements than it asked. So what is written to its transport first goes along.
            self.connection._transport.write(b"".join([said for _, said in self._ahead]))  # noqa: SLF001  # it has no public way
            self._ahead.clear()
        self._found = [given_row(row) for row in await_only(statement.fetch(*given))]
        self._open = False
        self.told = statement.get_statusmsg() or ""
        # "UPDATE 1", "INSERT 0 1": how many it touched comes last.
        told = self.told.rpartition(" ")[2]
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
        self._open = False


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
