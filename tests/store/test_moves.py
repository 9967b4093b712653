"""Requests that moved along their chains, put on record many at a time: as one after the other would have it."""

from __future__ import annotations

import re
from datetime import timedelta
from functools import partial

import pytest
from msgspec.structs import replace

from bot.core.model import Delivery, Request, State, Verb
from bot.core.ports import Change, Overtaken, Tx, Wanted
from store import SqlStore
from store.chain import verify_store
from tests.store import samples
from tests.store.conftest import together
from tests.store.samples import NOW, track

HOUR = timedelta(hours=1)


def _move(value: Request, steps: int = 1, *, cards: bool = False) -> list[Change]:
    """The next steps of a request's chain, one change each; ``cards``: with a card, and what is owed for it."""
    changes: list[Change] = []
    for number in range(steps):
        at = NOW + (number + 1) * HOUR
        tracks = (track(step=1, step_at=at, exhausted=number > 0),)
        after = replace(value, tracks=tracks, due_at=at + HOUR, escalation_level=number + 1)
        sent = (samples.delivery(after),) if cards else ()
        owed = tuple(samples.effect(after, ref=card.id) for card in sent)
        event = samples.event("request.escalated", value.id, stage="finance")
        changes.append(Change(event=event, before=value, after=after, deliveries=sent, effects=owed))
        value = after
    return changes


def _changes(values: list[Request]) -> list[Change]:
    """A change of each kind, in the order of the requests: moves, with cards or without, and what is more than that."""
    plain, carded, twice, voted, equal, rerouted, expired, last = values
    again = replace(equal, title="".join(list(equal.title)))
    (moved,) = _move(rerouted)
    assert moved.after is not None
    stages = (replace(rerouted.route.stages[0], approvals=2), *rerouted.route.stages[1:])
    other = replace(moved, after=replace(moved.after, route=replace(rerouted.route, stages=stages)))
    over = replace(expired, state=State.EXPIRED, decided_at=NOW + HOUR, due_at=None)
    ended = Change(event=samples.event("request.expired", expired.id), before=expired, after=over)
    changes = [*_move(plain), *_move(carded, cards=True), *_move(twice, 2, cards=True), *_move(voted)]
    (compared,) = _move(again)
    return [*changes, replace(compared, before=equal), other, ended, *_move(last)]


def _record_all(changes: list[Change], tx: Tx) -> None:
    tx.record_all(changes)


async def _submitted(store: SqlStore) -> list[Request]:
    values = [await store.write(lambda tx: samples.submit(tx, samples.request())) for _ in range(8)]
    voted = values[3]
    made = samples.decision(voted, "ben", Verb.ESCALATE)
    change = Change(event=samples.event("decided", voted.id), before=voted, after=voted, decision=made)
    await store.write(lambda tx: tx.record(replace(change, after=replace(voted, decisions=(made,)))))
    found = await store.request(voted.id)
    assert found is not None
    return [*values[:3], found, *values[4:]]


async def _kept(store: SqlStore, value: Request) -> str:
    """All that is kept of a request, its own ids and digests apart."""
    owed = [effect for effect in await store.write(lambda tx: tx.effects()) if effect.request == value.id]
    queues = {who: await store.queue(Wanted(waits_for=who, asked=(who,), limit=99)) for who in ("ana", "ben", "lea")}
    waits = [who for who, queue in queues.items() if any(waiting.id == value.id for waiting in queue)]
    lines = [re.sub(r'^{"seq":\d+', "", line.body) for line in await store.audit(value.id)]
    told = repr((await store.request(value.id), await store.deliveries(value.id), owed, waits, lines))
    return re.sub(r"(sha256:[0-9a-f]{64}|\b(req|dlv|eff|dec)_\d{12})", r"\2", told)


async def test_many_at_once_are_as_one_after_the_other(store: SqlStore) -> None:
    """Rows, cards, what is owed, for whom it waits, and every line: whatever kind of change stands among the moves."""
    at_once, in_turn = await _submitted(store), await _submitted(store)
    await store.write(lambda tx: tx.record_all(_changes(at_once)))

    def each(tx: Tx) -> None:
        for change in _changes(in_turn):
            tx.record(change)

    await store.write(each)
    for one, other in zip(at_once, in_turn, strict=True):
        assert await _kept(store, one) == await _kept(store, other)
    assert (await verify_store(store)).ok


async def test_one_that_was_overtaken_has_the_unit_refused(store: SqlStore) -> None:
    """Nothing of its unit is kept, no line either; what else is in the batch stands."""
    values = await _submitted(store)
    lines = await store.audit_lines(0, 1000)
    stale = replace(values[1], tracks=(track(step_at=NOW - HOUR),))
    refused = [*_move(values[0], cards=True), *_move(stale), *_move(values[2])]
    outcomes = await together(
        store,
        (lambda tx: tx.record_all(_move(values[4])), None),
        (lambda tx: tx.record_all(refused), None),
        (lambda tx: tx.record_all(_move(values[5])), None),
    )
    assert [type(one) for one in outcomes] == [type(None), Overtaken, type(None)]
    levels = [found.escalation_level for value in values if (found := await store.request(value.id)) is not None]
    assert levels == [0, 0, 0, 0, 1, 1, 0, 0]
    assert await store.deliveries(values[0].id) == ()
    assert len(await store.audit_lines(0, 1000)) == len(lines) + 2
    assert (await verify_store(store)).ok


async def test_many_that_move_twice_cost_as_many_trips_as_one(shared: SqlStore, asked: list[str]) -> None:
    """As after a downtime: the first steps of all go out at once, then the second ones, whatever their number."""
    values = [await shared.write(lambda tx: samples.submit(tx, samples.request())) for _ in range(41)]
    counts: list[int] = []
    for some in (values[:1], values[1:]):
        changes = [change for value in some for change in _move(value, 2, cards=True)]
        asked.clear()
        await shared.write(partial(_record_all, changes))
        counts.append(len(asked))
    assert counts[0] == counts[1]
    found = [await shared.request(value.id) for value in values]
    assert {one.escalation_level for one in found if one is not None} == {2}
    assert (await verify_store(shared)).ok


async def test_what_only_the_store_may_say_is_refused(store: SqlStore) -> None:
    """An event may not tell of the tables itself, in a lot no more than by itself."""
    (value,) = (await _submitted(store))[:1]
    (change,) = _move(value)
    event = replace(change.event, data={"request": {"state": "approved"}})
    with pytest.raises(ValueError, match="the store's own"):
        await store.write(lambda tx: tx.record_all([replace(change, event=event)]))
    assert (await verify_store(store)).ok


async def test_what_is_due_is_read_without_some(store: SqlStore) -> None:
    """Earliest first, whole, with its cards; those that are left out cost no place of the others, however many."""
    values = [samples.request(due_at=NOW - timedelta(seconds=second)) for second in range(330, 0, -1)]
    cards = {value.id: samples.delivery(value) for value in values[::50]}

    def submitted(tx: Tx) -> None:
        for value in values:
            samples.submit(tx, value)
        for card in cards.values():
            tx.record(Change(event=samples.event("sent", card.request), deliveries=(card,)))

    await store.write(submitted)
    but = {value.id for value in values[3:9]}
    left = [(value, (cards[value.id],) if value.id in cards else ()) for value in values if value.id not in but]
    for most in (2, 10, 310, 400):
        assert await store.write(partial(_due, most, but)) == left[:most]
    assert [found for found, _ in await store.write(partial(_due, 10, set()))] == values[:10]
    assert await store.write(partial(_due, 9, {value.id for value in values})) == []


def _due(most: int, but: set[str], tx: Tx) -> list[tuple[Request, tuple[Delivery, ...]]]:
    return list(tx.due_whole(NOW, most, but))
