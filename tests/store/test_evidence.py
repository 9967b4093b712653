"""T24: an auditor reads and verifies a store where nothing can be written; what is in its log is never passed over."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from bot.core.errors import Unavailable
from bot.core.ports import Filter
from store import SchemaMismatch, SqlStore, open_store, snapshots
from store.chain import verify_store
from tests.databases import lay
from tests.store import samples
from tests.store.samples import NOW
from tests.store.test_p10_unwritable import bound_by_file_modes
from tests.store.test_p15_moving import silent


def seal(folder: Path) -> Path:
    """Make the folder and all that is in it one that nobody may write; the database in it."""
    for path in folder.iterdir():
        path.chmod(0o400)
    folder.chmod(0o500)
    return folder / "sayso.db"


async def opened(database: Path, *, reads: bool = True) -> SqlStore:
    """The store as a command opens it."""
    return await open_store(f"sqlite+aiosqlite:///{database}", exclusive=False, reads=reads)


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Path]:
    """A folder of somebody whom file modes bind: ``made`` has a store of two lines.

    ``logged`` is a copy that was taken while its first line was in the log alone; ``half`` one of the second line's
    log, without its index.
    """
    lay(tmp_path / "sayso.db")
    await (await opened(tmp_path / "sayso.db")).close()  # loads what is loaded late, while this is still root
    with bound_by_file_modes() as folder:
        made = folder / "made"
        made.mkdir()
        lay(made / "sayso.db")
        for copy in ("logged", "half"):
            store = await open_store(f"sqlite+aiosqlite:///{made / 'sayso.db'}", exclusive=True)
            await store.write(lambda tx: samples.submit(tx, samples.request()))
            shutil.copytree(made, folder / copy)
            await store.close()
        (folder / "half" / "sayso.db-shm").unlink()
        yield folder
        for path in folder.iterdir():
            path.chmod(0o700)


async def test_t24_evidence_is_read_and_verified_where_nothing_can_be_written(home: Path) -> None:
    """It holds, its requests are read, it is backed up, changes are refused, and not a file is made beside it."""
    database = seal(home / "made")
    there = sorted(database.parent.iterdir())
    store = await opened(database)
    assert len(await store.requests(Filter())) == 2
    report = await verify_store(store)
    assert (report.ok, report.lines) == (True, 2)
    with pytest.raises(Unavailable):
        await store.write(lambda tx: samples.submit(tx, samples.request()))
    await store.close()
    url = f"sqlite+aiosqlite:///{database}"
    told = await snapshots.back_up(url, home / "b.db", replace=False, now=NOW, shown="here", told=silent)
    assert told.seq == 2
    with pytest.raises(Unavailable, match="cannot be opened for writing"):
        await opened(database, reads=False)
    assert sorted(database.parent.iterdir()) == there


async def test_t24_a_log_beside_evidence_is_read_or_the_answer_refused(home: Path) -> None:
    """With its index the last line counts; without, SQLite cannot read it there, and nothing is said to hold."""
    store = await opened(seal(home / "logged"))
    assert (await verify_store(store)).lines == 1
    await store.close()
    with pytest.raises(Unavailable, match=r"lies in sayso\.db-wal.*copy both"):
        await opened(seal(home / "half"))


async def test_t24_evidence_that_changes_under_the_reader_gives_no_answer(home: Path) -> None:
    """Read as a file that never changes, it may be half of one state and of another once somebody writes to it."""
    database = seal(home / "made")
    store = await opened(database)
    assert (await verify_store(store)).lines == 2
    database.parent.chmod(0o700)
    database.chmod(0o600)
    with closing(sqlite3.connect(database)) as driver:
        driver.execute("UPDATE events SET hash = 'x'")
        driver.commit()
    with pytest.raises(Unavailable, match="was written to while it was read"):
        await store.audit_head()
    await store.close()


async def test_evidence_of_another_schema_says_so(home: Path) -> None:
    """It cannot be brought up to date there, so the two schemas are named, and what to do."""
    with closing(sqlite3.connect(home / "made" / "sayso.db")) as driver:
        driver.execute("UPDATE alembic_version SET version_num = '0008'")
        driver.commit()
    database = seal(home / "made")
    with pytest.raises(SchemaMismatch, match=r"has schema 0008, this sayso .* cannot be written here"):
        await opened(database)
