"""P11: what a replica took over from the dead is seen to, also where the store fails just then; and it is on record."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import pytest
from msgspec.structs import replace

from bot.clock import SystemClock, entropy
from bot.core.errors import Unavailable
from bot.core.model import ExecutionState, State
from bot.core.ports import AuditQuery, Change, Effect, Tx
from bot.desk import Ledger
from bot.desk.replicas import Replicas
from store import SqlStore, open_store
from tests.postgres import Cluster
from tests.store import samples

LEASE = timedelta(seconds=2)
AT_ONCE = timedelta(milliseconds=1)
WITHIN = 60.0


class Hands:
    """Whoever performs what is held; here it is kept."""

    def __init__(self) -> None:
        self.effects: asyncio.Queue[Effect] = asyncio.Queue()

    def take(self, effects: Sequence[Effect]) -> None:
        """Take effects."""
        for effect in effects:
            self.effects.put_nowait(effect)

    def take_execution(self, _: object) -> None:
        """Take an execution."""

    def drop(self) -> None:
        """Forget them."""


class House:
    """One replica in this process, and what else is done to its database."""

    def __init__(self, store: SqlStore, beside: SqlStore) -> None:
        self.store = store
        self.beside = beside
        self.refusals = 0
        self.broken = ""
        """An execution of which nothing can be recorded, whatever is wrong with its row."""
        self.ended: asyncio.Queue[str] = asyncio.Queue()
        ledger = Ledger(store, SystemClock(), entropy)
        self.hands = Hands()
        self.replicas = Replicas(ledger, self.hands, self.lost, name="living", rules=lambda: "r", lease=LEASE)

    async def lost(self, execution_id: str) -> None:
        """What becomes of an execution under way; refused as often as was asked for."""
        if execution_id == self.broken:
            raise RuntimeError(execution_id)
        if self.refusals:
            self.refusals -= 1
            raise Unavailable("The store cannot be written right now; nothing was changed. Try again.")
        self.ended.put_nowait(execution_id)


@pytest.fixture
async def house(cluster: Cluster) -> AsyncIterator[House]:
    """A replica that is up, on a database of its own."""
    name = await cluster.make()
    store = await open_store(cluster.url(name), exclusive=False)
    beside = await open_store(cluster.url(name), exclusive=False)
    made = House(store, beside)
    await made.replicas.join()
    await made.replicas.begin()
    yield made
    await made.replicas.end()
    await beside.close()
    await store.close()
    await cluster.drop(name)


async def test_p11_what_is_taken_over_while_the_store_fails_is_seen_to_at_the_next_beat(house: House) -> None:
    """The take-over is committed, the end of what ran cannot be: nobody else takes it, so this replica tries again.

    One of which nothing can ever be recorded holds up no other.
    """
    await house.beside.attend("rep_dead", lambda _: None)
    house.refusals = 2

    def leave_it_running(tx: Tx) -> str:
        run = samples.execution(samples.request(), state=ExecutionState.EXECUTING, attempts=1, started_at=samples.NOW)
        before = samples.submit(tx, samples.request())
        after = replace(before, state=State.APPROVED, due_at=None, decided_at=samples.NOW)
        told = samples.event("request.decided", before.id)
        mine = replace(run, request=before.id, digest=before.digest)
        tx.record(Change(event=told, before=before, after=after, execution=mine))
        return mine.id

    house.broken, execution_id = [await house.beside.write(leave_it_running) for _ in range(2)]
    await house.beside.write(lambda tx: tx.join("rep_dead", "dead", "r", AT_ONCE))
    async with asyncio.timeout(WITHIN):
        assert await house.ended.get() == execution_id
    assert house.refusals == 0


async def test_p11_who_is_found_dead_as_a_replica_joins_anew_is_on_record(house: House) -> None:
    """Another died while this one was silent itself: joining anew takes over from it, and the trail tells so."""
    (me,) = await house.beside.replicas()

    def forget(tx: Tx) -> None:
        tx.leave(me.id)
        tx.join("rep_dead", "dead", "r", AT_ONCE)

    await house.beside.write(forget)
    async with asyncio.timeout(WITHIN):
        while [one.name for one in await house.beside.replicas()] != ["living"]:
            await asyncio.sleep(0.05)
    (told,) = await house.beside.audit_search(AuditQuery(type="replica.lost"))
    assert "rep_dead" in told.body


async def test_p11_what_another_may_just_have_posted_waits_until_a_channel_looks_for_it(house: House) -> None:
    """A card that is younger than what a channel looks for is not sent at once, or there would be two of it."""
    await house.beside.attend("rep_dead", lambda _: None)
    now = SystemClock().now()

    def leave_cards(tx: Tx) -> None:
        value = samples.request()
        cards = samples.effect(value, due_at=now), samples.effect(value, due_at=now - timedelta(hours=1))
        samples.submit(tx, value, *cards)
        tx.join("rep_dead", "dead", "r", AT_ONCE)

    await house.beside.write(leave_cards)
    async with asyncio.timeout(WITHIN):
        found = sorted([(await house.hands.effects.get()).due_at for _ in range(2)])
    assert found[0] == now - timedelta(hours=1)
    assert found[1] > now + timedelta(seconds=5)


async def test_p11_who_is_nearly_too_late_says_so(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """A beat that takes half the lease: told once in the log, and in `/readyz` until one is quick again."""

    def slow(_: Tx) -> None:
        time.sleep(LEASE.total_seconds() * 0.55)

    async with asyncio.timeout(WITHIN):
        while house.replicas.fault is None:
            # Before the beat's own commit, in the one line that all of them wait in.
            await house.store.write(slow)
        assert "SAYSO_LEASE is 2 s" in house.replicas.fault
        while house.replicas.fault is not None:
            await asyncio.sleep(0.05)
    assert caplog.text.count("commits are slow, or the lease is too short") == 1
