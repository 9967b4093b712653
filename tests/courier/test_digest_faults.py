"""Letters for several cards that cannot be sent, or whose process was killed: nothing is lost, a repeat at worst."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.core.errors import SendFailed
from bot.core.model import Delivery
from bot.core.ports import KeyItem, ReplyKey
from tests.courier.gathering import mail, open_gathering, owed, page, rules, states
from tests.desk.house import START, House, MovableClock, at, open_house
from tests.desk.replayed import prove
from tests.fakes.receiver import Receiver


@pytest.fixture
async def house(tmp_path: Path, receiver: Receiver) -> AsyncIterator[House]:
    """A house where mail is gathered, at work."""
    async with open_gathering(tmp_path / "sayso.db", receiver) as opened:
        yield opened


async def test_p08_a_temporary_failure_keeps_it_together(house: House) -> None:
    """The next try is committed for all of it, waits as the server said, and takes along what came meanwhile."""
    wire = house.channels["email"]
    wire.faults = [SendFailed("451 later", temporary=True, retry_after=30)]
    found = [await page(house), await page(house)]
    await house.later(minutes=10)
    assert owed(house) == [("digest", 1)] * 2
    found.append(await page(house))
    await house.later(seconds=29)
    assert wire.said == []
    await house.later(seconds=1)
    assert wire.digests == [([(request.id, 1) for request in found], [])]
    assert owed(house) == []


async def test_a_hurried_step_does_not_wake_a_lane_that_sleeps_off_a_failure(house: House) -> None:
    """The server named a time, and it is kept."""
    wire = house.channels["email"]
    wire.faults = [SendFailed("451 later", temporary=True, retry_after=600)]
    await page(house)
    await house.later(minutes=10)
    await page(house, "hurry.me")
    await house.later(minutes=9)
    assert wire.said == []
    await house.later(minutes=1)
    assert len(wire.digests) == 1


async def test_p08_a_refusal_for_good_fails_each_of_it_at_once(house: House) -> None:
    """One try, every card failed with the reason, the address marked once, and each chain moved on by itself."""
    wire = house.channels["email"]
    wire.lost = {"ana"}
    found = [await page(house) for _ in range(3)]
    await house.later(minutes=10)
    assert wire.inside == 1
    assert await states(house, *found) == ["failed"] * 3
    assert [at(await house.now(request)).step for request in found] == [1] * 3
    assert house.channels["slack"].sent() == ["lea"] * 3
    lost = await house.desk.unreachable("email", "ana")
    assert lost is not None
    assert lost.error == "550 5.1.1 no such user"
    assert owed(house) == []


async def test_a_refusal_for_good_leaves_what_is_over_as_it_is(house: House) -> None:
    """What ended while it was gathered stays skipped, and an outcome that cannot be told moves nothing."""
    wire = house.channels["email"]
    told = await page(house)
    await house.later(minutes=10)
    wire.tells_after = timedelta(minutes=10)
    await house.decide(told)
    ended, asked = await page(house), await page(house)
    await house.decide(ended)
    wire.faults = [SendFailed("554 no", temporary=False)]
    await house.later(minutes=10)
    assert await states(house, told, ended, asked) == ["sent", "skipped", "failed"]
    assert [(await house.now(request)).escalation_level for request in (told, ended, asked)] == [0, 0, 1]
    assert owed(house) == []


async def test_p08_given_up_together_in_the_end(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """After twenty tries in about an hour all of it is given up, not one an hour; what joined late has its own."""
    wire = house.channels["email"]
    wire.faults = [SendFailed("not now", temporary=True) for _ in range(20)]
    house.rule(lambda text: rules(text).replace("via: [email], wait: 45m}", "via: [email]}"))
    first = [await page(house), await page(house)]
    await house.later(minutes=10)
    begun = house.clock.at
    for _ in range(30):
        await house.later(minutes=1)
    late = await page(house)
    while wire.faults:
        await house.later(minutes=1)
    assert 55 <= (house.clock.at - begun).total_seconds() / 60 <= 75
    assert await states(house, *first, late) == ["failed", "failed", "queued"]
    assert "given up" in caplog.text
    await house.later(minutes=5)
    assert await states(house, late) == ["sent"]
    assert wire.sent() == ["ana"]
    assert owed(house) == []


def returned(sent: Delivery) -> ReplyKey:
    """What the letter that asked for this alone stood for."""
    item = KeyItem(request=sent.request, revision=1, digest="sha256:0", delivery=sent.id, fully_shown=True)
    mark: dict[str, Any] = {"hash": sent.id, "letter": sent.id, "channel": "email", "person": sent.to}
    return ReplyKey(**mark, items=(item,), at=START, expires_at=START)


@pytest.mark.parametrize("several", [1, 2])
async def test_what_came_back_from_a_try_that_seemed_to_fail_is_not_sent_again(house: House, several: int) -> None:
    """The answer to the letter was lost, the letter was not: its bounce fails the card, and the next try leaves it."""
    wire = house.channels["email"]
    wire.faults = [TimeoutError()]
    bad, *rest = [await page(house) for _ in range(several)]
    await house.later(minutes=10)
    assert owed(house) == [("digest", 1)] * several
    await house.desk.returned(returned((await house.store.deliveries(bad.id))[0]), "550 no such user")
    await house.later(seconds=1)
    assert wire.sent() == ["ana"] * len(rest)
    assert await states(house, bad, *rest) == ["failed"] + ["sent"] * len(rest)
    assert at(await house.now(bad)).step == 1
    assert owed(house) == []


async def test_p08_a_channel_that_was_switched_off(house: House) -> None:
    """Nothing will send what was gathered for it: failed at once, and the chains move on."""
    found = [await page(house), await page(house)]
    del house.channels["email"]
    await house.later(minutes=10)
    assert await states(house, *found) == ["failed"] * 2
    assert house.channels["slack"].sent() == ["lea"] * 2
    assert owed(house) == []


async def test_what_is_not_there_any_more_is_forgotten(house: House) -> None:
    """A delivery that the file does not know is done, and the other goes alone."""
    await page(house)
    await page(house)
    assert house.courier is not None
    await house.courier.stop(0)
    house.sql("update effects set ref = 'dlv_gone' where n = (select min(n) from effects)")
    await house.work()
    await house.later(minutes=10)
    assert (house.channels["email"].sent(), owed(house)) == (["ana"], [])


async def test_a_kill_before_the_letter_loses_nothing(tmp_path: Path) -> None:
    """What was gathered is in the file; the next start sends it as one, late if it must be."""
    path, clock, wires = tmp_path / "sayso.db", MovableClock(), mail()
    async with open_house(path, channels=wires, clock=clock) as house:
        house.rule(rules)
        first = await page(house)
        await house.work()
        second = await page(house)
    clock.move(hours=1)
    async with open_house(path, channels=wires, clock=clock) as house:
        house.rule(rules)
        await house.work()
        await house.rest()
        assert wires["email"].digests == [([(first.id, 1), (second.id, 1)], [])]
        assert owed(house) == []
        await prove(house.store)


async def test_a_kill_while_the_letter_is_under_way_repeats_it_at_worst(tmp_path: Path) -> None:
    """Nobody knows whether it went out: the whole of it goes again, and is then known as sent."""
    path, clock, wires = tmp_path / "sayso.db", MovableClock(), mail()
    wire = wires["email"]
    async with open_house(path, channels=wires, clock=clock) as house:
        house.rule(rules)
        found = [await page(house), await page(house)]
        courier = await house.work()
        wire.gate = asyncio.Event()
        clock.move(minutes=10)
        house.ring()
        await wire.entered.wait()
        await courier.stop(0)
        assert owed(house) == [("digest", 0)] * 2
    wire.gate = None
    async with open_house(path, channels=wires, clock=clock) as house:
        house.rule(rules)
        await house.work()
        await house.rest()
        assert wire.digests == [([(request.id, 1) for request in found], [])]
        assert await states(house, *found) == ["sent"] * 2
        assert owed(house) == []
        await prove(house.store)


async def test_a_kill_between_two_records_repeats_the_rest_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The letter went out and one of its cards was recorded: only the others are sent once more."""
    path, clock, wires = tmp_path / "sayso.db", MovableClock(), mail()
    async with open_house(path, channels=wires, clock=clock) as house:
        house.rule(rules)
        found = [await page(house), await page(house)]
        courier = await house.work()
        sent, begun, torn = house.desk.sent, asyncio.Event(), asyncio.Event()

        async def once(*of: Any) -> None:
            if begun.is_set():
                await asyncio.Event().wait()
            begun.set()
            await sent(*of)
            torn.set()

        monkeypatch.setattr(house.desk, "sent", once)
        clock.move(minutes=10)
        house.ring()
        await torn.wait()
        await courier.stop(0)
        assert await states(house, *found) == ["sent", "queued"]
    async with open_house(path, channels=wires, clock=clock) as house:
        house.rule(rules)
        await house.work()
        await house.rest()
        assert (len(wires["email"].digests), wires["email"].sent()) == (1, ["ana"])
        assert await states(house, *found) == ["sent", "sent"]
        assert owed(house) == []
        await prove(house.store)
