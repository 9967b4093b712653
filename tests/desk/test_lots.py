"""What is due goes in lots: the same steps, cards and lines as one by one, and no lot holds up whoever clicks."""

from __future__ import annotations

import json
import random
import re
from datetime import timedelta
from pathlib import Path

import pytest

from bot.core.model import Request, State, Verb
from bot.core.ports import EffectKind
from bot.desk import waking
from store.chain import verify_store
from tests.desk.house import REFUND, House, open_house
from tests.postgres import Cluster
from tests.store.conftest import furnished

_ACTIONS = """
actions:
  account.close: {redact: [card], subject: customer, execute: {agent: true}}"""
_CHAINS = """
schedules:
  duty: {rotate: daily, handover: 09:00, start: 2026-03-02, people: [ana, ben], hours: Mon-Fri 09:00-11:00, gaps: hold}
chains:
  shift: [{notify: [duty], via: [slack], wait: 40m, remind: 7m}, {notify: [lea], via: [slack], wait: 1h}]
  over: {steps: [{notify: [ana], via: [slack], wait: 30m}], repeat: 1, exhausted: {notify: [eva], then: reject}}"""
_RULES = """
rules:
  - {name: shifts, when: action == "on.duty", stages: [{chain: shift}, {chain: legal}]}
  - {name: over, when: action == "is.over", stages: [{chain: over}]}
  - {name: hidden, when: action == "account.close", stages: [{chain: finance}], expires: 3h, on_expiry: reject}"""
_KINDS = ("refund.issue", "page.me", "own.thing", "two.of", "on.duty", "is.over", "account.close", "other.thing")
_VERBS = {"two.of": (Verb.APPROVE, Verb.ASK, None), "refund.issue": (Verb.APPROVE, Verb.ASK, Verb.ESCALATE, None)}
_BROKEN = '[{"stage":7,"step_at":"2026-03-02T09:00:00Z"}]'
_ID = re.compile(r"\b(?:dlv|eff|dec)_[0-9a-z]{26}\b")


def _chance(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311  # the same each time, as no secret is


def _rules(text: str) -> str:
    for name, more in (("actions", _ACTIONS), ("chains", _CHAINS), ("rules", _RULES)):
        text = text.replace(f"\n{name}:", more, 1)
    return text


async def _populate(house: House, chance: random.Random) -> list[Request]:
    """Requests of every kind, some of them voted on, asked about or escalated by hand."""
    house.rule(_rules)
    made: list[Request] = []
    for number in range(40):
        house.clock.move(seconds=chance.randrange(300))
        action = _KINDS[number % len(_KINDS)]
        arguments = {"customer": f"c{number}", "card": f"4111-{number}"} if action == "account.close" else {}
        amount = chance.choice((15.0, 240.0, 5000.0))
        arguments = REFUND | {"amount": amount} if action == "refund.issue" else arguments
        request = await house.submit(action, arguments=arguments)
        verb = chance.choice(_VERBS.get(action, (None,)))
        if verb is not None:
            request = await house.decide(request, "ana", verb, comment="Why?")
        made.append(request)
    return made


async def _send(house: House, but: str) -> None:
    """Every card that is owed stands from now on, and every other effect is done; those of one request are left."""
    for effect in await house.desk.effects():
        if effect.kind is EffectKind.CARD and effect.request != but:
            (delivery,) = (d for d in await house.store.deliveries(effect.request) if d.id == effect.ref)
            shown = await house.now(effect.request)
            await house.desk.sent(effect, delivery, shown, {"channel": delivery.to, "ts": effect.request})


async def _pass(house: House, chance: random.Random, broken: str) -> int:
    """Time passes, now minutes, now a night; how many requests moved."""
    moved = 0
    for minutes in (*(chance.randrange(2, 50) for _ in range(8)), 600, 90, 1500):
        house.clock.move(minutes=minutes)
        moved += await house.desk.wake()
        await _send(house, broken)
    return moved


async def _story(house: House, request: Request) -> str:
    """All that is kept of a request: its row, its cards, what is owed, its lines; ids by when they come up first."""
    lines = [json.loads(line.body) for line in await house.store.audit(request.id)]
    for line in lines:
        del line["seq"]
        # What is sealed is another box each time; what stands beside it says the same.
        line["data"].pop("sealed", None)
    told = [json.dumps(line) for line in lines]
    told += [repr(delivery) for delivery in await house.store.deliveries(request.id)]
    told += [repr(await house.now(request))]
    owed = "select kind, ref, due_at, note from effects where request = ? order by n"
    asked = "select person, waiting from assignments where request = ? order by person"
    told += [repr(row) for statement in (owed, asked) for row in house.sql(statement, request.id)]
    known: dict[str, str] = {}
    return "\n".join(_ID.sub(lambda id_: known.setdefault(id_[0], f"{id_[0][:3]}{len(known)}"), line) for line in told)


@pytest.mark.parametrize("seed", [1, 2])
async def test_p07_lots_do_what_one_by_one_does(
    tmp_path: Path, seed: int, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All end up the same, line by line, in lots and each by itself, a row that makes no sense among the latter."""
    async with open_house(tmp_path / "lots.db") as lots, open_house(tmp_path / "ones.db") as ones:
        made = await _populate(lots, _chance(seed))
        assert [r.id for r in await _populate(ones, _chance(seed))] == [r.id for r in made]
        broken = made[_KINDS.index("other.thing")].id
        ones.sql("update requests set tracks = ? where id = ?", _BROKEN, broken)
        moved = await _pass(lots, _chance(seed), broken)
        assert not caplog.records
        monkeypatch.setattr(waking, "HOLDS", 0.0)
        assert 0 < await _pass(ones, _chance(seed), broken) < moved
        assert "moved by itself" in caplog.text
        for request in made:
            if request.id != broken:
                assert await _story(ones, request) == await _story(lots, request)
        states = {(await lots.now(request)).state for request in made}
        assert {State.EXPIRED, State.REJECTED} <= states
        for house in (lots, ones):
            assert (await verify_store(house.store)).ok


async def test_a_lot_lets_go_of_the_loop(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once a lot has taken its time it is written, and what is left comes in the next ones, each request once."""
    monkeypatch.setattr(waking, "HOLDS", 0.0)
    requests = [await house.submit() for _ in range(7)]
    before = house.store.load().commits.count
    house.clock.move(minutes=15)
    assert await house.desk.wake() == len(requests)
    assert house.store.load().commits.count - before == len(requests)
    assert {(await house.now(request)).escalation_level for request in requests} == {1}
    due = [(await house.now(request)).due_at for request in requests]
    assert all(at is not None and at - house.clock.at == timedelta(minutes=20) for at in due)


async def test_what_is_stuck_is_left_alone(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """It is in no lot any more and tried ever more seldom, so that it costs nobody; once its row is mended it moves."""
    bad, *_ = [await _submitted_later(house) for _ in range(25)]
    (was,) = house.sql("select tracks from requests where id = ?", bad.id)[0]
    house.sql("update requests set tracks = ? where id = ?", _BROKEN, bad.id)
    house.clock.at = bad.created_at + timedelta(minutes=15)
    assert await house.desk.wake() == 0
    for tick in range(96):
        house.clock.move(seconds=5)
        assert await house.desk.wake() == (tick % 4 == 3)
    assert caplog.text.count("moved by itself") == 1
    assert 8 < caplog.text.count(f"{bad.id} could not be moved on") < 16
    house.sql("update requests set tracks = ? where id = ?", was, bad.id)
    house.clock.move(seconds=60)
    assert await house.desk.wake() == 1
    assert (await house.now(bad)).escalation_level == 1


async def test_what_is_stuck_lets_others_between(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """However many are tried again at once, some share a commit, and whoever clicks waits for a few; one line tells."""
    monkeypatch.setattr(waking, "_BY_THEMSELVES", 3)
    bad = [await _submitted_later(house) for _ in range(12)]
    caplog.clear()
    was = house.sql("select tracks, id from requests")
    house.sql("update requests set tracks = ?", _BROKEN)
    house.clock.move(minutes=15)
    assert await house.desk.wake() == 0
    house.clock.move(seconds=2)
    before = house.store.load().commits.count
    assert await house.desk.wake() == 0
    assert house.store.load().commits.count - before >= len(bad) / 3
    first, again = (record for record in caplog.records if "11 others could not be moved on" in record.message)
    assert first.exc_info
    assert not again.exc_info
    for tracks, request_id in was:
        house.sql("update requests set tracks = ? where id = ?", tracks, request_id)
    house.clock.move(seconds=60)
    assert await house.desk.wake() == len(bad)


_SPOILT = """
CREATE FUNCTION spoilt() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN RAISE EXCEPTION 'missing chunk' USING ERRCODE = 'data_corrupted'; END $$;
CREATE TRIGGER spoilt BEFORE UPDATE ON requests FOR EACH ROW WHEN (old.id = '{}') EXECUTE FUNCTION spoilt()"""


async def test_a_row_for_which_the_server_calls_itself_broken_holds_up_nobody_else(
    tmp_path: Path, cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    """PostgreSQL says of one damaged row what it says of a damaged disk: the others move on, and it alone is stuck."""
    name = await furnished(cluster)
    async with open_house(tmp_path / "none", url=cluster.url(name)) as house:
        bad, *others = [await house.submit("page.me") for _ in range(4)]
        await cluster.run(_SPOILT.format(bad.id), name)
        house.clock.move(minutes=16)
        assert await house.desk.wake() == len(others)
        assert {(await house.now(request)).escalation_level for request in others} == {1}
        assert f"{bad.id} could not be moved on (DataCorruptedError)" in caplog.text
        await cluster.run("DROP TRIGGER spoilt ON requests", name)
        house.clock.move(seconds=60)
        assert await house.desk.wake() == 1
    await cluster.drop(name)


async def test_what_is_called_too_early_waits_for_its_time(house: House) -> None:
    """A row that says that something is due when nothing is holds nobody up, and is not looked at again and again."""
    early, other = await _submitted_later(house), await _submitted_later(house)
    house.sql("update requests set due_at = 1 where id = ?", early.id)
    assert await house.desk.wake() == 0
    before = house.store.load().commits.count
    for _ in range(8):
        assert await house.desk.wake() == 0
    assert house.store.load().commits.count - before <= 8
    house.clock.at = other.created_at + timedelta(minutes=16)
    assert await house.desk.wake() == 2
    assert {(await house.now(request)).escalation_level for request in (early, other)} == {1}


async def _submitted_later(house: House) -> Request:
    """A request 20 s after the last one, whose first step waits for 15 minutes and reminds nobody."""
    house.clock.move(seconds=20)
    return await house.submit("page.me")
