"""What a restored store would do is told as the next start will do it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from msgspec.structs import replace

from bot.commands.outstanding import outstanding
from bot.core.model import ExecutionState
from bot.core.ports import Change, EffectKind, Tx
from store import open_store
from tests.databases import lay
from tests.store import samples
from tests.store.samples import NOW


def run(tx: Tx, state: ExecutionState, **changes: bool) -> str:
    """An approved request whose execution stands so; its id."""
    value = samples.submit(tx, samples.request())
    seen = samples.approve(tx, value.id).execution
    assert seen is not None
    now = replace(seen, state=state, attempts=int(state is not ExecutionState.WAITING), **changes)
    event = samples.event("execution.started", value.id)
    tx.record(Change(event=event, execution_before=seen, execution=now))
    return value.id


async def test_p15_a_restore_tells_what_would_run_and_what_nobody_can_know(tmp_path: Path) -> None:
    """By kind: to run, tried again where that is declared safe, unknown, the agents' own; due steps; what is sent."""
    lay(tmp_path / "sayso.db")
    store = await open_store(f"sqlite+aiosqlite:///{tmp_path / 'sayso.db'}", exclusive=True)
    waits = await store.write(lambda tx: run(tx, ExecutionState.WAITING))
    unknown = await store.write(lambda tx: run(tx, ExecutionState.EXECUTING))
    again = await store.write(lambda tx: run(tx, ExecutionState.EXECUTING, idempotent=True))
    agents = await store.write(lambda tx: run(tx, ExecutionState.EXECUTING, by_agent=True))
    await store.write(lambda tx: run(tx, ExecutionState.EXECUTED))
    asked, late = samples.request(), samples.request(expires_at=NOW + timedelta(minutes=20))
    card = samples.effect(asked, kind=EffectKind.CARD)
    await store.write(lambda tx: samples.submit(tx, asked, card))
    await store.write(lambda tx: samples.submit(tx, late))
    found = await store.write(lambda tx: outstanding(tx, NOW + timedelta(minutes=30)))
    early = await store.write(lambda tx: outstanding(tx, NOW))
    await store.close()
    told = {kind: [line.request for line in getattr(found, kind)] for kind in found.counts}
    assert told == {
        "waiting": [waits],
        "unknown": [unknown],
        "again": [again],
        "agents": [agents],
        "escalations": [asked.id],
        "expiries": [late.id],
    }
    assert found.effects == {"card": 1}
    assert (early.counts["escalations"], early.counts["expiries"]) == (0, 0)
    text = found.text()
    for request_id in (waits, unknown, again, agents, asked.id, late.id):
        assert request_id in text
    assert "1 card" in text
