"""T23: what a request hides, and whose data it is, holds for its rollback and for its review afterwards, too."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.core.model import Request, Verb
from bot.core.ports import Filter
from bot.core.redaction import MARK, shown
from tests.desk.house import House, open_house
from tests.desk.remedied import executed, furnish, order_of, reviews

SECRET = "4929-CANARY-1234"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A desk whose refunds hide a card number, belong to a customer, and can be reversed."""
    async with open_house(tmp_path / "sayso.db") as opened:
        furnish(opened)
        yield opened


async def back(house: House, first: Request, by: str = "agent:billing") -> Request:
    """The rollback that somebody proposes."""
    rollback, _ = await house.desk.roll_back(first.id, by=by, via="api", reason="wrong")
    return rollback


async def test_t23_what_the_first_one_hides_its_rollback_hides(house: House) -> None:
    """A hidden card number is handed on exactly, and shown nowhere, after an edit neither."""
    first = await executed(house, card=SECRET, customer="dana@example.com", result={"id": "re_9", "token": SECRET})
    rollback = await back(house, first, "person:kim")
    assert rollback.content.arguments["card"] == SECRET
    assert shown(rollback).content.arguments["card"] == MARK
    assert "/arguments/card" in rollback.route.hidden
    edited = await house.decide(
        rollback,
        "ben",
        Verb.APPROVE_WITH_EDITS,
        arguments={**rollback.content.arguments, "amount": 1.0, "card": SECRET},
    )
    assert SECRET not in edited.title
    # What was proposed stands beside it, hidden alike.
    assert shown(edited).content.proposed == {**rollback.content.arguments, "card": MARK}
    seen = str(shown(edited)) + str(house.desk.card_of(edited)) + rollback.title
    lines = [line.body for one in (first, rollback) for line in await house.store.told(one)]
    assert SECRET not in seen + "".join(lines)
    assert SECRET not in "".join(line.body for line in await house.store.audit(rollback.id))
    assert (await order_of(house, edited)).arguments["card"] == SECRET


async def test_t23_it_is_erased_with_what_it_takes_back(house: House) -> None:
    """The rollback names no subject of its own, and all the same goes with the first one's, lines and all."""
    first = await executed(house, customer="dana@example.com", order="CANARY-77", amount=3.0)
    rollback = await back(house, first)
    await house.decide(rollback, "ben", Verb.REJECT, comment="CANARY-77 stays")
    erased = await house.desk.forget("dana@example.com", by="admin:ops", via="api", cancel=True)
    assert erased.requests == 3, "the refund, its rollback, and its review afterwards"
    told = [str(await house.now(one.id)) for one in await house.store.requests(Filter())]
    lines = [line.body for line in await house.store.audit_lines(0, 1000)]
    assert "CANARY-77" not in "".join(told + lines)


async def test_t23_a_review_afterwards_shows_nothing_hidden(house: House) -> None:
    """Its arguments are the first one's as everybody may see them, its result, too."""
    first = await executed(house, card=SECRET, amount=3.0, result={"id": "re_9", "token": "tok_CANARY", "echo": SECRET})
    (review,) = await reviews(house)
    assert review.content.arguments["arguments"]["card"] == MARK
    # Its content as it is stored; of its route, which knows what is not to be said, only what is shown.
    told = str(review.content) + str(shown(review)) + review.title
    everything = told + str(house.desk.card_of(review)) + str(house.sql("select * from events"))
    assert "CANARY" not in everything.replace("CANARY-77", "")
    assert first.route.hidden
