"""P18: a migration killed anywhere has not happened, and the next start makes it whole."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from store import open_store
from store.migrate import HEAD
from tests.store import samples

KILLED = """
import asyncio, os, signal, sys
from sqlalchemy import event
from sqlalchemy.engine import Engine
from store import open_store

left = int(sys.argv[2])

@event.listens_for(Engine, "before_cursor_execute")
def count(*_):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(open_store(sys.argv[1], exclusive=True))
print("done", flush=True)
"""
"""Opens a new database and kills itself before its nth statement."""

STATEMENTS = (0, 1, 3, 8, 20, 36)
"""Before which statement of the migration the process dies; the last ones are about where it commits."""


@pytest.mark.parametrize("statement", STATEMENTS)
def test_p18_a_killed_migration_is_made_again(url: str, database: Path, statement: int) -> None:
    """After the kill there is no half schema, and opening again gives a working store."""
    killed = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", KILLED, url, str(statement)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        check=False,
        timeout=60,
    )
    with sqlite3.connect(database) as driver:
        tables = [name for (name,) in driver.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    driver.close()
    if killed.stdout != b"done\n":
        assert tables == []
    asyncio.run(_works(url))


async def _works(url: str) -> None:
    store = await open_store(url, exclusive=True)
    value = await store.write(lambda tx: samples.submit(tx, samples.request()))
    assert await store.request(value.id) == value
    await store.close()


def test_p18_two_starts_at_once_migrate_once(url: str, database: Path) -> None:
    """Of tools started together on no database, each ends with the schema or is told that another is at it."""
    script = (
        "import asyncio,sys\nfrom store import open_store, SchemaMismatch\n"
        "async def main():\n  s = await open_store(sys.argv[1], exclusive=False)\n  await s.close()\n"
        "try:\n  asyncio.run(main())\nexcept SchemaMismatch as e:\n  print(e.detail)"
    )
    started = [
        subprocess.Popen(  # noqa: S603 - our own interpreter
            [sys.executable, "-c", script, url],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        )
        for _ in range(4)
    ]
    for process in started:
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err.decode()
        assert out == b"" or b"another sayso is running" in out
    with sqlite3.connect(database) as driver:
        assert driver.execute("SELECT version_num FROM alembic_version").fetchall() == [(HEAD,)]
    driver.close()
