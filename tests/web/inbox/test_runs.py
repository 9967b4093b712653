"""The run of an approved request as its page tells it: waiting, running, tried again, ended, unknown, stopped."""

from __future__ import annotations

import re

import pytest
from msgspec.structs import replace

from bot.core.model import ExecutionState, PersonRole
from bot.core.ports import Outcome, OutcomeKind
from tests.web.inbox.conftest import Visit
from tests.web.inbox.house import AGENT, Standing
from tests.web.inbox.states import begun, ran, vote


def role(house: Standing, person: str, role: PersonRole) -> None:
    """Give somebody another role."""
    people = house.policy.people
    house.policy = replace(house.policy, people={**people, person: replace(people[person], role=role)})


def state(text: str) -> str:
    """What the page says to scripts of where it stands."""
    found = re.search(r'<main id="main"[^>]* data-state="([a-z_]+)"', text)
    assert found
    return found[1]


async def test_the_page_follows_a_run_that_is_tried_again(house: Standing, visit: Visit) -> None:
    """Waiting, running, tried again, running anew, executed: each with its number and its time, and what went wrong."""
    request = await vote(house, await house.submit())
    ana = await visit("ana")
    path = f"/requests/{request.id}"
    versions = set()

    async def look(key: str, *said: str) -> None:
        page = await ana.get(path)
        assert state(page.text) == key
        assert f'data-request="{request.id}"' in page.text
        assert 'data-refresh="swap"' in page.text
        for text in said:
            assert text in page.words, text
        found = re.search(r'data-version="([^"]+)"', page.text)
        assert found
        versions.add(found[1])

    await look("waiting", "Waiting to run", "It begins at")
    order = await begun(house, request)
    await look("executing", "Running", "Attempt 1 of 5, since")
    await house.desk.conclude(order, Outcome(kind=OutcomeKind.NOT_STARTED, error="not_connected: <refused>"))
    await look("retrying", "Attempt 1 of 5 came to nothing.", "It is tried again in", "not_connected: <refused>")
    order = await begun(house, request)
    await look("executing", "Attempt 2 of 5, since", "All 2 attempts")
    await house.desk.conclude(order, Outcome(kind=OutcomeKind.EXECUTED, result={"refund": "<re_1>"}))
    await look("executed", "Executed", "2 attempts", '"<re_1>"')
    assert len(versions) == 5


@pytest.mark.parametrize(
    ("kind", "key", "said"),
    [
        (OutcomeKind.FAILED, "failed", "the card is closed"),
        (OutcomeKind.UNKNOWN, "unknown", "Did it happen?"),
    ],
)
async def test_how_it_ended(house: Standing, visit: Visit, kind: OutcomeKind, key: str, said: str) -> None:
    """The error as the target said it; of what nobody knows, the form that settles it; no list says just "Approved"."""
    request = await ran(house, kind, error="refused: the card is closed")
    ana = await visit("ana")
    page = await ana.get(f"/requests/{request.id}")
    assert (state(page.text), said in page.words) == (key, True)
    (told,) = re.findall(r'<span class="tag (?:bad|alarm)">(Approved[^<]*)<', (await ana.get("/inbox")).text)
    assert told in ("Approved, but it failed", "Approved, outcome unknown")


async def test_what_its_agent_runs_is_handed_over(house: Standing, visit: Visit) -> None:
    """Until when it has to report is said."""
    request = await vote(house, await house.submit(action="host.run", arguments={"command": "ls"}))
    page = await (await visit("ana")).get(f"/requests/{request.id}")
    assert state(page.text) == "handed"
    assert "unknown unless it reports by" in page.words


async def test_what_its_agent_stopped_says_so(house: Standing, visit: Visit) -> None:
    """Who, when and why, its reason as the agent's own word; the approval stands in the record."""
    request = await vote(house, await house.submit())
    await house.desk.cancel(request.id, agent=AGENT, reason="The customer <called>")
    page = await (await visit("ana")).get(f"/requests/{request.id}")
    assert state(page.text) == "cancelled"
    assert "Stopped by its agent before it ran" in page.words
    assert "The agent says, in its own words, not checked The customer <called>" in page.words
    assert "Approved by Ana Silva" in page.words
    assert "the agent billing-assistant stopped it before it ran" in page.words


async def test_an_admin_settles_what_nobody_knows(house: Standing, visit: Visit) -> None:
    """Also where they were not asked; somebody else who was not asked may not."""
    request = await ran(house, OutcomeKind.UNKNOWN, error="timed_out")
    kim = await visit("kim")
    assert "Did it happen?" not in (await kim.get(f"/requests/{request.id}")).words
    role(house, "kim", PersonRole.ADMIN)
    page = await kim.get(f"/requests/{request.id}")
    assert "Did it happen?" in page.words
    answer = await kim.post(
        f"/requests/{request.id}/resolution", csrf=page.hidden("csrf"), state="executed", note="I looked"
    )
    assert answer.status == 303
    stored = await house.now(request.id)
    assert stored.execution is not None
    assert stored.execution.state is ExecutionState.EXECUTED


async def test_an_auditor_sees_all_and_has_no_buttons(house: Standing, visit: Visit) -> None:
    """Not even where they are asked or approved it, and a form of their own making changes nothing."""
    unknown = await ran(house, OutcomeKind.UNKNOWN, error="timed_out")
    request = await house.submit(reason="Charged twice")
    approved = await vote(house, await house.submit())
    role(house, "ana", PersonRole.AUDITOR)
    ana = await visit("ana")
    page = await ana.get(f"/requests/{request.id}")
    assert "An auditor reads everything and decides nothing." in page.words
    for said in ("Charged twice", "What exactly will be sent", "request.submitted", request.digest):
        assert said in page.words, said
    token = page.hidden("csrf")
    for path in (f"/requests/{request.id}", f"/requests/{unknown.id}", f"/requests/{approved.id}"):
        text = (await ana.get(path)).text
        posts = re.findall(r'<form[^>]*method="post"[^>]*action="([^"]+)"', text)
        assert posts == ["/sign-out"], path
    shown = {"csrf": token, "revision": "1", "digest": request.digest}
    assert (await ana.post(f"/requests/{request.id}/decisions", decision="approve", **shown)).status == 403
    assert (await ana.post(f"/requests/{approved.id}/undo", csrf=token, revision="1")).status == 403
    settling = {"csrf": token, "state": "executed", "note": "I looked"}
    assert (await ana.post(f"/requests/{unknown.id}/resolution", **settling)).status == 403
    assert (await house.now(request.id)).decisions == ()
    assert (await house.now(approved.id)).state.approved
