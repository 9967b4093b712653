"""Addresses that reach nobody: their owner is told in the inbox, everybody else on the request's page."""

from __future__ import annotations

import re
from typing import Any

from bot.core.model import Delivery, DeliveryState, Event, Request
from bot.core.ports import Change
from tests.web.inbox.conftest import Visit
from tests.web.inbox.house import Standing

SAID = "550 5.1.1 <ben@example.com>: Recipient address rejected: <b>User unknown</b>"


async def card_sent(house: Standing, request: Request, **fields: Any) -> None:
    """Write one delivery of the request, as the courier does."""
    card = Delivery(
        **{
            "id": f"dlv_{fields['to']}", "request": request.id, "channel": "email", "person": "ben", "stage": 0,
            "step": 0, "state": DeliveryState.SENT, "at": house.clock.now(), **fields,
        }
    )  # fmt: skip
    event = Event(type="delivery.sent", at=card.at, actor="sayso", via="email", request=request.id)
    await house.store.write(lambda tx: tx.record(Change(event=event, deliveries=(card,))))


def cards(text: str) -> str:
    """The part of the page that tells of the cards sent."""
    found = re.search(r"<details[^>]*>\s*<summary>Cards sent.*?</details>", text, re.DOTALL)
    assert found
    return found[0]


async def test_who_is_not_reached_is_told_in_the_inbox(house: Standing, visit: Visit) -> None:
    """Since when, what the server said in letters that hide nothing, and what to do; nobody else is shown it."""
    ben, ana = await visit("ben"), await visit("ana")
    before = (await ben.get("/inbox")).text
    assert "Mail does not reach you" not in before
    await house.returned("Ben@Example.com", SAID + "\u202e")
    page = await ben.get("/inbox")
    for said in (
        "Mail does not reach you",
        "Ben@Example.com",
        SAID,
        "⟦U+202E⟧",
        "answer any mail that the bot sent there",
    ):
        assert said in page.words, said
    assert "<b>User unknown</b>" not in page.text
    assert re.search(r'could not be delivered \(<time datetime="20', page.text)
    assert "Mail does not reach you" not in (await ana.get("/inbox")).text
    versions = {re.findall(r'data-version="([^"]*)"', text)[0] for text in (before, page.text)}
    assert len(versions) == 2, "an open queue would not show it"
    await house.store.write(lambda tx: tx.forget_unreachable("email", "Ben@Example.com"))
    assert "Mail does not reach you" not in (await ben.get("/inbox")).text


async def test_only_a_mail_address_counts_as_ones_mail(house: Standing, visit: Visit) -> None:
    """The same letters in another channel are another address, and who has no address is told nothing."""
    await house.returned("ben@example.com", "channel_not_found", channel="push")
    await house.returned("", "550 nobody")
    for person in ("ben", "kim"):
        assert "does not reach you" not in (await (await visit(person)).get("/inbox")).text


async def test_a_failed_delivery_stands_open_on_the_requests_page(house: Standing, visit: Visit) -> None:
    """Its error is there without a click and counted in the heading; what arrived is told quietly."""
    request, quiet = await house.submit(), await house.submit()
    await card_sent(house, request, to="ana@example.com", person="ana")
    await card_sent(house, request, to="ben@example.com", state=DeliveryState.FAILED, error=SAID)
    await card_sent(house, quiet, to="ana2@example.com", person="ana")
    ana = await visit("ana")
    shown = cards((await ana.get(f"/requests/{request.id}")).text)
    assert shown.startswith('<details class="panel fold" aria-label="Cards sent" open>')
    assert "1 failed" in shown
    assert "&lt;b&gt;User unknown&lt;/b&gt;" in shown
    assert re.search(r'class="low">failed<', shown)
    closed = cards((await ana.get(f"/requests/{quiet.id}")).text)
    assert closed.startswith('<details class="panel fold" aria-label="Cards sent">')
    assert "failed" not in closed
    await ana.decide(request.id, "reject", comment="no", category="other")
    decided = cards((await ana.get(f"/requests/{request.id}")).text)
    assert (" open>" in decided.split("\n")[0], "1 failed" in decided) == (False, True)


async def test_an_unreachable_address_is_named_on_the_requests_page(house: Standing, visit: Visit) -> None:
    """Where a card went to it or somebody is asked now who lives there; no other request speaks of it."""
    request = await house.submit()
    other = await house.submit(action="deploy.service", arguments={"service": "docs", "version": "9"})
    await house.returned("ben@example.com", SAID)
    await house.returned("lea@example.com", "550 not asked yet")
    ana = await visit("ana")
    shown = cards((await ana.get(f"/requests/{request.id}")).text)
    assert "ben@example.com reaches nobody" in shown
    assert "lea@example.com" not in shown
    await card_sent(house, request, to="lea@example.com", person="lea")
    assert "lea@example.com reaches nobody" in cards((await ana.get(f"/requests/{request.id}")).text)
    assert "reaches nobody" not in (await ana.get(f"/requests/{other.id}")).text
