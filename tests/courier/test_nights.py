"""Whom a card finds at work, and who is left to sleep: hours, holidays, rooms, reminders."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.core.model import State
from tests.desk.filed import DEFAULT, SENT, enforce, other_people
from tests.desk.house import House, MovableClock, Wire, open_house
from tests.desk.replayed import prove

PEOPLE = other_people("""
    ana: {name: Ana Silva, slack: U0ANA, timezone: Europe/Lisbon, hours: Mon-Fri 09:00-18:00, holidays: PT}
    ben: {name: Ben Okafor, slack: U0BEN}
""")
CHAIN = """
chains:
  finance: [{notify: [ana, ben], via: [slack], wait: 40h, remind: 1h}]
"""
ANYTIME = CHAIN.replace("remind: 1h", "remind: 1h, anytime: true")
LONG = DEFAULT.replace("24h", "9d")
EVENING = datetime(2026, 3, 2, 22, 0, tzinfo=UTC)
"""Monday; Lisbon is at UTC until the end of the month."""


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A house at work on a Monday evening; Ana has gone home, Ben has no hours."""
    async with open_house(tmp_path / "sayso.db", channels={"slack": Wire("slack")}, clock=MovableClock(EVENING)) as it:
        enforce(it, PEOPLE, SENT, CHAIN, LONG)
        await it.work()
        yield it
        assert it.courier is not None
        await it.courier.stop(2)
        await prove(it.store)


async def test_a_card_waits_until_the_morning(house: House) -> None:
    """Ben has his at once, Ana hers when she begins; she may decide before that all the same."""
    slack = house.channels["slack"]
    request = await house.submit()
    await house.rest()
    assert slack.sent() == ["ben"]
    await house.later(hours=10, minutes=59)
    assert slack.sent() == ["ben"]
    await house.later(minutes=1)
    assert slack.sent() == ["ben", "ana"]
    assert (await house.decide(request)).state is State.APPROVED


async def test_it_waits_over_a_weekend_and_a_holiday(house: House) -> None:
    """From the evening before Good Friday to the Monday; clocks went forward the Sunday before."""
    house.clock.at = datetime(2026, 4, 2, 17, 0, tzinfo=UTC)
    await house.submit()
    await house.rest()
    slack = house.channels["slack"]
    assert slack.sent() == ["ben"]
    house.clock.at = datetime(2026, 4, 6, 7, 59, tzinfo=UTC)
    await house.later()
    assert slack.sent() == ["ben"]
    await house.later(minutes=1)
    assert slack.sent() == ["ben", "ana"]


async def test_several_of_one_night_are_one_message(house: House) -> None:
    """In the morning there is one digest, and not five cards."""
    found = [await house.submit() for _ in range(5)]
    await house.later(hours=11)
    slack = house.channels["slack"]
    assert slack.sent() == ["ben"] * 5
    assert slack.digests == [([(request.id, 1) for request in found], [])]


async def test_what_ended_in_the_night_is_not_asked(house: House) -> None:
    """Ben decided, and Ana's card is skipped on record."""
    request = await house.submit()
    await house.rest()
    await house.decide(request, "ben")
    await house.later(hours=11)
    assert house.channels["slack"].sent() == ["ben"]
    assert "delivery.skipped" in await house.events(request)


async def test_anytime(house: House) -> None:
    """Where the step says so, people are told at night, too, and reminded."""
    enforce(house, PEOPLE, SENT, ANYTIME, LONG)
    await house.submit()
    await house.rest()
    await house.later(hours=1)
    slack = house.channels["slack"]
    assert (sorted(slack.sent()), sorted(slack.sent("remind"))) == (["ana", "ben"], ["ana", "ben"])


async def test_reminders_are_not_sent_at_night(house: House) -> None:
    """Nobody is reminded outside their hours; in the morning they are again."""
    house.clock.move(hours=-5)
    await house.submit()
    await house.rest()
    slack = house.channels["slack"]
    assert sorted(slack.sent()) == ["ana", "ben"]
    for _ in range(5):
        await house.later(hours=1)
    # The reminder at 18:00 finds her gone: her day is over at that moment.
    assert slack.sent("remind") == ["ben"] * 5
    await house.later(hours=11)
    assert slack.sent("remind").count("ana") == 1


async def test_a_shared_room_is_told_at_once(house: House) -> None:
    """It is nobody's bedroom."""
    slack = house.channels["slack"]
    slack.room = "C0APPROVALS"
    await house.submit()
    await house.rest()
    await house.later(hours=1)
    assert (slack.sent(), slack.sent("remind")) == (["C0APPROVALS"], ["C0APPROVALS"])


async def test_a_card_at_night_is_better_than_none(house: House) -> None:
    """Where it would expire before the morning she is told now."""
    enforce(house, PEOPLE, SENT, CHAIN, DEFAULT.replace("24h", "11h"))
    await house.submit()
    await house.rest()
    assert sorted(house.channels["slack"].sent()) == ["ana", "ben"]


async def test_p07_away_over_the_morning(house: House) -> None:
    """Stopped before nine and started at noon: what was held goes out then, once."""
    assert house.courier is not None
    await house.submit()
    await house.rest()
    await house.courier.stop(1)
    house.clock.move(hours=14)
    await house.work()
    await house.rest()
    assert house.channels["slack"].sent() == ["ben", "ana"]
    assert house.sql("select count(*) from effects") == [(0,)]


@pytest.mark.parametrize("hours", [-24, -1, 1, 24])
async def test_p12_the_clock_jumps_in_the_night(house: House, hours: int) -> None:
    """Set forward or back: the card goes out once, and not before its morning."""
    await house.submit()
    await house.rest()
    await house.later(hours=hours)
    slack = house.channels["slack"]
    assert slack.sent().count("ana") == (1 if hours == 24 else 0)
    for _ in range(60):
        await house.later(hours=1)
    assert slack.sent().count("ana") == 1


async def test_what_is_due_sooner_does_not_wait_for_the_morning(house: House) -> None:
    """Held and hurried cards of one person arrive while a message is under way: the hurried one is not held up."""
    flood = "flood: {cards: 1, per: 1m, digest: 2m}"
    enforce(house, PEOPLE, SENT, ANYTIME, LONG, flood)
    slack = house.channels["slack"]
    for _ in range(3):
        await house.submit()
    await house.rest()
    slack.gate = asyncio.Event()
    slack.entered.clear()
    house.clock.move(minutes=2)
    house.ring()
    await slack.entered.wait()
    enforce(house, PEOPLE, SENT, CHAIN, LONG, flood)
    held = await house.submit()
    enforce(house, PEOPLE, SENT, ANYTIME, LONG, flood)
    hurried = await house.submit()
    slack.gate.set()
    await house.rest()
    await house.later(minutes=2)
    states = {d.to: str(d.state) for d in await house.store.deliveries(hurried.id)}
    assert states == {"ana": "sent", "ben": "sent"}
    # She is awake now: what was held for the morning is in the same message.
    assert {d.to: str(d.state) for d in await house.store.deliveries(held.id)}["ana"] == "sent"
