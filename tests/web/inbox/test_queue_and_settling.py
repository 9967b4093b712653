"""The queue, and settling what nobody knows the end of."""

from __future__ import annotations

import html
from datetime import timedelta

from bot.core.model import ExecutionState, Request, State, Verb
from bot.core.ports import Ballot, Outcome, OutcomeKind
from tests.web.inbox.conftest import Visit
from tests.web.inbox.house import Standing


async def lost(house: Standing) -> Request:
    """An approved command whose agent never reported: its outcome is unknown."""
    request = await house.submit(action="host.run", arguments={"host": "db-3"})
    await house.desk.decide(
        Ballot(request=request.id, decision=Verb.APPROVE, by="ben", channel="slack", revision=1, digest=request.digest)
    )
    house.clock.shift += timedelta(hours=24, minutes=1)
    execution = (await house.now(request.id)).execution
    assert execution is not None
    await house.desk.claim(execution.id)
    return await house.now(request.id)


async def test_the_queue_shows_what_waits_for_me(house: Standing, visit: Visit) -> None:
    """What I am asked stands above, what others are asked does not, what was decided stands below."""
    mine = await house.submit(confidence=0.5)
    done = await house.submit(arguments={"order": "777", "amount": 9.0})
    await house.submit(action="deploy.service", arguments={"service": "docs", "version": "9"})
    ana, lea = await visit("ana"), await visit("lea")
    assert (await ana.decide(done.id, "reject", comment="no", category="other")).status == 303
    page = await ana.get("/inbox")
    assert "One request waits for you" in page.words
    assert "(1) Inbox" in page.words
    assert page.text.index(mine.id) < page.text.index("Recently decided") < page.text.index(done.id)
    assert "50% (below 85% gate)" in page.words
    assert "Ana Silva" in page.words
    assert "by rule" in page.words
    empty = await lea.get("/inbox")
    assert "Nothing waits for you" in empty.words
    assert mine.id not in empty.text


async def test_a_question_to_the_agent_stands_in_the_queue(house: Standing, visit: Visit) -> None:
    """What waits for an agent's answer is listed for those who review it."""
    request = await house.submit()
    ana = await visit("ana")
    await ana.decide(request.id, "ask", comment="Why?")
    page = await ana.get("/inbox")
    assert "Nothing waits for you" in page.words
    assert page.text.index("Waiting for the agent") < page.text.index(request.id)


async def test_p06_an_unknown_outcome_is_settled_by_somebody_who_was_asked(house: Standing, visit: Visit) -> None:
    """It stands in the inbox until a reviewer of it says what happened and how they know; that is recorded."""
    request = await lost(house)
    assert request.execution is not None
    assert request.execution.state is ExecutionState.UNKNOWN
    ana = await visit("ana")
    assert "Outcome unknown" in (await ana.get("/inbox")).words
    page = await ana.get(f"/requests/{request.id}")
    path = f"/requests/{request.id}/resolution"
    answer = await ana.post(path, csrf=page.hidden("csrf"), note="")
    assert answer.status == 422
    assert "Say whether it happened or not." in answer.words
    assert "Say how you found out" in answer.words
    answer = await ana.post(path, csrf=page.hidden("csrf"), state="executed", note="uptime says 2 min")
    assert answer.status == 303
    execution = (await house.now(request.id)).execution
    assert execution is not None
    assert (execution.state, execution.result) == (ExecutionState.EXECUTED, {"settled": "uptime says 2 min"})
    assert "execution.settled" in await house.audit_types(request.id)
    again = await ana.post(path, csrf=page.hidden("csrf"), state="failed", note="no")
    assert (again.status, "Only an unknown outcome can be settled" in again.words) == (409, True)


async def test_who_was_not_asked_cannot_settle(house: Standing, visit: Visit) -> None:
    """No form, and a form of one's own making is refused aloud and recorded."""
    request = await lost(house)
    lea = await visit("lea")
    page = await lea.get(f"/requests/{request.id}")
    assert '/resolution"' not in page.text
    assert "You were not asked." in page.words
    answer = await lea.post(f"/requests/{request.id}/resolution", csrf=page.hidden("csrf"), state="failed", note="x")
    assert (answer.status, "You were not asked." in answer.words) == (403, True)
    execution = (await house.now(request.id)).execution
    assert execution is not None
    assert execution.state is ExecutionState.UNKNOWN
    assert (await house.audit_types(request.id))[-1] == "refusal:not_assigned"


async def test_what_came_of_it_is_shown(house: Standing, visit: Visit) -> None:
    """The result of a replay, and the error of one that failed, stand on the page as they are."""
    ana = await visit("ana")
    for kind, result, error, said in (
        (OutcomeKind.EXECUTED, {"refund": "<b>re_1</b>"}, None, '"refund": "<b>re_1</b>"'),
        (OutcomeKind.FAILED, None, "404 <i>no such order</i>", "404 <i>no such order</i>"),
    ):
        request = await house.submit()
        await ana.decide(request.id, "approve")
        house.clock.shift += timedelta(seconds=31)
        execution = (await house.now(request.id)).execution
        assert execution is not None
        order = (await house.desk.claim(execution.id)).order
        assert order is not None
        await house.desk.conclude(order, Outcome(kind=kind, result=result, error=error))
        page = await ana.get(f"/requests/{request.id}")
        assert said in html.unescape(page.text)
        assert str(kind).capitalize() in page.words
        assert (await house.now(request.id)).state is State.APPROVED
