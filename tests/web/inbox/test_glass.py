"""Breaking the glass in the inbox: for those who may, for a reason, on record for ever."""

from __future__ import annotations

import re
from datetime import timedelta

from bot.core.model import Kind, Option, Request, State
from tests.web.inbox.conftest import Visit
from tests.web.inbox.house import Standing

WHY = "The site is down, and <nobody> of finance answers"


async def contract(house: Standing) -> Request:
    """Something that takes four stages."""
    return await house.submit(action="contract.sign", arguments={"partner": "Brightwater"})


async def test_whoever_may_breaks_it_for_a_reason(staged: Standing, visit: Visit) -> None:
    """Closed by default, with what it means; without a reason nothing happens; with one it is approved, for ever so."""
    request = await contract(staged)
    dan = await visit("dan")
    page = await dan.get(f"/requests/{request.id}")
    assert "You are not asked to review this request" in page.words
    assert re.search(r'<details class="panel fold glass" id="glass">', page.text), "closed"
    assert "Only in an emergency." in page.words
    assert "a review of what you did follows" in page.words
    empty = await dan.decide(request.id, "break_glass", comment=" ")
    assert empty.status == 422
    assert 'id="glass-fault">Say what the emergency is.' in empty.text
    assert 'id="glass" open>' in empty.text
    assert (await staged.now(request.id)).state is State.PENDING
    assert (await dan.decide(request.id, "break_glass", comment=WHY)).status == 303
    stored = await staged.now(request.id)
    assert (stored.state, stored.decisions[-1].broke_glass, stored.decisions[-1].comment) == (State.APPROVED, True, WHY)
    page = await (await visit("lea")).get(f"/requests/{request.id}")
    assert page.words.count("Approved by breaking the glass by Dan Reyes") == 2, "the outcome and the record"
    assert "Nobody reviewed it as the rules ask." in page.words
    assert WHY in page.words
    assert "office not filled" in page.words
    assert "Break the glass and approve it" not in page.words
    assert "Approved by breaking the glass" in (await dan.get("/inbox")).words


async def test_the_review_that_follows_waits_in_the_inbox(staged: Standing, visit: Visit) -> None:
    """It runs nothing, says so, names who broke it and why, and cannot be decided by them."""
    request = await contract(staged)
    dan = await visit("dan")
    await dan.decide(request.id, "break_glass", comment=WHY)
    kim = await visit("kim")
    queue = await kim.get("/inbox")
    assert "Review of a broken glass" in queue.words
    found = re.search(r'href="(/requests/[^"?#]+)"', queue.text)
    assert found
    page = await kim.get(found[1])
    assert "What is asked; nothing runs" in page.words
    assert "Nothing runs, whatever is decided." in page.words
    assert WHY in page.words
    assert "/decisions" not in (await dan.get(found[1])).text


async def test_nobody_else_is_offered_it_nor_may_send_it(staged: Standing, visit: Visit) -> None:
    """A form of one's own making is refused aloud and recorded, from a reviewer as from a stranger."""
    request = await contract(staged)
    for person in ("ana", "eve"):
        reader = await visit(person)
        page = await reader.get(f"/requests/{request.id}")
        assert 'id="glass"' not in page.text
        answer = await reader.post(
            f"/requests/{request.id}/decisions",
            csrf=(await reader.get("/inbox")).hidden("csrf"),
            decision="break_glass",
            revision="1",
            digest=request.digest,
            comment=WHY,
        )
        assert (answer.status, "You may not break the glass" in answer.words) == (403, True)
    assert (await staged.now(request.id)).state is State.PENDING
    assert "refusal:not_assigned" in await staged.audit_types(request.id)


async def test_t05_a_glass_is_broken_over_what_was_shown(staged: Standing, visit: Visit) -> None:
    """The form binds to revision and digest like every other."""
    request = await contract(staged)
    dan = await visit("dan")
    answer = await dan.decide(request.id, "break_glass", comment=WHY, digest="sha256:" + "0" * 64)
    assert (answer.status, "It changed since you saw it." in answer.words) == (409, True)
    assert (await staged.now(request.id)).state is State.PENDING


async def test_there_is_no_glass_over_what_runs_nothing_or_is_over(staged: Standing, visit: Visit) -> None:
    """A question, a choice that nobody made, what has expired and what was decided offer no form."""
    pair = (Option("a", "A", {"order": "1"}), Option("b", "B", {"order": "2"}))
    asked = await staged.submit(action="ask.tier", kind=Kind.QUESTION, arguments={})
    picked = await staged.submit(kind=Kind.CHOICE, arguments={}, options=pair)
    late = await contract(staged)
    dan = await visit("dan")
    for request in (asked, picked):
        assert 'id="glass"' not in (await dan.get(f"/requests/{request.id}")).text
    assert 'id="glass"' in (await dan.get(f"/requests/{late.id}")).text
    staged.clock.shift = timedelta(hours=24, seconds=1)
    assert 'id="glass"' not in (await dan.get(f"/requests/{late.id}")).text
