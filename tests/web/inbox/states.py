"""One request in every state that its page can be in, for what has to hold of each of them."""

from __future__ import annotations

from typing import Any

from bot.core.model import Kind, Option, Request, Verb
from bot.core.ports import Ballot, Order, Outcome, OutcomeKind
from tests.web.inbox.house import AGENT, Standing

LETTER = "Dear Ms Roe,\n\nwe return 240 USD to your card within 5 days.\nPlease keep this.\n\nKind regards\nBilling"
OPTIONS = (
    Option("all", "Return all of it", {"order": "10428", "amount": 240.0, "currency": "USD"}),
    Option("half", "Return half", {"order": "10428", "amount": 120.0, "currency": "USD"}),
)


async def vote(house: Standing, request: Request, verb: Verb = Verb.APPROVE, by: str = "ana", **more: Any) -> Request:
    """Decide on a request as it stands, in the inbox."""
    now = await house.now(request.id)
    shown: dict[str, Any] = {"revision": now.revision, "digest": now.digest}
    return await house.desk.decide(Ballot(request=now.id, decision=verb, by=by, channel="inbox", **shown, **more))


async def begun(house: Standing, request: Request) -> Order:
    """The order of an approved request, its undo window over."""
    now = await house.now(request.id)
    assert now.execution is not None
    shift, house.clock.shift = (
        house.clock.shift,
        house.clock.shift + (now.execution.due_at or house.clock.now()) - (house.clock.now()),
    )
    claim = await house.desk.claim(now.execution.id)
    house.clock.shift = shift
    assert claim.order is not None
    return claim.order


async def ran(house: Standing, kind: OutcomeKind, **more: Any) -> Request:
    """An approved request whose run ended so; what is unknown is so for good."""
    request = await vote(house, await house.submit(reason="Charged twice"))
    for _ in range(5):
        order = await begun(house, request)
        await house.desk.conclude(order, Outcome(kind=kind, **more))
        stored = await house.now(request.id)
        if stored.execution is not None and stored.execution.state.ended:
            break
    return request


async def edited_thrice(house: Standing) -> Request:
    """A request that was asked about, answered, edited, approved, and taken back."""
    request = await house.submit(
        arguments={"order": "10428", "amount": 240.0, "currency": "USD", "notify": True, "note": LETTER},
        reason="Charged twice",
        confidence=0.7,
    )
    await vote(house, request, Verb.ASK, comment="Is the customer right that it was 5 days?")
    arguments = {**request.content.arguments, "note": LETTER.replace("5 days", "10 working days"), "amount": 230.0}
    await house.desk.inform(request.id, agent=AGENT, text="No: it is 10 working days.", arguments=arguments)
    changed = {
        **arguments,
        "amount": 200.0,
        "note": LETTER.replace("5 days", "10 working days").replace("Dear", "Good day"),
    }
    await vote(house, request, Verb.APPROVE_WITH_EDITS, arguments=changed, comment="Less of it")
    now = await house.now(request.id)
    return await house.desk.undo(request.id, by="ana", via="inbox", revision=now.revision)


async def states(house: Standing) -> dict[str, str]:
    """The address of a page in each kind and state."""
    found: dict[str, Request] = {}
    found["executed"] = await ran(house, OutcomeKind.EXECUTED, result={"refund": "re_1", "amount": 240.0})
    found["failed"] = await ran(house, OutcomeKind.FAILED, error="refused: the card is closed")
    found["unknown"] = await ran(house, OutcomeKind.UNKNOWN, error="timed_out: no answer; it may have happened")
    executing = await vote(house, await house.submit())
    order = await begun(house, executing)
    await house.desk.conclude(order, Outcome(kind=OutcomeKind.NOT_STARTED, error="not_connected: refused"))
    found["retrying"] = executing
    running = await vote(house, await house.submit())
    order = await begun(house, running)
    await house.desk.conclude(order, Outcome(kind=OutcomeKind.NOT_STARTED, error="not_connected: refused"))
    await begun(house, running)
    found["executing"] = running
    found["handed"] = await vote(house, await house.submit(action="host.run", arguments={"command": "ls"}))
    found["pending"] = await house.submit(reason="Charged twice", confidence=0.72, context={"risks": ["Some"]})
    found["question"] = await house.submit(kind=Kind.QUESTION, reason="Which card shall I take?", arguments={})
    found["choice"] = await house.submit(kind=Kind.CHOICE, reason="All or half?", arguments={}, options=OPTIONS)
    found["exception"] = await house.submit(kind=Kind.EXCEPTION, reason="A lawyer wrote", arguments={"order": "1"})
    found["needs_info"] = await vote(house, await house.submit(), Verb.ASK, comment="Which card?")
    found["rejected"] = await vote(house, await house.submit(), Verb.REJECT, comment="Never", category="other")
    found["undone"] = await edited_thrice(house)
    found["waiting"] = await vote(house, await house.submit(), comment="Fine")
    stopped = await vote(house, await house.submit())
    await house.desk.cancel(stopped.id, agent=AGENT, reason="The customer called it off")
    found["stopped"] = stopped
    pages = {name: f"/requests/{request.id}" for name, request in found.items()}
    return {**pages, "compared": f"{pages['undone']}?compare=1..3"}
