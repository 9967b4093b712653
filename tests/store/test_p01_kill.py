"""P1: what was answered survives kill -9; what was not is there whole or not at all; the audit says the same."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
import time
from pathlib import Path

from bot.core.model import ExecutionState, State
from store import open_store
from store.chain import verify_store
from tests.store import samples
from tests.store.journal import ACCOUNT, RULE
from tests.store.test_p13_replay import held, told

LIVES = (0.05, 0.1, 0.2, 0.3, 0.4, 0.6)
"""Seconds from open to kill; a random share is added to each."""


def _live_and_die(url: str, life: int, seconds: float) -> dict[str, str]:
    """One life: what the process told of each request before it was killed, the last word each."""
    with subprocess.Popen(  # noqa: S603 - our own interpreter
        [sys.executable, "-m", "tests.store.journal", url, str(life)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"open {life}\n"
        time.sleep(seconds)
        process.kill()
        told_lines = [line.split() for line in process.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    return {request_id: word for word, request_id in told_lines}


def test_p01_what_was_answered_survives_kill(url: str) -> None:
    """Killed again and again at random moments: after each, all that was told is there, and chain and state agree."""
    chance = random.Random(1)  # noqa: S311 - nothing secret
    ledger: dict[str, str] = {}
    for life, seconds in enumerate(LIVES):
        ledger |= _live_and_die(url, life, seconds + chance.random() * 0.1)
        asyncio.run(_reconcile(url, ledger))
    assert len(ledger) > 50


async def _reconcile(url: str, ledger: dict[str, str]) -> None:
    store = await open_store(url, exclusive=True)
    report = await verify_store(store)
    assert report.ok, report.text()
    kept = await told(store)
    assert kept == held(Path(url.removeprefix("sqlite+aiosqlite:///")))
    spent = await store.write(lambda tx: tx.spent(RULE, ACCOUNT, samples.NOW))
    assert spent == (len(kept.requests), 2 * len(kept.requests)), "a limit counts what is not there, or misses what is"
    owed = {effect.request for effect in await store.write(lambda tx: tx.effects())}
    for request_id, word in ledger.items():
        value = await store.request(request_id)
        assert value is not None, f"{request_id} was {word} and is gone"
        assert request_id in owed
        if word in ("approved", "finished"):
            assert value.state is State.APPROVED
            assert [vote.by for vote in value.decisions] == ["ana"]
            assert value.execution is not None
        if word == "finished":
            assert value.execution is not None
            assert value.execution.state is ExecutionState.EXECUTED
            assert len(await store.deliveries(request_id)) == 1
    await store.close()
