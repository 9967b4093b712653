"""P15: a backup, a restore or a move that is killed leaves nothing that looks whole, and what was there stays."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from store import open_store
from store.engine import database_at
from tests.postgres import Cluster
from tests.store import life
from tests.store.test_p15_backup import back_up, restore

KILLED = """
import asyncio, os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from store.snapshots import back_up, origin_at, place

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

def hear(*_):
    pass

async def main(what, source, target, when):
    told, work = (die, hear) if when == "copying" else (hear, die)
    if what == "backup":
        await back_up(source, Path(target), replace=True, now=datetime.now(UTC), shown="", told=told)
    else:
        async with origin_at(source, still=what == "move") as origin:
            await place(origin, target, work, replace=True, told=told)
    print("done", flush=True)

asyncio.run(main(*sys.argv[1:]))
"""
"""Kills itself in mid-copy, or once everything is written and only the commit and the name are missing."""


def killed(*words: str) -> None:
    """Run it; it must die of it."""
    ended = subprocess.run(  # noqa: S603  # our own interpreter
        [sys.executable, "-c", KILLED, *words],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert (ended.returncode, ended.stdout) == (-9, b""), ended.stderr.decode()


@pytest.mark.parametrize("kind", ["file", "server"])
@pytest.mark.parametrize("when", ["copying", "committing"])
async def test_p15_a_killed_restore_has_not_happened(kind: str, when: str, tmp_path: Path, cluster: Cluster) -> None:
    """Over a store with something in it: the old one stands, row for row, and the next try makes the new one."""
    name = await cluster.make()
    old, target = (f"sqlite+aiosqlite:///{tmp_path / file}" for file in ("old.db", "target.db"))
    target = cluster.url(name) if kind == "server" else target
    for url in (old, target):
        store = await open_store(url, exclusive=True)
        await life.live(store) if url == old else await store.write(life.signed_in)
        await store.close()
    file = tmp_path / "backup.db"
    await back_up(old, file)
    before = await life.rows(target)
    killed("restore", f"sqlite+aiosqlite:///{file}", target, when)
    assert await life.rows(target) == before
    await restore(file, target, replace=True)
    assert len((await life.rows(target))["requests"]) == len((await life.rows(old))["requests"])
    found = database_at(target)
    assert not isinstance(found, Path) or "target.db.part" not in life.files(tmp_path)
    await cluster.drop(name)


async def test_p15_a_killed_backup_leaves_no_file_of_that_name(tmp_path: Path) -> None:
    """Only its part, which the next backup writes over; a store that was being moved is as it was."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'sayso.db'}"
    store = await open_store(url, exclusive=True)
    await life.live(store)
    await store.close()
    before = await life.rows(url)
    file = tmp_path / "backup.db"
    killed("backup", url, str(file), "copying")
    killed("move", url, f"sqlite+aiosqlite:///{tmp_path / 'moved.db'}", "committing")
    assert not {"backup.db", "moved.db"} & set(life.files(tmp_path))
    assert await life.rows(url) == before
    await back_up(url, file)
    assert "backup.db" in life.files(tmp_path)
    assert "backup.db.part" not in life.files(tmp_path)
