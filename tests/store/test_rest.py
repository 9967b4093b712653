"""The contract of everything beside requests: deliveries, effects, idempotency, keys, links, sessions, pause, audit."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from msgspec.structs import replace

from bot.core.chain import verify
from bot.core.model import DeliveryState, Key, Role
from bot.core.ports import Change, EffectKind, Link, Overtaken, Session, Tx
from store import SqlStore
from tests.store import samples
from tests.store.samples import NOW


async def test_deliveries_are_kept_in_order_and_updated_in_place(store: SqlStore) -> None:
    """A delivery written again is the same one with its newest state, in its old place."""
    value = await store.write(lambda tx: samples.submit(tx, samples.request()))
    first, second = samples.delivery(value), samples.delivery(value, to="U2", person="ana")
    put = Change(event=samples.event("queued", value.id), deliveries=(first, second))
    await store.write(lambda tx: tx.record(put))
    sent = replace(first, state=DeliveryState.SENT, handle={"channel": "C1", "ts": "1.2", "team": "T1"}, at=NOW)
    await store.write(lambda tx: tx.record(Change(event=samples.event("sent", value.id), deliveries=(sent,))))
    assert await store.deliveries(value.id) == (sent, second)
    assert await store.write(lambda tx: tx.deliveries(value.id)) == (sent, second)
    assert await store.deliveries("req_none") == ()


@pytest.mark.parametrize(
    ("channel", "place", "found"),
    [
        ("slack", {"channel": "C1", "ts": "1.2"}, True),
        ("slack", {"ts": "1.2", "channel": "C1", "team": "T1"}, True),
        ("slack", {"ts": "1.2", "channel": "C1", "team": "T2"}, False),
        ("slack", {"team": "T1"}, True),
        ("slack", {"message_id": "1.2"}, False),
        ("slack", {"channel": "C1", "ts": "1.20"}, False),
        ("email", {"channel": "C1", "ts": "1.2"}, False),
    ],
    ids=str,
)
async def test_a_card_is_found_by_its_place(
    store: SqlStore,
    channel: str,
    place: dict[str, str],
    found: bool,  # noqa: FBT001 - a row of the table above
) -> None:
    """Every entry of the place must be in the handle; what else the handle holds does not matter."""
    value = await store.write(lambda tx: samples.submit(tx, samples.request()))
    handle = {"channel": "C1", "ts": "1.2", "team": "T1"}
    sent = samples.delivery(value, state=DeliveryState.SENT, handle=handle)
    others = (samples.delivery(value), samples.delivery(value, state=DeliveryState.SENT, handle={"message_id": "x"}))
    put = Change(event=samples.event("sent", value.id), deliveries=(sent, *others))
    await store.write(lambda tx: tx.record(put))
    assert await store.delivery_at(channel, place) == (sent if found else None)


async def test_effects_wait_until_they_are_done(store: SqlStore) -> None:
    """Earliest due first, postponed ones in their new place, finished ones gone, by `finish` and by a change."""
    value = samples.request()
    late, early, third = (samples.effect(value, due_at=NOW + timedelta(seconds=s)) for s in (2, 1, 3))
    await store.write(lambda tx: samples.submit(tx, value, late, early, third))
    assert await store.write(lambda tx: tx.effects()) == (early, late, third)
    put_off = replace(early, due_at=NOW + timedelta(seconds=9), attempts=1, note="429")
    await store.write(lambda tx: tx.postpone(put_off))
    assert await store.write(lambda tx: tx.effects()) == (late, third, put_off)
    await store.write(lambda tx: tx.finish([third.id, "eff_none"]))
    await store.write(lambda tx: tx.record(Change(event=samples.event("x", value.id), done=(late.id,))))
    assert await store.write(lambda tx: tx.effects()) == (put_off,)


async def test_a_unit_sees_its_own_effects(store: SqlStore) -> None:
    """What a unit adds, postpones and finishes it reads back before anything is committed."""

    def work(tx: Tx) -> list[tuple[str, ...]]:
        value = samples.request()
        one, two = samples.effect(value), samples.effect(value)
        samples.submit(tx, value, one, two)
        seen = [tuple(effect.note for effect in tx.effects())]
        tx.postpone(replace(one, note="later"))
        tx.finish((two.id,))
        return [*seen, tuple(effect.note for effect in tx.effects())]

    assert await store.write(work) == [("", ""), ("later",)]


async def test_idempotency_keys_are_bound_once(store: SqlStore) -> None:
    """A key belongs to one agent and one request; binding it again is overtaken."""
    await store.write(lambda tx: tx.remember("billing", "k", "hash", "req_1", NOW))
    assert await store.write(lambda tx: tx.remembered("billing", "k")) == ("req_1", "hash")
    assert await store.write(lambda tx: tx.remembered("mailer", "k")) is None
    with pytest.raises(Overtaken):
        await store.write(lambda tx: tx.remember("billing", "k", "other", "req_2", NOW))
    assert await store.write(lambda tx: tx.remembered("billing", "k")) == ("req_1", "hash")


async def test_keys_are_in_force_until_revoked(store: SqlStore) -> None:
    """A key is found by its hash until it is revoked, once, with an audit line each; the list keeps it."""
    key = Key(id="key_1", name="billing", role=Role.AGENT, hash="a" * 64, created_at=NOW)
    await store.write(lambda tx: tx.add_key(key, samples.event("key.created")))
    assert await store.key(key.hash) == key
    assert await store.key("b" * 64) is None
    revoked = samples.event("key.revoked")
    assert await store.write(lambda tx: tx.revoke_key(key.id, NOW, revoked))
    assert not await store.write(lambda tx: tx.revoke_key(key.id, NOW, revoked))
    assert not await store.write(lambda tx: tx.revoke_key("key_none", NOW, revoked))
    assert await store.key(key.hash) is None
    assert await store.keys() == (replace(key, revoked_at=NOW),)
    kinds = [json.loads(line.body)["type"] for line in await store.audit_lines(0, 10)]
    assert kinds == ["key.created", "key.revoked"]


async def test_a_link_signs_in_once_while_in_force(store: SqlStore) -> None:
    """A link names its person without being used up; it is taken once; out of force it is worth nothing."""
    later = NOW + timedelta(minutes=10)
    await store.write(lambda tx: tx.add_link(Link(hash="a", person="ana", expires_at=later)))
    await store.write(lambda tx: tx.add_link(Link(hash="b", person="ben", expires_at=NOW)))
    assert await store.link("a", NOW) == Link(hash="a", person="ana", expires_at=later)
    assert await store.link("a", later) is None
    assert await store.write(lambda tx: tx.take_link("b", NOW)) is None
    assert await store.write(lambda tx: tx.take_link("a", NOW)) == "ana"
    assert await store.write(lambda tx: tx.take_link("a", NOW)) is None


async def test_a_session_lasts_until_it_ends(store: SqlStore) -> None:
    """A session is found while in force and forgotten when ended."""
    session = Session(id="s", person="ana", created_at=NOW, expires_at=NOW + timedelta(hours=8))
    await store.write(lambda tx: tx.add_session(session))
    assert await store.session("s", NOW) == session
    assert await store.session("s", session.expires_at) is None
    await store.write(lambda tx: tx.end_session("s"))
    assert await store.session("s", NOW) is None


@pytest.mark.parametrize("role", list(Role))
async def test_a_key_of_every_role_is_kept(store: SqlStore, role: Role) -> None:
    """The schema names no roles, so that a new one needs no new schema."""
    key = Key(id="key_1", name="critic", role=role, hash="a" * 64, created_at=NOW)
    await store.write(lambda tx: tx.add_key(key, samples.event("key.created")))
    assert await store.key(key.hash) == key


@pytest.mark.parametrize("kind", list(EffectKind))
async def test_an_effect_of_every_kind_is_kept(store: SqlStore, kind: EffectKind) -> None:
    """A notice as much as a card."""
    value = samples.request()
    owed = samples.effect(value, kind=kind)
    await store.write(lambda tx: samples.submit(tx, value, owed))
    assert await store.write(lambda tx: tx.effects()) == (owed,)


async def test_pause_is_switched_with_an_audit_line(store: SqlStore) -> None:
    """Replays are allowed at first; the switch holds inside a write and outside."""
    assert not await store.paused()
    await store.write(lambda tx: tx.pause(on=True, event=samples.event("paused")))
    assert await store.paused()
    assert await store.write(lambda tx: tx.paused())
    await store.write(lambda tx: tx.pause(on=False, event=samples.event("resumed")))
    assert not await store.paused()
    assert len(await store.audit_lines(0, 10)) == 2


async def test_audit_lines_come_by_request_and_by_number(store: SqlStore) -> None:
    """A request's lines are its own; all lines are numbered from 1 without a gap, and the chain holds."""
    first = await store.write(lambda tx: samples.submit(tx, samples.request()))
    await store.write(lambda tx: samples.submit(tx, samples.request()))
    await store.write(lambda tx: tx.append(samples.event("refused", first.id, reason="not_assigned")))
    assert [line.seq for line in await store.audit(first.id)] == [1, 3]
    assert [line.seq for line in await store.audit_lines(1, 1)] == [2]
    lines = await store.audit_lines(0, 10)
    assert [line.seq for line in lines] == [1, 2, 3]
    assert verify(lines).ok
    assert await store.audit_head() == (3, lines[-1].hash)


async def test_an_event_tells_what_the_tables_took(store: SqlStore) -> None:
    """All of a new request, then only what changed, with what it was before, and the parts that were added."""
    value = await store.write(lambda tx: samples.submit(tx, samples.request()))
    await store.write(lambda tx: samples.approve(tx, value.id))
    made, decided = [json.loads(line.body) for line in await store.audit(value.id)]
    assert set(made) == {"seq", "type", "at", "actor", "via", "request", "data"}
    assert made["data"]["request"]["agent"] == "billing"
    assert made["data"]["revision"]["arguments"] == value.content.arguments
    assert decided["at"] == "2026-11-21T09:00:00.123456Z"
    assert decided["data"]["request"] == {"state": "approved", "due_at": None, "decided_at": decided["at"]}
    assert decided["data"]["before"]["state"] == "pending"
    assert decided["data"]["decision"]["by"] == "ana"
    assert decided["data"]["execution"]["state"] == "waiting"


async def test_an_event_cannot_pose_as_a_change(store: SqlStore) -> None:
    """What an event says of the tables is the store's own to write, or a replay would believe it."""
    with pytest.raises(ValueError, match="decision"):
        await store.write(lambda tx: tx.append(samples.event("refused", "req_1", decision={})))
    assert await store.audit_lines(0, 10) == ()
