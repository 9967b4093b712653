"""The writer: many units a commit, each answered after its own; one that fails leaves nothing and spoils nothing."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Coroutine
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from msgspec.structs import replace

from bot.core.errors import Overloaded, Unavailable
from bot.core.model import Request, State
from bot.core.ports import Change, Overtaken, Tx
from store import SqlStore, open_store
from store.chain import verify_store
from store.writer import PATIENT, PATIENT_BATCH
from tests.store import samples


def _kept(tx: Tx, value: Request) -> Request:
    return samples.submit(tx, value, samples.effect(value))


def _recorded(tx: Tx, change: Change) -> None:
    tx.record(change)


async def test_units_are_committed_together(url: str, database: Path) -> None:
    """Many units handed over at once take a few commits, and the answer of each is its own."""
    store = await open_store(url, exclusive=True)
    before = _changes(database)
    values = [samples.request() for _ in range(100)]
    answers = await asyncio.gather(*(store.write(partial(_kept, value=v)) for v in values))
    assert answers == values
    assert _changes(database) - before <= 3
    await store.close()


def _changes(database: Path) -> int:
    """How many commits the log holds: frames that end one carry the database's size."""
    log = Path(f"{database}-wal").read_bytes()
    size = int.from_bytes(log[8:12])
    frames = range(32, len(log) - 23, 24 + size)
    return sum(int.from_bytes(log[at + 4 : at + 8]) > 0 for at in frames)


async def test_an_answer_means_committed(url: str, database: Path) -> None:
    """Whoever got an answer finds the row from another connection at once."""
    store = await open_store(url, exclusive=True)
    value = await store.write(lambda tx: samples.submit(tx, samples.request()))
    with sqlite3.connect(database) as other:
        assert other.execute("SELECT count(*) FROM requests WHERE id = ?", (value.id,)).fetchone() == (1,)
    other.close()
    await store.close()


async def test_a_unit_that_fails_after_writing_leaves_nothing(store: SqlStore) -> None:
    """Its rows, its effects and its audit line are gone; the units beside it are committed; the chain has no gap."""
    bad = samples.request()

    def fail(tx: Tx) -> None:
        samples.submit(tx, bad, samples.effect(bad))
        raise LookupError("on purpose")

    good = [samples.request() for _ in range(5)]
    writes: list[Coroutine[Any, Any, object]] = [store.write(partial(_kept, value=v)) for v in good]
    writes[2:2] = [store.write(fail)]
    answers = await asyncio.gather(*writes, return_exceptions=True)
    assert isinstance(answers.pop(2), LookupError)
    assert answers == good
    assert await store.request(bad.id) is None
    assert {effect.request for effect in await store.write(lambda tx: tx.effects())} == {value.id for value in good}
    report = await verify_store(store)
    assert (report.ok, report.lines) == (True, 5)


async def test_a_unit_that_fails_before_writing_leaves_nothing(store: SqlStore) -> None:
    """A refusal after a look, or after a line that was only gathered, costs the others nothing."""

    def refuse(tx: Tx) -> None:
        tx.append(samples.event("never"))
        tx.finish(("eff_1",))
        raise Overtaken("on purpose")

    first, second = samples.request(), samples.request()
    answers = await asyncio.gather(
        store.write(lambda tx: samples.submit(tx, first)),
        store.write(refuse),
        store.write(lambda tx: samples.submit(tx, second)),
        return_exceptions=True,
    )
    assert isinstance(answers[1], Overtaken)
    report = await verify_store(store)
    assert (report.ok, report.lines) == (True, 2)


async def test_a_constraint_broken_at_the_end_fails_its_own_unit_alone(store: SqlStore) -> None:
    """An effect id that is taken shows only as the batch is written out; the others are kept all the same."""
    value, other = samples.request(), samples.request()
    taken = samples.effect(value)
    await store.write(lambda tx: samples.submit(tx, value, taken))
    answers = await asyncio.gather(
        store.write(lambda tx: samples.submit(tx, other)),
        store.write(lambda tx: samples.submit(tx, samples.request(), taken)),
        return_exceptions=True,
    )
    assert answers[0] == other
    assert isinstance(answers[1], sqlite3.IntegrityError | asyncpg.UniqueViolationError)
    assert len(await store.audit_lines(0, 10)) == 2


async def test_units_of_a_batch_see_each_other_in_order(store: SqlStore) -> None:
    """Fifty people decide one request at once: one does, the others are told, in whatever batches they come."""
    value = await store.write(lambda tx: samples.submit(tx, samples.request()))

    def decide(tx: Tx) -> str:
        before = samples.found(tx, value.id)
        if before.state is not State.PENDING:
            raise Overtaken(value.id)
        return samples.approve(tx, value.id).id

    answers = await asyncio.gather(*(store.write(decide) for _ in range(50)), return_exceptions=True)
    assert [answer for answer in answers if isinstance(answer, str)] == [value.id]
    assert sum(isinstance(answer, Overtaken) for answer in answers) == 49


async def test_readings_from_outside_still_decide_once(store: SqlStore) -> None:
    """As above with the request read before the write: the conditional update alone decides."""
    value = await store.write(lambda tx: samples.submit(tx, samples.request()))
    changes = [
        Change(
            event=samples.event("request.decided", value.id),
            before=value,
            after=replace(value, state=state, due_at=None),
            decision=samples.decision(value, by=f"p{n}"),
        )
        for n, state in enumerate([State.APPROVED, State.REJECTED] * 10)
    ]
    answers = await asyncio.gather(
        *(store.write(partial(_recorded, change=c)) for c in changes), return_exceptions=True
    )
    assert answers.count(None) == 1
    read = await store.request(value.id)
    assert read is not None
    assert len(read.decisions) == 1


async def test_a_cancelled_caller_leaves_no_half(store: SqlStore) -> None:
    """Units whose callers went away are there whole or not at all, and the writer goes on."""
    values = [samples.request() for _ in range(40)]
    tasks = [asyncio.create_task(store.write(partial(_kept, value=v))) for v in values]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await store.write(lambda tx: samples.submit(tx, samples.request()))
    there = [value for value in values if await store.request(value.id) is not None]
    assert {value.id for value in values[1::2]} <= {value.id for value in there}
    assert len(await store.write(lambda tx: tx.effects())) == len(there)
    assert (await verify_store(store)).lines == len(there) + 1


async def test_closing_finishes_what_was_taken(url: str) -> None:
    """What waits when the store is closed is written; what comes later is refused aloud."""
    store = await open_store(url, exclusive=True)
    tasks = [asyncio.create_task(store.write(lambda tx: samples.submit(tx, samples.request()))) for _ in range(300)]
    await asyncio.sleep(0)
    await store.close()
    assert all(task.done() and task.exception() is None for task in tasks)
    with pytest.raises(Unavailable, match="closed"):
        await store.write(lambda tx: tx.paused())
    store = await open_store(url, exclusive=True)
    assert (await verify_store(store)).lines == 300
    await store.close()


async def test_too_many_waiting_are_refused(url: str) -> None:
    """The queue is bounded: beyond it the caller is told at once, and those inside are served."""
    store = await open_store(url, exclusive=True, waiting=20)
    answers = await asyncio.gather(
        *(store.write(lambda tx: samples.submit(tx, samples.request())) for _ in range(50)), return_exceptions=True
    )
    assert sum(isinstance(answer, Overloaded) for answer in answers) == 30
    assert (await verify_store(store)).lines == 20
    assert await store.writable()
    await store.close()


async def test_readers_do_not_wait_for_a_writer(url: str, database: Path) -> None:
    """While another process holds the write lock, everything can be read."""
    store = await open_store(url, exclusive=True, busy_timeout=5)
    value = await store.write(lambda tx: samples.submit(tx, samples.request()))
    holder = sqlite3.connect(database, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    waiting = asyncio.create_task(store.write(lambda tx: samples.submit(tx, samples.request())))
    async with asyncio.timeout(2):
        for _ in range(20):
            assert await store.request(value.id) == value
    assert not waiting.done()
    holder.execute("ROLLBACK")
    holder.close()
    await waiting
    await store.close()


async def test_another_process_may_write_between(url: str) -> None:
    """A tool beside the bot writes into the same chain; neither loses a line."""
    bot = await open_store(url, exclusive=True)
    tool = await open_store(url, exclusive=False)
    await asyncio.gather(
        *(store.write(lambda tx: samples.submit(tx, samples.request())) for _ in range(50) for store in (bot, tool))
    )
    await tool.close()
    assert (await verify_store(bot)).lines == 100
    await bot.close()


async def test_no_thread_is_left_behind(url: str) -> None:
    """Closing ends the store's threads."""
    store = await open_store(url, exclusive=True)
    await store.write(lambda tx: samples.submit(tx, samples.request()))
    await store.paused()
    await store.close()
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("store-")]


async def test_p17_what_is_urgent_passes_what_is_patient(store: SqlStore) -> None:
    """However many submissions wait, a click is in the next transaction, and they go on in batches that stay small."""
    order: list[str] = []
    patient = [asyncio.create_task(store.write(lambda _: order.append("patient"), patient=True)) for _ in range(1_000)]
    await asyncio.sleep(0)
    await store.write(lambda _: order.append("urgent"))
    await asyncio.gather(*patient)
    assert order.index("urgent") <= 2 * PATIENT_BATCH
    assert len(order) == 1_001


async def test_p17_patient_units_have_a_bound_of_their_own(store: SqlStore) -> None:
    """Beyond it they hear when to come again; what is urgent is still taken."""
    units = [asyncio.create_task(store.write(lambda _: None, patient=True)) for _ in range(PATIENT)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded) as refused:
        await store.write(lambda _: None, patient=True)
    assert refused.value.extra["retry_after"] >= 1
    await store.write(lambda _: None)
    await asyncio.gather(*units)
