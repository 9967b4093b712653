"""A request's page after its run: rolling it back, reporting an incident, and what a review afterwards looks like."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from bot.core import errors
from bot.core.model import ExecutionState, PersonRole, Severity, State
from bot.core.ports import Filter, OutcomeKind
from tests.web.inbox.conftest import Visit
from tests.web.inbox.house import AGENT, Standing
from tests.web.inbox.states import ran, vote


async def test_it_is_rolled_back_behind_a_second_word(house: Standing, visit: Visit) -> None:
    """The button stands within a closed fold; pressed, it leads to the request that takes it back, linked both ways."""
    first = await ran(house, OutcomeKind.EXECUTED, result={"id": "re_7"})
    ben = await visit("ben")
    page = await ben.get(f"/requests/{first.id}")
    assert page.text.index("Roll it back …") < page.text.index("Yes, propose to roll it back")
    csrf = page.hidden("csrf")
    answer = await ben.post(f"/requests/{first.id}/rollback", csrf=csrf, reason="Sent <b>twice</b>\u202e")
    (rollback,) = await house.store.requests(Filter(action="refund.reverse"))
    assert (answer.status, answer.headers["location"]) == (303, f"/requests/{rollback.id}")
    shown = await ben.get(f"/requests/{rollback.id}")
    assert "What this takes back" in shown.words
    assert f'href="/requests/{first.id}"' in shown.text
    assert "Ben Okafor: Sent <b>twice</b>" in shown.words.replace("⟦U+202E⟧", "")
    assert "<b>twice" not in shown.text
    with pytest.raises(errors.SelfReview):
        await vote(house, rollback, by="ben")
    again = await ben.get(f"/requests/{first.id}")
    assert f'href="/requests/{rollback.id}"' in again.text
    assert "Roll it back …" not in again.text
    assert (await ben.post(f"/requests/{first.id}/rollback", csrf=csrf)).headers["location"].endswith(rollback.id)
    await vote(house, rollback, by="ana")
    await begun_by_agent(house, rollback.id)
    assert "Being rolled back" in (await ben.get(f"/requests/{first.id}")).words
    await house.desk.report(rollback.id, agent=AGENT, state=ExecutionState.EXECUTED)
    done = await ben.get(f"/requests/{first.id}")
    assert "Rolled back" in done.words
    assert "Roll it back …" not in done.text


async def begun_by_agent(house: Standing, request_id: str) -> None:
    """The rollback is handed to its agent."""
    now = await house.now(request_id)
    assert now.execution is not None
    await house.desk.claim(now.execution.id)


async def test_an_incident_is_reported_with_what_is_missing_named(house: Standing, visit: Visit) -> None:
    """Without a severity or a note it is not sent, and stays typed; then it stands above all, harmless."""
    first = await ran(house, OutcomeKind.EXECUTED)
    ben = await visit("ben")
    csrf = (await ben.get(f"/requests/{first.id}")).hidden("csrf")
    wrong = await ben.post(f"/requests/{first.id}/incidents", csrf=csrf, note="Paid the wrong one")
    assert (wrong.status, "Say how bad it was." in wrong.words) == (422, True)
    assert "Paid the wrong one" in wrong.text
    assert '<details class="sure" id="incident" open>' in wrong.text
    empty = await ben.post(f"/requests/{first.id}/incidents", csrf=csrf, severity="high")
    assert "Say what happened" in empty.words
    done = await ben.post(f"/requests/{first.id}/incidents", csrf=csrf, severity="high", note="<svg onload=x>")
    assert done.status == 303
    page = await ben.get(f"/requests/{first.id}")
    assert "An incident was reported" in page.words
    assert '<span class="tag alarm">Approved, and did harm</span>' in page.text
    assert "reported by Ben Okafor" in page.words
    assert "<svg onload" not in page.text
    await house.desk.report_incident(first.id, by=f"agent:{AGENT}", via="api", severity=Severity.LOW, note="oh")
    assert "in its own words" in (await ben.get(f"/requests/{first.id}")).words


async def test_t20_neither_is_done_from_elsewhere_or_by_an_auditor(house: Standing, visit: Visit) -> None:
    """A form without the session's token changes nothing; who only reads has no forms, and is refused aloud."""
    first = await ran(house, OutcomeKind.EXECUTED)
    ben = await visit("ben")
    for path in ("rollback", "incidents"):
        assert (await ben.post(f"/requests/{first.id}/{path}", csrf="forged", severity="low", note="x")).status == 403
    csrf = (await ben.get(f"/requests/{first.id}")).hidden("csrf")
    people = house.policy.people
    house.policy = replace(house.policy, people={**people, "ben": replace(people["ben"], role=PersonRole.AUDITOR)})
    page = await ben.get(f"/requests/{first.id}")
    assert "Roll it back" not in page.text
    assert "Report an incident" not in page.text
    for path in ("rollback", "incidents"):
        assert (await ben.post(f"/requests/{first.id}/{path}", csrf=csrf, severity="low", note="x")).status == 403
    run = (await house.now(first.id)).execution
    assert run is not None
    assert (run.incidents, run.rollback) == ((), None)


async def test_what_cannot_be_rolled_back_is_not_offered_and_said_before(house: Standing, visit: Visit) -> None:
    """The bar of an open request says whether there is a way back; what failed, or has none, has no button."""
    ben = await visit("ben")
    asked = await house.submit()
    assert "It can be rolled back with refund.reverse" in (await ben.get(f"/requests/{asked.id}")).words
    lost = await house.submit(action="host.run", arguments={"command": "rm -rf /"})
    ana = await visit("ana")
    assert "It cannot be undone once it ran." in (await ana.get(f"/requests/{lost.id}")).words
    failed = await ran(house, OutcomeKind.FAILED, error="no")
    page = await ben.get(f"/requests/{failed.id}")
    assert "Roll it back" not in page.text
    assert "Report an incident" not in page.text
    refused = await ben.post(f"/requests/{failed.id}/rollback", csrf=page.hidden("csrf"))
    assert (refused.status, "Nothing of it ran" in refused.words) == (409, True)


async def test_a_review_afterwards_asks_how_bad_it_was(house: Standing, visit: Visit) -> None:
    """Rejecting it names a severity instead of what is wrong, and leads back to what ran."""
    reviewed = {"review_after": 1.0, "review_chain": "finance"}
    rules = tuple(replace(rule, **reviewed) if rule.then == "approve" else rule for rule in house.policy.rules)
    house.policy = replace(house.policy, rules=rules)
    first = await house.submit(action="deploy.service", arguments={"service": "docs", "version": "2"})
    await house.desk.report(first.id, agent=AGENT, state=ExecutionState.EXECUTED)
    (review,) = await house.store.requests(Filter(action="sayso.review_after"))
    ben = await visit("ben")
    page = await ben.get(f"/requests/{review.id}")
    assert "What this looks back at" in page.words
    assert "How bad was it?" in page.words
    assert "Sayso says: It ran by rule. Was that right?" in page.words
    assert "own words, not checked" not in page.words
    assert f'href="/requests/{first.id}"' in page.text
    wrong = await ben.decide(review.id, "reject", category="wrong_amount", comment="x")
    assert (wrong.status, "Say how bad it was." in wrong.words) == (422, True)
    assert (await ben.decide(review.id, "reject", category="critical", comment="All is down")).status == 303
    run = (await house.now(first.id)).execution
    assert run is not None
    assert [one.severity for one in run.incidents] == [Severity.CRITICAL]
    assert (await house.now(review.id)).state is State.REJECTED
    assert f'href="/requests/{review.id}"' in (await ben.get(f"/requests/{first.id}")).text


async def test_a_stopped_agent_is_said_on_its_requests(house: Standing, visit: Visit) -> None:
    """Before the decision and after it; other agents' pages say nothing."""
    await house.desk.pause(on=True, by="admin:ops", via="api", agent=AGENT)
    request = await house.submit()
    ana = await visit("ana")
    assert "Replays of this agent or this action are stopped" in (await ana.get(f"/requests/{request.id}")).words
    await vote(house, request)
    assert "Replays of this agent or this action are stopped" in (await ana.get(f"/requests/{request.id}")).words
    await house.desk.pause(on=False, by="admin:ops", via="api", agent=AGENT)
    assert "Replays of this agent" not in (await ana.get(f"/requests/{request.id}")).words
