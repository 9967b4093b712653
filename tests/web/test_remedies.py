"""Rollback and incidents over HTTP: who may, what is answered, and what the request then shows."""

from __future__ import annotations

from typing import Any

from bot.core.model import ExecutionState
from tests.web.conftest import Office


async def ran(office: Office) -> Any:
    """A deployment that its agent ran and reported."""
    mine = await office.submitted(action="deploy.start", arguments={"version": "v7"})
    await office.decided(mine)
    told = {"state": "executed", "result": {"id": "d1"}}
    reply = await office.call("POST", f"/v1/requests/{mine['id']}/outcome", "billing", json=told)
    assert reply.status == 200, reply.body
    return reply.body


async def test_a_rollback_is_made_once_and_linked_both_ways(office: Office) -> None:
    """201 and Location, then 200 with the same; its arguments come from the first one and its result."""
    first = await ran(office)
    path = f"/v1/requests/{first['id']}/rollback"
    made = await office.call("POST", path, "billing", json={"reason": "wrong stage"})
    assert (made.status, made.headers["location"]) == (201, f"/v1/requests/{made.body['id']}")
    assert (made.body["action"], made.body["arguments"]) == ("deploy.revert", {"deployment": "d1", "from": "v7"})
    assert (made.body["takes_back"], made.body["reason"]) == (first["id"], "wrong stage")
    again = await office.call("POST", path, "ops")
    assert (again.status, again.body["id"]) == (200, made.body["id"])
    now = await office.call("GET", f"/v1/requests/{first['id']}", "billing")
    assert now.body["execution"]["rollback"] == made.body["id"]
    shown = await office.call("GET", "/openapi.json")
    assert set(shown.body["paths"]["/v1/requests/{id}/rollback"]["post"]["responses"]) >= {"200", "201", "409"}


async def test_t10_it_is_its_own_agents_and_peoples(office: Office) -> None:
    """Another agent finds nothing, an advisor may not, what has not run is a conflict, a body is checked."""
    first = await ran(office)
    for by, status in (("other", 404), ("checker", 403)):
        for path in ("rollback", "incidents"):
            given = {"severity": "low", "note": "x"} if path == "incidents" else {}
            assert (await office.call("POST", f"/v1/requests/{first['id']}/{path}", by, json=given)).status == status
    waits = await office.submitted(action="deploy.start", arguments={"version": "v8"})
    refused = await office.call("POST", f"/v1/requests/{waits['id']}/rollback", "billing")
    assert (refused.status, refused.body["execution"]) == (409, "none")
    wrong = await office.call("POST", f"/v1/requests/{first['id']}/rollback", "ana", json={"why": "x"})
    assert wrong.status == 422


async def test_an_incident_is_kept_and_shown(office: Office) -> None:
    """Severity and note are checked; the request shows who reported what, to everybody who sees it."""
    first = await ran(office)
    path = f"/v1/requests/{first['id']}/incidents"
    for body in ({"severity": "bad", "note": "x"}, {"severity": "low"}, {"severity": "low", "note": ""}):
        assert (await office.call("POST", path, "ana", json=body)).status == 422
    for by in ("ana", "billing", "ops"):
        assert (await office.call("POST", path, by, json={"severity": "high", "note": f"by {by}"})).status == 200
    now = await office.call("GET", f"/v1/requests/{first['id']}", "billing")
    found = [(one["severity"], one["by"], one["note"]) for one in now.body["execution"]["incidents"]]
    assert found == [
        ("high", "person:ana", "by ana"),
        ("high", "agent:billing", "by billing"),
        ("high", "admin:ops", "by ops"),
    ]
    assert now.body["execution"]["state"] == ExecutionState.EXECUTED
