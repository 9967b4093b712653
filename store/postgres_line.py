"""How the writer works on PostgreSQL: one advisory lock, held for each transaction, stands for SQLite's write lock.

With it a unit sees what it reads unchanged until it commits, whichever replica it runs on, so that the windowed limits,
the audit chain and every check before a write mean there what they mean in one process. It is held for as long as a
batch takes, some milliseconds, and batches gather what waits meanwhile.

An answer to COMMIT that is lost leaves open whether it was committed. The transaction's own number tells: PostgreSQL
is asked what became of it, before anybody is told that nothing was changed. After a crash or a failover a number
proves nothing any more; then nobody knows.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence

import asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.util import greenlet_spawn

from bot.core.errors import Unavailable, Unheard
from bot.core.ports import About
from store import postgres, postgres_ears, postgres_fate, postgres_server, postgres_stuck
from store.batches import Outcome, Work, one_by_one, together
from store.postgres import PgCursor
from store.postgres_cursor import PostgresCursor
from store.postgres_many import Presumed
from store.postgres_memory import OWN
from store.statements import statements_for

log = logging.getLogger(__name__)

LOCK = 0x5A_75_0C_0F
"""The advisory lock that whoever writes holds."""

_BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
_LOCKED = f"SELECT pg_advisory_xact_lock({LOCK:d})"
_COMMANDS = {"BEGIN": _BEGIN, "LOCK": f"{_LOCKED} OFFSET 1", "COMMIT": "COMMIT", "ROLLBACK": "ROLLBACK"}
"""Prepared, so that they go in one trip with what follows or comes before; by these names a wire's log shows them."""

_SLOW = ("seqscan", "hashjoin", "mergejoin", "bitmapscan")
_PLANS = "; ".join(["SET plan_cache_mode = force_generic_plan", *(f"SET enable_{way} = off" for way in _SLOW)])
"""Everything that is asked while writing is found by an index, row by row. A plan is made once, maybe while a table is
still empty, and then has to be the one for millions."""

_OWN = f"SELECT {OWN}"
_NUMBER = "SELECT pg_current_xact_id()::text"
_TOLD = "SELECT pg_current_xact_id()::text FROM pg_notify($1::text, $2::text)"
_CLOSED = (*postgres.GONE, asyncpg.AdminShutdownError, asyncpg.CrashShutdownError, asyncpg.IdleSessionTimeoutError)
"""What a statement ends with where its session had been ended before, or just now."""
_AT_ONCE = 1.0
"""Seconds within which that shows; a connection whose other side is gone without a word takes some five."""


class _Doubtful(Exception):
    """COMMIT was sent and not answered."""

    def __init__(self, number: str, outcomes: list[Outcome]) -> None:
        super().__init__(number)
        self.number = number
        self.outcomes = outcomes


class _Writing:
    """One connection as `store.batches.Transaction`."""

    def __init__(self, driver: PgCursor, cursor: PostgresCursor) -> None:
        self.driver = driver
        self.cursor = cursor
        self._number = ""
        """The transaction's own."""
        self.answered = False
        """Whether the server said anything since the batch under way began: until then, nothing of it is done."""
        self._alone = False
        """Whether no other replica is there to be told."""

    def begin(self, about: Sequence[About]) -> bool:
        """Begin to write, once nobody else does, and read ahead what units are about, all in one trip.

        False where one of them is about what cannot even be asked for, or read.
        """
        self._afresh(presuming=True)
        self.driver.ahead("BEGIN")
        self.driver.ahead("LOCK")
        if about:
            try:
                self._number, there = self.cursor.memory.load(self.driver, about, self.cursor.me)
            except (asyncpg.DataError, asyncpg.InternalServerError, UnicodeError):
                return False
        else:
            self.driver.execute(_OWN)
            ((self._number, there),) = self.driver.fetchall()
        self._alone = there == [self.cursor.me]
        self.answered = True
        return True

    def _afresh(self, *, presuming: bool) -> None:
        self.driver.drop_ahead()
        self.cursor.forget()
        self.cursor.presuming = presuming

    def rollback(self) -> None:
        """Forget the transaction."""
        self._afresh(presuming=False)
        # Not as a command: the server may wait for the end of a trip that was broken off, which only this one confirms.
        self.driver.execute("ROLLBACK")

    def savepoint(self) -> None:
        """See `Transaction.savepoint`."""
        self.driver.command("SAVEPOINT unit")

    def keep(self) -> None:
        """See `Transaction.keep`."""
        self.driver.command("RELEASE SAVEPOINT unit")

    def undo(self) -> None:
        """See `Transaction.undo`."""
        self.driver.command("ROLLBACK TO SAVEPOINT unit; RELEASE SAVEPOINT unit")

    def down(self, error: BaseException) -> bool:
        """See `Transaction.down`. Where one row may be all that is broken, those that do not touch it go on."""
        return postgres.down(error) and not postgres.damaged(error)

    def spoiled(self, error: BaseException) -> bool:
        """See `Transaction.spoiled`: after any error of the server's, and where something else was presumed."""
        return isinstance(error, asyncpg.PostgresError | Presumed)

    def run(self, batch: Sequence[Work], about: Sequence[About]) -> list[Outcome]:
        """The whole transaction."""
        self.answered = False
        outcomes = self._at_once(batch, about)
        if outcomes is not None:
            return outcomes
        self.rollback()
        self.driver.command(f"{_BEGIN}; {_LOCKED}")
        written = self.cursor.written
        outcomes = [_told(outcome) for outcome in one_by_one(self, batch)]
        if self.cursor.written != written:
            self._tell()
        return self._kept(outcomes, written=self.cursor.written != written)

    def _at_once(self, batch: Sequence[Work], about: Sequence[About]) -> list[Outcome] | None:
        """The whole transaction in two trips; None where it is to be rolled back, and run again with more."""
        written = self.cursor.written
        outcomes = together(self, batch) if self.begin(about) else None
        if outcomes is None or self.cursor.written == written:
            return outcomes if outcomes is None else self._kept(outcomes, written=False)
        word = None if self._alone and not self.cursor.told else self._word()
        try:
            if not self.cursor.gathering.part(word) and word is not None:
                self._tell()
        except Exception as error:
            if self.down(error):
                raise
            return None
        try:
            return self._kept(outcomes, written=True)
        except _Doubtful as doubt:
            said = doubt.__cause__
            # The server's word that something written was wrong: that it is not committed is no doubt then.
            if isinstance(said, asyncpg.PostgresError) and not self.down(said):
                return None
            raise

    def _kept(self, outcomes: list[Outcome], *, written: bool) -> list[Outcome]:
        """Commit, with what goes ahead of it. Raises `_Doubtful` where what was written is not said to be kept."""
        try:
            self.driver.execute("COMMIT")
        except Exception as error:
            if written:
                raise _Doubtful(self._number, outcomes) from error
            raise
        if written and self.driver.told != "COMMIT":
            raise _Doubtful(self._number, outcomes)
        return outcomes

    def _word(self) -> tuple[str, str] | None:
        """Where and how the other replicas hear of the commit to come."""
        if self.cursor.me is None:
            return None
        return postgres_ears.CHANNEL, postgres_ears.word(self.cursor.me, self.cursor.told)

    def _tell(self) -> None:
        """Tell the other replicas, and ask the transaction's number."""
        word = self._word()
        self.driver.execute(_TOLD if word else _NUMBER, word or ())
        ((self._number,),) = self.driver.fetchall()


def _told(outcome: Outcome) -> Outcome:
    """As the caller of a unit is told of it: what is damaged cannot be used now, and is no fault of ours."""
    error = outcome[1]
    if error is None or not postgres.damaged(error):
        return outcome
    log.error("what a change needs is damaged in the database, and it was refused alone: %s", error)
    refusal = Unavailable()
    refusal.__cause__ = error
    return None, refusal


class PostgresLine:
    """See `store.writer.Line`."""

    def __init__(self, engine: AsyncEngine) -> None:
        """``engine``: see `store.postgres.engine_for`; a connection is taken for good at the first batch."""
        self._engine = engine
        self._connection: AsyncConnection | None = None
        self._writing: _Writing | None = None
        self.me: str | None = None
        """The replica that writes here, once it is one of several."""
        self.doubted: Callable[[], None] = lambda: None
        """Called where nobody can say whether something was committed."""
        self._life = ""

    async def transact(self, batch: Sequence[Work], about: Sequence[About] = ()) -> list[Outcome]:
        """See `Line.transact`."""
        task = asyncio.get_running_loop().create_task(self._transact(batch, about))
        outcomes: list[Outcome] = await postgres.patiently(task)
        return outcomes

    async def _transact(self, batch: Sequence[Work], about: Sequence[About]) -> list[Outcome]:
        try:
            outcomes = await self._run(batch, about)
        except asyncpg.LockNotAvailableError:
            if who := await postgres_server.holding(self._engine, LOCK):
                log.warning("the lock of those who write is held by %s", who)
            elif tables := await postgres_server.locked(self._engine):
                log.warning("nothing can be written while others lock tables: %s", tables)
            await postgres_stuck.end_who_holds(self._engine, LOCK)
            raise
        except _Doubtful as doubt:
            await self.let_go()
            became = await postgres_fate.became(self._engine, doubt.number, self._life)
            if became is None:
                # What was committed all the same is this replica's to see to, once the server answers.
                self.doubted()
                raise Unheard from doubt.__cause__
            if became != "committed":
                raise doubt.__cause__ or doubt from None
            outcomes = doubt.outcomes
        return outcomes

    async def _run(self, batch: Sequence[Work], about: Sequence[About]) -> list[Outcome]:
        """The batch on the connection that is open, or on another where that turns out to have been closed.

        As all are, those in the pool, too, by a server or a pooler that was restarted, or that ends what lies idle.
        Only where it shows at once: who waited for a machine that is gone has waited long enough.
        """
        until = time.monotonic() + _AT_ONCE
        for left in reversed(range(postgres.POOLED)):
            if self._connection is None:
                self._connection = await self._engine.connect()
            try:
                writing = await self._ready(self._connection)
                outcomes: list[Outcome] = await greenlet_spawn(writing.run, batch, about)
            except _CLOSED:
                answered = self._writing is not None and self._writing.answered
                if answered or not left or time.monotonic() > until:
                    raise
                await self.let_go()
            else:
                return outcomes
        raise AssertionError("the last try returns or raises")

    async def _ready(self, connection: AsyncConnection) -> _Writing:
        if self._writing is None:
            driver = await postgres.driver_of(connection)
            await driver.connection.execute(_PLANS)
            await driver.name(_COMMANDS)
            self._life = await driver.connection.fetchval(postgres_fate.LIFE)
            self._writing = _Writing(driver, PostgresCursor(driver, statements_for("postgresql")))
        self._writing.cursor.me = self.me
        return self._writing

    async def tidy(self) -> None:
        """See `Line.tidy`: PostgreSQL sees to itself."""

    async def let_go(self) -> None:
        """See `Line.let_go`."""
        connection, self._connection, self._writing = self._connection, None, None
        if connection is None:
            return
        try:
            await postgres.drop(connection)
        except Exception as error:  # noqa: BLE001 - it failed already
            log.warning("the failed connection could not be closed: %s", error)

    async def close(self) -> None:
        """See `Line.close`."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None
