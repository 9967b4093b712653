"""The log: only the bot's writer checkpoints, when it has grown long, and nothing is lost by it."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from store import open_store, sqlite, sqlite_line, writeback
from store.chain import verify_store
from tests.store import samples


def _log_size(database: Path) -> int:
    return Path(f"{database}-wal").stat().st_size


@pytest.fixture
def short_log(monkeypatch: pytest.MonkeyPatch) -> int:
    """A log that counts as long soon."""
    monkeypatch.setattr(sqlite, "CHECKPOINT_BYTES", 256 * 1024)
    monkeypatch.setattr(sqlite, "CHECKPOINT_PAUSE", 0.0)
    # A burst is not waited out, nor the disk given time, for what is long here is written in milliseconds.
    monkeypatch.setattr(sqlite_line, "FLOODED", 2)
    monkeypatch.setattr(writeback, "TAKES", 0.0)
    return 256 * 1024


async def test_a_long_log_is_checkpointed_by_the_bot(url: str, database: Path, short_log: int) -> None:
    """The log is cut back while work goes on, also with readers about, and everything is still there."""
    store = await open_store(url, exclusive=True)
    longest = 0
    for _ in range(40):
        await asyncio.gather(
            *(store.write(lambda tx: samples.submit(tx, samples.request())) for _ in range(20)), store.audit_head()
        )
        longest = max(longest, _log_size(database))
    assert longest < 4 * short_log
    assert (await verify_store(store)).lines == 800
    await store.close()


async def test_a_tool_never_checkpoints(url: str, database: Path, short_log: int) -> None:
    """A tool beside the bot lets the log grow: a checkpoint of its own could race with the bot's commit."""
    bot = await open_store(url, exclusive=True)
    tool = await open_store(url, exclusive=False)
    for _ in range(20):
        await asyncio.gather(*(tool.write(lambda tx: samples.submit(tx, samples.request())) for _ in range(20)))
    assert _log_size(database) > 2 * short_log
    await tool.close()
    await bot.close()


_LEAVE_THE_LOG = """
import sqlite3, sys
print(sqlite3.connect(sys.argv[1], timeout=0).execute("PRAGMA journal_mode=DELETE").fetchall())
"""


def _rows(connection: sqlite.Connection, first: int, last: int) -> None:
    connection.begin()
    connection.cursor.driver.executemany(
        "INSERT INTO kept VALUES (?, randomblob(900))", [(n,) for n in range(first, last)]
    )
    connection.commit()


def _writer(database: Path) -> sqlite.Connection:
    writer = sqlite.Connection(database, busy_timeout=5, checkpoints=True)
    writer.cursor.driver.execute("CREATE TABLE IF NOT EXISTS kept (number INTEGER PRIMARY KEY, body BLOB)")
    return writer


def test_most_of_the_log_is_copied_while_others_write(database: Path, short_log: int) -> None:
    """In the middle of a transaction; little is left for the checkpoint that empties the log and holds up all."""
    with closing(_writer(database)) as writer:
        writer.checkpoint()
        _rows(writer, 0, 1_000)
        assert writer.overgrown()
        assert writer.copies_first()
        writer.begin()
        writer.cursor.driver.execute("INSERT INTO kept VALUES (5000, 'not yet')")
        writer.copy()
        assert database.stat().st_size > short_log
        writer.commit()
        assert not writer.copies_first()
        writer.checkpoint()
        assert _log_size(database) == 0
    with closing(sqlite3.connect(database)) as reader:
        assert reader.execute("SELECT count(*) FROM kept").fetchone() == (1_001,)
        assert reader.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_log_is_copied_once_at_most_before_it_is_emptied(database: Path, short_log: int) -> None:
    """A second copy could meet a commit that starts the log anew: the race. Nor is an earlier process's log copied."""
    assert short_log
    with closing(_writer(database)) as writer:
        _rows(writer, 0, 500)
        assert not writer.copies_first()
        writer.checkpoint()
        _rows(writer, 500, 1_000)
        assert writer.copies_first()
        writer.copy()
        with closing(sqlite3.connect(database, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM kept").fetchone()
            _rows(writer, 1_000, 1_500)
            writer.checkpoint()
            assert _log_size(database) > 0
            assert not writer.copies_first()
            reader.execute("COMMIT")
        writer.checkpoint()
        assert _log_size(database) == 0
        assert writer.copies_first()


def test_to_copy_takes_no_lock_from_anybody(database: Path, short_log: int) -> None:
    """Closing a descriptor of the file would take this process's locks on it: another could change its journal mode."""
    assert short_log
    with closing(_writer(database)) as writer:
        writer.checkpoint()
        _rows(writer, 0, 500)
        assert writer.copies_first()
        writer.copy()
        said = subprocess.run(  # noqa: S603  # our own words
            [sys.executable, "-c", _LEAVE_THE_LOG, str(database)], capture_output=True, text=True, check=False
        )
        assert "locked" in said.stderr, said
