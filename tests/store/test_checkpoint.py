"""The log: only the bot's writer checkpoints, when it has grown long, and nothing is lost by it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from store import open_store, sqlite
from store.chain import verify_store
from tests.store import samples


def _log_size(database: Path) -> int:
    return Path(f"{database}-wal").stat().st_size


@pytest.fixture
def short_log(monkeypatch: pytest.MonkeyPatch) -> int:
    """A log that counts as long soon."""
    monkeypatch.setattr(sqlite, "CHECKPOINT_BYTES", 256 * 1024)
    monkeypatch.setattr(sqlite, "CHECKPOINT_PAUSE", 0.0)
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
