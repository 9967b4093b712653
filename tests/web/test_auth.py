"""Keys: where they count, and where they do not."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from urllib.parse import urlsplit

import pytest

from bot.core.model import Role
from bot.web.admission import Gate
from bot.web.app import table
from bot.web.calls import Calls
from tests.web.conftest import REFUND, Office

AGENT, REVIEWER, ADMIN, ADVISOR = Role.AGENT, Role.REVIEWER, Role.ADMIN, Role.ADVISOR
PEOPLE, CONCERNED = {REVIEWER, ADMIN}, {AGENT, REVIEWER, ADMIN}
KEYS = {"other": AGENT, "ana": REVIEWER, "ops": ADMIN, "checker": ADVISOR}
CALLS: dict[tuple[str, str], set[Role]] = {
    ("POST", "/v1/requests"): {AGENT},
    ("GET", "/v1/requests"): {*Role},
    ("GET", "/v1/requests/{id}"): {*Role},
    ("POST", "/v1/requests/{id}/information"): {AGENT},
    ("POST", "/v1/requests/{id}/cancel"): {AGENT},
    ("POST", "/v1/requests/{id}/outcome"): {AGENT},
    ("POST", "/v1/requests/{id}/decisions"): {REVIEWER},
    ("POST", "/v1/requests/{id}/undo"): {REVIEWER},
    ("POST", "/v1/requests/{id}/resolution"): {ADMIN},
    ("POST", "/v1/requests/{id}/rollback"): CONCERNED,
    ("POST", "/v1/requests/{id}/incidents"): CONCERNED,
    ("POST", "/v1/requests/{id}/assessments"): {ADVISOR},
    ("GET", "/v1/requests/{id}/audit"): CONCERNED,
    ("POST", "/v1/batches/{batch}/decisions"): {REVIEWER},
    ("POST", "/v1/drills"): {ADMIN},
    ("GET", "/v1/audit/export"): {ADMIN},
    ("POST", "/v1/subjects/erasure"): {ADMIN},
    ("GET", "/v1/examples"): {ADMIN},
    ("GET", "/v1/metrics"): CONCERNED,
    ("GET", "/v1/metrics/thresholds"): PEOPLE,
    ("GET", "/v1/metrics/attention"): PEOPLE,
    ("POST", "/v1/trust/proposals"): {ADMIN},
}
"""Who may make which call; what is not here takes no key."""
BODIES = {
    "information": {"text": "an answer"},
    "outcome": {"state": "executed"},
    "incidents": {"severity": "low", "note": "none"},
}


async def test_without_a_key_nothing_is_told(office: Office) -> None:
    """No key, 401 with the way to send one; whether the thing exists is not said."""
    for method, path in CALLS:
        address = path.replace("{id}", "req_0").replace("{batch}", "b")
        reply = await office.call(method, address, json=REFUND if method == "POST" else None)
        assert (reply.status, reply.body["code"]) == (401, "unauthorized"), path
        assert reply.headers["WWW-Authenticate"].startswith("Bearer")


async def test_t10_every_call_takes_its_roles_and_of_agents_its_own(office: Office) -> None:
    """By the router's own list: no other role comes in, and no agent is told of another's request, or changes it."""
    listed = {(each.method, each.path): set(each.roles) for each in table(office.house, Counter(), Calls(), Gate())}
    assert {call: roles for call, roles in listed.items() if roles} == CALLS
    mine = await office.submitted(batch="b")
    for (method, path), roles in CALLS.items():
        address = path.replace("{id}", mine["id"]).replace("{batch}", "b")
        for name in [name for name, role in KEYS.items() if role not in roles]:
            reply = await office.call(method, address, name, data=b"{}")
            assert (reply.status, reply.body["code"]) == (403, "forbidden"), (name, method, path)
        if "{id}" in path and AGENT in roles:
            body = {"json": BODIES.get(path.rpartition("/")[2], {})} if method == "POST" else {}
            there, nowhere = [
                await office.call(method, path.replace("{id}", one), "other", **body) for one in (mine["id"], "req_0")
            ]
            assert there.status == nowhere.status == 404, path
            assert there.raw == nowhere.raw, "whether there is such a request is not told"
    assert (await office.call("GET", f"/v1/requests/{mine['id']}", "billing")).body == {**mine, "deliveries": []}


async def test_only_a_known_bearer_key_opens(office: Office) -> None:
    """Another scheme, a stranger's key or a damaged one is refused."""
    key = office.keys["billing"]
    for value in ("Bearer", "Bearer ", "Bearer nope", f"Basic {key}", key, f"Bearer {key} x", f"Bearer {key.upper()}"):
        reply = await office.call("GET", "/v1/requests", headers={"Authorization": value})
        assert reply.status == 401, value
    assert (await office.call("GET", "/v1/requests", headers={"Authorization": f"bearer {key}"})).status == 200


async def test_a_key_in_the_address_is_never_taken(office: Office) -> None:
    """Addresses end up in logs, so that a key there opens nothing."""
    for name in ("key", "access_token", "authorization"):
        assert (await office.call("GET", f"/v1/requests?{name}={office.keys['billing']}")).status == 401


async def test_two_authorization_headers_are_refused(office: Office) -> None:
    """Where a proxy could read one and the bot the other, neither counts."""
    headers = [("Authorization", f"Bearer {office.keys[name]}") for name in ("billing", "ops")]
    async with office.http.get(f"{office.base}/v1/requests", headers=headers) as response:
        assert response.status == 401


async def test_t08_a_reviewer_whom_the_rules_no_longer_know(office: Office) -> None:
    """Their key outlives their entry in routing.yaml, and opens nothing: neither a decision nor a look."""
    _, gone = await office.access.new_key("zoe", Role.REVIEWER, by="tests")
    request = await office.submitted()
    shown = {"revision": request["revision"], "digest": request["digest"]}
    headers = {"Authorization": f"Bearer {gone}"}
    decision = f"/v1/requests/{request['id']}/decisions"
    for method, path in (("GET", "/v1/requests"), ("GET", f"/v1/requests/{request['id']}/audit"), ("POST", decision)):
        body = {"decision": "approve", **shown} if method == "POST" else None
        reply = await office.call(method, path, headers=headers, json=body)
        assert (reply.status, reply.body["code"]) == (401, "unauthorized")
        assert "routing.yaml" in reply.body["detail"]


async def test_a_revoked_key_ends(office: Office) -> None:
    """Revocation by this process counts at the next call."""
    assert (await office.call("GET", "/v1/requests", "billing")).status == 200
    known = next(key for key in await office.access.keys() if key.name == "billing")
    assert await office.access.revoke(known.id, by="tests")
    assert (await office.call("GET", "/v1/requests", "billing")).status == 401


async def test_what_is_not_there_is_a_problem_too(office: Office) -> None:
    """Unknown addresses and methods answer in the API's own form, later issues' calls among them."""
    for path in (
        "/v1/nothing",
        "/v1/requests/",
        "/v1/batches/b",
        "/v1/batches//decisions",
        "/slack/events",
    ):
        reply = await office.call("GET", path, "ops")
        assert (reply.status, reply.body["code"]) == (404, "not_found"), path
        assert reply.headers["Content-Type"] == "application/problem+json"
    for path, body in (("rollback", {}), ("incidents", {"severity": "low", "note": "none"})):
        assert (await office.call("POST", f"/v1/requests/req_0/{path}", "ops", json=body)).status == 404
    for path, allow in (
        ("/v1/requests", "GET, HEAD, POST"),
        ("/v1/requests/req_0/decisions", "POST"),
        ("/v1/batches/b/decisions", "POST"),
        ("/v1/drills", "POST"),
        ("/healthz", "GET, HEAD"),
    ):
        reply = await office.call("DELETE", path, "ops")
        assert (reply.status, reply.body["code"], reply.headers["Allow"]) == (405, "method_not_allowed", allow)


async def test_an_id_that_cannot_be_one_is_not_looked_up(office: Office) -> None:
    """Odd ids are simply not found."""
    for odd in ("%00", "a" * 65, "%F0%9F%98%80", "..%2f..", "req_'--"):
        assert (await office.call("GET", f"/v1/requests/{odd}", "ops")).status == 404


async def test_head_is_get_without_its_body(office: Office) -> None:
    """HEAD is answered wherever GET is (T16: neither changes anything)."""
    reply = await office.call("HEAD", "/v1/requests", "ops")
    assert (reply.status, reply.raw) == (200, b"")


async def test_a_fault_of_ours_says_nothing_of_the_inside(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    """An exception nobody foresaw is a 500 without internals; its traceback is in the log."""

    async def broken() -> list[object]:
        raise RuntimeError("the password is hunter2")

    object.__setattr__(office.house, "probes", broken)
    reply = await office.call("GET", "/readyz")
    assert (reply.status, reply.body["code"]) == (500, "internal")
    assert b"hunter2" not in reply.raw
    assert "hunter2" in caplog.text


async def test_a_body_that_never_comes_is_not_waited_for(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sender that stalls is told so and loses its connection."""
    monkeypatch.setattr("bot.web.exchange.BODY_SECONDS", 0.2)
    at = urlsplit(office.base)
    reader, writer = await asyncio.open_connection(at.hostname, at.port, family=socket.AF_INET)
    head = f"POST /v1/requests HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {office.keys['billing']}\r\n"
    writer.write(f"{head}Content-Length: 100\r\n\r\n{{".encode())
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    assert answer.startswith(b"HTTP/1.1 408")
    assert b'"code":"too_slow"' in answer
