"""P15: a backup is consistent however busy the store is; what is not whole, or not sound, never bears its name."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import time
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from bot.core.errors import Unavailable
from bot.core.model import Event
from bot.core.ports import Tx
from store import SqlStore, open_store, pages, snapshots
from store.chain import verify_store
from store.contents import Contents, NotWhole
from store.migrate import HEAD
from store.origins import sqlite_origin
from store.pages import About
from store.parts import InTheWay, Part
from store.sqlite import CHECKPOINT_WAIT, Connection
from store.store import SqlStore as Opened
from tests.postgres import Cluster
from tests.store import life, samples
from tests.store.samples import NOW
from tests.store.test_p13_replay import held, told
from tests.store.test_p15_moving import silent

MIGRATIONS = Path(__file__).parents[2] / "store" / "migrations"


async def back_up(url: str, file: Path, *, replace: bool = False) -> About:
    """Back it up."""
    return await snapshots.back_up(url, file, replace=replace, now=NOW, shown="here", told=silent)


async def restore(file: Path, url: str, *, replace: bool = False) -> None:
    """Bring it back as `sayso restore` does: replays stopped in the same transaction."""

    def work(tx: Tx, found: Contents) -> None:
        data = {"seq": found.seq}
        tx.pause(on=True, event=Event(type="store.restored", at=NOW, actor="cli:test", via="cli", data=data))

    async with sqlite_origin(file, kept=True) as origin:
        await snapshots.place(origin, url, work, replace=replace, told=silent, sign_out=True)


async def busy(store: SqlStore, known: list[str], enough: asyncio.Event) -> None:
    """Submit and approve without end; what was acknowledged goes on the ledger."""
    while not enough.is_set():
        value = samples.request()
        await store.write(partial(samples.submit, value=value))
        await store.write(partial(samples.approve, request_id=value.id))
        known.append(value.id)


async def until(known: list[str], count: int, workers: Sequence[asyncio.Future[None]]) -> None:
    """Wait until so many are acknowledged; a worker that failed says so."""
    async with asyncio.timeout(60):
        while len(known) < count:
            for worker in workers:
                if worker.done():
                    worker.result()
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_p15_a_backup_in_mid_load_is_one_moment_of_the_store(kind: str, tmp_path: Path, cluster: Cluster) -> None:
    """What was acknowledged before is in it; its trail tells exactly its rows; the work beside it went on."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'sayso.db'}"
    name = await cluster.make()
    if kind == "postgresql":
        url = cluster.url(name)
    store = await open_store(url, exclusive=True)
    known: list[str] = []
    enough = asyncio.Event()
    workers = [asyncio.ensure_future(busy(store, known, enough)) for _ in range(6)]
    await until(known, 50, workers)
    before = tuple(known)
    file = tmp_path / "backup.db"
    # In a thread of its own, as another process is: the copy must not rest on this loop being held up.
    about = await asyncio.to_thread(lambda: asyncio.run(back_up(url, file)))
    await until(known, len(before) + 20, workers)
    enough.set()
    await asyncio.gather(*workers)
    lines = {line.seq: line.hash for line in await store.audit_lines(0, 100_000)}
    await store.close()
    assert lines[about.seq] == about.hash
    restored = f"sqlite+aiosqlite:///{tmp_path / 'restored.db'}"
    await restore(file, restored)
    copy = await open_store(restored, exclusive=True)
    assert (await verify_store(copy)).lines == about.seq + 1
    rebuilt = await told(copy)
    assert rebuilt == held(tmp_path / "restored.db")
    assert set(before) <= set(rebuilt.requests) < set(known)
    assert await copy.paused()
    await copy.close()
    await cluster.drop(name)


async def test_p15_a_backup_is_one_file_for_its_owner_alone_that_starts_paused(url: str, tmp_path: Path) -> None:
    """Mode 0600, no log beside it, replays stopped in it though somebody copies it into place by hand."""
    store = await open_store(url, exclusive=True)
    await store.write(lambda tx: samples.submit(tx, samples.request()))
    file = tmp_path / "kept" / "backup.db"
    file.parent.mkdir()
    about = await back_up(url, file)
    assert [path.name for path in file.parent.iterdir()] == ["backup.db"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert await snapshots.about(file) == about
    assert not about.paused
    assert not await store.paused()
    await store.close()
    by_hand = await open_store(f"sqlite+aiosqlite:///{file}", exclusive=True)
    assert await by_hand.paused()
    await by_hand.close()


async def test_p15_a_name_that_is_taken_is_refused(url: str, tmp_path: Path) -> None:
    """Also while another backup of that name is being written; and one that was killed is written over.

    What is no file is left as it is, also where told to write over it: a device would be a file afterwards.
    """
    await (await open_store(url, exclusive=True)).close()
    file = tmp_path / "backup.db"
    os.mkfifo(tmp_path / "pipe")
    for name in (tmp_path / "pipe", tmp_path):
        with pytest.raises(InTheWay, match="is no file"):
            await back_up(url, name, replace=True)
    assert (tmp_path / "pipe").is_fifo()
    (tmp_path / "backup.db.part").write_bytes(b"left by a kill")
    await back_up(url, file)
    kept = file.read_bytes()
    with pytest.raises(InTheWay):
        await back_up(url, file)
    assert file.read_bytes() == kept
    with Part(tmp_path / "other.db", replace=False), pytest.raises(InTheWay):
        await back_up(url, tmp_path / "other.db")
    await back_up(url, file, replace=True)
    assert await snapshots.about(file) is not None


async def test_p15_a_backup_is_never_written_over_its_own_store(tmp_path: Path) -> None:
    """Not even when told to write over what is there, by another name of it, or over one of its logs.

    Nor is a backup emptied that bears the name under which the store that it is to become is written first. A link is
    followed to the disk that the store is meant for, and what is written over keeps its owner.
    """
    path = tmp_path / "sayso.db"
    url = f"sqlite+aiosqlite:///{path}"
    store = await open_store(url, exclusive=True)
    await store.write(lambda tx: samples.submit(tx, samples.request()))
    before = path.stat().st_ino
    (tmp_path / "soft.db").symlink_to(path)
    (tmp_path / "hard.db").hardlink_to(path)
    for name in ("sayso.db", "soft.db", "hard.db", "sayso.db-wal", "sayso.db.lock"):
        with pytest.raises(InTheWay, match="the store itself"):
            await back_up(url, tmp_path / name, replace=True)
    assert path.stat().st_ino == before
    await store.write(lambda tx: samples.submit(tx, samples.request()))
    await store.close()
    backup = tmp_path / "twin.db.part"
    told = await back_up(url, backup)
    with pytest.raises(InTheWay, match="give it another name"):
        await restore(backup, f"sqlite+aiosqlite:///{tmp_path / 'twin.db'}")
    assert await snapshots.about(backup) == told
    (tmp_path / "disk").mkdir()
    (tmp_path / "link.db").symlink_to(tmp_path / "disk/there.db")
    await restore(backup, f"sqlite+aiosqlite:///{tmp_path / 'link.db'}")
    assert (tmp_path / "link.db").is_symlink()
    there = tmp_path / "disk/there.db"
    assert there.stat().st_size > 0
    owner = 4321 if os.geteuid() == 0 else os.geteuid()
    os.chown(there, owner, -1)
    await restore(backup, f"sqlite+aiosqlite:///{there}", replace=True)
    assert (there.stat().st_uid, there.stat().st_mode & 0o777) == (owner, 0o600)


async def test_p15_a_store_that_does_not_hold_gives_no_backup(url: str, database: Path, tmp_path: Path) -> None:
    """A trail that was touched, a file that is damaged, one that is no store: said aloud, and no file is left."""
    store = await open_store(url, exclusive=True)
    for _ in range(50):
        await store.write(lambda tx: samples.submit(tx, samples.request()))
    await store.close()
    file = tmp_path / "backup.db"
    with closing(sqlite3.connect(database)) as driver:
        driver.execute("UPDATE events SET body = replace(body, 'ana', 'eve') WHERE seq = 7")
        driver.commit()
    with pytest.raises(NotWhole, match="line 7 was changed"):
        await back_up(url, file)
    with database.open("r+b") as damaged:
        damaged.seek(4096 * 20)
        damaged.write(os.urandom(4096 * 8))
    with pytest.raises((NotWhole, Unavailable)):
        await back_up(url, file)
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as driver:
        driver.execute("CREATE TABLE notes (text)")
    with pytest.raises(NotWhole, match="no database of sayso"):
        await back_up(f"sqlite+aiosqlite:///{other}", file)
    assert "backup.db" not in life.files(tmp_path)
    assert "backup.db.part" not in life.files(tmp_path)


async def test_p15_a_damaged_backup_is_not_restored(url: str, tmp_path: Path) -> None:
    """Cut short, or with a line changed in it, it is refused, and what was to be written over stays."""
    store = await open_store(url, exclusive=True)
    for _ in range(50):
        await store.write(lambda tx: samples.submit(tx, samples.request()))
    file, changed, cut = (tmp_path / name for name in ("backup.db", "changed.db", "cut.db"))
    await back_up(url, file)
    await store.close()
    changed.write_bytes(file.read_bytes())
    cut.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with closing(sqlite3.connect(changed)) as driver:
        driver.execute("DELETE FROM events WHERE seq = 50")
        driver.commit()
    before = (tmp_path / "sayso.db").read_bytes()
    for bad in (changed, cut):
        with pytest.raises((NotWhole, Unavailable)):
            await restore(bad, url, replace=True)
    assert (tmp_path / "sayso.db").read_bytes() == before
    assert life.files(tmp_path) == ["backup.db", "changed.db", "cut.db", "sayso.db"]


@pytest.mark.parametrize(
    "does", ["TRIGGER t BEFORE INSERT ON switches BEGIN SELECT RAISE(IGNORE); END", "VIEW v AS SELECT 1"]
)
async def test_p15_a_backup_that_does_more_than_hold_is_not_restored(url: str, tmp_path: Path, does: str) -> None:
    """A trigger in a file from elsewhere would let replays run, and do to the store what its writer wished."""
    file = tmp_path / "backup.db"
    await (await open_store(url, exclusive=True)).close()
    await back_up(url, file)
    with closing(sqlite3.connect(file)) as driver:
        driver.execute(f"CREATE {does}")
        driver.commit()
    with pytest.raises(NotWhole, match="that is not sayso's"):
        await restore(file, f"sqlite+aiosqlite:///{tmp_path / 'new.db'}")
    assert not (tmp_path / "new.db").exists()


async def test_p15_a_backup_of_an_older_sayso_is_brought_up_to_date(tmp_path: Path) -> None:
    """Backed up before the upgrade, restored after it: the tables are today's, and replays are stopped."""
    old = tmp_path / "old.db"
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    engine = create_engine(f"sqlite+pysqlite:///{old}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0004")
    engine.dispose()
    file, target = tmp_path / "backup.db", tmp_path / "new.db"
    await back_up(f"sqlite+aiosqlite:///{old}", file)
    with closing(sqlite3.connect(old)) as driver:
        assert pages.schema_of(driver) == "0004"
    await restore(file, f"sqlite+aiosqlite:///{target}")
    with closing(sqlite3.connect(target)) as driver:
        assert pages.schema_of(driver) == HEAD
        assert not pages.has(driver, "backup")
    store = await open_store(f"sqlite+aiosqlite:///{target}", exclusive=True)
    assert await store.paused()
    await store.close()


async def test_p15_commits_wait_for_no_backup(url: str, database: Path) -> None:
    """While one reads, a checkpoint cannot end, and holds up who writes for a moment only; afterwards it ends again."""
    store: Opened = await open_store(url, exclusive=True)
    await store.write(lambda tx: samples.submit(tx, samples.request()))
    with (
        closing(pages.reading(database)) as backup,
        closing(Connection(database, busy_timeout=5, checkpoints=True)) as writer,
    ):
        backup.execute("BEGIN")
        backup.execute("SELECT count(*) FROM events").fetchall()
        await store.write(lambda tx: samples.submit(tx, samples.request()))
        writer.checkpoint()
        times = []
        for _ in range(3):
            began = time.monotonic()
            writer.checkpoint()
            times.append(time.monotonic() - began)
        assert min(times) < CHECKPOINT_WAIT / 2
        backup.execute("ROLLBACK")
        writer.checkpoint()
        assert database.with_name(f"{database.name}-wal").stat().st_size == 0
    await store.close()
