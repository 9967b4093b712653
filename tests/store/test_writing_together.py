"""What PostgreSQL writes for many units at once: as one after the other would have it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from bot.core.errors import Unavailable
from bot.core.model import DeliveryState, Request, State
from bot.core.ports import About, Change, Overtaken, Tx
from store import SqlStore, postgres_many
from store.chain import verify_store
from tests.postgres import Cluster
from tests.store import samples
from tests.store.conftest import name_of, together
from tests.store.samples import NOW


async def test_who_was_overtaken_among_many_is_alone(shared: SqlStore, asked: list[str]) -> None:
    """Rows of many units go out as one; the one whose guard does not hold is refused, and the others stand."""
    values = [await shared.write(lambda tx: samples.submit(tx, samples.request())) for _ in range(5)]

    def change(value: Request, before: Request) -> Callable[[Tx], None]:
        after = replace(value, state=State.NEEDS_INFO)
        return lambda tx: tx.record(Change(event=samples.event("asked", value.id), before=before, after=after))

    stale = replace(values[2], due_at=NOW)
    units = [(change(value, stale if value is values[2] else value), None) for value in values]
    asked.clear()
    outcomes = await together(shared, *units)
    assert [type(one) for one in outcomes] == [type(None), type(None), Overtaken, type(None), type(None)]
    found = [await shared.request(value.id) for value in values]
    assert [one.state for one in found if one is not None] == [
        State.PENDING if value is values[2] else State.NEEDS_INFO for value in values
    ]
    assert (await verify_store(shared)).ok


async def test_many_units_cost_as_many_trips_as_one(shared: SqlStore, asked: list[str]) -> None:
    """What they are about is read at once, and what they write goes out at once, whatever their number."""
    values = [samples.request() for _ in range(40)]
    cards = [samples.delivery(value) for value in values]
    await shared.write(lambda tx: [samples.submit(tx, value) for value in values])
    counts: list[int] = []
    for some in (values[:1], values[1:]):
        asked.clear()

        def decide(tx: Tx, value: Request) -> None:
            samples.approve(tx, value.id)
            card = next(card for card in cards if card.request == value.id)
            more = (samples.effect(value, ref=card.id),)
            tx.record(Change(event=samples.event("asked", value.id), deliveries=(card,), effects=more))

        await together(
            shared,
            *((lambda tx, value=value: decide(tx, value), About(requests=(value.id,))) for value in some),
        )
        counts.append(len(asked))
    # To begin (with the lock) and read ahead; to write everything (and tell others) and commit.
    assert counts == [2, 2]
    for value in values:
        found = await shared.request(value.id)
        assert found is not None
        assert found.state is State.APPROVED
        assert len(await shared.deliveries(value.id)) == 1
    assert (await verify_store(shared)).ok


async def test_a_row_that_is_touched_twice_is_as_the_last_one_says(shared: SqlStore) -> None:
    """In one change, in one unit and in one batch: what gathers in one statement never touches a row twice."""
    value = await shared.write(lambda tx: samples.submit(tx, samples.request()))
    card = samples.delivery(value)
    states = (DeliveryState.QUEUED, DeliveryState.SENT, DeliveryState.FAILED)

    def put(*states: DeliveryState) -> Callable[[Tx], None]:
        written = tuple(replace(card, state=state) for state in states)
        return lambda tx: tx.record(Change(event=samples.event("card", value.id), deliveries=written))

    await shared.write(put(*states))
    assert [one.state for one in await shared.deliveries(value.id)] == [DeliveryState.FAILED]
    await together(shared, *((put(state), None) for state in states[:2]))
    assert [one.state for one in await shared.deliveries(value.id)] == [DeliveryState.SENT]

    def ask_and_ask_again(tx: Tx) -> None:
        before = samples.found(tx, value.id)
        after = replace(before, state=State.NEEDS_INFO)
        tx.record(Change(event=samples.event("asked", value.id), before=before, after=after))
        tx.record(Change(event=samples.event("answered", value.id), before=after, after=before))

    await shared.write(ask_and_ask_again)
    assert await shared.request(value.id) == value
    assert (await verify_store(shared)).ok


async def test_what_belongs_to_a_request_stays_in_order(shared: SqlStore) -> None:
    """Rows that go out as one are numbered in the order in which they were written."""
    value = await shared.write(lambda tx: samples.submit(tx, samples.request()))
    cards = tuple(samples.delivery(value, to=f"C{number}") for number in reversed(range(60)))
    effects = tuple(samples.effect(value, ref=card.id) for card in cards)
    change = Change(event=samples.event("asked", value.id), deliveries=cards, effects=effects)
    await shared.write(lambda tx: tx.record(change))
    assert await shared.deliveries(value.id) == cards
    assert await shared.write(lambda tx: tx.effects()) == effects


async def test_only_so_many_different_statements_are_kept(shared: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond that what has gathered goes out table by table, with the same guards."""
    monkeypatch.setattr(postgres_many, "_TEXTS", 0)
    value = await shared.write(lambda tx: samples.submit(tx, samples.request()))
    approved, late = await together(
        shared,
        (lambda tx: samples.approve(tx, value.id), None),
        (lambda tx: tx.record(Change(event=samples.event("x"), before=value, after=replace(value, due_at=None))), None),
    )
    assert isinstance(late, Overtaken)
    assert await shared.request(value.id) == approved
    assert (await verify_store(shared)).ok


_BROKEN = """
CREATE FUNCTION whole(id text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
  IF id = '{bad}' THEN RAISE EXCEPTION 'missing chunk' USING ERRCODE = 'data_corrupted'; END IF; RETURN true; END $$;
"""
_READ = """
ALTER TABLE revisions RENAME TO revisions_kept;
CREATE VIEW revisions AS SELECT * FROM revisions_kept WHERE whole(request)"""
_WRITTEN = "ALTER TABLE decisions ADD CHECK (whole(request))"


@pytest.mark.parametrize("where", [_READ, _WRITTEN], ids=["read", "written"])
async def test_a_damaged_row_fails_only_who_needs_it(shared: SqlStore, cluster: Cluster, where: str) -> None:
    """PostgreSQL calls itself broken as one row is read ahead, or written: of a batch that one is refused, 503."""
    values = [await shared.write(lambda tx: samples.submit(tx, samples.request())) for _ in range(4)]
    bad = values[1]
    await cluster.run(_BROKEN.format(bad=bad.id) + where, name_of(shared))
    units = ((lambda tx, one=one: samples.approve(tx, one.id), About(requests=(one.id,))) for one in values)
    outcomes = await together(shared, *units)
    assert [type(one) for one in outcomes] == [Request, Unavailable, Request, Request]
    assert [outcome.state for outcome in outcomes if isinstance(outcome, Request)] == [State.APPROVED] * 3
