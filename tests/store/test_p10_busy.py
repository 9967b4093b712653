"""P10: a PostgreSQL whose connections are all in use is one that cannot be read right now, and nothing worse."""

from __future__ import annotations

import pytest
from sqlalchemy.engine import make_url

from bot.core.errors import Unavailable
from store.postgres import engine_for
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
