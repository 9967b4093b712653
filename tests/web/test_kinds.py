"""Questions, choices and exceptions over HTTP: what a person answers is what the agent gets, and only a choice runs."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.web.conftest import Office

OPTIONS = [
    {"id": "all", "title": "Refund it all", "arguments": {"order": "10428", "amount": 240.0}},
    {"id": "half", "title": "Refund half", "arguments": {"order": "10428", "amount": 120.0}},
]
CHOICE: dict[str, Any] = {"action": "refund.issue", "arguments": {}, "kind": "choice", "options": OPTIONS}
QUESTION: dict[str, Any] = {"action": "ask.customer", "arguments": {"text": "Which of the two?"}, "kind": "question"}
YES_NO = [{"id": "yes", "title": "Yes"}, {"id": "no", "title": "No"}]


async def test_a_choice_runs_what_was_picked(office: Office) -> None:
    """The picked option's arguments become the next revision, approved at once by the one who picked."""
    mine = await office.submitted(**CHOICE)
    assert (mine["kind"], mine["options"], mine["chosen"], mine["answer"]) == ("choice", OPTIONS, None, None)
    reply = await office.decided(mine, answer="half")
    shown = reply.body
    assert (reply.status, shown["state"], shown["revision"]) == (200, "approved", 2)
    assert (shown["chosen"], shown["answer"]) == ("half", "half")
    assert shown["effective_arguments"] == OPTIONS[1]["arguments"]
    assert shown["digest"] != mine["digest"]
    assert (shown["decisions"][0]["decision"], shown["decisions"][0]["answer"]) == ("approve", "half")
    assert shown["execution"]["state"] == "executing"


async def test_a_pick_is_confirmed_by_whoever_approves_it(office: Office) -> None:
    """Where several have to agree, the first picks and the others approve that revision, or pick another."""
    mine = await office.submitted("other", action="ship", arguments={}, kind="choice", options=OPTIONS)
    picked = (await office.decided(mine, answer="half")).body
    assert (picked["state"], picked["chosen"], picked["revision"]) == ("pending", "half", 2)
    assert (await office.decided(mine, by="lea")).body["code"] == "stale"
    confirmed = (await office.decided(picked, by="lea")).body
    assert (confirmed["revision"], confirmed["decisions"][-1]["answer"]) == (2, "half")
    ended = (await office.decided(picked, by="ben", answer="half")).body
    assert (ended["state"], ended["effective_arguments"]) == ("approved", OPTIONS[1]["arguments"])


async def test_another_pick_clears_the_votes(office: Office) -> None:
    """Whoever picks another option makes another revision, for which nobody has voted but they."""
    mine = await office.submitted("other", action="ship", arguments={}, kind="choice", options=OPTIONS)
    first = (await office.decided(mine, answer="half")).body
    second = (await office.decided(first, by="lea", answer="all")).body
    assert (second["revision"], second["chosen"], second["state"]) == (3, "all", "pending")
    assert [stage["approvals"] for stage in second["stages"]] == [0, 1, 0]


async def test_an_options_arguments_must_fit_the_schema_of_the_action(office: Office) -> None:
    """Each option is checked as if it were proposed alone; the fault names which one."""
    options = [OPTIONS[0], OPTIONS[1] | {"arguments": {"order": "1", "amount": -1}}]
    reply = await office.call("POST", "/v1/requests", "billing", json=CHOICE | {"options": options})
    assert (reply.status, reply.body["errors"][0]["pointer"]) == (422, "/options/1/arguments/amount")


REFUSED: tuple[tuple[dict[str, Any], str, dict[str, Any], str], ...] = (
    (CHOICE, "approve", {}, "/answer"),
    (CHOICE, "approve", {"answer": "none"}, "/answer"),
    (CHOICE, "approve", {"answer": "Refund half"}, "/answer"),
    (CHOICE, "approve_with_edits", {"arguments": {"order": "10428", "amount": 1}}, "/decision"),
    (QUESTION, "approve", {}, "/answer"),
    (QUESTION, "approve", {"answer": "  "}, "/answer"),
    (QUESTION | {"options": YES_NO}, "approve", {"answer": "maybe"}, "/answer"),
    (QUESTION | {"options": YES_NO}, "approve", {}, "/answer"),
)
"""(what is asked, the decision, what else it says, the pointer that is named)."""


@pytest.mark.parametrize(("asked", "decision", "more", "pointer"), REFUSED)
async def test_an_answer_that_answers_nothing_is_refused(
    office: Office, asked: dict[str, Any], decision: str, more: dict[str, Any], pointer: str
) -> None:
    """Nothing is chosen for the reviewer, and the request waits on."""
    mine = await office.submitted(**asked)
    reply = await office.decided(mine, decision, **more)
    assert (reply.status, reply.body["code"]) == (422, "invalid")
    assert [error["pointer"] for error in reply.body["errors"]] == [pointer]
    now = (await office.call("GET", f"/v1/requests/{mine['id']}", "billing")).body
    assert (now["state"], now["answer"], now["decisions"]) == ("pending", None, [])


@pytest.mark.parametrize(
    ("options", "answer"), [([], "The second: it was charged twice"), (YES_NO, "no"), (YES_NO, "yes")]
)
async def test_a_question_is_answered_to_whoever_waits(
    office: Office, options: list[dict[str, Any]], answer: str
) -> None:
    """The answer is the result: nothing runs, and the waiting agent gets it the moment it is given."""
    mine = await office.submitted(**QUESTION, options=options)
    waiting = asyncio.create_task(office.call("GET", f"/v1/requests/{mine['id']}?wait=20", "billing"))
    await asyncio.sleep(0.1)
    assert (await office.decided(mine, answer=answer)).status == 200
    heard = (await waiting).body
    assert (heard["state"], heard["answer"], heard["execution"]["state"]) == ("approved", answer, "none")
    assert heard["revision"] == 1


async def test_a_question_may_be_declined(office: Office) -> None:
    """Rejecting is declining to answer: there is none."""
    mine = await office.submitted(**QUESTION)
    reply = await office.decided(mine, "reject", comment="not ours to say")
    assert (reply.body["state"], reply.body["answer"]) == ("rejected", None)


async def test_an_exception_goes_to_its_own_people(office: Office) -> None:
    """What an agent calls out of its scope is asked of the exceptions' chain; nothing runs when they settle it."""
    mine = await office.submitted(kind="exception")
    assert (mine["rule"], mine["assignees"], mine["stages"][0]["name"]) == ("exceptions", ["lea"], "odd")
    assert (await office.decided(mine, by="ana", answer="x")).status == 403
    settled = (await office.decided(mine, by="lea", answer="I have done it by hand")).body
    assert (settled["state"], settled["answer"]) == ("approved", "I have done it by hand")
    assert settled["execution"]["state"] == "none"


async def test_t06_of_two_options_picked_at_once_one_is(office: Office) -> None:
    """However many pick, one option runs, and the others are told."""
    mine = await office.submitted(**CHOICE)
    picks = [office.decided(mine, answer=pick) for pick in ("all", "half") for _ in range(10)]
    replies = await asyncio.gather(*picks)
    won = [reply.body for reply in replies if reply.status == 200]
    assert len(won) == 1
    assert {reply.body["code"] for reply in replies if reply.status != 200} == {"already_decided"}
    now = (await office.call("GET", f"/v1/requests/{mine['id']}", "billing")).body
    assert (now["chosen"], len(now["decisions"])) == (won[0]["chosen"], 1)


@pytest.mark.parametrize("action", ["sayso.drill", "sayso.break_glass_review", "sayso.x", "SAYSO.drill"])
async def test_t10_no_agent_asks_in_the_houses_name(office: Office, action: str) -> None:
    """A request that looks like the house's own is refused at the door, of whatever kind it is."""
    for kind in ({}, {"kind": "question"}, {"kind": "exception"}):
        reply = await office.call("POST", "/v1/requests", "billing", json={"action": action} | kind)
        assert (reply.status, reply.body["errors"][0]["pointer"]) == (422, "/action")


async def test_an_agent_that_asks_too_much_is_told_when_to_come_back(office: Office) -> None:
    """Questions and choices count towards the pending cap like any request: 429 with Retry-After."""
    await office.submitted("hasty", **QUESTION)
    await office.submitted("hasty", **CHOICE)
    reply = await office.call("POST", "/v1/requests", "hasty", json=QUESTION)
    assert (reply.status, reply.body["code"]) == (429, "overloaded")
    assert int(reply.headers["Retry-After"]) >= 1


async def test_p02_the_same_choice_twice_is_one_request(office: Office) -> None:
    """Options are part of the body that an Idempotency-Key stands for."""
    headers = {"Idempotency-Key": "choice-1"}
    first = await office.call("POST", "/v1/requests", "billing", headers=headers, json=CHOICE)
    again = await office.call("POST", "/v1/requests", "billing", headers=headers, json=CHOICE)
    assert (first.status, again.status, again.body["id"]) == (201, 200, first.body["id"])
    other = await office.call(
        "POST", "/v1/requests", "billing", headers=headers, json=CHOICE | {"options": OPTIONS[::-1]}
    )
    assert (other.status, other.body["code"]) == (422, "idempotency_mismatch")
