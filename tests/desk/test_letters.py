"""Letters at the desk: an act counts once however often it arrives, and what came back moves the chain on."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from bot.core import errors
from bot.core.model import Delivery, DeliveryState, Request, State, Verb
from bot.core.ports import MOST_ANSWERS, Cursor, Handled, KeyItem, Letter, Receipt, ReplyKey, Unreachable
from tests.desk.house import START, House, edits

DAY = timedelta(days=1)


def by_mail(text: str) -> str:
    """The rules with every step asked by mail."""
    return text.replace("via: [slack]", "via: [email]")


async def trail(house: House, kind: str) -> list[dict[str, Any]]:
    """The data of every line of this type in the whole trail."""
    lines = [json.loads(line.body) for line in await house.store.audit_lines(0, 10_000)]
    return [line["data"] for line in lines if line["type"] == kind]


async def states(house: House, request: Request) -> list[tuple[str, str]]:
    """Whom its cards went to, and what became of each."""
    return [(d.to, str(d.state)) for d in await house.store.deliveries(request.id)]


ACTS: list[tuple[Verb, dict[str, Any]]] = [
    (Verb.APPROVE, {}),
    (Verb.APPROVE_WITH_EDITS, {"amount": 100.0}),
    (Verb.REJECT, {}),
    (Verb.ASK, {}),
    (Verb.ESCALATE, {}),
]


TWO = '{name: two, when: action == "two.approvals", stages: [{name: finance, chain: finance'
"""A stage that takes two approvals, of a chain with somebody to escalate to."""


def act(request: Request, verb: Verb, changed: dict[str, Any]) -> dict[str, Any]:
    """What the ballot of this act carries."""
    more: dict[str, Any] = {"comment": "why?"} if verb is Verb.ASK else {}
    return more | ({"arguments": edits(request, **changed)} if changed else {})


@pytest.mark.parametrize(("verb", "changed"), ACTS, ids=[verb for verb, _ in ACTS])
@pytest.mark.parametrize("action", ["refund.issue", "two.approvals"])
async def test_an_act_that_arrives_again_counts_once(
    house: House, action: str, verb: Verb, changed: dict[str, Any]
) -> None:
    """The same answer, no second decision, no line in the trail, nothing more to do, and nobody is refused."""
    house.rule(
        lambda text: text.replace('{name: two, when: action == "two.of", stages: [{name: pair, chain: pair', TWO)
    )
    request = await house.submit(action, arguments={"order": "1", "amount": 240.0})
    more = act(request, verb, changed)
    first = await house.decide(request, verb=verb, id="dec_of_this_mail", **more)
    before = (await house.events(request), house.sql("select id from effects"))
    second = await house.decide(request, verb=verb, id="dec_of_this_mail", **more)
    assert second == first == await house.now(request)
    assert [d.id for d in second.decisions] == ["dec_of_this_mail"]
    assert (await house.events(request), house.sql("select id from effects")) == before


@pytest.mark.parametrize("end", ["approved", "cancelled", "expired"])
async def test_also_after_the_request_ended(house: House, end: str) -> None:
    """Whoever asked hears that it was asked, not that it is too late: that is what the mail did."""
    request = await house.submit()
    await house.decide(request, verb=Verb.ESCALATE, id="dec_1")
    if end == "approved":
        await house.decide(request, "ben")
    elif end == "cancelled":
        await house.desk.cancel(request.id, agent="billing", reason=None)
    else:
        house.clock.move(hours=25)
        await house.desk.wake()
    found = await house.decide(request, verb=Verb.ESCALATE, id="dec_1")
    assert str(found.state) == end
    assert "refusal" not in " ".join(await house.events(request))
    with pytest.raises(errors.Conflict):
        await house.decide(request, verb=Verb.ESCALATE, id="dec_2")
    assert (await house.events(request))[-1].startswith("refusal:")


async def test_another_mail_is_another_act(house: House) -> None:
    """The same person may escalate twice, and has voted once."""
    request = await house.submit()
    request = await house.decide(request, verb=Verb.ESCALATE, id="dec_1")
    request = await house.decide(request, verb=Verb.ESCALATE, id="dec_2")
    assert (request.step, [d.id for d in request.decisions]) == (2, ["dec_1", "dec_2"])
    pair = await house.submit("two.of")
    await house.decide(pair, verb=Verb.APPROVE, id="dec_3")
    with pytest.raises(errors.AlreadyVoted):
        await house.decide(pair, verb=Verb.APPROVE, id="dec_4")


async def test_the_same_act_twice_at_once(house: House) -> None:
    """Through a mailbox and a listener in the same moment: one decision, and both hear of it."""
    request = await house.submit("two.of")
    found = await asyncio.gather(*(house.decide(request, id="dec_1") for _ in range(5)))
    assert {len(each.decisions) for each in found} == {1}
    assert len((await house.now(request)).decisions) == 1
    assert (await house.events(request)).count("request.approve") == 1


def receipt(number: int = 1, thread: str = "letter_1", verdict: str = "approve") -> Receipt:
    """What became of an incoming letter."""
    return Receipt(key=f"key_{number}", thread=thread, verdict=verdict, at=START)


def about(request: Request, *, refused: bool = False) -> Handled:
    """What the trail says of it."""
    return Handled(request=request.id, actor="person:ana", via="email", refused=refused)


ANSWER = Letter(
    person="ana",
    subject="Re: Refund",
    lines=("Understood: approved.",),
    link="https://sayso.test/r",
    thread="letter_1",
    answers="<1@example.com>",
)


async def test_a_letter_is_filed_once_with_its_answer(house: House) -> None:
    """The answer is a committed effect that holds the whole letter; the trail says what was received, once."""
    request = await house.submit()
    assert await house.desk.received("key_1") is None
    assert await house.desk.file(receipt(), ANSWER, about(request))
    owed = house.sql("select request, ref, note from effects where kind = 'letter'")
    assert [(of, via, msgspec.json.decode(note, type=Letter)) for of, via, note in owed] == [
        (request.id, "email", ANSWER)
    ]
    for again in (receipt(), receipt(verdict="reject"), receipt(thread="letter_2")):
        assert not await house.desk.file(again, ANSWER, about(request))
    assert await house.desk.received("key_1") == receipt()
    assert len(house.sql("select id from effects where kind = 'letter'")) == 1
    assert await trail(house, "letter.received") == [{"verdict": "approve"}]


async def test_what_the_channel_refused_is_a_refusal(house: House) -> None:
    """By its reason and with who wrote it, whether or not it is answered."""
    request = await house.submit()
    await house.desk.file(receipt(verdict="sender_unverified"), None, about(request, refused=True))
    assert (await house.events(request))[-1] == "refusal:sender_unverified"
    assert house.sql("select id from effects where kind = 'letter'") == []
    line = json.loads((await house.store.audit(request.id))[-1].body)
    assert (line["actor"], line["via"]) == ("person:ana", "email")


async def test_answers_to_one_thread_end(house: House) -> None:
    """Five are written; the sixth letter is filed, is in the trail, and hears nothing: no two machines write for ever.

    Another thread is not cut short by it, and what asked for no answer does not count.
    """
    request = await house.submit()
    for number in range(20, 30):
        assert not await house.desk.file(receipt(number), None, about(request))
    told = [await house.desk.file(receipt(number), ANSWER, about(request)) for number in range(MOST_ANSWERS + 2)]
    assert told == [True] * MOST_ANSWERS + [False] * 2
    assert await house.desk.received(f"key_{MOST_ANSWERS + 1}") is not None
    assert len(house.sql("select id from effects where kind = 'letter'")) == MOST_ANSWERS == 5
    assert len(await trail(house, "letter.received")) == 17
    assert await house.desk.file(receipt(99, "letter_2"), ANSWER, about(request))


async def test_six_letters_at_once_get_five_answers(house: House) -> None:
    """Filed side by side in one commit."""
    request = await house.submit()
    told = await asyncio.gather(*(house.desk.file(receipt(n), ANSWER, about(request)) for n in range(6)))
    assert sorted(told) == [False] + [True] * 5


async def test_a_letter_about_nothing_is_not_filed(house: House) -> None:
    """No request, no receipt: the channel hears of it."""
    request = await house.submit()
    strange = Handled(request="req_none", actor="person:ana", via="email", refused=False)
    with pytest.raises(errors.NotFound):
        await house.desk.file(receipt(), ANSWER, strange)
    assert await house.desk.received("key_1") is None
    assert await house.desk.file(receipt(), ANSWER, about(request))


async def asked_by_mail(house: House, several: int = 1) -> list[Request]:
    """Requests whose letters to ana and ben are out."""
    house.rule(by_mail)
    await house.work()
    found = [await house.submit() for _ in range(several)]
    await house.rest()
    return found


async def letter_to(house: House, person: str, *requests: Request) -> ReplyKey:
    """What the reply address of one letter to this person, about all of these, stands for."""
    items: list[KeyItem] = []
    for request in requests:
        sent = next(d for d in await house.store.deliveries(request.id) if d.to == person)
        items.append(
            KeyItem(
                request=request.id,
                revision=request.revision,
                digest=request.digest,
                delivery=sent.id,
                fully_shown=True,
                number=len(items) + 1 if len(requests) > 1 else 0,
            )
        )
    return ReplyKey(
        hash=f"hash {person}",
        letter=f"letter {person}",
        channel="email",
        person=person,
        items=tuple(items),
        at=START,
        expires_at=START + 30 * DAY,
    )


async def test_a_bounce_moves_nothing_while_somebody_was_reached(house: House) -> None:
    """Ana's letter came back, Ben has his: the chain keeps its time, and the card is failed with the reason."""
    (request,) = await asked_by_mail(house)
    await house.desk.returned(await letter_to(house, "ana", request), "550 5.1.1 no such user")
    await house.rest()
    assert await states(house, request) == [("ana", "failed"), ("ben", "sent")]
    failed = (await house.store.deliveries(request.id))[0]
    assert failed.error == "550 5.1.1 no such user"
    assert (await house.now(request)).step == 0
    assert await house.desk.unreachable("email", "ana") == Unreachable(
        channel="email", to="ana", error="550 5.1.1 no such user", at=START
    )
    assert await house.desk.unreachable("email", "ben") is None


async def test_the_last_bounce_asks_the_next_at_once(house: House) -> None:
    """Nobody of the step is left: Lea has her letter without any time passing, and the trail says why."""
    (request,) = await asked_by_mail(house)
    for person in ("ana", "ben"):
        await house.desk.returned(await letter_to(house, person, request), "550 no such user")
    await house.rest()
    after = await house.now(request)
    assert (after.step, after.escalation_level) == (1, 1)
    assert house.channels["email"].sent()[2:] == ["lea"]
    assert await states(house, request) == [("ana", "failed"), ("ben", "failed"), ("lea", "sent")]
    assert [line["reason"] for line in await trail(house, "request.escalated")] == ["undeliverable"]


async def test_the_same_bounce_twice_is_one(house: House) -> None:
    """A report that arrives again fails nothing more, moves nothing on and says nothing."""
    (request,) = await asked_by_mail(house)
    keys = [await letter_to(house, person, request) for person in ("ana", "ben")]
    for key in keys:
        await house.desk.returned(key, "550 no such user")
    lines = await house.store.audit_lines(0, 10_000)
    for key in keys * 2:
        await house.desk.returned(key, "again")
    await house.rest()
    later = [json.loads(line.body)["type"] for line in (await house.store.audit_lines(0, 10_000))[len(lines) :]]
    assert later == ["delivery.sent"]
    assert (await house.now(request)).step == 1
    assert [line["address"] for line in await trail(house, "address.unreachable")] == ["ana", "ben"]


async def test_a_digest_that_came_back_fails_each_of_its_cards(house: House) -> None:
    """Every request in it moves on where nobody else was reached; the address is marked once."""
    requests = await asked_by_mail(house, 3)
    await house.desk.returned(await letter_to(house, "ana", *requests[:2]), "550 no such user")
    await house.desk.returned(await letter_to(house, "ben", *requests[1:]), "550 no such user")
    await house.rest()
    assert [(await house.now(request)).step for request in requests] == [0, 1, 0]
    assert await states(house, requests[0]) == [("ana", "failed"), ("ben", "sent")]
    assert await states(house, requests[2]) == [("ana", "sent"), ("ben", "failed")]
    assert [line["address"] for line in await trail(house, "address.unreachable")] == ["ana", "ben"]


async def test_a_bounce_of_what_ended_or_is_gone(house: House) -> None:
    """The card is failed and nothing moves; a card that nobody knows is passed over and the others are not."""
    request, other = await asked_by_mail(house, 2)
    key = await letter_to(house, "ana", request, other)
    strange = msgspec.structs.replace(key.items[0], delivery="dlv_none")
    await house.decide(request, "ben", Verb.REJECT)
    await house.desk.returned(msgspec.structs.replace(key, items=(strange, *key.items)), "550")
    await house.rest()
    assert (await states(house, request))[0] == (await states(house, other))[0] == ("ana", "failed")
    assert (await house.now(request)).state is State.REJECTED


async def test_a_bounce_that_is_faster_than_our_own_record(house: House) -> None:
    """The letter was out and came back before the store could be told that it was sent: it has failed, and stays so."""
    house.rule(by_mail)
    wire = house.channels["email"]
    wire.gate = asyncio.Event()
    await house.work()
    request = await house.submit()
    await wire.everybody(2)
    await house.desk.returned(await letter_to(house, "ana", request), "550 no such user")
    wire.gate.set()
    await house.rest()
    assert await states(house, request) == [("ana", "failed"), ("ben", "sent")]
    assert house.sql("select kind from effects where kind != 'webhook'") == []


PAGED = """  paged:
    - {notify: [ana], via: [email], wait: 15m}
    - {notify: [ana, ben], via: [email], wait: 15m}
    - {notify: [lea], via: [slack]}
  legal"""


async def test_a_card_of_an_earlier_step_counts_where_it_reaches_the_newest(house: House) -> None:
    """The second step asks Ana again, and Ben: once both came back it reached nobody, though hers was the first's."""
    house.rule(lambda text: re.sub(r"  paged:.*?  legal", PAGED, text, flags=re.DOTALL))
    await house.work()
    request = await house.submit("page.me", agent="quiet")
    await house.rest()
    await house.later(minutes=15)
    assert (await house.now(request)).step == 1
    await house.desk.returned(await letter_to(house, "ben", request), "550")
    assert (await house.now(request)).step == 1
    await house.desk.returned(await letter_to(house, "ana", request), "550")
    assert (await house.now(request)).step == 2
    await house.rest()
    assert house.channels["slack"].sent() == ["lea"]


async def failed_for_good(house: House, request: Request, to: str = "ana") -> Delivery:
    """The courier's word that an address reaches nobody."""
    sent = next(d for d in await house.store.deliveries(request.id) if d.to == to)
    effect = next(e for e in await house.desk.effects() if e.ref == sent.id)
    await house.desk.undeliverable(effect, sent, "550 no such user", unreachable=True)
    return sent


async def test_a_refusal_of_the_address_is_kept_for_a_day(house: House) -> None:
    """From when it was first known: later refusals do not put the next try off for ever."""
    house.rule(by_mail)
    first, second, third = [await house.submit() for _ in range(3)]
    await failed_for_good(house, first)
    house.clock.move(hours=23)
    await failed_for_good(house, second)
    assert await house.desk.unreachable("email", "ana") is not None
    house.clock.move(hours=1)
    assert await house.desk.unreachable("email", "ana") is None
    assert len(await house.store.unreachable()) == 1
    assert len(await trail(house, "address.unreachable")) == 1
    await failed_for_good(house, third)
    found = await house.desk.unreachable("email", "ana")
    assert found is not None
    assert found.at == house.clock.at
    assert len(await trail(house, "address.unreachable")) == 2


async def test_an_address_that_writes_is_alive(house: House) -> None:
    """It is forgotten that nobody was reached there, with a line in the trail; what was never lost writes nothing."""
    house.rule(by_mail)
    await failed_for_good(house, await house.submit())
    for _ in range(2):
        await house.desk.reached("email", "ana")
        assert await house.desk.unreachable("email", "ana") is None
    await house.desk.reached("email", "ben")
    assert await trail(house, "address.reachable") == [{"address": "ana"}]
    assert await house.store.unreachable() == ()


async def test_a_failure_that_is_not_the_addresses_marks_none(house: House) -> None:
    """A letter that was refused for itself says nothing of whom it was to."""
    house.rule(by_mail)
    request = await house.submit()
    sent = (await house.store.deliveries(request.id))[0]
    effect = next(e for e in await house.desk.effects() if e.ref == sent.id)
    await house.desk.undeliverable(effect, sent, "552 too big")
    assert (await house.store.deliveries(request.id))[0].state is DeliveryState.FAILED
    assert await house.store.unreachable() == ()


async def test_what_a_letter_stands_for_is_found_again(house: House) -> None:
    """By the hash of its token and by its name; and how far a mailbox was read."""
    (request,) = await asked_by_mail(house)
    key = await letter_to(house, "ana", request)
    await house.desk.keep_key(key)
    assert await house.desk.reply_key(key.hash) == await house.desk.letter(key.letter) == key
    assert await house.desk.cursor("imaps://h/INBOX") is None
    moved = Cursor(mailbox="imaps://h/INBOX", validity=1, uid=7)
    await house.desk.move_cursor(moved)
    assert await house.desk.cursor("imaps://h/INBOX") == moved
