"""The rows that the tables hold, on either store, as `store.audit.Rebuilt` has them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from store.audit import Rebuilt
from tests.store.test_p13_replay import KEYS

UNTOLD = ("n", "deadline", "holder")
"""Columns that no event tells of: a counter, what follows from the others, and which replica has it in hand."""


async def held(url: str) -> Rebuilt:
    """Read every row."""
    engine = create_async_engine(url)
    found: dict[str, dict[Any, dict[str, Any]]] = {}
    async with engine.connect() as connection:
        for table, key in KEYS.items():
            rows = (await connection.execute(text(f"SELECT * FROM {table}"))).mappings().all()  # noqa: S608  # ours
            kept = [{name: value for name, value in row.items() if name not in UNTOLD} for row in rows]
            found[table] = {row[key[0]] if len(key) == 1 else tuple(row[k] for k in key): row for row in kept}
    await engine.dispose()
    return Rebuilt(**found)
