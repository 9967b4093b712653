"""P10: a full, locked or read-only store refuses every write aloud, keeps nothing of it, and recovers by itself."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bot.core.errors import Unavailable
from store import SqlStore, open_store
from store.chain import verify_store
from tests.store import samples

NOBODY = 65534


@contextmanager
def full_disk() -> Iterator[None]:
    """No file of this process may be written past its first KiB: the write itself fails, as on a full disk."""
    was = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, was[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, was)
        signal.signal(signal.SIGXFSZ, ignored)


async def _many(store: SqlStore, count: int) -> list[object]:
    writes = (store.write(lambda tx: samples.submit(tx, samples.request())) for _ in range(count))
    return await asyncio.gather(*writes, return_exceptions=True)


async def test_p10_a_full_disk_refuses_and_recovers(url: str) -> None:
    """Everybody in the batch is refused, the rows before stay, and with room again writing goes on unaided."""
    store = await open_store(url, exclusive=True)
    kept = await store.write(lambda tx: samples.submit(tx, samples.request()))
    with full_disk():
        refused = await _many(store, 40)
        assert await store.request(kept.id) == kept
        assert not await store.writable()
    assert all(isinstance(answer, Unavailable) for answer in refused)
    assert await store.writable()
    assert not [answer for answer in await _many(store, 40) if isinstance(answer, BaseException)]
    report = await verify_store(store)
    assert (report.ok, report.lines) == (True, 41)
    await store.close()


async def test_p10_a_locked_store_refuses_and_recovers(url: str, database: Path) -> None:
    """A second process that holds the write lock past the busy timeout: all that wait are refused once, not in turn."""
    store = await open_store(url, exclusive=True, busy_timeout=0.2)
    hold = (
        "import sqlite3,sys; c=sqlite3.connect(sys.argv[1],isolation_level=None); c.execute('BEGIN IMMEDIATE');"
        "print('held',flush=True); sys.stdin.read(); c.execute('ROLLBACK')"
    )
    with subprocess.Popen(  # noqa: S603, ASYNC220 - our own interpreter, started once
        [sys.executable, "-c", hold, str(database)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        loop = asyncio.get_running_loop()
        begun = loop.time()
        answers = await _many(store, 1000)
        assert loop.time() - begun < 2
        assert all(isinstance(answer, Unavailable) for answer in answers)
        assert not await store.writable()
        holder.stdin.close()
    assert await store.writable()
    assert not [answer for answer in await _many(store, 10) if isinstance(answer, BaseException)]
    await store.close()


async def test_p10_a_short_lock_is_waited_out(url: str, database: Path) -> None:
    """A tool that writes for a moment makes the bot wait, not fail."""
    store = await open_store(url, exclusive=True, busy_timeout=5)
    holder = sqlite3.connect(database, isolation_level=None, check_same_thread=False)
    holder.execute("BEGIN IMMEDIATE")
    asyncio.get_running_loop().call_later(0.3, holder.execute, "ROLLBACK")
    assert await store.write(lambda tx: samples.submit(tx, samples.request()))
    holder.close()
    await store.close()


@contextmanager
def bound_by_file_modes() -> Iterator[Path]:
    """A folder of a user whom file modes bind, and for so long this process is that user (root is bound by none)."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if os.geteuid() != 0:
            yield folder
            return
        os.chown(folder, NOBODY, NOBODY)
        os.seteuid(NOBODY)
        try:
            yield folder
        finally:
            os.seteuid(0)


@pytest.mark.parametrize("exclusive", [True, False])
async def test_p10_a_read_only_file_is_refused_at_start(url: str, exclusive: bool) -> None:  # noqa: FBT001 - parametrised
    """A file or a folder that may not be written is said by name at start; made writable, it serves."""
    await (await open_store(url, exclusive=True)).close()  # loads what is loaded late, while this is still root
    with bound_by_file_modes() as folder:
        database = folder / "sayso.db"
        url = f"sqlite+aiosqlite:///{database}"
        await (await open_store(url, exclusive=exclusive)).close()
        for path, bad, good in ((database, 0o400, 0o600), (folder, 0o500, 0o700)):
            path.chmod(bad)
            (folder / "sayso.db.lock").chmod(bad)
            with pytest.raises(Unavailable, match=str(database)):
                await open_store(url, exclusive=exclusive)
            path.chmod(good)
            (folder / "sayso.db.lock").chmod(0o600)
            store = await open_store(url, exclusive=exclusive)
            assert await store.writable()
            await store.close()
