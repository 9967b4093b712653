"""Letters that came back, and addresses at which nobody is reached: the chain moves on, once and at once."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import timedelta

import msgspec

from bot.core.model import Delivery, DeliveryState, Request, State, Verb
from bot.core.ports import KeyItem, ReplyKey, Unreachable
from tests.desk.house import START, House, at
from tests.desk.test_letters import trail

DAY = timedelta(days=1)


def by_mail(text: str) -> str:
    """The rules with every step asked by mail."""
    return text.replace("via: [slack]", "via: [email]")


async def states(house: House, request: Request) -> list[tuple[str, str]]:
    """Whom its cards went to, and what became of each."""
    return [(d.to, str(d.state)) for d in await house.store.deliveries(request.id)]


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
    assert at(await house.now(request)).step == 0
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
    assert (at(after).step, after.escalation_level) == (1, 1)
    assert house.channels["email"].sent()[2:] == ["lea"]
    assert await states(house, request) == [("ana", "failed"), ("ben", "failed"), ("lea", "sent")]
    assert [line["reason"] for line in await trail(house, "request.escalated")] == ["undeliverable"]


async def test_the_same_bounce_twice_is_one(house: House) -> None:
    """A report that arrives again fails nothing more, moves nothing on and says nothing."""
    (request,) = await asked_by_mail(house)
    keys = [await letter_to(house, person, request) for person in ("ana", "ben")]
    for key in keys:
        await house.desk.returned(key, "550 no such user")
    await house.rest()
    lines = await house.store.audit_lines(0, 10_000)
    for key in keys * 2:
        await house.desk.returned(key, "again")
    await house.rest()
    later = [json.loads(line.body)["type"] for line in (await house.store.audit_lines(0, 10_000))[len(lines) :]]
    assert later == []
    assert at(await house.now(request)).step == 1
    assert [line["address"] for line in await trail(house, "address.unreachable")] == ["ana", "ben"]


async def test_a_digest_that_came_back_fails_each_of_its_cards(house: House) -> None:
    """Every request in it moves on where nobody else was reached; the address is marked once."""
    requests = await asked_by_mail(house, 3)
    await house.desk.returned(await letter_to(house, "ana", *requests[:2]), "550 no such user")
    await house.desk.returned(await letter_to(house, "ben", *requests[1:]), "550 no such user")
    await house.rest()
    assert [at(await house.now(request)).step for request in requests] == [0, 1, 0]
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
    assert at(await house.now(request)).step == 1
    await house.desk.returned(await letter_to(house, "ben", request), "550")
    assert at(await house.now(request)).step == 1
    await house.desk.returned(await letter_to(house, "ana", request), "550")
    assert at(await house.now(request)).step == 2
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


async def test_a_letter_that_is_taken_after_a_day_clears_the_address(house: House) -> None:
    """It is tried again then, and once it is taken nobody is told any more that nothing arrives there."""
    request = await house.submit()
    (delivery, *_) = await house.store.deliveries(request.id)
    lost = Unreachable(channel=delivery.channel, to=delivery.to, error="550 no", at=house.clock.now())
    await house.store.write(lambda tx: tx.mark_unreachable(lost))
    house.clock.move(hours=25)
    (effect, *_) = await house.desk.effects()
    await house.desk.sent(effect, delivery, request, {"channel": delivery.to, "ts": "1"})
    assert await house.store.unreachable() == ()
