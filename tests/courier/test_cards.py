"""Cards go out from committed rows, in order, and end up showing what is so."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from bot.core.errors import SendFailed, Unavailable
from bot.core.model import DeliveryState, State, Verb
from tests.desk.house import House, Wire, at, open_house

TEMPORARY = SendFailed("not now", temporary=True)


def owed(house: House, *, cards: bool = True) -> list[tuple[str, int]]:
    """Effects still in the file, by kind and tries; those at cards, or the agent's webhooks."""
    sign = "!=" if cards else "="
    found = house.sql(f"select kind, attempts from effects where kind {sign} 'webhook' order by n")  # noqa: S608  # a sign of ours
    return [(kind, attempts) for kind, attempts in found]


async def test_a_card_is_sent_then_updated(house: House) -> None:
    """What is owed is gone from the file once it stands, and each delivery knows where its card is."""
    request = await house.submit()
    await house.work()
    await house.rest()
    await house.decide(request)
    await house.rest()
    wire = house.channels["slack"]
    for person in ("ana", "ben"):
        mine = [(what, state) for what, to, state, _ in wire.said if to == person]
        assert mine[0] == ("send", "pending")
        assert mine[-1] == ("update", "approved")
    assert owed(house) == []
    deliveries = await house.store.deliveries(request.id)
    assert {d.state for d in deliveries} == {DeliveryState.SENT}
    assert all(d.handle and d.handle["channel"] == d.to for d in deliveries)


async def test_decided_while_its_card_is_on_its_way(house: House) -> None:
    """The card lands after the decision: it is brought up to date at once, so nobody is left with open buttons."""
    wire = house.channels["slack"]
    wire.gate = asyncio.Event()
    await house.work()
    request = await house.submit()
    await wire.everybody(2)
    await house.decide(request, verb=Verb.REJECT)
    wire.gate.set()
    await house.rest()
    for person in ("ana", "ben"):
        mine = [(what, state) for what, to, state, _ in wire.said if to == person]
        assert mine[0] == ("send", "pending")
        assert mine[-1] == ("update", "rejected")
    assert owed(house) == []


async def test_changed_twice_while_its_card_is_on_its_way(house: House) -> None:
    """Everything that was asked of the card meanwhile is one update, which shows the last of it."""
    wire = house.channels["slack"]
    wire.gate = asyncio.Event()
    await house.work()
    request = await house.submit("two.of")
    await wire.everybody(2)
    after = await house.decide(request, "ana")
    await house.decide(after, "ben", Verb.ASK, comment="why?")
    after = await house.desk.inform(request.id, agent="billing", text="so")
    wire.gate.set()
    await house.rest()
    mine = [(what, revision) for what, to, _, revision in wire.said if to == "ana"]
    assert mine[:3] == [("send", 1), ("update", 2), ("remind", 2)]
    assert mine[3:] in ([], [("update", 2)])
    assert [d.revision for d in await house.store.deliveries(request.id)] == [2, 2, 2]


async def test_an_ended_request_sends_no_card(house: House) -> None:
    """Decided before the card went out: it is skipped, and on record as skipped."""
    request = await house.submit()
    await house.decide(request)
    await house.work()
    await house.rest()
    assert house.channels["slack"].said == []
    assert {d.state for d in await house.store.deliveries(request.id)} == {DeliveryState.SKIPPED}
    assert owed(house) == []


async def test_p08_a_card_that_stands_although_nobody_said_so_is_not_forgotten(house: House) -> None:
    """Posted by a process that was killed before it could say so, and decided since: drawn as it ended, on record."""
    request = await house.submit()
    await house.decide(request)
    wire = house.channels["slack"]
    mine = next(d for d in await house.store.deliveries(request.id) if d.to == "ana")
    wire.standing = {mine.id: {"channel": "ana", "ts": "77"}}
    await house.work()
    await house.rest()
    assert {(what, to, state) for what, to, state, _ in wire.said} == {("update", "ana", "approved")}
    kept = {d.to: (d.state, d.handle) for d in await house.store.deliveries(request.id)}
    assert kept["ana"] == (DeliveryState.SENT, {"channel": "ana", "ts": "77"})
    assert kept["ben"] == (DeliveryState.SKIPPED, None)
    assert owed(house) == []


async def test_p08_a_temporary_failure_is_tried_again_when_told(house: House) -> None:
    """After the seconds that the service named, else after a growing pause; its next try is in the file meanwhile."""
    wire = house.channels["slack"]
    wire.faults = [SendFailed("429", temporary=True, retry_after=30), TEMPORARY]
    await house.work()
    request = await house.submit("page.me", agent="quiet")
    await house.rest()
    assert owed(house) == [("card", 1)]
    await house.later(seconds=29)
    assert (wire.sent(), owed(house)) == ([], [("card", 1)])
    await house.later(seconds=1)
    assert owed(house) == [("card", 2)]
    await house.later(seconds=2)
    assert (wire.sent(), owed(house)) == (["ana"], [])
    assert [d.state for d in await house.store.deliveries(request.id)] == [DeliveryState.SENT]


@pytest.mark.parametrize("fault", [TimeoutError(), ConnectionResetError("reset"), KeyError("template")], ids=repr)
async def test_p08_whatever_a_channel_does_is_a_failure_for_now(house: House, fault: Exception) -> None:
    """A hang, a reset, a bug: the lane goes on from there, and nothing is lost."""
    wire = house.channels["slack"]
    wire.faults = [fault]
    await house.work()
    await house.submit("page.me", agent="quiet")
    await house.rest()
    assert owed(house) == [("card", 1)]
    await house.later(seconds=2)
    assert (wire.sent(), owed(house)) == (["ana"], [])


async def test_a_hanging_channel_is_cut(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A send that does not end is given up on, and tried again."""
    monkeypatch.setattr("bot.courier.errands._SEND_TIMEOUT", 0.05)
    wire = house.channels["slack"]
    wire.gate = asyncio.Event()
    await house.work()
    await house.submit("page.me", agent="quiet")
    await house.rest()
    assert owed(house) == [("card", 1)]
    wire.gate = None
    await house.later(seconds=2)
    assert wire.sent() == ["ana"]


async def test_p08_given_up_in_the_end(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """Twenty tries in about an hour, then it is undeliverable: said aloud, on record, and the chain moves on."""
    wire = house.channels["slack"]
    wire.faults = [SendFailed("not now", temporary=True) for _ in range(20)]
    house.rule(
        lambda text: text.replace("{notify: [ana], via: [slack], wait: 15m}", "{notify: [ana], via: [slack]}", 1)
    )
    await house.work()
    request = await house.submit("page.me", agent="quiet")
    await house.rest()
    begun = house.clock.at
    while owed(house) and not house.channels["email"].said:
        await house.later(minutes=1)
    assert 55 <= (house.clock.at - begun).total_seconds() / 60 <= 75
    assert "given up" in caplog.text
    assert [d.state for d in await house.store.deliveries(request.id)] == [DeliveryState.FAILED, DeliveryState.SENT]
    assert house.channels["email"].sent() == ["ana"]
    assert "delivery.failed" in await house.events(request)


async def test_p08_a_channel_that_was_switched_off(house: House) -> None:
    """A card for a channel that is off by now is undeliverable, so the chain moves on rather than wait in silence."""
    request = await house.submit()
    del house.channels["slack"]
    await house.work()
    await house.rest()
    after = await house.now(request)
    assert {d.state for d in (await house.store.deliveries(request.id)) if d.channel == "slack"} == {
        DeliveryState.FAILED
    }
    assert after.escalation_level > 0


async def test_updates_and_words_that_fail_for_good_are_let_go(house: House) -> None:
    """A card that was deleted moves no chain; reminders of a card that never arrived are dropped."""
    wire = house.channels["slack"]
    await house.work()
    request = await house.submit()
    await house.rest()
    wire.faults = [SendFailed("message_not_found", temporary=False) for _ in range(2)]
    await house.later(minutes=5)
    assert (owed(house), at(await house.now(request)).step) == ([], 0)
    await house.decide(request)
    await house.rest()
    assert set(wire.sent("update")) == {"ana", "ben"}


async def test_a_late_reminder_of_an_ended_request_is_not_said(house: House) -> None:
    """Put off, and decided meanwhile."""
    wire = house.channels["slack"]
    await house.work()
    request = await house.submit("page.me", agent="quiet")
    house.rule(lambda text: text)
    await house.rest()
    wire.faults = [TEMPORARY]
    await house.decide(request, verb=Verb.ASK, comment="why?")
    await house.desk.inform(request.id, agent="quiet", text="so")
    await house.desk.cancel(request.id, agent="quiet", reason=None)
    await house.rest()
    await house.later(seconds=5)
    assert wire.sent("remind") == []
    assert wire.said[-1][2] == "cancelled"
    assert owed(house) == []


async def test_one_lane_sleeps_and_the_others_go_on(house: House) -> None:
    """Ana's card is put off for a minute; Ben's is sent, updated and done meanwhile, and hers keeps its order."""
    wire = house.channels["slack"]
    wire.faults = [SendFailed("429", temporary=True, retry_after=60)]
    await house.work()
    request = await house.submit("two.of")
    await house.rest()
    late = ({"ana", "ben", "lea"} - set(wire.sent())).pop()
    voter = next(p for p in ("ana", "ben", "lea") if p != late)
    await house.decide(request, voter)
    await house.rest()
    assert late not in [to for _, to, _, _ in wire.said]
    await house.later(minutes=1)
    assert [what for what, to, _, _ in wire.said if to == late] == ["send", "update"]
    assert owed(house) == []


async def test_a_restart_takes_up_what_is_owed(house: House) -> None:
    """Torn away at any moment, the next courier on the same file does what is left, in order, without leaving any."""
    wire = house.channels["slack"]
    wire.faults = [SendFailed("429", temporary=True, retry_after=60)]
    first = await house.work()
    request = await house.submit()
    await house.rest()
    await first.stop(0)
    await house.decide(request, verb=Verb.ASK, comment="why?")
    assert {kind for kind, _ in owed(house)} >= {"card", "refresh"}
    await house.work()
    await house.later(minutes=1)
    assert owed(house) == []
    assert set(wire.sent()) == {"ana", "ben"}
    last = {to: state for _, to, state, _ in wire.said}
    assert last == {"ana": "needs_info", "ben": "needs_info"}
    assert {d.state for d in await house.store.deliveries(request.id)} == {DeliveryState.SENT}


async def test_an_effect_is_not_taken_twice(house: House) -> None:
    """What a start reads from the file may have been told at the same moment: it is one lane's one effect."""
    wire = house.channels["slack"]
    wire.gate = asyncio.Event()
    courier = await house.work()
    await house.submit("page.me", agent="quiet")
    await wire.entered.wait()
    courier.take(await house.desk.effects())
    courier.take(await house.desk.effects())
    assert courier.waiting["effects"] == 1
    wire.gate.set()
    await house.rest()
    assert wire.sent() == ["ana"]


async def test_p10_a_store_that_is_down_is_waited_out(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A card that stands is not sent again because the store could not say so for a while."""
    monkeypatch.setattr("bot.courier.shift._STORE_PAUSE", 0.01)
    wire = house.channels["slack"]
    wire.gate = asyncio.Event()
    await house.work()
    request = await house.submit("page.me", agent="quiet")
    await wire.entered.wait()
    write = house.store.write
    refused: list[Any] = []

    async def down(work: Any, **how: Any) -> Any:
        if len(refused) < 5:
            refused.append(work)
            raise Unavailable
        return await write(work, **how)

    monkeypatch.setattr(house.store, "write", down)
    wire.gate.set()
    await house.rest()
    assert (wire.sent(), len(refused), owed(house)) == (["ana"], 5, [])
    assert [d.state for d in await house.store.deliveries(request.id)] == [DeliveryState.SENT]
    assert "cannot record" in caplog.text


async def test_p10_our_own_outage_is_no_try(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the store cannot be read nothing is counted against the place, however long that lasts."""
    read = house.store.request

    async def down(_: str) -> Any:
        raise Unavailable

    monkeypatch.setattr(house.store, "request", down)
    await house.work()
    await house.submit("page.me", agent="quiet")
    await house.rest()
    for _ in range(30):
        house.clock.move(seconds=2)
        house.ring()
        await house.rest()
    assert owed(house) == [("card", 0)]
    monkeypatch.setattr(house.store, "request", read)
    await house.later(seconds=2)
    assert house.channels["slack"].sent() == ["ana"]


async def test_a_lane_does_not_die_of_what_cannot_be_dealt_with(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Where not even the failure can be recorded, the lane sleeps a minute, and what comes after is still done."""
    await house.work()
    request = await house.submit("page.me", agent="quiet")
    await house.rest()
    updated = house.desk.updated

    async def broken(*_: Any) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(house.desk, "updated", broken)
    monkeypatch.setattr(house.desk, "postponed", broken)
    await house.decide(request, verb=Verb.ESCALATE)
    await house.rest()
    assert "broke off" in caplog.text
    monkeypatch.setattr(house.desk, "updated", updated)
    monkeypatch.undo()
    await house.later(minutes=1)
    assert owed(house) == []


async def test_what_is_not_there_any_more_is_forgotten(house: House) -> None:
    """An effect of a delivery that the file does not know is done."""
    await house.submit("page.me", agent="quiet")
    house.sql("update effects set ref = 'dlv_gone'")
    await house.work()
    await house.rest()
    assert owed(house) == []
    assert house.channels["slack"].said == []


async def test_stopping_waits_for_a_card_and_begins_nothing(tmp_path: Any, caplog: pytest.LogCaptureFixture) -> None:
    """A send that ends in time is recorded; one that does not is cut, and is owed at the next start."""
    caplog.set_level(logging.ERROR)
    wire = Wire("slack")
    wire.gate = asyncio.Event()
    async with open_house(tmp_path / "sayso.db", channels={"slack": wire}) as house:
        courier = await house.work()
        request = await house.submit("two.of")
        await wire.entered.wait()
        stopping = asyncio.create_task(courier.stop(5))
        await asyncio.sleep(0.02)
        wire.gate.set()
        await stopping
        assert sorted(wire.sent()) == ["ana", "ben", "lea"]
        assert owed(house) == []
        wire.gate = asyncio.Event()
        courier = await house.work()
        await house.decide(request, "ana")
        await asyncio.sleep(0.05)
        await courier.stop(0.05)
        assert [kind for kind, _ in owed(house)] == ["refresh"] * 3
        await house.submit("two.of")
        await asyncio.sleep(0.02)
        assert len(wire.sent()) == 3
    assert caplog.records == []


async def test_a_card_may_be_sent_before_the_store_hears_of_it(tmp_path: Any) -> None:
    """Killed between sending and recording: the next start sends again (sending may happen twice), and it converges."""
    path = tmp_path / "sayso.db"
    wire = Wire("slack")
    async with open_house(path, channels={"slack": wire}) as house:
        wire.gate = asyncio.Event()
        courier = await house.work()
        request = await house.submit("page.me", agent="quiet")
        await wire.entered.wait()
        await courier.stop(0)
    wire.gate = None
    async with open_house(path, channels={"slack": wire}) as house:
        await house.work()
        await house.rest()
        assert wire.sent() == ["ana"]
        await house.decide(request)
        await house.rest()
        assert (await house.now(request)).state is State.APPROVED
        assert wire.said[-1][2] == "approved"
        assert owed(house) == []
