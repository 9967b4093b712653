"""P10, P11: a PostgreSQL whose connections or lock are in use cannot be used right now, and nothing worse."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from bot.core.errors import Unavailable
from store import open_store
from store.postgres import engine_for
from store.postgres_line import LOCK
from store.postgres_reader import PostgresReader
from tests.postgres import Cluster


async def test_p10_a_read_that_gets_no_connection_is_told_to_try_again(cluster: Cluster) -> None:
    """Not a fault inside (500) and not the courier's either; once one is free it is answered."""
    name = await cluster.make()
    engine = engine_for(make_url(cluster.url(name)), connections=1, lock_timeout=1.0)
    reader = PostgresReader(engine, 1)
    async with engine.connect():
        with pytest.raises(Unavailable, match="cannot be read right now"):
            await reader.read(lambda _: "answered")
    assert await reader.read(lambda _: "answered") == "answered"
    await reader.close()
    await cluster.drop(name)


@pytest.mark.parametrize(
    ("application", "asleep", "ended"), [("sayso", True, True), ("sayso", False, False), ("a move", True, False)]
)
async def test_p11_who_sleeps_between_a_statement_and_its_run_holds_nobody_up(
    cluster: Cluster,
    application: str,
    asleep: bool,  # noqa: FBT001  # a table
    ended: bool,  # noqa: FBT001  # as above
) -> None:
    """PostgreSQL takes such a session for busy, so who waited in vain ends it; what is busy, or a move, it lets be."""
    name = await cluster.make()
    store = await open_store(cluster.url(name), exclusive=True, busy_timeout=0.3)
    told = {"idle_in_transaction_session_timeout": "200", "application_name": application}
    where = {"host": "127.0.0.1", "port": cluster.port, "user": "sayso", "database": name}
    holder = await asyncpg.connect(**where, server_settings=told)
    await holder.execute(f"BEGIN; SELECT pg_advisory_xact_lock({LOCK:d})")
    doing = asyncio.ensure_future(holder.prepare("SELECT $1::int") if asleep else holder.execute("SELECT pg_sleep(60)"))
    await asyncio.wait({doing}, timeout=None if asleep else 0)
    with pytest.raises(Unavailable):
        await store.write(lambda _: "waited in vain")
    if ended:
        assert await store.write(lambda _: "written") == "written"
    else:
        with pytest.raises(Unavailable):
            await store.write(lambda _: "waited in vain")
    holder.terminate()
    await asyncio.gather(doing, return_exceptions=True)
    await store.close()
    await cluster.drop(name)
