"""Submitting, looking, answering, withdrawing and reporting over HTTP."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

from tests.web.conftest import REFUND, Office

MICROS = "%Y-%m-%dT%H:%M:%S.%fZ"


MEMBERS = set(
    """
    id state kind revision digest agent action title arguments effective_arguments reason confidence risk labels
    context rule why stage escalation_level assignees deadline expires_at decisions answer execution deliveries
    batch revises created_at decided_at url escalated options chosen stages checks advice advisors refused held_until
    """.split()  # noqa: SIM905 - a list of 32 quoted words is harder to hold against the contract
)
"""The contract's list ("The request, as every call returns it"), and what was added since."""


async def test_submit_answers_201_with_location_and_every_member(office: Office) -> None:
    """A submission is answered with the whole request and where it stands."""
    body = REFUND | {"reason": "charged twice", "confidence": 0.72, "labels": {"tier": "gold"}, "batch": "b1"}
    reply = await office.call("POST", "/v1/requests", "billing", json=body)
    shown = reply.body
    assert reply.status == 201
    assert reply.headers["Location"] == f"/v1/requests/{shown['id']}"
    assert shown.keys() >= MEMBERS
    assert shown["state"] == "pending"
    assert shown["title"] == "Refund 240.0 on order 10428"
    assert shown["arguments"] == REFUND["arguments"]
    assert shown["effective_arguments"] is None
    assert shown["rule"] == "refunds"
    assert shown["stage"] == {"name": "finance", "index": 1, "of": 1, "approvals": 0, "needed": 1}
    only = {"name": "finance", "state": "open", "approvals": 0, "needed": 1, "rejections": 1, "parallel": 0}
    assert shown["stages"] == [only]
    assert shown["assignees"] == ["ana"]
    assert shown["execution"]["state"] == "none"
    assert shown["url"] == f"{office.base}/requests/{shown['id']}"
    for name in ("created_at", "expires_at", "deadline"):
        assert shown[name].endswith("Z")
        assert datetime.fromisoformat(shown[name]).tzinfo is not None
    again = await office.call("GET", reply.headers["Location"], "billing")
    assert again.body == shown


async def test_json_answers_are_not_stored_or_sniffed(office: Office) -> None:
    """Answers and refusals alike carry the headers that keep them out of caches and guesses."""
    for path, by in (("/v1/requests", "billing"), ("/v1/requests", None), ("/nowhere", None), ("/healthz", None)):
        reply = await office.call("GET", path, by)
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert reply.headers["Cache-Control"] == "no-store"


async def test_a_rule_decides_at_once(office: Office) -> None:
    """What a rule approves or blocks is answered so; an approved one stands in its agent's hands."""
    approved = (await office.call("POST", "/v1/requests", "billing", json={"action": "greet"})).body
    blocked = (await office.call("POST", "/v1/requests", "billing", json={"action": "wipe"})).body
    assert (approved["state"], approved["execution"]["state"]) == ("approved", "executing")
    assert approved["execution"]["by_agent"] is True
    assert approved["effective_arguments"] == {}
    assert (blocked["state"], blocked["execution"]["state"]) == ("blocked", "none")


async def test_p02_the_same_key_and_body_give_the_same_request(office: Office) -> None:
    """Spaces and the order of members make no other body; another value does."""
    headers = {"Idempotency-Key": "order-10428", "Content-Type": "application/json"}
    texts = (
        '{"action":"refund.issue","arguments":{"order":"1","amount":5}}',
        '{ "arguments": {"amount": 5.0, "order": "1"},\n "action": "refund.issue" }',
    )
    first, second = [await office.call("POST", "/v1/requests", "billing", headers=headers, data=t) for t in texts]
    assert (first.status, second.status) == (201, 200)
    assert first.body["id"] == second.body["id"]
    third = await office.call("POST", "/v1/requests", "billing", headers=headers, data=texts[0].replace("5", "6"))
    assert (third.status, third.body["code"]) == (422, "idempotency_mismatch")
    assert third.body["errors"][0]["pointer"] == "header:Idempotency-Key"
    others = await office.call("POST", "/v1/requests", "other", headers=headers, data=texts[0])
    assert others.status == 201


async def test_p02_a_hundred_posts_at_once_make_one_request(office: Office) -> None:
    """However many arrive together, one key makes one request."""
    headers = {"Idempotency-Key": "storm"}
    replies = await asyncio.gather(
        *(office.call("POST", "/v1/requests", "billing", headers=headers, json=REFUND) for _ in range(100))
    )
    assert sorted(reply.status for reply in replies) == [200] * 99 + [201]
    assert len({reply.body["id"] for reply in replies}) == 1


async def test_an_unusable_idempotency_key_is_refused(office: Office) -> None:
    """A key that is not 1 to 255 printable ASCII characters is refused by name, not cut or ignored."""
    for key in ("", "x" * 256, "käse", "a\tb"):
        reply = await office.call("POST", "/v1/requests", "billing", headers={"Idempotency-Key": key}, json=REFUND)
        assert reply.status == 422, key
        assert reply.body["errors"][0]["pointer"] == "header:Idempotency-Key"
    headers = {"Idempotency-Key": "x" * 255}
    assert (await office.call("POST", "/v1/requests", "billing", headers=headers, json=REFUND)).status == 201


async def test_arguments_must_fit_the_schema_of_their_action(office: Office) -> None:
    """The action's own schema is checked at submit, each fault by its pointer."""
    body = {"action": "refund.issue", "arguments": {"amount": -1}}
    reply = await office.call("POST", "/v1/requests", "billing", json=body)
    assert reply.status == 422
    assert all(error["pointer"].startswith("/arguments") for error in reply.body["errors"])
    assert len(reply.body["errors"]) == 2


async def test_an_agent_sees_its_own_requests_alone(office: Office) -> None:
    """Another agent's request is not there: to look at, to change, or in the list."""
    mine = await office.submitted()
    for method, path, body in (
        ("GET", "", None),
        ("GET", "/audit", None),
        ("POST", "/cancel", {}),
        ("POST", "/information", {"text": "x"}),
        ("POST", "/outcome", {"state": "executed"}),
    ):
        reply = await office.call(method, f"/v1/requests/{mine['id']}{path}", "other", json=body)
        assert (reply.status, reply.body["code"]) == (404, "not_found"), path
    assert (await office.call("GET", "/v1/requests", "other")).body["requests"] == []
    assert (await office.call("GET", "/v1/requests?agent=billing", "other")).body["requests"] == []
    for by in ("billing", "ana", "ops"):
        assert (await office.call("GET", f"/v1/requests/{mine['id']}", by)).body["id"] == mine["id"]


async def test_pages_follow_each_other_without_gap(office: Office) -> None:
    """Newest first; following next_cursor gives every request once, and ends with null."""
    made = [(await office.submitted(arguments={"order": str(n), "amount": n}))["id"] for n in range(7)]
    seen: list[str] = []
    cursor = ""
    while True:
        page = (await office.call("GET", f"/v1/requests?limit=3{cursor}", "ana")).body
        seen += [request["id"] for request in page["requests"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == made[::-1]


async def test_p17_a_page_of_large_requests_is_short(office: Office) -> None:
    """200 of an agent's largest were one answer of 50 MB, and 40 that were never taken made 2 GB. None is lost."""
    made = [(await office.submitted(action="ship", arguments={"note": "x" * 240_000}))["id"] for _ in range(13)]
    listed: list[str] = []
    sizes: list[int] = []
    cursor = ""
    while not sizes or cursor:
        reply = await office.call("GET", f"/v1/requests?limit=200{cursor}", "billing")
        listed += [request["id"] for request in reply.body["requests"]]
        sizes.append(len(reply.raw))
        cursor = f"&cursor={reply.body['next_cursor']}" if reply.body["next_cursor"] else ""
    assert listed == made[::-1]
    assert max(sizes) < 2.5 * 1024 * 1024
    assert len(sizes) == 2


async def test_a_cursor_of_no_page_is_refused(office: Office) -> None:
    """An empty page would say that there is nothing more; a made-up cursor is named instead."""
    await office.submitted()
    reply = await office.call("GET", "/v1/requests?cursor=made-up", "ana")
    assert (reply.status, reply.body["errors"][0]["pointer"]) == (422, "query:cursor")


async def test_lists_narrow(office: Office) -> None:
    """Each filter narrows the list to what it names."""
    refund = await office.submitted(batch="b7")
    greeting = (await office.call("POST", "/v1/requests", "other", json={"action": "greet"})).body
    wanted = {
        "state=pending": [refund],
        "state=approved,blocked": [greeting],
        "agent=other": [greeting],
        "action=refund.issue": [refund],
        "reviewer=ana": [refund],
        "batch=b7": [refund],
        "escalated=true": [],
        "escalated=false": [greeting, refund],
    }
    for query, expected in wanted.items():
        page = (await office.call("GET", f"/v1/requests?{query}", "ops")).body
        assert [r["id"] for r in page["requests"]] == [r["id"] for r in expected], query


async def test_a_parameter_that_means_nothing_is_refused_by_name(office: Office) -> None:
    """Nothing in a query is ignored or clamped."""
    mine = await office.submitted()
    waits = ("wait=61", "wait=-1", "wait=nan", "wait=1e1", "wait=", "wait=1&wait=2", "wait=%ff")
    for query in (*waits, "for=ever", "stat=pending", "&".join(f"x{n}=1" for n in range(100))):
        reply = await office.call("GET", f"/v1/requests/{mine['id']}?{query}", "billing")
        assert (reply.status, reply.body["code"]) == (422, "invalid"), query
        assert reply.body["errors"][0]["pointer"].startswith("query:")


async def test_the_agent_answers_a_question(office: Office) -> None:
    """Asked, it answers; the next revision is pending, with the answer in its context."""
    mine = await office.submitted()
    asked = await office.decided(mine, "ask", comment="which charge?")
    assert asked.body["state"] == "needs_info"
    path = f"/v1/requests/{mine['id']}/information"
    body = {"text": "the second", "arguments": {"order": "10428", "amount": 120}, "context": {"risks": ["none"]}}
    reply = await office.call("POST", path, "billing", json=body)
    assert (reply.body["state"], reply.body["revision"]) == ("pending", 2)
    assert reply.body["arguments"]["amount"] == 120
    assert reply.body["digest"] != mine["digest"]
    assert (await office.call("POST", path, "billing", json=body)).status == 409


async def test_the_agent_withdraws(office: Office) -> None:
    """An open request is cancelled, with or without a body; an ended one is not."""
    for options in ({"json": {"reason": "no longer needed"}}, {}):
        mine = await office.submitted()
        reply = await office.call("POST", f"/v1/requests/{mine['id']}/cancel", "billing", **options)
        assert (reply.status, reply.body["state"]) == (200, "cancelled")
        again = await office.call("POST", f"/v1/requests/{mine['id']}/cancel", "billing", **options)
        assert (again.status, again.body["code"]) == (409, "already_decided")


async def test_the_agent_reports_what_it_ran(office: Office) -> None:
    """An outcome is taken once, and whoever waits for it hears of it."""
    mine = await office.submitted()
    await office.decided(mine)
    path = f"/v1/requests/{mine['id']}"
    waiting = asyncio.create_task(office.call("GET", f"{path}?wait=20&for=outcome", "billing"))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    report = {"state": "executed", "result": {"refund": "r-1"}}
    reply = await office.call("POST", f"{path}/outcome", "billing", json=report)
    assert (reply.status, reply.body["execution"]["state"]) == (200, "executed")
    heard = await waiting
    assert heard.body["execution"]["result"] == {"refund": "r-1"}
    assert (await office.call("POST", f"{path}/outcome", "billing", json=report)).status == 409


async def test_an_agents_own_limits_answer_429(office: Office) -> None:
    """Over its pending cap an agent is told when to come back."""
    for _ in range(2):
        await office.submitted("hasty")
    reply = await office.call("POST", "/v1/requests", "hasty", json=REFUND)
    assert (reply.status, reply.body["code"]) == (429, "overloaded")
    assert int(reply.headers["Retry-After"]) >= 1


async def test_every_stage_of_the_route_is_shown(office: Office) -> None:
    """What runs together is open together; a full one is done while its neighbour waits; the last waits for both."""
    mine = await office.submitted("other", action="ship", arguments={})

    def stages(shown: dict[str, Any]) -> list[tuple[Any, ...]]:
        return [(s["name"], s["state"], s["approvals"], s["rejections"], s["parallel"]) for s in shown["stages"]]

    assert stages(mine) == [
        ("goods", "open", 0, 1, 1),
        ("dock", "open", 0, 2, 1),
        ("papers", "waiting", 0, 1, 0),
    ]
    assert mine["stage"] == {"name": "goods", "index": 1, "of": 3, "approvals": 0, "needed": 1}
    assert sorted(mine["assignees"]) == ["ana", "ben", "lea"]
    one = (await office.decided(mine)).body
    assert [state for _, state, *_ in stages(one)] == ["done", "open", "waiting"]
    assert (one["decisions"][0]["stage"], one["stage"]["name"]) == ("goods", "dock")
    two = (await office.decided(mine, by="lea")).body
    assert [state for _, state, *_ in stages(two)] == ["done", "done", "open"]
    assert (two["decisions"][1]["stage"], two["stage"]["index"], two["assignees"]) == ("dock", 3, ["ben"])
    three = (await office.decided(mine, by="ben")).body
    assert (three["state"], [state for _, state, *_ in stages(three)]) == ("approved", ["done"] * 3)


async def test_a_rejection_ends_what_was_open(office: Office) -> None:
    """What was under way is done, what was never asked still waits; a second rejection is not needed everywhere."""
    mine = await office.submitted("other", action="ship", arguments={})
    against = (await office.decided(mine, "reject", "lea")).body
    assert (against["state"], against["decisions"][0]["stage"]) == ("pending", "dock")
    ended = (await office.decided(mine, "reject", "ana")).body
    assert (ended["state"], [stage["state"] for stage in ended["stages"]]) == ("rejected", ["done", "done", "waiting"])


async def test_the_same_in_other_clothes_shows_what_was_refused(office: Office) -> None:
    """A content that was rejected before names that request, and its checks are the house's."""
    body: dict[str, Any] = {"action": "mail.send", "arguments": {"to": "dana@example.net"}}
    first = await office.submitted(**body)
    assert first["refused"] is None
    assert [(c["name"], c["passed"]) for c in first["checks"]] == [("inside", False)]
    assert "endsWith" in first["checks"][0]["detail"]
    assert first["held_until"] == (datetime.fromisoformat(first["created_at"]) + timedelta(hours=1)).strftime(MICROS)
    assert (first["assignees"], first["advisors"]) == ([], ["checker"])
    await office.call("POST", f"/v1/requests/{first['id']}/assessments", "checker", json=_opinion(first))
    assert (await office.decided(first, "reject")).status == 200
    second = await office.submitted("other", **body)
    assert second["refused"] == first["id"]


def _opinion(request: dict[str, Any]) -> dict[str, Any]:
    return {"opinion": "agree", "revision": request["revision"], "digest": request["digest"]}
