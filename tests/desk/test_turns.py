"""What time does: each due step once, in order, also after the bot was away."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from bot.core import errors
from bot.core.errors import SendFailed
from bot.core.model import DeliveryState, State, Verb
from tests.desk.house import House, at


async def test_a_chain_is_walked_while_the_bot_runs(house: House) -> None:
    """Reminders go to who is asked, the next step's people get their cards through its channel, then it expires."""
    request = await house.submit()
    await house.work()
    await house.rest()
    slack, email = house.channels["slack"], house.channels["email"]
    await house.later(minutes=5)
    assert sorted(slack.sent("remind")) == ["ana", "ben"]
    await house.later(minutes=10)
    assert slack.sent("send")[2:] == ["lea"]
    assert (await house.now(request)).escalation_level == 1
    await house.later(minutes=60)
    assert email.sent("send") == ["eva"]
    await house.later(hours=24)
    after = await house.now(request)
    assert (after.state, after.escalation_level) == (State.EXPIRED, 2)
    assert {state for what, _, state, _ in slack.said[-3:] if what == "update"} == {"expired"}
    assert (await house.events(request)).count("request.expired") == 1


async def test_p07_six_hours_away(house: House) -> None:
    """Away across three steps: each step once, in order, counted from when it was due; one reminder for all missed."""
    request = await house.submit()
    house.clock.move(hours=6)
    assert await house.desk.wake() == 1
    assert await house.events(request) == [
        "request.submitted",
        "request.escalated",
        "request.escalated",
        "request.exhausted",
    ]
    after = await house.now(request)
    assert (at(after).step, after.escalation_level, at(after).exhausted) == (2, 2, True)
    step_at = at(after).step_at
    assert step_at is not None
    assert (step_at - request.created_at).total_seconds() == 75 * 60
    assert sorted(d.to for d in await house.store.deliveries(request.id)) == ["ana", "ben", "eva", "lea"]
    assert await house.desk.wake() == 0


async def test_p07_reminders_are_coalesced(house: House) -> None:
    """Away for fourteen minutes of a step that reminds every five: one word, and the next one on the beat."""
    request = await house.submit()
    await house.work()
    await house.rest()
    await house.later(minutes=14)
    assert sorted(house.channels["slack"].sent("remind")) == ["ana", "ben"]
    remind_at = at(await house.now(request)).remind_at
    assert remind_at is not None
    assert (remind_at - request.created_at).total_seconds() == 15 * 60


async def test_waking_twice_at_once_does_nothing_twice(house: House) -> None:
    """Two ticks that overlap, as over a slow store: each step is taken once."""
    request = await house.submit()
    house.clock.move(minutes=16)
    moved = await asyncio.gather(house.desk.wake(), house.desk.wake(), house.desk.wake())
    assert sum(moved) == 1
    assert (await house.now(request)).escalation_level == 1


async def test_nothing_due_writes_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tick with nothing due is one read."""
    await house.submit()

    async def never(_: object) -> Any:
        raise AssertionError("nothing was due")

    monkeypatch.setattr(house.store, "write", never)
    assert await house.desk.wake() == 0
    assert await house.desk.wake() == 0


async def test_many_due_at_once(house: House) -> None:
    """More than one round of them: all move, in shared commits."""
    requests = [await house.submit() for _ in range(450)]
    house.clock.move(minutes=15)
    assert await house.desk.wake() == 450
    assert {(await house.now(r)).escalation_level for r in requests[::50]} == {1}


@pytest.mark.parametrize(
    ("table", "column", "key"), [("revisions", "content", "request"), ("requests", "tracks", "id")]
)
async def test_one_broken_request_holds_nobody_up(
    house: House, table: str, column: str, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A row that cannot be read, or makes no sense, is logged, all others move on time, and it does once mended."""
    bad, good = await house.submit(), await house.submit()
    was = house.sql(f"select {column} from {table} where {key} = ?", bad.id)[0][0]  # noqa: S608  # our tables
    put = f"update {table} set {column} = ? where {key} = ?"  # noqa: S608  # our tables
    house.sql(put, "{" if table == "revisions" else '[{"stage":7,"step_at":"2026-03-02T09:00:00Z"}]', bad.id)
    house.clock.move(minutes=16)
    assert await house.desk.wake() == 1
    assert (await house.now(good)).escalation_level == 1
    assert bad.id in caplog.text
    assert await house.desk.wake() == 0
    house.sql(put, was, bad.id)
    house.clock.move(seconds=1)
    assert await house.desk.wake() == 1
    assert (await house.now(bad)).escalation_level == 1


async def test_expiry_and_a_decision_at_the_same_instant(house: House) -> None:
    """At the very moment of expiry the decision is too late, whichever came to the store first."""
    request = await house.submit()
    house.clock.at = request.expires_at
    told, _ = await asyncio.gather(house.decide(request), house.desk.wake(), return_exceptions=True)
    assert isinstance(told, errors.Expired)
    assert (await house.now(request)).state is State.EXPIRED


async def test_paging_the_same_person_through_another_channel(house: House) -> None:
    """A step that repeats person and channel is passed over; one that mails whoever missed the message is taken."""
    request = await house.submit("page.me", agent="quiet")
    await house.work()
    await house.rest()
    await house.later(minutes=15)
    after = await house.now(request)
    assert (at(after).step, after.escalation_level) == (2, 1)
    assert (house.channels["slack"].sent("send"), house.channels["email"].sent("send")) == (["ana"], ["ana"])


async def test_p08_undeliverable_moves_the_chain_on(house: House) -> None:
    """Nobody of the newest step can be reached: the next one is asked at once, and so on to the end of the chain."""
    slack = house.channels["slack"]
    slack.faults = [SendFailed("no such user", temporary=False) for _ in range(3)]
    request = await house.submit()
    await house.work()
    await house.rest()
    after = await house.now(request)
    assert (at(after).step, after.escalation_level, after.assignees) == (2, 2, ("ana", "ben", "lea", "eva"))
    assert house.channels["email"].sent("send") == ["eva"]
    states = [d.state for d in await house.store.deliveries(request.id)]
    assert states == [DeliveryState.FAILED] * 3 + [DeliveryState.SENT]
    line = [json.loads(line.body) for line in await house.store.audit(request.id)]
    assert [e["data"]["reason"] for e in line if e["type"] == "request.escalated"] == ["undeliverable"] * 2


async def test_p08_one_card_that_stands_is_enough(house: House) -> None:
    """While one of the step was reached the chain keeps its time; at the end of the chain nothing moves."""
    slack, email = house.channels["slack"], house.channels["email"]
    slack.faults = [SendFailed("no such user", temporary=False)]
    request = await house.submit()
    await house.work()
    await house.rest()
    assert at(await house.now(request)).step == 0
    email.faults = [SendFailed("no such box", temporary=False)]
    await house.later(hours=2)
    after = await house.now(request)
    assert (at(after).step, after.escalation_level) == (2, 2)
    assert (await house.decide(after, "eva")).state is State.APPROVED


async def test_p08_a_card_of_an_earlier_step_may_fail_late(house: House) -> None:
    """The chain moves on for the newest step alone."""
    slack = house.channels["slack"]
    request = await house.submit()
    request = await house.decide(request, "ana", Verb.ESCALATE)
    slack.closed = {"ana", "ben"}
    await house.work()
    await house.rest()
    assert (await house.now(request)).escalation_level == 1


async def test_p08_a_shared_room_reaches_the_next_step_too(house: House) -> None:
    """In a room the next step's people hear a word at the card that stands; their failing mail moves nothing."""
    house.channels["slack"].room = "C0APPROVALS"
    house.rule(lambda text: text.replace("{notify: [lea], via: [slack]", "{notify: [lea], via: [slack, email]"))
    house.channels["email"].faults = [SendFailed("no such box", temporary=False)]
    request = await house.submit()
    await house.work()
    await house.rest()
    await house.later(minutes=15)
    assert house.channels["slack"].sent("send") == ["C0APPROVALS"]
    assert house.channels["slack"].notes == ["Now also asked: Lea Marsh."]
    assert at(await house.now(request)).step == 1


async def test_people_without_a_place_are_reached_in_the_inbox(house: House) -> None:
    """With every channel off there are no cards, and the queue and the clock go on."""
    house.channels.clear()
    request = await house.submit()
    assert await house.store.deliveries(request.id) == ()
    assert [card.request for card in await house.desk.queue("ben")] == [request.id]
    house.clock.move(minutes=15)
    await house.desk.wake()
    assert [card.request for card in await house.desk.queue("lea")] == [request.id]
