"""P18 on PostgreSQL: a database of each schema that a bot ever ran on there comes up with every row that was in it.

They are made by going back from today's, which forgets only what a schema had no place for; the rows tell what.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from store import migrate, open_store
from store.chain import verify_store
from tests.postgres import Cluster
from tests.store import life
from tests.store.conftest import furnished

FIRST = 5
"""PostgreSQL came with the fifth schema."""


@pytest.mark.parametrize("schema", range(FIRST, int(migrate.HEAD)))
async def test_p18_postgresql_comes_up_from_each_schema_with_its_rows(cluster: Cluster, schema: int) -> None:
    """Every row is as it was, and the trail holds."""
    url = cluster.url(await furnished(cluster))
    store = await open_store(url, exclusive=True)
    await life.live(store)
    await store.close()
    before = await life.rows(url)
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(_back, f"{schema:04}")
    await engine.dispose()
    store = await open_store(url, exclusive=True)
    assert (await verify_store(store)).ok
    await store.close()
    assert await life.rows(url) == before


def _back(connection: Connection, schema: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.downgrade(config, schema)
