"""Second thoughts: an approval is taken back while its undo window is open, or never at all; agents stop their own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from bot.core import errors
from bot.core.model import ExecutionState, Kind, Option, PersonRole, Request, State, Verb
from bot.core.ports import EffectKind
from tests.desk.filed import DEFAULT, FINANCE, enforce, stages
from tests.desk.house import REFUND, House, edits
from tests.fakes.receiver import Receiver

WINDOW = """
actions:
  refund.issue: {risk: reversible, undo_window: 30s, execute: {webhook: RECEIVER/refunds, timeout: 2s}}
  own.run: {risk: reversible, undo_window: 30s, execute: {agent: true, timeout: 1h}}
  own.now: {risk: reversible, execute: {agent: true, timeout: 1h}}
"""


AGENTS = """
agents:
  billing: {owner: dan, webhook: RECEIVER/told}
  other: {}
"""


def windowed(house: House, *more: str) -> None:
    """A file whose refunds wait half a minute before they run."""
    enforce(house, WINDOW, FINANCE, *(more or (DEFAULT,)))


async def approved(house: House, by: str = "ana", **content: Any) -> Request:
    """A request that somebody approved."""
    return await house.decide(await house.submit(**content), by)


async def undo(house: House, request: Request, by: str = "ana", revision: int | None = None) -> Request:
    """Take an approval back, as a page does."""
    return await house.desk.undo(request.id, by=by, via="inbox", revision=revision or request.revision)


async def told(house: House, request: Request, kind: str) -> Mapping[str, Any]:
    """The newest line of this type in the request's trail."""
    lines = [json.loads(line.body) for line in await house.store.audit(request.id)]
    found: Mapping[str, Any] = [line for line in lines if line["type"] == kind][-1]
    return found


async def test_an_approval_is_taken_back_and_the_request_waits_again(house: House) -> None:
    """The next revision has the same content and no votes; the same people are asked; nothing is to run."""
    windowed(house)
    request = await approved(house)
    again = await undo(house, request)
    assert (again.state, again.revision, again.votes, again.decided_at) == (State.PENDING, 2, (), None)
    assert again.content.arguments == request.content.arguments
    assert again.digest != request.digest
    assert again.assignees == ("ana", "ben")
    assert again.execution is not None
    assert (again.execution.state, again.execution.due_at) == (ExecutionState.CANCELLED, None)
    assert [decision.decision for decision in again.decisions] == [Verb.APPROVE]
    line = await told(house, request, "request.undone")
    assert (line["actor"], line["via"]) == ("person:ana", "inbox")
    assert await house.now(request) == again


async def test_what_was_taken_back_can_be_decided_anew_and_runs_once(house: House) -> None:
    """The second approval has an execution of its own; the first one's never runs."""
    async with Receiver() as receiver:
        house.receiver = receiver.url
        windowed(house)
        await house.work()
        request = await approved(house)
        again = await undo(house, request)
        await house.later(seconds=60)
        assert not receiver.calls
        second = await house.decide(again, "ben")
        await house.later(seconds=60)
        stored = await house.now(request)
        assert stored.execution is not None
        assert stored.execution.state is ExecutionState.EXECUTED
        assert [call.id for call in receiver.calls] == [stored.execution.id]
        assert second.execution is not None
        assert request.execution is not None
        assert second.execution.id != request.execution.id
        assert receiver.calls[0].json["data"]["approved_by"] == ["ben"]


async def test_the_old_cards_decide_nothing_more(house: House) -> None:
    """A click on a card of the revision that was taken back is stale; a click on the undo of it is, too."""
    windowed(house)
    request = await house.submit()
    decided = await house.decide(request)
    await undo(house, decided)
    with pytest.raises(errors.Stale):
        await house.decide(request, "ben")
    with pytest.raises(errors.Stale, match="has changed since"):
        await undo(house, decided)
    with pytest.raises(errors.Stale, match="There is no revision 9"):
        await house.desk.undo(request.id, by="ana", via="api", revision=9)
    with pytest.raises(errors.NotAssigned):
        await house.desk.undo(request.id, by="ben", via="api", revision=9)
    assert (await house.events(request))[-4:] == [*["refusal:stale"] * 3, "refusal:not_assigned"]


async def test_only_who_approved_it_takes_it_back(house: House) -> None:
    """Neither who was asked as well, nor a stranger, nor somebody who has left the file; each is recorded."""
    windowed(house)
    request = await approved(house)
    for person in ("ben", "kim", "nobody"):
        with pytest.raises(errors.NotAssigned):
            await undo(house, request, person)
    assert (await house.events(request))[-3:] == ["refusal:not_assigned"] * 3
    assert (await house.now(request)).state is State.APPROVED


async def test_each_of_two_approvers_may_take_it_back(house: House) -> None:
    """One of them is enough, and both votes are gone; before the second has voted there is nothing to take back."""
    windowed(house, stages("{name: finance, chain: finance, approvals: 2}"))
    request = await house.submit()
    half = await house.decide(request, "ana")
    with pytest.raises(errors.Conflict, match="not decided"):
        await undo(house, half)
    whole = await house.decide(half, "ben")
    again = await undo(house, whole, "ana")
    assert (again.state, again.votes, set(again.assignees)) == (State.PENDING, (), {"ana", "ben"})


async def test_an_auditor_takes_nothing_back(house: House) -> None:
    """Somebody whom the file has made an auditor since reads, and that is all."""
    windowed(house)
    request = await approved(house)
    people = house.policy.people
    auditor = replace(people["ana"], role=PersonRole.AUDITOR)
    house.policy = replace(house.policy, people={**people, "ana": auditor})
    with pytest.raises(errors.OnlyReads):
        await undo(house, request)


async def test_an_edit_that_is_taken_back_stands_as_edited(house: House) -> None:
    """The content stays as it was approved, the agent's own beside it, so the next approval says that it was edited."""
    windowed(house)
    request = await house.submit()
    edited = await house.decide(request, verb=Verb.APPROVE_WITH_EDITS, arguments=edits(request, amount=60.0))
    again = await undo(house, edited)
    assert (again.revision, again.content.arguments["amount"], again.content.proposed) == (3, 60.0, REFUND)
    assert (await house.decide(again, "ben")).state is State.APPROVED_WITH_EDITS


async def test_a_choice_that_is_taken_back_may_be_made_otherwise(house: House) -> None:
    """What was picked stands as picked, until somebody picks another."""
    windowed(house)
    options = (Option("all", "All", {**REFUND}), Option("half", "Half", {**REFUND, "amount": 120.0}))
    request = await house.submit(kind=Kind.CHOICE, arguments={}, options=options)
    picked = await house.decide(request, answer="half")
    again = await undo(house, picked)
    assert (again.content.chosen, again.answer) == ("half", None)
    other = await house.decide(again, "ben", answer="all")
    assert (other.state.approved, other.content.arguments, other.answer) == (True, REFUND, "all")


async def test_an_answer_is_not_taken_back(house: House) -> None:
    """Nothing was to run: the agent has it already."""
    windowed(house)
    request = await house.decide(await house.submit(kind=Kind.QUESTION, reason="Which?"), answer="This one")
    with pytest.raises(errors.Conflict, match="nothing of it is to run"):
        await undo(house, request)


async def test_what_a_rule_approved_is_nobodys_to_take_back(house: House) -> None:
    """Nobody voted, so nobody can take a vote back; its agent may still stop it."""
    rules = "rules:\n  - {name: small, when: 'action == \"refund.issue\"', then: approve}"
    windowed(house, rules, DEFAULT)
    request = await house.submit()
    assert request.state is State.APPROVED
    with pytest.raises(errors.NotAssigned):
        await undo(house, request)
    stopped = await house.desk.cancel(request.id, agent="billing", reason="Not needed")
    assert stopped.execution is not None
    assert (stopped.state, stopped.execution.state) == (State.APPROVED, ExecutionState.CANCELLED)


async def test_after_its_time_it_is_taken_back_and_then_over(house: House) -> None:
    """Silence never approves: a request whose time is over waits for nobody any more, and nothing has run."""
    windowed(house, stages("{name: finance, chain: finance}", expires="1m"))
    await house.work()
    await house.desk.pause(on=True, by="admin:ops", via="api")
    request = await approved(house)
    house.clock.move(minutes=2)
    await undo(house, request)
    await house.later(seconds=1)
    assert (await house.now(request)).state is State.EXPIRED


async def test_cards_and_the_agent_are_told(house: House) -> None:
    """Whoever was asked gets a word that says who took it back, and the agent its event."""
    windowed(house, AGENTS, DEFAULT)
    await house.work()
    asked = await house.submit()
    await house.rest()
    request = await house.decide(asked)
    await house.rest()
    await undo(house, request)
    await house.rest()
    assert "Ana Silva took the approval back before anything ran. It waits for a decision again." in (
        house.channels["slack"].notes
    )
    updates = [said for said in house.channels["slack"].said if said[0] == "update"]
    assert updates[-1][2:] == ("pending", 2)
    effects = await house.store.write(lambda tx: tx.effects())
    hooks = [effect.ref for effect in effects if effect.kind is EffectKind.WEBHOOK]
    assert "request.undone" in hooks


async def test_who_waits_for_the_outcome_goes_on_waiting(house: House) -> None:
    """An agent that waits for how it ended is not told of a run that was taken back as if it were that."""
    windowed(house)
    request = await approved(house)
    waiting = asyncio.create_task(house.desk.wait(request.id, seconds=5, outcome=True))
    await asyncio.sleep(0)
    again = await undo(house, request)
    await house.desk.cancel(request.id, agent="billing", reason=None)
    ended = await waiting
    assert (ended.state, again.state) == (State.CANCELLED, State.PENDING)


async def test_taken_back_before_a_restart_is_taken_back_after_it(house: House) -> None:
    """What a new start finds is the cancelled run, which it leaves alone."""
    windowed(house)
    request = await approved(house)
    await undo(house, request)
    assert await house.desk.recover() == ()
    house.clock.move(minutes=5)
    assert request.execution is not None
    assert (await house.desk.claim(request.execution.id)).order is None
