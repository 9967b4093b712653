"""Questions, choices and exceptions: answered in the inbox, the answer kept to the letter, nothing typed lost."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest

from bot.core.model import Kind, Option, Request, State
from tests.web.inbox.conftest import Visit
from tests.web.inbox.house import Standing

FULL = {"order": "10428", "amount": 240.0, "currency": "EUR"}
HALF = {"order": "10428", "amount": 120.0, "currency": "EUR", "note": "Sorry"}
OPTIONS = (Option("full", "All of it <b>now</b>", FULL), Option("half", "Half, and a voucher", HALF))
TIERS = (Option("gold", "Gold, 4 hours"), Option("silver", "Silver, next day"))


async def question(house: Standing, **more: Any) -> Request:
    """Something that the agent wants to know."""
    return await house.submit(
        action="ask.tier", arguments={"customer": "Brightwater"}, kind=Kind.QUESTION, reason="Which tier?", **more
    )


async def choice(house: Standing, action: str = "refund.issue") -> Request:
    """Two refunds of which one may run."""
    return await house.submit(action=action, arguments={}, kind=Kind.CHOICE, options=OPTIONS, reason="You pick")


def option_block(page: str, option: str) -> str:
    """What stands in the label of one option's radio button, as a person reads it."""
    found = re.search(rf'name="answer" value="{option}".*?</label>', page, re.DOTALL)
    assert found, option
    return " ".join(html.unescape(re.sub("<[^>]*>", " ", found[0])).split())


async def test_a_question_is_answered_in_text(staged: Standing, visit: Visit) -> None:
    """The question stands in the agent's own words; the answer is kept to the letter, and nothing runs."""
    request = await question(staged)
    ana = await visit("ana")
    page = await ana.get(f"/requests/{request.id}")
    assert "The agent asks, in its own words, not checked Which tier?" in page.words
    assert "Nothing runs: the agent is told what you say." in page.words
    answer = await ana.decide(request.id, "approve", answer="Gold,\r\nsince <March>")
    assert answer.status == 303
    stored = await staged.now(request.id)
    assert (stored.state, stored.answer, stored.execution) == (State.APPROVED, "Gold,\nsince <March>", None)
    page = await ana.get(f"/requests/{request.id}")
    assert "Answered by Ana Silva" in page.words
    assert "since <March>" in page.words
    assert "Approved" not in page.words


async def test_an_answer_left_out_is_named_at_its_field(staged: Standing, visit: Visit) -> None:
    """An empty answer and one that is too long come back beside the field, with what was typed in it."""
    request = await question(staged)
    ana = await visit("ana")
    empty = await ana.decide(request.id, "approve", answer=" \n")
    assert empty.status == 422
    assert 'id="answer-fault">Write an answer.' in empty.text
    long = await ana.decide(request.id, "approve", answer="x" * 4001)
    assert long.status == 422
    assert "x" * 4001 in long.text
    assert "At most 4,000 characters" in long.words
    assert (await staged.now(request.id)).state is State.PENDING


async def test_a_question_is_answered_by_an_option(staged: Standing, visit: Visit) -> None:
    """One of the options is picked; none, or one that is not there, is refused at the field."""
    request = await question(staged, options=TIERS)
    ana = await visit("ana")
    for sent in ({}, {"answer": "bronze"}):
        answer = await ana.decide(request.id, "approve", **sent, comment="As agreed")
        assert (answer.status, "Pick one of the options." in answer.words) == (422, True)
        assert "As agreed</textarea>" in answer.text
    assert (await ana.decide(request.id, "approve", answer="silver")).status == 303
    assert (await staged.now(request.id)).answer == "silver"
    page = await ana.get(f"/requests/{request.id}")
    assert "What was picked Option silver Silver, next day" in page.words


async def test_t02_each_option_of_a_choice_shows_all_that_it_would_run(staged: Standing, visit: Visit) -> None:
    """Every argument of every option stands in the very label that picks it, titles marked as the agent's words."""
    request = await choice(staged)
    page = await (await visit("ana")).get(f"/requests/{request.id}")
    full, half = option_block(page.text, "full"), option_block(page.text, "half")
    assert 'order "10428" amount 240.0 currency "EUR"' in full
    assert 'order "10428" amount 120.0 currency "EUR" note "Sorry"' in half
    assert "All of it <b>now</b>" in full
    assert "What the options are called is the agent’s own wording." in page.words
    assert '<button class="go" name="decision" value="approve">Approve</button>' not in page.text


async def test_a_choice_runs_the_option_that_was_picked(staged: Standing, visit: Visit) -> None:
    """The option's arguments become the next revision, which is approved, and the page says which one it was."""
    request = await choice(staged)
    ana = await visit("ana")
    refused = await ana.decide(request.id, "approve", comment="Either")
    assert (refused.status, "Pick one of the options." in refused.words) == (422, True)
    assert (await ana.decide(request.id, "approve", answer="half")).status == 303
    stored = await staged.now(request.id)
    assert (stored.state, stored.content.arguments, stored.content.chosen) == (State.APPROVED, HALF, "half")
    page = await ana.get(f"/requests/{request.id}")
    for said in ("Chosen by Ana Silva", "Option half Half, and a voucher , picked by Ana Silva", "The other options"):
        assert said in page.words, said


async def test_a_choice_of_two_people_is_confirmed_by_the_second(staged: Standing, visit: Visit) -> None:
    """Once one has picked, the next sees what would run and may approve it as it is, without picking once more."""
    request = await choice(staged, "voucher.send")
    assert (await (await visit("lea")).decide(request.id, "approve", answer="full")).status == 303
    pending = await staged.now(request.id)
    assert (pending.state, pending.content.chosen) == (State.PENDING, "full")
    ana = await visit("ana")
    page = await ana.get(f"/requests/{request.id}")
    assert "picked by Lea Marsh" in page.words
    assert '<button class="go" name="decision" value="approve">Approve</button>' in page.text
    assert re.search(r'value="full" checked', page.text)
    assert (await ana.decide(request.id, "approve")).status == 303
    stored = await staged.now(request.id)
    assert (stored.state, stored.content.arguments, stored.revision) == (State.APPROVED, FULL, pending.revision)


@pytest.mark.parametrize("answer", ["", "Call them on Monday"])
async def test_an_exception_is_marked_as_handled(staged: Standing, visit: Visit, answer: str) -> None:
    """With an answer or without; nothing runs, and the page says handled, not approved."""
    request = await staged.submit(kind=Kind.EXCEPTION, arguments={"order": "1"}, reason="They threaten to sue")
    assert [stage.name for stage in request.route.stages] == ["triage"]
    ana = await visit("ana")
    page = await ana.get(f"/requests/{request.id}")
    assert "The agent says, in its own words, not checked They threaten to sue" in page.words
    assert (await ana.decide(request.id, "approve", answer=answer)).status == 303
    stored = await staged.now(request.id)
    assert (stored.state, stored.answer or "", stored.execution) == (State.APPROVED, answer, None)
    page = await ana.get(f"/requests/{request.id}")
    assert "Handled by Ana Silva" in page.words
    assert answer in page.words


async def test_what_is_no_approval_is_declined(staged: Standing, visit: Visit) -> None:
    """Declining a question takes a reason and no category; a choice, which would run something, takes both."""
    asked, picked = await question(staged), await choice(staged)
    ana = await visit("ana")
    bare = await ana.decide(asked.id, "reject")
    assert (bare.status, "Say why" in bare.words, "Pick what is wrong" in bare.words) == (422, True, False)
    assert (await ana.decide(asked.id, "reject", comment="Ask them yourself")).status == 303
    page = await ana.get(f"/requests/{asked.id}")
    assert "Declined by Ana Silva" in page.words
    assert "Ask them yourself" in page.words
    half = await ana.decide(picked.id, "reject", comment="Neither")
    assert (half.status, "Pick what is wrong with it." in half.words) == (422, True)
    assert (await ana.decide(picked.id, "reject", comment="Neither", category="not_needed")).status == 303
    assert (await staged.now(picked.id)).state is State.REJECTED
