"""docs/scaling.md: its SQL does what it says, on a store that is in use."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from store import open_store
from store.chain import verify_store
from store.postgres_line import LOCK
from tests.postgres import Cluster
from tests.store import samples

BLOCKS = re.findall(
    r"```sql\n(.*?)```", (Path(__file__).parents[2] / "docs/scaling.md").read_text(encoding="utf-8"), re.DOTALL
)


async def test_the_trail_is_divided_and_holds(cluster: Cluster) -> None:
    """Once, and twice more while the store is written: every line is found, chained and counted as before."""
    once, monthly = BLOCKS
    assert str(LOCK) in monthly
    name = await cluster.make()
    store = await open_store(cluster.url(name), exclusive=True)
    kept = []
    for sql in (once, monthly, monthly):
        kept += [await store.write(lambda tx: samples.submit(tx, samples.request())) for _ in range(3)]
        await cluster.run(sql, name)
    kept.append(await store.write(lambda tx: samples.submit(tx, samples.request())))
    report = await verify_store(store)
    assert (report.ok, report.lines) == (True, len(kept)), report.text()
    for value in kept:
        assert len(await store.audit(value.id)) == 1
    parts = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'events'::regclass"
    assert await cluster.value(parts, name) == 4
    await store.close()
    again = await open_store(cluster.url(name), exclusive=True)
    await again.close()
    await cluster.drop(name)


@pytest.mark.parametrize("block", BLOCKS)
def test_each_is_one_transaction(block: str) -> None:
    """Cut off in the middle, nothing has happened."""
    lines = block.strip().splitlines()
    assert (lines[0], lines[-1]) == ("BEGIN;", "COMMIT;")
