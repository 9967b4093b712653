"""`sayso doctor` where the store is on a server: whether it is reached, of this version, and who runs on it."""

from __future__ import annotations

from bot.commands import surroundings
from bot.core.checkup import Finding, doubtful, good, wrong
from bot.core.errors import SaysoError
from bot.sharing import alive_on, differing
from store.migrate import HEAD
from store.postgres_engine import schema_of


async def runs(url: str) -> bool:
    """Whether a bot runs on the database, as far as that can be known."""
    try:
        if await schema_of(url) != HEAD:
            return False
        async with surroundings.open_ledger() as ledger:
            return bool(await alive_on(ledger.store))
    except SaysoError:
        return False


async def store(url: str) -> tuple[Finding, ...]:
    """Whether the database is reached, of this version, and can be written; nothing is made or migrated."""
    try:
        schema = await schema_of(url)
        if schema is None:
            return (doubtful("store", "there is nothing in the database yet", "sayso up makes the tables."),)
        if schema != HEAD:
            newer = "Use the newer sayso that wrote it." if schema > HEAD else "The next start brings it up to date."
            return (wrong("store", f"the database has schema {schema}; this sayso has {HEAD}", newer),)
        async with surroundings.open_ledger() as ledger:
            writable = await ledger.store.writable()
            alive = await alive_on(ledger.store)
    except SaysoError as refused:
        return (wrong("store", surroundings.told(refused), "Check SAYSO_DATABASE_URL, and that the server runs."),)
    told = good("store", f"PostgreSQL, schema {schema}, writable")
    if not writable:
        told = wrong("store", "the database cannot be written", "Is it a standby, or its disk full? Its log says.")
    if not alive:
        return told, doubtful("bot", "not running", "sayso up starts it.")
    names = ", ".join(one.name for one in alive)
    fault = differing(alive)
    if fault is not None:
        return told, doubtful("bot", fault, "Give all of them the same routing.yaml and the same SAYSO_SECRET.")
    return told, good("bot", f"running on this database: {names}")
