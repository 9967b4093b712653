"""Undo on a request's page: to whom it is offered and until when, what it does, what is said when it is too late."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from msgspec.structs import replace

from bot.core.model import ExecutionState, Kind, Option, PersonRole, State
from bot.web.inbox.record import state_text
from tests.web.inbox.conftest import Visit
from tests.web.inbox.house import AGENT, Standing
from tests.web.inbox.reader import Page, Reader
from tests.web.inbox.states import begun, vote


async def undo(reader: Reader, page: Page, request_id: str) -> Page:
    """Press Undo on a page that was opened before."""
    form = re.search(r'<form class="undo".*?</form>', page.text, re.DOTALL)
    assert form, "no undo is offered"
    held = Page(200, {}, form[0])
    return await reader.post(f"/requests/{request_id}/undo", csrf=held.hidden("csrf"), revision=held.hidden("revision"))


def windowed(house: Standing, action: str) -> None:
    """Let an action wait half a minute before it runs."""
    spec = replace(house.policy.action(action), undo_window=timedelta(seconds=30))
    house.policy = replace(house.policy, actions={**house.policy.actions, action: spec})


async def test_who_approved_is_offered_to_undo_with_the_time_that_is_left(house: Standing, visit: Visit) -> None:
    """The form names the moment at which it runs; somebody else who was asked, and an auditor, have no such form."""
    request = await vote(house, await house.submit())
    page = await (await visit("ana")).get(f"/requests/{request.id}")
    assert request.execution is not None
    due = re.search(r'data-undo data-until="([^"]+)"', page.text)
    assert due
    assert datetime.fromisoformat(due[1]) == request.execution.due_at
    assert re.search(r"nothing has run yet\. It runs in (29|30|28|27) s", page.words)
    assert "data-undo" not in (await (await visit("ben")).get(f"/requests/{request.id}")).text
    people = house.policy.people
    house.policy = replace(house.policy, people={**people, "ana": replace(people["ana"], role=PersonRole.AUDITOR)})
    assert "data-undo" not in (await (await visit("ana")).get(f"/requests/{request.id}")).text


async def test_undo_takes_the_approval_back_and_the_page_says_so(house: Standing, visit: Visit) -> None:
    """One press; the page waits for a decision again, with the same content, and its record tells who took it back."""
    request = await house.submit()
    ana = await visit("ana")
    await ana.decide(request.id, "approve")
    answer = await undo(ana, await ana.get(f"/requests/{request.id}"), request.id)
    assert (answer.status, answer.headers["location"]) == (303, f"/requests/{request.id}")
    page = await ana.get(f"/requests/{request.id}")
    assert "Ana Silva took the approval back before anything ran; it waits for a decision again" in page.words
    assert "Revision 2 has the same content as revision 1" in page.words
    assert 'data-state="pending"' in page.text
    assert "data-undo" not in page.text
    assert (await house.now(request.id)).state is State.PENDING
    assert (await ana.decide(request.id, "approve")).status == 303
    assert (await house.now(request.id)).revision == 2


async def test_undo_twice_is_said_to_be_done(house: Standing, visit: Visit) -> None:
    """The second press changes nothing and does not read as a fault of the person."""
    request = await vote(house, await house.submit())
    ana = await visit("ana")
    page = await ana.get(f"/requests/{request.id}")
    assert (await undo(ana, page, request.id)).status == 303
    again = await undo(ana, page, request.id)
    assert (again.status, "Nothing to take back." in again.words) == (409, True)
    assert (await house.now(request.id)).revision == 2


async def test_undo_too_late_says_what_happened_instead(house: Standing, visit: Visit) -> None:
    """While it runs, and after its agent stopped it."""
    request = await vote(house, await house.submit())
    ana = await visit("ana")
    page = await ana.get(f"/requests/{request.id}")
    await begun(house, request)
    late = await undo(ana, page, request.id)
    assert late.status == 409
    assert "Too late to undo. It is running, since" in late.words
    assert "refusal:conflict" in await house.audit_types(request.id)

    other = await vote(house, await house.submit())
    page = await ana.get(f"/requests/{other.id}")
    await house.desk.cancel(other.id, agent=AGENT, reason="<b>Called off</b>")
    late = await undo(ana, page, other.id)
    assert "Too late to undo. Its agent stopped it before it ran" in late.words
    assert "Stopped by its agent before it ran" in late.words
    assert "&lt;b&gt;Called off" in late.text


async def test_undo_needs_the_sessions_token_and_a_post(house: Standing, visit: Visit) -> None:
    """A form from elsewhere, one without the token and a GET leave the approval as it is (T16)."""
    request = await vote(house, await house.submit())
    ana = await visit("ana")
    page = await ana.get(f"/requests/{request.id}")
    path, token = f"/requests/{request.id}/undo", page.hidden("csrf")
    for data, headers in (
        ({"csrf": token, "revision": "1"}, {"Origin": "https://evil.example"}),
        ({"csrf": "x", "revision": "1"}, ana.origin),
    ):
        assert (await ana.send("POST", path, data, headers)).status == 403
    answer = await ana.get(path)
    assert (answer.status, answer.headers["location"]) == (303, f"/requests/{request.id}")
    assert (await house.now(request.id)).state is State.APPROVED


async def test_somebody_elses_approval_is_not_undone(house: Standing, visit: Visit) -> None:
    """A form of one's own making is refused aloud."""
    request = await vote(house, await house.submit())
    ben = await visit("ben")
    token = (await ben.get("/inbox")).hidden("csrf")
    answer = await ben.post(f"/requests/{request.id}/undo", csrf=token, revision="1")
    assert (answer.status, "Only who approved this can take the approval back." in answer.words) == (403, True)


async def test_a_broken_glass_that_was_taken_back_is_not_said_of_a_later_approval(
    staged: Standing, visit: Visit
) -> None:
    """What an ordinary review approves afterwards is approved, and no more than that."""
    windowed(staged, "contract.sign")
    request = await staged.submit(action="contract.sign", arguments={"partner": "Brightwater"})
    await (await visit("dan")).decide(request.id, "break_glass", comment="The site is down")
    again = await staged.desk.undo(request.id, by="dan", via="inbox", revision=1)
    assert (again.state, state_text(replace(again, state=State.APPROVED))) == (State.PENDING, "Approved")


async def test_while_replays_are_stopped_the_page_says_so(house: Standing, visit: Visit) -> None:
    """Its time has come and nothing runs: the page says why, and undo stays possible."""
    await house.desk.pause(on=True, by="admin:ops", via="api")
    request = await vote(house, await house.submit())
    house.clock.shift += timedelta(minutes=5)
    ana = await visit("ana")
    page = await ana.get(f"/requests/{request.id}")
    assert "All replays are stopped" in page.words
    assert (await undo(ana, page, request.id)).status == 303
    stored = await house.now(request.id)
    assert stored.execution is not None
    assert (stored.state, stored.execution.state) == (State.PENDING, ExecutionState.CANCELLED)


async def test_while_replays_are_stopped_nobody_is_told_that_it_runs_at_once(house: Standing, visit: Visit) -> None:
    """As in a house that was restored: whoever decides reads that it will wait."""
    request = await house.submit()
    ana = await visit("ana")
    assert "Once approved" in (await ana.get(f"/requests/{request.id}")).words
    await house.desk.pause(on=True, by="admin:ops", via="api")
    page = await ana.get(f"/requests/{request.id}")
    assert "once approved it waits until they are started again" in page.words
    assert "Once approved" not in page.words


async def test_an_option_that_was_taken_back_says_who_had_picked_it(house: Standing, visit: Visit) -> None:
    """Whoever takes the approval back has not picked the option."""
    windowed(house, "deploy.service")
    options = (Option("new", "The new one", {"service": "a"}), Option("old", "The old one", {"service": "b"}))
    request = await house.submit(action="deploy.service", kind=Kind.CHOICE, arguments={}, options=options)
    await vote(house, request, by="ben", answer="new")
    picked = await vote(house, request, by="ana")
    await house.desk.undo(request.id, by="ana", via="inbox", revision=picked.revision)
    page = await (await visit("ana")).get(f"/requests/{request.id}")
    assert "picked by Ben Okafor" in page.words
    assert "of which Ana Silva took the approval back" in page.words
