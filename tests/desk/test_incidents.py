"""Incidents: somebody says that what ran did harm; it is kept, told, and never forgotten by what follows."""

from __future__ import annotations

import json

import pytest

from bot.core import errors
from bot.core.card import card_of
from bot.core.model import ExecutionState, Severity
from bot.core.ports import EffectKind, OutcomeKind
from tests.desk.house import House
from tests.desk.remedied import approved, concluded, executed, furnish, order_of, run_of


@pytest.fixture(autouse=True)
def rules(house: House) -> None:
    """Refunds, and an agent that listens."""
    furnish(house, "agents:\n  billing: {owner: dan, webhook: RECEIVER/events}\n  other: {}")


@pytest.mark.parametrize("by", ["person:kim", "admin:ops", "agent:billing"])
async def test_who_may_report_one(house: House, by: str) -> None:
    """Reviewers, admins and the agent of its own; it stands with the run, on the card, and in the trail."""
    first = await executed(house)
    told = await house.desk.report_incident(
        first.id, by=by, via="api", severity=Severity.HIGH, note="Paid the wrong person"
    )
    (kept,) = (await run_of(house, first)).incidents
    assert told.execution is not None
    assert (kept.severity, kept.note, kept.by, kept.at) == (
        Severity.HIGH,
        "Paid the wrong person",
        by,
        house.clock.now(),
    )
    (line,) = [one for one in card_of(told, people=house.policy.people, url="").notes if "Incident" in one.label]
    assert ("its own words" in line.label) is by.startswith("agent:")
    (event,) = [json.loads(each.body) for each in await house.store.audit(first.id) if "incident.reported" in each.body]
    assert (event["actor"], event["data"]["severity"]) == (by, "high")


async def test_t10_nobody_else_may(house: House) -> None:
    """Another agent does not find it, and somebody who is in no file any more reports nothing; both on record."""
    first = await executed(house)
    for by, refused in (("agent:other", errors.NotFound), ("person:gone", errors.NotAssigned)):
        with pytest.raises(refused):
            await house.desk.report_incident(first.id, by=by, via="api", severity=Severity.LOW, note="x")
    assert [event for event in await house.events(first) if event.startswith("refusal")] == [
        "refusal:not_found",
        "refusal:not_assigned",
    ]
    assert (await run_of(house, first)).incidents == ()


@pytest.mark.parametrize("kind", [OutcomeKind.EXECUTED, OutcomeKind.UNKNOWN, OutcomeKind.FAILED])
async def test_only_of_what_ran_or_may_have(house: House, kind: OutcomeKind) -> None:
    """What failed had no effect that could harm; what waits has not begun."""
    waits = await approved(house, order="1")
    first = await concluded(house, await approved(house, order="2"), kind)
    for request in (waits, first):
        if request is first and kind is not OutcomeKind.FAILED:
            await house.desk.report_incident(first.id, by="admin:ops", via="api", severity=Severity.LOW, note="x")
            continue
        with pytest.raises(errors.Conflict, match="Nothing of it ran"):
            await house.desk.report_incident(request.id, by="admin:ops", via="api", severity=Severity.LOW, note="x")


async def test_t10_an_agents_word_that_it_failed_hides_no_harm(house: House) -> None:
    """Who runs it itself may say so of what it did; people may say otherwise."""
    first = await approved(house, "deploy.start", version="v7")
    await house.desk.report(first.id, agent="billing", state=ExecutionState.FAILED, error="no")
    await house.desk.report_incident(first.id, by="person:kim", via="api", severity=Severity.HIGH, note="It is live")
    assert [one.note for one in (await run_of(house, first)).incidents] == ["It is live"]


async def test_t10_an_agent_fills_no_room_of_others(house: House) -> None:
    """Five of its own; people's are kept all the same."""
    first = await executed(house)
    for number in range(5):
        await house.desk.report_incident(
            first.id, by="agent:billing", via="api", severity=Severity.LOW, note=str(number)
        )
    with pytest.raises(errors.Conflict, match="5 incidents"):
        await house.desk.report_incident(first.id, by="agent:billing", via="api", severity=Severity.LOW, note="6")
    await house.desk.report_incident(first.id, by="person:kim", via="api", severity=Severity.CRITICAL, note="!")


async def test_those_who_approved_and_the_agent_are_told(house: House) -> None:
    """Whoever approved it gets a card of it, cards that stand are drawn anew, the agent's webhook is owed."""
    first = await executed(house, by="ben")
    small = await executed(house, amount=2.0)
    for request in (first, small):
        await house.desk.report_incident(request.id, by="person:kim", via="inbox", severity=Severity.LOW, note="x")
    owed = await house.desk.effects()
    assert {e.request for e in owed if e.kind is EffectKind.WEBHOOK and e.ref == "request.incident"} == {
        first.id,
        small.id,
    }
    noticed = {d.person for d in await house.desk.deliveries(small.id)}
    assert noticed == {"dan"}, "a rule approved it, so its agent's owner is told"
    assert "ben" in {d.person for d in await house.desk.deliveries(first.id)}


async def test_it_stays_through_a_rollback_and_of_one(house: House) -> None:
    """Rolled back, it is still what it was; and there is a bound to how many are kept of one request."""
    first = await executed(house)
    await house.desk.report_incident(first.id, by="person:kim", via="api", severity=Severity.LOW, note="1")
    rollback, _ = await house.desk.roll_back(first.id, by="person:kim", via="api")
    await house.decide(rollback, "ben")
    await order_of(house, rollback)
    await house.desk.report_incident(first.id, by="person:ana", via="api", severity=Severity.CRITICAL, note="2")
    run = await run_of(house, first)
    assert (run.state, [one.note for one in run.incidents]) == (ExecutionState.ROLLING_BACK, ["1", "2"])
    for number in range(48):
        await house.desk.report_incident(first.id, by="person:ana", via="api", severity=Severity.LOW, note=str(number))
    with pytest.raises(errors.Conflict, match="50 incidents"):
        await house.desk.report_incident(first.id, by="person:ana", via="api", severity=Severity.LOW, note="51")
