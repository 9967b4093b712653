"""Lanes: one sleeps while others go on, an outage of ours is no try, and a stop or a restart loses no card."""

from __future__ import annotations

import asyncio
import logging
import math
from typing import Any

import pytest

from bot.core.errors import SendFailed, Unavailable
from bot.core.model import DeliveryState, State, Verb
from tests.courier.test_cards import owed
from tests.desk.house import House, Wire, open_house


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


async def test_p11_who_may_be_taken_for_dead_sends_nothing(house: House) -> None:
    """Whoever took over sends it, and a second card is one that nobody updates; once it is sure, it goes on."""
    await house.work()
    house.ledger.alive_until = 0
    await house.submit()
    await house.rest()
    assert house.channels["slack"].sent() == []
    house.ledger.alive_until = math.inf
    await house.later(seconds=1)
    assert sorted(house.channels["slack"].sent()) == ["ana", "ben"]
    assert owed(house) == []


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
