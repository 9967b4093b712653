"""The floor under PostgreSQL: the rows that a run left behind, written once more by asyncpg, batched alike.

One connection, prepared statements, four commits a batch; no objects, no JSON, no hashing, no reads.
"""

from __future__ import annotations

import time
from typing import Any

import asyncpg

from bench.floor import TABLES, UNITS

_SCHEMA = "floor"

Records = dict[str, list[tuple[Any, ...]]]


async def _rows(connection: Any, most: int) -> Records:
    await connection.execute(
        "CREATE TEMP TABLE picked AS SELECT request FROM executions WHERE state = 'executed' ORDER BY id LIMIT $1",
        most,
    )
    found: Records = {}
    for table in TABLES:
        own = "id" if table == "requests" else "request"
        order = "seq" if table == "events" else own
        query = f"SELECT * FROM {table} WHERE {own} IN (SELECT request FROM picked) ORDER BY {own}, {order}"  # noqa: S608  # our tables
        found[table] = [tuple(record) for record in await connection.fetch(query)]
    return found


async def _insertion(connection: Any, table: str) -> str:
    """The statement that writes a row, or writes it anew where its key is there."""
    columns = await connection.fetch(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = $1 AND table_name = $2"
        " ORDER BY ordinal_position",
        *(_SCHEMA, table),
    )
    key = await connection.fetch(
        "SELECT attname FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey)"
        " WHERE indrelid = $1::text::regclass AND indisprimary",
        f"{_SCHEMA}.{table}",
    )
    names = [f'"{row[0]}"' for row in columns]
    change = ", ".join(f"{name} = excluded.{name}" for name in names)
    places = ", ".join(f"${number}" for number in range(1, len(names) + 1))
    into = f"INSERT INTO {_SCHEMA}.{table} ({', '.join(names)}) VALUES ({places})"  # noqa: S608  # our tables
    return f"{into} ON CONFLICT ({', '.join(chr(34) + row[0] + chr(34) for row in key)}) DO UPDATE SET {change}"


async def floor(url: str, most: int, batch: int) -> float:
    """Cycles a second when ``batch`` of them share each commit; ``url`` is a database that a run of the bot left."""
    connection = await asyncpg.connect(url)
    try:
        rows = await _rows(connection, most)
        await connection.execute(f"DROP SCHEMA IF EXISTS {_SCHEMA} CASCADE; CREATE SCHEMA {_SCHEMA}")
        statements: dict[str, str] = {}
        for table in TABLES:
            await connection.execute(f"CREATE TABLE {_SCHEMA}.{table} (LIKE public.{table} INCLUDING ALL)")
            statements[table] = await _insertion(connection, table)
        return await _write(connection, rows, statements, batch)
    finally:
        await connection.close()


async def _write(connection: Any, rows: Records, statements: dict[str, str], batch: int) -> float:
    cycles = len(rows["requests"])
    each = {table: len(found) // cycles for table, found in rows.items()}
    began = time.perf_counter()
    for start in range(0, cycles, batch):
        for number, tables in enumerate(UNITS):
            async with connection.transaction():
                for table in tables:
                    width = each[table]
                    if width:
                        some = rows[table][start * width : (start + batch) * width]
                        await connection.executemany(statements[table], some)
                lines = start * each["events"] + number * batch
                await connection.executemany(statements["events"], rows["events"][lines : lines + batch])
    return cycles / (time.perf_counter() - began)
