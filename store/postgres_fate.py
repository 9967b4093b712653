"""What became of a transaction whose COMMIT was not answered: PostgreSQL is asked by its number."""

from __future__ import annotations

import asyncio
import logging

import asyncpg
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from store import postgres

log = logging.getLogger(__name__)

LIFE = "SELECT concat(pg_postmaster_start_time(), stats_reset) FROM pg_stat_bgwriter"
"""Which life of the server this is: another after a crash, or where another server took over. A number that had reached
neither the disk nor the standby is given out once more then, and "committed" said of somebody else's."""

_BECAME = f"SELECT pg_xact_status($1::text::xid8), ({LIFE})"
_ASKED = 3
"""How often a server is asked, a second between."""


async def became(engine: AsyncEngine, number: str, life: str) -> str | None:
    """As `pg_xact_status` says it; None where nobody can be asked, or where ``life`` is over and it proves nothing."""
    for attempt in range(_ASKED):
        if attempt:
            await asyncio.sleep(1)
        try:
            found, now = await _asked(engine, number)
        except (*postgres.GONE, OSError, TimeoutError, asyncpg.PostgresError, SQLAlchemyError) as error:
            log.warning("whether a commit was kept cannot be asked yet: %s", error)
            continue
        if found == "committed" and now != life:
            return None
        if found != "in progress":
            return found
    return None


async def _asked(engine: AsyncEngine, number: str) -> tuple[str | None, str]:
    """What is said of a transaction, and in which life of the server."""
    for left in reversed(range(postgres.POOLED)):
        connection = await engine.connect()
        try:
            driver = await postgres.driver_of(connection)
            found, life = await driver.connection.fetchrow(_BECAME, number)
        except postgres.GONE:
            # What lies in the pool died with the one that was lost; whether a server is there, a new one tells.
            await postgres.drop(connection)
            if not left:
                raise
        except BaseException:
            await postgres.drop(connection)
            raise
        else:
            await connection.close()
            return found, life
    raise AssertionError("the last try returns or raises")
