"""Taking what was erased out of PostgreSQL's own tables, which keep old rows until somebody vacuums."""

from __future__ import annotations

from sqlalchemy.engine import make_url

from store.insight_tables import facts, tallies
from store.lock import AlreadyRunning
from store.origins import postgres, refuse_live
from store.tables import (
    accounts,
    decisions,
    deliveries,
    effects,
    executions,
    idempotency,
    rejections,
    requests,
    revisions,
    subjects,
)
from store.trust_tables import grants

TOUCHED = (
    *(requests, revisions, decisions, executions, deliveries, effects),
    *(idempotency, accounts, rejections, subjects, facts, tallies, grants),
)
"""What an erasure writes over."""


async def vacuum(url: str) -> bool:
    """Free what was written over; whether the tables were written anew, so that their files hold no old bytes.

    Written anew (``VACUUM FULL``) only where no bot runs: it locks each table for as long as copying it takes. Beside
    one a plain ``VACUUM`` frees the old rows, whose bytes stay in the files until something is written over them.
    Raises `bot.core.errors.Unavailable`.
    """
    named = ", ".join(table.name for table in TOUCHED)
    async with postgres(make_url(url)) as driver:
        try:
            await refuse_live(driver)
        except AlreadyRunning:
            await driver.execute(f"VACUUM {named}")
            return False
        await driver.execute(f"VACUUM (FULL) {named}")
        return True
