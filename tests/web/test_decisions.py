"""Deciding and settling over HTTP."""

from __future__ import annotations

import asyncio
from typing import Any

from bot.core.audit import happened_at
from bot.core.model import ExecutionState
from tests.web.conftest import Office


async def refusals(office: Office) -> list[str]:
    """The actors of every refusal on record."""
    lines = await office.store.audit_lines(0, 1000)
    assert all(happened_at(line) for line in lines)
    return [line.body.split('"actor":"')[1].split('"')[0] for line in lines if '"type":"refusal"' in line.body]


async def test_an_approval_is_answered_with_what_it_did(office: Office) -> None:
    """The answer shows the decision: who, when, through what."""
    mine = await office.submitted()
    reply = await office.decided(mine, comment="checked the ledger")
    assert reply.status == 200
    assert reply.body["state"] == "approved"
    assert reply.body["effective_arguments"] == mine["arguments"]
    decision = reply.body["decisions"][0]
    assert decision | {"at": ""} == {
        "decision": "approve",
        "by": "ana",
        "at": "",
        "channel": "api",
        "stage": "finance",
        "revision": 1,
        "comment": "checked the ledger",
        "category": None,
        "edits": [],
        "answer": None,
        "instead_of": None,
        "broke_glass": False,
    }


async def test_an_edit_shows_both_sides(office: Office) -> None:
    """Approved with edits: proposed and effective arguments stand apart, the difference by pointer."""
    mine = await office.submitted()
    edited = mine["arguments"] | {"amount": 120.5, "note": "half"}
    reply = await office.decided(mine, "approve_with_edits", arguments=edited)
    assert (reply.status, reply.body["state"]) == (200, "approved_with_edits")
    assert reply.body["arguments"] == mine["arguments"]
    assert reply.body["effective_arguments"] == edited
    edits = {edit["pointer"]: (edit["before"], edit["after"]) for edit in reply.body["decisions"][0]["edits"]}
    assert edits["/amount"] == (240.0, 120.5)
    assert edits["/note"][1] == "half"


async def test_edits_must_be_allowed_and_fit(office: Office) -> None:
    """An argument that may not be edited, or a value that breaks the schema, is refused by its pointer."""
    mine = await office.submitted()
    for change, pointer in (({"order": "9"}, "/arguments/order"), ({"amount": -1}, "/arguments/amount")):
        reply = await office.decided(mine, "approve_with_edits", arguments=mine["arguments"] | change)
        assert (reply.status, reply.body["errors"][0]["pointer"]) == (422, pointer)
    assert (await office.call("GET", f"/v1/requests/{mine['id']}", "ana")).body["state"] == "pending"


TWO_THINGS: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("approve_with_edits", {}, "/arguments"),
    ("approve", {"arguments": {"order": "1", "amount": 1}}, "/arguments"),
    ("ask", {}, "/comment"),
    ("ask", {"comment": "  "}, "/comment"),
    ("approve", {"category": "policy"}, "/category"),
    ("reject", {"comment": "x" * 5001}, "/comment"),
    ("approve", {"answer": "yes"}, "/answer"),
    ("reject", {"answer": "yes"}, "/answer"),
    ("ask", {"comment": "?", "answer": "yes"}, "/answer"),
    ("approve", {"answer": ""}, "/answer"),
    ("approve", {"answer": "x" * 20_001}, "/answer"),
    ("approve", {"break_glass": True}, "/comment"),
    ("approve", {"break_glass": True, "comment": " \n"}, "/comment"),
    ("approve", {"break_glass": "yes", "comment": "x"}, "/break_glass"),
    ("reject", {"break_glass": True, "comment": "x"}, "/break_glass"),
    ("escalate", {"break_glass": True, "comment": "x"}, "/break_glass"),
    ("aprove", {}, "/decision"),
    ("approve", {"revision": 1.5}, "/revision"),
    ("approve", {"revision": True}, "/revision"),
    ("approve", {"digest": "sha256:0"}, "/digest"),
    ("approve", {"reviewer": "ben"}, "/reviewer"),
)
"""(decision, what else the body says, the pointer that is named)."""


async def test_a_decision_that_says_two_things_is_refused(office: Office) -> None:
    """Nothing is chosen for the reviewer: what does not fit together is named, and nothing is decided."""
    mine = await office.submitted()
    for decision, more, pointer in TWO_THINGS:
        reply = await office.decided(mine, decision, **more)
        assert (reply.status, reply.body["code"]) == (422, "invalid"), (decision, more)
        assert [error["pointer"] for error in reply.body["errors"]] == [pointer]
    assert (await office.call("GET", f"/v1/requests/{mine['id']}", "ana")).body["decisions"] == []


async def test_t05_a_decision_binds_to_revision_and_digest(office: Office) -> None:
    """Another revision or digest than the present one decides nothing."""
    mine = await office.submitted()
    told: dict[str, dict[str, Any]] = {
        "There is no revision 2": {"revision": 2},
        "not the digest of revision 1": {"digest": "sha256:" + "0" * 64},
    }
    for why, changed in told.items():
        reply = await office.decided(mine, **changed)
        assert (reply.status, reply.body["code"]) == (409, "stale")
        assert why in reply.body["detail"]
    assert await refusals(office) == ["person:ana", "person:ana"]


async def test_t06_of_two_decisions_at_once_one_wins(office: Office) -> None:
    """The losers are told who decided and when."""
    mine = await office.submitted()
    replies = await asyncio.gather(*(office.decided(mine, d) for d in ("approve", "reject") for _ in range(10)))
    won = [reply for reply in replies if reply.status == 200]
    lost = [reply for reply in replies if reply.status == 409]
    assert (len(won), len(lost)) == (1, 19)
    for reply in lost:
        assert reply.body["decided_by"] == "ana"
        assert reply.body["decided_at"] == won[0].body["decided_at"]
        assert reply.body["state"] == won[0].body["state"]


async def test_t08_who_is_not_asked_is_refused_and_recorded(office: Office) -> None:
    """A reviewer of a later step, and the agent's owner, decide nothing."""
    mine = await office.submitted()
    for by, code in (("lea", "not_assigned"), ("ben", "self_review")):
        reply = await office.decided(mine, by=by)
        assert (reply.status, reply.body["code"]) == (403, code)
    assert await refusals(office) == ["person:lea", "person:ben"]


async def test_t10_an_agent_key_never_decides(office: Office) -> None:
    """An agent's key is refused on any request, admins' and advisors' too, and each refusal is on record."""
    mine = await office.submitted()
    for by in ("billing", "other", "ops", "checker"):
        reply = await office.decided(mine, by=by)
        assert (reply.status, reply.body["code"]) == (403, "forbidden")
    assert await refusals(office) == ["agent:billing", "agent:other", "admin:ops", "advisor:checker"]
    assert (await office.call("GET", f"/v1/requests/{mine['id']}", "billing")).body["state"] == "pending"


async def test_t10_a_key_carries_one_role(office: Office) -> None:
    """What belongs to another role is refused with 403, before the body is looked at, and recorded."""
    mine = await office.submitted()
    others = [("billing", "resolution"), ("ana", "resolution"), ("ana", "cancel"), ("ana", "outcome")]
    for by, path in (*others, ("ops", "information"), ("lea", "information")):
        reply = await office.call("POST", f"/v1/requests/{mine['id']}/{path}", by, data=b"not json")
        assert (reply.status, reply.body["code"]) == (403, "forbidden"), (by, path)
    actors = ["agent:billing", "person:ana", "person:ana", "person:ana", "admin:ops", "person:lea"]
    assert await refusals(office) == actors


async def test_reject_ask_and_escalate(office: Office) -> None:
    """The other decisions lead where the contract says."""
    rejected = await office.decided(await office.submitted(), "reject", comment="no", category="policy")
    assert (rejected.body["state"], rejected.body["decisions"][0]["category"]) == ("rejected", "policy")
    asked = await office.decided(await office.submitted(), "ask", comment="why?")
    assert asked.body["state"] == "needs_info"
    escalated = await office.decided(await office.submitted(), "escalate")
    assert (escalated.body["escalated"], escalated.body["escalation_level"]) == (True, 1)
    assert escalated.body["assignees"] == ["ana", "lea"]


async def test_an_unknown_outcome_is_settled_by_an_admin(office: Office) -> None:
    """Only unknown can be settled, by an admin alone, once; the note stays."""
    mine = await office.submitted()
    path = f"/v1/requests/{mine['id']}/resolution"
    body = {"state": "executed", "note": "seen in the bank's list"}
    assert (await office.call("POST", path, "ops", json=body)).status == 409
    await office.decided(mine)
    await _lose(office, mine["id"])
    reply = await office.call("POST", path, "ops", json=body)
    assert (reply.status, reply.body["execution"]["state"]) == (200, "executed")
    assert (await office.call("POST", path, "ops", json=body)).status == 409


async def _lose(office: Office, request_id: str) -> None:
    """Make the request's execution unknown, as if its agent had never reported."""
    desk = office.house.desk
    execution = (await desk.wait(request_id, seconds=0, outcome=False)).execution
    assert execution is not None

    def work(tx: Any) -> None:
        request = tx.request(request_id)
        deed = desk._end(tx, request, execution, ExecutionState.UNKNOWN, "execution.ended")  # noqa: SLF001 - a day passes
        assert deed is not None

    await office.store.write(work)
