"""Several cards for one person in one letter: when it goes, what stands in it, and what a failure or a kill leaves."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.core.errors import SendFailed
from bot.core.model import Request, Verb
from tests.desk.house import House, MovableClock, Wire, open_house
from tests.desk.replayed import prove
from tests.fakes.receiver import Receiver

PAGED = """  paged:
    - {notify: [ana], via: [email], wait: 45m}
    - {notify: [lea], via: [slack]}
  hurried:
    - {notify: [ana], via: [email], wait: 45m, digest: 2m}
  all:
    - {notify: [ana, ben, lea], via: [email], wait: 45m}
  legal"""
RULES = """rules:
  - {name: hurried, when: action == "hurry.me", stages: [{name: hurried, chain: hurried}]}
  - {name: all, when: action == "all.of", stages: [{name: all, chain: all}]}
"""


def rules(text: str) -> str:
    """Ana and Ben gather for ten minutes, Lea does not; `page.me` asks Ana by mail, `hurry.me` in a hurry."""
    text = re.sub(r"  paged:.*?  legal", PAGED, text, flags=re.DOTALL).replace("rules:\n", RULES)
    return re.sub(r"(email: (?:ana|ben)@example.com),", r"\1, digest: 10m,", text)


def mail() -> dict[str, Wire]:
    """A channel that redraws and one of letters."""
    return {"slack": Wire("slack"), "email": Wire("email", redraws=False)}


@pytest.fixture
async def house(tmp_path: Path, receiver: Receiver) -> AsyncIterator[House]:
    """A house with a channel of letters, these rules, and the courier at work."""
    address = receiver.url.removesuffix("/hook")
    async with open_house(tmp_path / "sayso.db", channels=mail(), receiver=address) as opened:
        opened.rule(rules)
        await opened.work()
        yield opened
        assert opened.courier is not None
        await opened.courier.stop(2)
        await prove(opened.store)


async def page(house: House, action: str = "page.me") -> Request:
    """A request that asks Ana."""
    return await house.submit(action, agent="eva")


def owed(house: House) -> list[tuple[str, int]]:
    """Effects still in the file, by kind and tries."""
    return [(kind, tries) for kind, tries in house.sql("select kind, attempts from effects order by n")]


async def states(house: House, *requests: Request) -> list[str]:
    """What became of each request's first card."""
    return [str((await house.store.deliveries(request.id))[0].state) for request in requests]


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
    assert [(await house.now(request)).step for request in found] == [1] * 3
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
        sent, torn = house.desk.sent, asyncio.Event()

        async def once(*of: Any) -> None:
            if torn.is_set():
                await asyncio.Event().wait()
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
