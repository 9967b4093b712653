"""What goes wrong in a house: runs of unknown outcome, runs that failed, cards that did not arrive."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from bot.core.model import Delivery, DeliveryState, Event, ExecutionState, Request, Verb
from bot.core.ports import Ballot, Change
from tests.web.inbox.house import AGENT, Standing


async def approved(house: Standing, **arguments: Any) -> Request:
    """A page that ana let be published; it is in its agent's hands."""
    request = await house.submit(action="page.publish", arguments={"page": "prices", **arguments})
    ballot = Ballot(
        request=request.id, decision=Verb.APPROVE, by="ana", channel="inbox", revision=1, digest=request.digest
    )
    await house.desk.decide(ballot)
    return await house.now(request.id)


async def lost(house: Standing, **arguments: Any) -> Request:
    """One whose agent never reported: nobody knows whether it happened. A day goes by."""
    request = await approved(house, **arguments)
    house.clock.shift += timedelta(hours=24, minutes=1)
    assert request.execution is not None
    await house.desk.claim(request.execution.id)
    return await house.now(request.id)


async def failed(house: Standing, error: str = "409 the page is locked", **arguments: Any) -> Request:
    """One whose agent reported that it failed."""
    request = await approved(house, **arguments)
    await house.desk.report(request.id, agent=AGENT, state=ExecutionState.FAILED, error=error)
    return await house.now(request.id)


async def undelivered(house: Standing, request: Request, error: str = "550 no such mailbox") -> Delivery:
    """A mail to ana about a request that the other side refused."""
    delivery = Delivery(
        id=f"dlv_{request.id}",
        request=request.id,
        channel="email",
        to="ana@example.com",
        person="ana",
        stage=0,
        step=0,
        state=DeliveryState.FAILED,
        at=house.clock.now(),
        error=error,
    )
    event = Event(type="delivery.failed", at=delivery.at, actor="sayso", via="email", request=request.id)
    await house.store.write(lambda tx: tx.record(Change(event=event, deliveries=(delivery,))))
    return delivery
