"""A bot that is stopped, or cut off, in the middle of a write holds the lock that all the others wait for.

Most often PostgreSQL ends such a transaction by itself (`store.postgres.IDLE`): it is idle in it. Between a statement
that was prepared and the same statement run it is not, though: asyncpg parts the two by a Flush and no Sync, and so is
what goes ahead of a statement parted from it (`store.postgres.PgCursor.ahead`). For PostgreSQL the session is in the
middle of something, and of all its time limits none passes there (before 17, which has
`transaction_timeout`, and that ends honest long ones, too). Nor is it idle while it answers more than fits on the way
to a client that takes nothing. So whoever waited in vain looks who holds the lock.
"""

from __future__ import annotations

import logging

import asyncpg
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from store import postgres

log = logging.getLogger(__name__)

_END = """
SELECT pg_terminate_backend(held.pid), held.pid
FROM pg_locks AS held JOIN pg_stat_activity AS its ON its.pid = held.pid
WHERE held.locktype = 'advisory' AND held.granted AND held.objsubid = 1
  AND (held.classid::bigint << 32 | held.objid::bigint) = $1
  AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND its.application_name = 'sayso' AND its.state = 'active' AND its.wait_event IN ('ClientRead', 'ClientWrite')
  AND its.state_change < clock_timestamp() - current_setting('lock_timeout')::interval * 0.8
"""
"""Of a bot's sessions, that which has held the lock for as long as one waits for it, doing nothing but wait for its
client. A move or a restore is no such session: it may take its time."""


async def end_who_holds(engine: AsyncEngine, lock: int) -> None:
    """End the session that holds an advisory lock and waits for a client that says or takes nothing; else do nothing.

    To be called once the lock was waited for in vain. What such a session had begun is rolled back by PostgreSQL; its
    client, if it ever wakes, finds the connection closed.
    """
    try:
        async with engine.connect() as connection:
            driver = await postgres.driver_of(connection)
            ended = await driver.connection.fetch(_END, lock)
    except (*postgres.GONE, OSError, TimeoutError, asyncpg.PostgresError, SQLAlchemyError) as error:
        log.warning("who holds the lock of those who write cannot be asked: %s", error)
        return
    for _, pid in ended:
        log.error("a bot was silent in the middle of a write; PostgreSQL's session %d, which held the lock, ended", pid)
