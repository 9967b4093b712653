"""The floor under the store: the rows that a run left behind, written once more by plain sqlite3, batched alike.

No objects, no JSON, no hashing, no reads: what is left is SQLite and one sync a commit, which nothing on this disk
can beat while it promises as much.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

TABLES = ("requests", "revisions", "assignments", "idempotency", "decisions", "executions", "events")
UNITS = (
    ("requests", "revisions", "assignments", "idempotency"),
    ("decisions", "executions"),
    ("executions",),
    ("executions",),
)
"""Which tables the four units of a cycle write, beside one audit line each: submit, decide, claim, conclude."""

Rows = dict[str, list[tuple[object, ...]]]


def left_behind(database: Path, most: int) -> tuple[str, Rows]:
    """The schema and rows of up to ``most`` whole cycles that a database holds."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as driver:
        schema = ";\n".join(sql for (sql,) in driver.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL"))
        done = "SELECT request FROM executions WHERE state = 'executed' ORDER BY id LIMIT ?"
        driver.execute(f"CREATE TEMP TABLE picked AS {done}", (most,))
        found: Rows = {}
        for table in TABLES:
            own = "id" if table == "requests" else "request"
            order = "seq" if table == "events" else own
            query = f"SELECT * FROM {table} WHERE {own} IN (SELECT request FROM picked) ORDER BY {order}"  # noqa: S608  # our tables
            found[table] = driver.execute(query).fetchall()
    return schema, found


def floor(path: Path, schema: str, rows: Rows, batch: int, units: Sequence[Sequence[str]] = UNITS) -> float:
    """Cycles a second when ``batch`` of them share each commit, in four commits, as their four units do.

    ``units``: fewer of them, such as the first alone, which is a submission.
    """
    cycles = len(rows["requests"])
    with closing(sqlite3.connect(path, isolation_level=None)) as driver:
        driver.execute("PRAGMA journal_mode=WAL")
        driver.execute("PRAGMA synchronous=FULL")
        driver.execute("PRAGMA wal_autocheckpoint=0")
        for statement in schema.split(";\n"):
            if not statement.startswith("CREATE TABLE sqlite_"):
                driver.execute(statement)
        inserts = {
            table: f"INSERT OR REPLACE INTO {table} VALUES ({','.join('?' * len(found[0]))})"  # noqa: S608  # our tables
            for table, found in rows.items()
            if found
        }
        each = {table: len(found) // cycles for table, found in rows.items()}
        began = time.perf_counter()
        for start in range(0, cycles, batch):
            for number, tables in enumerate(units):
                driver.execute("BEGIN IMMEDIATE")
                for table in tables:
                    width = each[table]
                    driver.executemany(inserts[table], rows[table][start * width : (start + batch) * width])
                lines = start * each["events"] + number * batch
                driver.executemany(inserts["events"], rows["events"][lines : lines + batch])
                driver.execute("COMMIT")
        return cycles / (time.perf_counter() - began)
