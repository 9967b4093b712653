"""Letters that reach nobody any more: the chain moves on, and what fails for itself fails no card."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.core.model import Request, Verb
from bot.core.ports import KeyItem, ReplyKey
from tests.courier.test_letters import by_letters, owed, states
from tests.desk.house import START, House, at
from tests.fakes.receiver import Receiver


@pytest.fixture
async def house(tmp_path: Path, receiver: Receiver) -> AsyncIterator[House]:
    """A house with a channel of letters, and the courier at work."""
    async with by_letters(tmp_path, receiver) as opened:
        yield opened


@pytest.mark.parametrize("word", ["remind", "refresh"])
async def test_p08_a_letter_that_reaches_nobody_any_more_moves_the_chain_on(house: House, word: str) -> None:
    """The first letter arrived, a later one finds the address gone: its card fails, and the next is asked at once."""
    wire = house.channels["email"]
    request = await house.submit()
    await house.rest()
    wire.lost = {"ana"}
    if word == "refresh":
        await house.decide(request, verb=Verb.ASK, comment="why?")
        await house.desk.inform(request.id, agent="billing", text="so")
        await house.later(seconds=1)
    else:
        await house.later(minutes=5)
    assert await states(house, request) == [("ana", "failed"), ("ben", "sent")]
    assert at(await house.now(request)).step == 0
    assert await house.desk.unreachable("email", "ana") is not None
    wire.lost = {"ben"}
    await house.later(minutes=5)
    assert await states(house, request) == [("ana", "failed"), ("ben", "failed"), ("lea", "sent")]
    assert at(await house.now(request)).step == 1
    assert house.channels["slack"].sent() == ["lea"]
    assert owed(house) == []


async def test_a_word_that_fails_for_itself_fails_no_card(house: House) -> None:
    """Refused for good, but not for the address: the letter before it stands, and so does the chain."""
    wire = house.channels["email"]
    request = await house.submit()
    await house.rest()
    wire.closed = {"ana", "ben"}
    await house.later(minutes=5)
    assert await states(house, request) == [("ana", "sent"), ("ben", "sent")]
    assert at(await house.now(request)).step == 0
    assert (owed(house), await house.store.unreachable()) == ([], ())


async def bounced(house: House, request: Request, *people: str) -> None:
    """Their letters come back."""
    for sent in await house.store.deliveries(request.id):
        if sent.to in people:
            item = KeyItem(
                request=request.id,
                revision=request.revision,
                digest=request.digest,
                delivery=sent.id,
                fully_shown=True,
            )
            mark: dict[str, Any] = {"hash": sent.id, "letter": sent.id, "channel": "email", "person": sent.to}
            key = ReplyKey(**mark, items=(item,), at=START, expires_at=START)
            await house.desk.returned(key, "550 no such user")


async def test_a_bounce_while_an_update_is_under_way_is_not_written_over(house: House) -> None:
    """The update ends later and gives a handle and a revision: the card has failed all the same."""
    wire = house.channels["email"]
    request = await house.submit()
    await house.rest()
    await house.decide(request, verb=Verb.ASK, comment="why?")
    await house.desk.inform(request.id, agent="billing", text="so")
    wire.gate, wire.inside, wire.renamed = asyncio.Event(), 0, {"letter": 9}
    house.clock.move(seconds=1)
    house.ring()
    await wire.everybody(2)
    await bounced(house, request, "ana")
    wire.gate.set()
    await house.rest()
    assert await states(house, request) == [("ana", "failed"), ("ben", "sent")]
    assert (await house.store.deliveries(request.id))[1].revision == 2
    assert owed(house) == []


async def test_a_bounced_card_hears_nothing_more(house: House) -> None:
    """What was owed at it is dropped, and the end of the request is told to the others alone."""
    wire = house.channels["email"]
    request = await house.submit()
    await house.rest()
    await house.decide(request, "ben", Verb.ASK, comment="why?")
    await bounced(house, request, "ana")
    await house.later(seconds=1)
    await house.desk.cancel(request.id, agent="billing", reason=None)
    await house.later(seconds=1)
    assert wire.sent("update") == ["ben", "ben"]
    assert owed(house) == []
    lines = [json.loads(line.body) for line in await house.store.audit(request.id)]
    assert [line["type"] for line in lines].count("delivery.failed") == 1
