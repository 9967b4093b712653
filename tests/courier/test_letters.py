"""Channels that write letters: answers from committed rows, changes told once and after a moment, lost addresses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.core.errors import SendFailed
from bot.core.model import Request, Verb
from bot.core.ports import Handled, Letter, Receipt
from bot.desk.rounds import MOMENT
from tests.desk.house import START, House, MovableClock, Wire, open_house
from tests.desk.replayed import prove
from tests.fakes.receiver import Receiver

ANSWER = Letter(
    person="ana",
    subject="Re: Refund",
    lines=("Understood: approved.",),
    link="https://sayso.test/r",
    thread="letter_1",
    answers="<1@example.com>",
)


def rules(text: str) -> str:
    """Finance is asked by mail, Lea where it is named, all by mail and Slack; nobody gathers."""
    return text.replace("notify: [finance], via: [slack]", "notify: [finance], via: [email]")


def wires() -> dict[str, Wire]:
    """A channel that redraws and one of letters."""
    return {"slack": Wire("slack"), "email": Wire("email", redraws=False)}


@asynccontextmanager
async def by_letters(folder: Path, receiver: Receiver) -> AsyncIterator[House]:
    """A house with a channel of letters, and the courier at work; in the end its trail and rows agree."""
    address = receiver.url.removesuffix("/hook")
    async with open_house(folder / "sayso.db", channels=wires(), receiver=address) as opened:
        opened.rule(rules)
        await opened.work()
        yield opened
        assert opened.courier is not None
        await opened.courier.stop(2)
        await prove(opened.store)


@pytest.fixture
async def house(tmp_path: Path, receiver: Receiver) -> AsyncIterator[House]:
    """That house."""
    async with by_letters(tmp_path, receiver) as opened:
        yield opened


def owed(house: House) -> list[tuple[str, int]]:
    """Effects still in the file, by kind and tries, without the agent's events."""
    found = house.sql("select kind, attempts from effects where kind != 'webhook' order by n")
    return [(kind, tries) for kind, tries in found]


async def states(house: House, request: Request) -> list[tuple[str, str]]:
    """Whom its cards went to, and what became of each."""
    return [(d.to, str(d.state)) for d in await house.store.deliveries(request.id)]


async def file(house: House, request: Request, number: int = 1) -> bool:
    """An incoming letter is dealt with, and its answer is owed."""
    receipt = Receipt(key=f"key_{number}", thread="letter_1", verdict="approve", at=START)
    about = Handled(request=request.id, actor="person:ana", via="email", refused=False)
    return await house.desk.file(receipt, ANSWER, about)


async def test_an_answer_is_written_once_under_its_own_name(house: House) -> None:
    """The effect's id, which is the same when it is written again; then nothing is owed."""
    request = await house.submit()
    await house.rest()
    assert await file(house, request)
    names = [effect_id for (effect_id,) in house.sql("select id from effects where kind = 'letter'")]
    await house.rest()
    assert house.channels["email"].letters == [(names[0], ANSWER)]
    assert house.channels["slack"].letters == []
    assert owed(house) == []
    assert not await file(house, request)
    await house.rest()
    assert len(house.channels["email"].letters) == 1


async def test_answers_go_side_by_side(house: House) -> None:
    """One that hangs holds up no other, nor the cards of its request."""
    wire = house.channels["email"]
    request = await house.submit()
    await house.rest()
    wire.gate = asyncio.Event()
    wire.entered.clear()
    await file(house, request)
    await wire.entered.wait()
    held, wire.gate = wire.gate, None
    await file(house, request, 2)
    async with asyncio.timeout(5):
        # Sent is not yet written down.
        while [kind for kind, _ in owed(house)].count("letter") != 1:
            await asyncio.sleep(0.002)
    assert len(wire.letters) == 1
    held.set()
    await house.rest()
    assert len({name for name, _ in wire.letters}) == 2


async def test_an_answer_survives_a_kill(tmp_path: Path) -> None:
    """Killed before it was written, or while it was: the next start writes it, under the same name."""
    path, clock, channels = tmp_path / "sayso.db", MovableClock(), wires()
    wire = channels["email"]
    async with open_house(path, channels=channels, clock=clock) as house:
        request = await house.submit()
        assert await file(house, request)
        name = house.sql("select id from effects where kind = 'letter'")[0][0]
        wire.gate = asyncio.Event()
        courier = await house.work()
        await wire.entered.wait()
        await courier.stop(0)
        assert ("letter", 0) in owed(house)
    wire.gate = None
    async with open_house(path, channels=channels, clock=clock) as house:
        await house.work()
        await house.rest()
        assert wire.letters == [(name, ANSWER)]
        assert owed(house) == []
        assert not await file(house, request)
        await prove(house.store)


async def test_p08_an_answer_is_tried_again_and_given_up_without_failing_a_card(house: House) -> None:
    """A failure for now keeps its name; one for good is let go: its reader has the card, which stands as it did."""
    wire = house.channels["email"]
    request = await house.submit()
    await house.rest()
    wire.faults = [SendFailed("451 later", temporary=True, retry_after=30)]
    await file(house, request)
    await house.rest()
    assert owed(house) == [("letter", 1)]
    name = house.sql("select id from effects where kind = 'letter'")[0][0]
    await house.later(seconds=30)
    assert wire.letters == [(name, ANSWER)]
    wire.faults = [SendFailed("550 no", temporary=False, unreachable=True)]
    await file(house, request, 2)
    await house.rest()
    assert (owed(house), len(wire.letters)) == ([], 1)
    assert await states(house, request) == [("ana", "sent"), ("ben", "sent")]


async def test_an_answer_through_a_channel_that_is_off(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody can write it: it is given up, aloud."""
    request = await house.submit()
    await house.rest()
    del house.channels["email"]
    await file(house, request)
    await house.rest()
    assert [row for row in owed(house) if row[0] == "letter"] == []
    assert f"letter of request {request.id} given up: the channel email is off" in caplog.text


async def until(house: House, request: Request, event: str) -> None:
    """Wait for a line of the request's trail, then for the courier."""
    async with asyncio.timeout(5):
        while event not in await house.events(request):
            await asyncio.sleep(0.005)
    await house.rest()


async def test_a_decision_and_its_run_are_one_letter(house: House, receiver: Receiver) -> None:
    """It waits a moment for what follows at once, and then says both; a channel that redraws does not wait."""
    house.rule(lambda text: text.replace("notify: [finance], via: [slack]", "notify: [finance], via: [slack, email]"))
    request = await house.submit()
    await house.rest()
    await house.decide(request)
    await until(house, request, "execution.ended")
    mail, slack = house.channels["email"], house.channels["slack"]
    assert len([call for call in receiver.calls if call.path == "/refunds"]) == 1
    assert mail.sent("update") == []
    assert set(slack.sent("update")) == {"ana", "ben"}
    assert owed(house) == [("refresh", 0)] * 4
    await house.later(seconds=MOMENT.total_seconds())
    assert sorted(mail.said[2:]) == [("update", "ana", "approved", 1), ("update", "ben", "approved", 1)]
    assert owed(house) == []


async def test_what_follows_later_is_a_letter_of_its_own(house: House) -> None:
    """The moment is short: a run that ends after the undo window is told by itself."""
    request = await house.submit("mail.send")
    await house.rest()
    await house.decide(request)
    await house.later(seconds=1)
    assert sorted(house.channels["email"].sent("update")) == ["ana", "ben"]
    await house.later(seconds=30)
    await until(house, request, "execution.ended")
    await house.later(seconds=1)
    assert sorted(house.channels["email"].sent("update")) == ["ana", "ana", "ben", "ben"]
    assert owed(house) == []


async def test_a_moment_is_kept_by_a_restart(house: House) -> None:
    """It is in the file, and told after the next start."""
    request = await house.submit()
    await house.rest()
    assert house.courier is not None
    await house.decide(request, verb=Verb.REJECT)
    await house.courier.stop(0)
    assert owed(house) == [("refresh", 0)] * 2
    house.clock.move(seconds=1)
    await house.work()
    await house.rest()
    assert sorted(house.channels["email"].sent("update")) == ["ana", "ben"]


async def test_a_new_revision_is_one_letter_and_no_word_beside_it(house: House) -> None:
    """Where cards do not change, the letter with the new revision says that itself; elsewhere there is a word."""
    house.rule(lambda text: text.replace("notify: [finance], via: [slack]", "notify: [finance], via: [slack, email]"))
    request = await house.submit()
    await house.rest()
    await house.decide(request, verb=Verb.ASK, comment="why?")
    await house.desk.inform(request.id, agent="billing", text="so")
    await house.rest()
    await house.later(seconds=1)
    mail, slack = house.channels["email"], house.channels["slack"]
    assert (mail.sent("remind"), sorted(slack.sent("remind"))) == ([], ["ana", "ben"])
    assert sorted(mail.said[2:]) == [("update", "ana", "pending", 2), ("update", "ben", "pending", 2)]
    assert {d.revision for d in await house.store.deliveries(request.id)} == {2}


async def test_an_edit_that_needs_another_look_is_one_letter_too(house: House) -> None:
    """The same for what a person changed, to everybody who had a letter."""
    house.rule(
        lambda text: text.replace("notify: [ana, ben, lea], via: [slack]", "notify: [ana, ben, lea], via: [email]")
    )
    request = await house.submit("two.of", arguments={"amount": 5})
    await house.rest()
    after = await house.decide(request, verb=Verb.APPROVE_WITH_EDITS, arguments={"amount": 4})
    assert after.state.open
    await house.rest()
    await house.later(seconds=1)
    mail = house.channels["email"]
    assert mail.sent("remind") == []
    assert sorted(mail.said[3:]) == [("update", to, "pending", 2) for to in ("ana", "ben", "lea")]


async def test_reminders_are_letters_all_the_same(house: House) -> None:
    """Time passes and nothing changed: that word no letter has said yet."""
    await house.submit()
    await house.rest()
    await house.later(minutes=5)
    assert sorted(house.channels["email"].sent("remind")) == ["ana", "ben"]


async def test_a_new_handle_is_kept(house: House) -> None:
    """What the channel needs to find its newest letter again stands in the row and in the trail."""
    house.rule(
        lambda text: text.replace("{notify: [ana], via: [slack], wait: 15m}", "{notify: [ana], via: [email]}", 1)
    )
    request = await house.submit("page.me", agent="eva")
    await house.rest()
    wire = house.channels["email"]
    wire.renamed = {"thread": "a", "latest": "b"}
    await house.decide(request, verb=Verb.ASK, comment="why?")
    await house.later(seconds=1)
    sent = (await house.store.deliveries(request.id))[0]
    assert (sent.handle, sent.revision) == ({"thread": "a", "latest": "b"}, 1)
    await house.desk.inform(request.id, agent="eva", text="so")
    await house.later(seconds=1)
    sent = (await house.store.deliveries(request.id))[0]
    assert (sent.handle, sent.revision) == ({"thread": "a", "latest": "b"}, 2)
    assert (await house.events(request)).count("delivery.updated") == 2
    assert owed(house) == []
