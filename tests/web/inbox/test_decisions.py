"""Deciding in the inbox: each verb, each refusal in plain words with its status, and exactly one decision."""

from __future__ import annotations

import asyncio
import io
from datetime import timedelta

import pytest

from bot.core.model import State, Verb
from bot.core.ports import Ballot
from tests.web.inbox.conftest import Visit
from tests.web.inbox.house import AGENT, Standing


async def test_approve(house: Standing, visit: Visit) -> None:
    """One press approves what was shown, and the page then says who and when."""
    request = await house.submit()
    reader = await visit("ana")
    answer = await reader.decide(request.id, "approve")
    assert (answer.status, answer.headers["location"]) == (303, f"/requests/{request.id}")
    stored = await house.now(request.id)
    assert (stored.state, stored.decisions[0].by, stored.decisions[0].channel) == (State.APPROVED, "ana", "inbox")
    page = await reader.get(f"/requests/{request.id}")
    assert "Approved by Ana Silva" in page.words
    assert "Waiting to run" in page.words


async def test_reject_needs_a_reason_and_a_category(house: Standing, visit: Visit) -> None:
    """Without them the form comes back with what was typed; with them the request is rejected."""
    request = await house.submit()
    reader = await visit("ana")
    answer = await reader.decide(request.id, "reject", comment="  ")
    assert answer.status == 422
    assert "Pick what is wrong with it." in answer.words
    assert "Say why" in answer.words
    answer = await reader.decide(request.id, "reject", comment="Never <b>paid</b>")
    assert answer.status == 422
    assert "Never &lt;b&gt;paid&lt;/b&gt;</textarea>" in answer.text
    assert (await house.now(request.id)).state is State.PENDING
    answer = await reader.decide(request.id, "reject", comment="Never paid", category="wrong_target")
    assert answer.status == 303
    decision = (await house.now(request.id)).decisions[0]
    assert (decision.decision, decision.comment, decision.category) == (Verb.REJECT, "Never paid", "wrong_target")


async def test_ask_and_the_agents_answer(house: Standing, visit: Visit) -> None:
    """A question puts the request with the agent; its answer stands among its words, as the next revision."""
    request = await house.submit()
    reader = await visit("ana")
    assert (await reader.decide(request.id, "ask")).status == 422
    assert (await reader.decide(request.id, "ask", comment="Which card?")).status == 303
    page = await reader.get(f"/requests/{request.id}")
    assert "Waiting for the agent’s answer" in page.words
    assert "/decisions" not in page.text
    await house.desk.inform(request.id, agent=AGENT, text="The one ending 4242")
    page = await reader.get(f"/requests/{request.id}")
    assert "The one ending 4242" in page.words
    assert page.hidden("revision") == "2"


async def test_escalate(house: Standing, visit: Visit) -> None:
    """The next step is asked now, and the request shows as escalated."""
    request = await house.submit()
    reader = await visit("ana")
    assert (await reader.decide(request.id, "escalate", comment="Over my head")).status == 303
    assert "lea" in (await house.now(request.id)).assignees
    assert "Escalated" in (await reader.get(f"/requests/{request.id}")).words


async def test_two_approvals_are_counted(house: Standing, visit: Visit) -> None:
    """Where two are needed, the first voter sees that it waits and may not vote again; a second press is no refusal."""
    request = await house.submit(action="deploy.service", arguments={"service": "checkout"})
    ana = await visit("ana")
    page = await ana.get(f"/requests/{request.id}")
    assert (await ana.decide(request.id, "approve")).status == 303
    assert "You have approved this revision" in (await ana.get(f"/requests/{request.id}")).words
    assert (await ana.decide_on(page, request.id, "approve")).status == 303
    again = await ana.decide_on(page, request.id, "approve", comment="And why")
    assert (again.status, "You have already decided on this revision" in again.words) == (409, True)
    assert (await (await visit("ben")).decide(request.id, "approve")).status == 303
    assert (await house.now(request.id)).state is State.APPROVED


async def test_t06_a_storm_of_two_people_gives_one_decision(house: Standing, visit: Visit) -> None:
    """Many presses of two people at once: one counts, and whoever made it sees that each time; the other is told."""
    request = await house.submit()
    ana, ben = await visit("ana"), await visit("ben")
    pages = [await ana.get(f"/requests/{request.id}"), await ben.get(f"/requests/{request.id}")]
    answers = await asyncio.gather(
        *(ana.decide_on(pages[0], request.id, "approve") for _ in range(8)),
        *(ben.decide_on(pages[1], request.id, "reject", comment="no", category="other") for _ in range(8)),
    )
    assert sorted(a.status for a in answers) == [303] * 8 + [409] * 8
    (counted,) = (await house.now(request.id)).decisions
    assert {a.status for a in (answers[:8] if counted.by == "ana" else answers[8:])} == {303}
    assert all("Already decided." in a.words for a in answers if a.status == 409)
    assert (await house.audit_types(request.id)).count("refusal:already_decided") == 15


async def test_the_loser_is_told_who_decided_when_and_how(house: Standing, visit: Visit) -> None:
    """The refusal names the person, the time and the channel, and the page shows the decision."""
    request = await house.submit()
    ana = await visit("ana")
    page = await ana.get(f"/requests/{request.id}")
    await house.desk.decide(
        Ballot(
            request=request.id, decision=Verb.REJECT, by="ben", channel="slack", revision=1, digest=request.digest,
            comment="Wrong order", category="wrong_target",
        )
    )  # fmt: skip
    answer = await ana.decide_on(page, request.id, "approve", comment="It is the right one")
    assert answer.status == 409
    assert "What you wrote It was not sent" in answer.words
    assert "It is the right one" in answer.text
    assert "Already decided. Rejected by Ben Okafor at" in answer.words
    assert "through Slack. Your own decision was not counted." in answer.words
    assert "Wrong order" in answer.words


async def test_t05_a_form_for_another_revision_decides_nothing_and_shows_what_changed(
    house: Standing, visit: Visit
) -> None:
    """An approval or an edit of an older revision is refused as stale; the difference and the new content are shown."""
    request = await house.submit()
    ana = await visit("ana")
    old = await ana.get(f"/requests/{request.id}")
    await (await visit("ben")).decide(request.id, "ask", comment="Sure?")
    await house.desk.inform(
        request.id, agent=AGENT, text="No: less", arguments={**request.content.arguments, "amount": 900.0}
    )
    for data in ({"decision": "approve"}, {"decision": "approve_with_edits", "arg__amount": "1"}):
        answer = await ana.decide_on(old, request.id, **data)
        assert answer.status == 409
        assert "It changed since you saw it. Nothing was decided." in answer.words
        assert "What changed since revision 1 /amount − before: 240.0 + after: 900.0" in answer.words
        assert answer.hidden("revision") == "2"
        assert ("What you wrote" in answer.words, ">\n1</textarea>" in answer.text) == ("arg__amount" in data,) * 2
    stored = await house.now(request.id)
    assert (stored.state, stored.revision, stored.votes) == (State.PENDING, 2, ())


async def test_t05_a_form_with_another_digest_decides_nothing(house: Standing, visit: Visit) -> None:
    """The revision alone is not enough."""
    request = await house.submit()
    answer = await (await visit("ana")).decide(request.id, "approve", digest="sha256:" + "0" * 64)
    assert (answer.status, (await house.now(request.id)).state) == (409, State.PENDING)


async def test_t07_a_late_decision_is_refused(house: Standing, visit: Visit) -> None:
    """Past the expiry nothing is decided, whether or not the ticker came by; and no form is offered any more."""
    request = await house.submit()
    ana = await visit("ana")
    page = await ana.get(f"/requests/{request.id}")
    house.clock.shift = timedelta(hours=24, seconds=1)
    answer = await ana.decide_on(page, request.id, "approve")
    assert (answer.status, "expired" in answer.words) == (409, True)
    assert "The time to decide this is over." in answer.words
    assert (await house.now(request.id)).state is State.PENDING


@pytest.mark.parametrize(("person", "reason"), [("lea", "not_assigned"), ("dan", "self_review")])
async def test_t08_who_is_not_asked_cannot_decide(house: Standing, visit: Visit, person: str, reason: str) -> None:
    """A form of one's own making is refused aloud with 403, and recorded; so is the agent's owner (T10)."""
    request = await house.submit()
    page = await (await visit("ana")).get(f"/requests/{request.id}")
    reader = await visit(person)
    csrf = (await reader.get("/inbox")).hidden("csrf")
    answer = await reader.decide_on(page, request.id, "approve", csrf=csrf)
    assert answer.status == 403
    assert "Not counted." in answer.words
    assert (await house.now(request.id)).state is State.PENDING
    assert f"refusal:{reason}" in await house.audit_types(request.id)


async def test_a_form_that_says_nothing_known_is_refused(house: Standing, visit: Visit) -> None:
    """A decision that there is no word for, a body that is no form, and one too large: all 4xx, nothing decided."""
    request = await house.submit()
    ana = await visit("ana")
    assert (await ana.decide(request.id, "aprove")).status == 422
    path = f"/requests/{request.id}/decisions"
    json = await ana.send("POST", path, None, ana.origin | {"Content-Type": "application/json"})
    form = ana.origin | {"Content-Type": "application/x-www-form-urlencoded"}
    async with ana.client.post(house.url + path, data=io.BytesIO(b"x" * 1_100_000), headers=form) as large:
        assert large.status == 413
    many = await ana.post(path, **{f"f{i}": "" for i in range(1001)})
    assert (json.status, many.status) == (400, 400)
    assert (await house.now(request.id)).state is State.PENDING


async def test_a_reload_of_a_refused_form_leads_to_the_page(house: Standing, visit: Visit) -> None:
    """The form's own address answers GET with the request's page."""
    request = await house.submit()
    answer = await (await visit("ana")).get(f"/requests/{request.id}/decisions")
    assert (answer.status, answer.headers["location"]) == (303, f"/requests/{request.id}")
