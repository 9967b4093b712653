"""Several cards for one person in one letter: when it goes, and what stands in it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.core.model import Verb
from tests.courier.gathering import open_gathering, owed, page, rules, states
from tests.desk.house import House
from tests.fakes.receiver import Receiver


@pytest.fixture
async def house(tmp_path: Path, receiver: Receiver) -> AsyncIterator[House]:
    """A house where mail is gathered, at work."""
    async with open_gathering(tmp_path / "sayso.db", receiver) as opened:
        yield opened


async def test_what_is_gathered_goes_as_one_letter(house: House) -> None:
    """When the first of it is due, with everything that has gathered by then, in order; nothing of it before."""
    wire = house.channels["email"]
    found = [await page(house)]
    for _ in range(2):
        await house.later(minutes=4)
        found.append(await page(house))
    await house.later(minutes=1, seconds=59)
    assert (wire.said, owed(house)) == ([], [("digest", 0)] * 3)
    await house.later(seconds=1)
    assert wire.digests == [([(request.id, 1) for request in found], [])]
    assert owed(house) == []
    deliveries = [(await house.store.deliveries(request.id))[0] for request in found]
    assert [(str(d.state), d.handle, d.revision) for d in deliveries] == [
        ("sent", {"letter": number}, 1) for number in (1, 2, 3)
    ]


async def test_the_next_letter_gathers_anew(house: House) -> None:
    """What comes after a letter went out waits its own ten minutes."""
    wire = house.channels["email"]
    await page(house)
    await page(house)
    await house.later(minutes=10)
    later = [await page(house), await page(house)]
    await house.later(minutes=9)
    assert len(wire.digests) == 1
    await house.later(minutes=1)
    assert wire.digests[1] == ([(request.id, 1) for request in later], [])


async def test_alone_it_is_an_ordinary_card(house: House) -> None:
    """With all that a card shows, and its own handle."""
    request = await page(house)
    await house.later(minutes=10)
    wire = house.channels["email"]
    assert (wire.sent(), wire.digests) == (["ana"], [])
    sent = (await house.store.deliveries(request.id))[0]
    assert sent.handle == {"channel": "ana", "ts": "1"}
    assert owed(house) == []


async def test_a_hurried_step_wakes_what_was_gathered(house: House) -> None:
    """It is due first, so it goes first and takes the others along, which would not have gone for minutes."""
    slow = await page(house)
    await house.later(minutes=1)
    fast = await page(house, "hurry.me")
    await house.later(minutes=1, seconds=59)
    wire = house.channels["email"]
    assert wire.said == []
    await house.later(seconds=1)
    assert wire.digests == [([(fast.id, 1), (slow.id, 1)], [])]
    assert owed(house) == []


async def test_a_hurried_step_is_not_forgotten_by_a_restart(house: House) -> None:
    """Read from the file in the order of writing, the one that is due first still wakes the lane."""
    assert house.courier is not None
    await page(house)
    await page(house, "hurry.me")
    await house.courier.stop(0)
    house.clock.move(minutes=1)
    await house.work()
    await house.later(seconds=59)
    assert house.channels["email"].said == []
    await house.later(seconds=1)
    assert len(house.channels["email"].digests) == 1


async def test_a_step_gathers_for_who_gathers_nothing(house: House) -> None:
    """And a step that says nothing leaves it to each person: Lea has hers at once, Ana and Ben theirs by themselves."""
    first, second = await page(house, "all.of"), await page(house, "all.of")
    await house.rest()
    wire = house.channels["email"]
    assert wire.sent() == ["lea", "lea"]
    await house.later(minutes=10)
    both = [(first.id, 1), (second.id, 1)]
    assert wire.digests == [(both, []), (both, [])]
    assert sorted(wire.sent("digest")) == ["ana", "ana", "ben", "ben"]


async def test_what_ended_meanwhile_is_not_asked(house: House) -> None:
    """It is skipped on record, and of two the other goes alone, as an ordinary card."""
    ended, left = await page(house), await page(house)
    await house.desk.cancel(ended.id, agent="eva", reason=None)
    await house.later(minutes=10)
    wire = house.channels["email"]
    assert (wire.sent(), wire.digests) == (["ana"], [])
    assert await states(house, ended, left) == ["skipped", "sent"]
    assert "delivery.skipped" in await house.events(ended)
    assert owed(house) == []


async def test_a_letter_with_nothing_left_in_it_is_not_written(house: House) -> None:
    """All of it ended."""
    found = [await page(house) for _ in range(3)]
    for request in found:
        await house.decide(request)
    await house.later(minutes=10)
    assert house.channels["email"].said == []
    assert await states(house, *found) == ["skipped"] * 3
    assert owed(house) == []


async def test_what_changed_meanwhile_is_asked_as_it_stands(house: House) -> None:
    """The newest revision, once, and no word beside it: that is what the answer is then bound to."""
    changed, other = await page(house), await page(house)
    await house.decide(changed, verb=Verb.ASK, comment="why?")
    await house.desk.inform(changed.id, agent="eva", text="so")
    await house.later(seconds=1)
    await house.later(minutes=10)
    wire = house.channels["email"]
    assert wire.digests == [([(changed.id, 2), (other.id, 1)], [])]
    assert {what for what, _, _, _ in wire.said} == {"digest"}
    assert (await house.store.deliveries(changed.id))[0].revision == 2
    await house.later(minutes=1)
    assert len(wire.said) == 2


async def test_what_changes_while_the_letter_is_under_way_is_told_after_it(house: House) -> None:
    """The letter showed it as it was, so one more brings its reader up to date."""
    changed, other = await page(house), await page(house)
    wire = house.channels["email"]
    wire.gate = asyncio.Event()
    house.clock.move(minutes=10)
    house.ring()
    await wire.entered.wait()
    await house.decide(changed, verb=Verb.REJECT)
    wire.gate.set()
    await house.rest()
    await house.later(seconds=1)
    assert wire.digests == [([(changed.id, 1), (other.id, 1)], [])]
    assert wire.said[-1] == ("update", "ana", "rejected", 1)
    assert await states(house, changed, other) == ["sent", "sent"]
    assert owed(house) == []


async def test_outcomes_are_gathered_and_join_what_is_asked(house: House) -> None:
    """How requests ended, each once however much happened, in the letter that asks the next one; all handles kept."""
    wire = house.channels["email"]
    found = [await page(house) for _ in range(2)]
    await house.later(minutes=10)
    wire.tells_after = timedelta(minutes=5)
    for request in found:
        await house.decide(request, verb=Verb.REJECT)
    await house.later(seconds=30)
    assert wire.sent("update") == []
    asked = await page(house)
    await house.later(minutes=4, seconds=30)
    assert wire.digests[1] == ([(asked.id, 1)], [request.id for request in found])
    assert [state for what, _, state, _ in wire.said if what == "told"] == ["rejected"] * 2
    handles = [(await house.store.deliveries(request.id))[0].handle for request in (asked, *found)]
    assert handles == [{"letter": 3}, {"letter": 4}, {"letter": 5}]
    assert owed(house) == []


async def test_a_decision_and_its_run_are_told_once(house: House, receiver: Receiver) -> None:
    """Two things happened to the request; the letter says what came of it in the end."""
    wire = house.channels["email"]
    wire.tells_after = timedelta(minutes=5)
    house.rule(lambda text: rules(text).replace("notify: [finance], via: [slack]", "notify: [ana], via: [email]"))
    request = await house.submit()
    await house.later(minutes=10)
    await house.decide(request)
    async with asyncio.timeout(5):
        while "execution.ended" not in await house.events(request):
            await asyncio.sleep(0.01)
    await house.rest()
    assert [call.path for call in receiver.calls if call.path == "/refunds"] == ["/refunds"]
    assert owed(house) == [("digest", 0)] * len(owed(house))
    assert len(owed(house)) > 1
    await house.later(minutes=5)
    assert wire.digests == [([], [request.id])]
    assert owed(house) == []
