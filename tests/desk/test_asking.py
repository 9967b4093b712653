"""A question to the agent, its answer, and the people who look again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.core import errors
from bot.core.errors import SendFailed
from bot.core.model import DeliveryState, Request, State, Verb
from tests.desk.house import House, at


async def asked(house: House, request: Request, by: str = "ana") -> Request:
    """A question about it."""
    return await house.decide(request, by, Verb.ASK, comment="Which order?")


async def test_an_answer_is_the_next_revision(house: House) -> None:
    """Votes are cleared, the answer stands among the agent's claims, the same people are asked again."""
    request = await house.submit()
    await house.work()
    await house.rest()
    waiting = await asked(house, request)
    assert (waiting.state, waiting.assignees) == (State.NEEDS_INFO, ("ana", "ben"))
    with pytest.raises(errors.NeedsInfo):
        await house.decide(waiting, "ben")
    after = await house.desk.inform(
        request.id, agent="billing", text="10428", arguments={"order": "10428", "amount": 120.0}, context={"more": 1}
    )
    assert (after.state, after.revision, after.votes) == (State.PENDING, 2, ())
    assert (after.content.arguments["amount"], after.content.proposed, after.content.context["more"]) == (
        120.0,
        None,
        1,
    )
    assert after.content.context["answers"] == [{"text": "10428", "at": house.clock.at.isoformat()}]
    with pytest.raises(errors.Stale):
        await house.decide(request)
    await house.rest()
    wire = house.channels["slack"]
    assert sorted(wire.sent("remind")) == ["ana", "ben"]
    assert sorted(wire.sent("send")) == ["ana", "ben"]
    done = await house.decide(after)
    assert (done.state, done.decisions[-1].revision) == (State.APPROVED, 2)


async def test_a_changed_schema_is_for_what_is_new(house: House) -> None:
    """Whoever answers in words keeps the arguments, whatever the file asks of new ones by now; new ones must fit it."""
    request = await house.submit()
    await asked(house, request)
    house.rule(lambda text: text.replace("required: [order, amount]", "required: [order, amount, flags]"))
    with pytest.raises(errors.Invalid, match="/arguments/flags"):
        await house.desk.inform(request.id, agent="billing", text="so", arguments=request.content.arguments)
    after = await house.desk.inform(request.id, agent="billing", text="so")
    assert (after.state, after.content.arguments) == (State.PENDING, request.content.arguments)


@pytest.mark.parametrize("answers", [5, "x", {"a": 1}, [1], None])
async def test_an_agent_may_call_anything_answers(house: House, answers: Any) -> None:
    """Its context is its own; whatever it put there, its answer is kept."""
    request = await house.submit(context={"answers": answers})
    await asked(house, request)
    after = await house.desk.inform(request.id, agent="billing", text="yes", context={"answers": "forged"})
    kept = after.content.context["answers"]
    assert kept[-1]["text"] == "yes"
    assert len(kept) == (2 if isinstance(answers, list) else 1)


async def test_a_persons_edit_survives_a_question(house: House) -> None:
    """Answered without new arguments, the edited ones stand; with new ones, they are the agent's own again."""
    request = await house.submit("two.of", arguments={"n": 1})
    edited = await house.decide(request, "ana", Verb.APPROVE_WITH_EDITS, arguments={"n": 2})
    await asked(house, edited, "ben")
    after = await house.desk.inform(request.id, agent="billing", text="because")
    assert (after.content.arguments, after.content.proposed, after.votes) == ({"n": 2}, {"n": 1}, ())
    await asked(house, after, "ben")
    own = await house.desk.inform(request.id, agent="billing", text="rather", arguments={"n": 3})
    assert (own.content.arguments, own.content.proposed) == ({"n": 3}, None)


async def test_an_answer_never_makes_the_route_laxer(house: House) -> None:
    """Answered with arguments that a rule would approve, people still decide; with larger ones, more people do."""
    request = await house.submit(confidence=0.9)
    await asked(house, request)
    small = await house.desk.inform(request.id, agent="billing", text="1", arguments={"order": "1", "amount": 1})
    assert (small.state, [s.name for s in small.route.stages]) == (State.PENDING, ["finance"])
    await asked(house, small)
    large = await house.desk.inform(request.id, agent="billing", text="2", arguments={"order": "1", "amount": 5000})
    assert [s.name for s in large.route.stages] == ["finance", "legal"]


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"agent": "eva"}, errors.NotFound),
        ({"arguments": {"order": 1}}, errors.Invalid),
        ({"arguments": {"order": "1", "amount": 200_000}}, errors.Invalid),
    ],
)
async def test_what_is_no_answer(house: House, changes: Any, refusal: type[errors.SaysoError]) -> None:
    """Another agent's, one that breaks the schema, or one that a rule would block: refused, and still waiting."""
    request = await house.submit()
    before = await asked(house, request)
    with pytest.raises(refusal):
        await house.desk.inform(request.id, **({"agent": "billing", "text": "x"} | changes))
    assert await house.now(request) == before


async def test_an_answer_needs_a_question_and_time(house: House) -> None:
    """Nothing was asked: refused. It expired meanwhile: refused, though no tick has said so yet."""
    request = await house.submit()
    with pytest.raises(errors.Conflict, match="still being reviewed"):
        await house.desk.inform(request.id, agent="billing", text="x")
    await asked(house, request)
    house.clock.move(hours=24)
    with pytest.raises(errors.Expired):
        await house.desk.inform(request.id, agent="billing", text="x")


async def test_whoever_got_no_card_gets_one_with_the_answer(house: House) -> None:
    """Ana's card stands, Ben's never arrived: after the answer Ana gets a word and Ben a card."""
    wire = house.channels["slack"]
    request = await house.submit()
    wire.faults = [SendFailed("no such user", temporary=False)]
    await house.work()
    await house.rest()
    missed = next(d for d in await house.store.deliveries(request.id) if d.state is DeliveryState.FAILED)
    reached = ({"ana", "ben"} - {missed.to}).pop()
    await asked(house, request, reached)
    await house.desk.inform(request.id, agent="billing", text="x")
    await house.rest()
    assert wire.sent("remind") == [reached]
    assert wire.sent("send") == [reached, missed.to]
    assert house.sql("select count(*) from effects where kind != 'webhook'") == [(0,)]


async def test_nothing_but_expiry_comes_due_while_the_agent_is_asked(house: House) -> None:
    """No reminder and no step for people who wait for the agent; after the answer the clocks begin anew."""
    request = await house.submit()
    await asked(house, request)
    house.clock.move(hours=5)
    assert await house.desk.wake() == 0
    after = await house.desk.inform(request.id, agent="billing", text="x")
    assert (at(after).step, after.escalation_level) == (0, 0)
    house.clock.move(minutes=15)
    await house.desk.wake()
    assert at(await house.now(request)).step == 1


async def test_the_agent_is_told_that_it_is_asked(house: House) -> None:
    """Its webhook is owed the question; the record holds question and answer."""
    request = await house.submit()
    await asked(house, request)
    assert house.sql("select ref from effects where kind = 'webhook'") == [("request.needs_info",)]
    await house.desk.inform(request.id, agent="billing", text="the answer")
    lines = [json.loads(line.body) for line in await house.store.audit(request.id)]
    assert lines[1]["data"]["decision"]["comment"] == "Which order?"
    assert lines[2]["data"]["text"] == "the answer"
