"""Second opinions over HTTP: what an advisor's key sees, says, and never does."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.core.model import Role
from tests.web.conftest import Office, Reply
from tests.web.test_decisions import refusals

MAIL: dict[str, Any] = {"action": "mail.send", "arguments": {"to": "dana@example.com"}}


async def assessed(office: Office, request: Any, by: str = "checker", **more: Any) -> Reply:
    """The answer to an opinion on a request as it was shown."""
    body = {"opinion": "doubt", "revision": request["revision"], "digest": request["digest"]} | more
    return await office.call("POST", f"/v1/requests/{request['id']}/assessments", by, json=body)


async def waiting(office: Office, query: str = "") -> list[str]:
    """What the advisor finds to wait for its opinion."""
    reply = await office.call("GET", f"/v1/requests?advisor=me{query}", "checker")
    assert reply.status == 200, reply.body
    return [request["id"] for request in reply.body["requests"]]


async def test_an_opinion_is_shown_and_is_no_vote(office: Office) -> None:
    """It stands with its revision, note and time; the people are asked then, and still have to decide."""
    mine = await office.submitted(**MAIL)
    assert (mine["assignees"], mine["advisors"], mine["advice"]) == ([], ["checker"], [])
    assert mine["held_until"] is not None
    reply = await assessed(office, mine, note="the address is new")
    assert reply.status == 201
    shown = reply.body
    assert [advice | {"at": ""} for advice in shown["advice"]] == [
        {"by": "checker", "opinion": "doubt", "note": "the address is new", "at": "", "revision": 1}
    ]
    assert (shown["state"], shown["decisions"], shown["stage"]["approvals"]) == ("pending", [], 0)
    assert (shown["assignees"], shown["held_until"]) == (["ana"], None)
    assert (await office.decided(mine)).body["state"] == "approved"


@pytest.mark.parametrize("opinion", ["agree", "doubt", "disagree"])
async def test_t12_no_opinion_lets_anything_run(office: Office, opinion: str) -> None:
    """Whatever an advisor thinks, a request that waits for people waits for people."""
    mine = await office.submitted()
    shown = (await assessed(office, mine, opinion=opinion)).body
    assert (shown["state"], shown["execution"]["state"], shown["assignees"]) == ("pending", "none", ["ana"])


async def test_one_opinion_a_revision(office: Office) -> None:
    """Of many at once one counts; the next revision may be assessed anew."""
    mine = await office.submitted(**MAIL)
    replies = await asyncio.gather(
        *(assessed(office, mine, opinion=o) for o in ("agree", "disagree") for _ in range(5))
    )
    assert sorted(reply.status for reply in replies) == [201] + [409] * 9
    assert {reply.body["code"] for reply in replies if reply.status == 409} == {"already_assessed"}
    await office.decided(mine, "ask", comment="to whom?")
    path = f"/v1/requests/{mine['id']}/information"
    second = (await office.call("POST", path, "billing", json={"text": "to Dana"})).body
    assert (await assessed(office, mine)).body["code"] == "stale"
    shown = (await assessed(office, second)).body
    assert [advice["revision"] for advice in shown["advice"]] == [1, 2]


WRONG: tuple[tuple[dict[str, Any], str], ...] = (
    ({"opinion": "approve"}, "/opinion"),
    ({"opinion": None}, "/opinion"),
    ({"note": "x" * 5001}, "/note"),
    ({"digest": "sha256:0"}, "/digest"),
    ({"revision": "1"}, "/revision"),
    ({"decision": "approve"}, "/decision"),
)
"""(what is said instead, the pointer that is named)."""


async def test_an_opinion_that_is_none_is_refused(office: Office) -> None:
    """Each fault is named; nothing is kept."""
    mine = await office.submitted()
    for more, pointer in WRONG:
        reply = await assessed(office, mine, **more)
        assert (reply.status, [error["pointer"] for error in reply.body["errors"]]) == (422, [pointer])
    assert (await office.call("GET", f"/v1/requests/{mine['id']}", "checker")).body["advice"] == []


async def test_an_opinion_is_on_exactly_what_was_looked_at(office: Office) -> None:
    """Another digest, a request that has ended or one that is not there takes none."""
    mine = await office.submitted()
    assert (await assessed(office, mine, digest="sha256:" + "0" * 64)).body["code"] == "stale"
    assert (await assessed(office, mine | {"id": "req_0"})).status == 404
    await office.decided(mine)
    late = await assessed(office, mine)
    assert (late.status, late.body["code"], late.body["decided_by"]) == (409, "already_decided", "ana")


async def test_t10_an_advisors_key_does_nothing_else(office: Office) -> None:
    """It reads every agent's requests; it submits, decides, answers, withdraws and drills nothing."""
    mine = await office.submitted(batch="b")
    path = f"/v1/requests/{mine['id']}"
    seen = {"revision": mine["revision"], "digest": mine["digest"]}
    together = {"decision": "approve", "requests": [seen | {"id": mine["id"]}]}
    calls: tuple[tuple[str, str, Any], ...] = (
        ("POST", "/v1/requests", {"action": "greet"}),
        ("POST", f"{path}/decisions", seen | {"decision": "approve"}),
        ("POST", f"{path}/decisions", seen | {"decision": "approve", "break_glass": True, "comment": "now"}),
        ("POST", "/v1/batches/b/decisions", together),
        ("POST", "/v1/drills", {"chain": "finance"}),
        ("POST", f"{path}/cancel", {}),
        ("POST", f"{path}/information", {"text": "x"}),
        ("POST", f"{path}/outcome", {"state": "executed"}),
        ("POST", f"{path}/resolution", {"state": "executed", "note": "x"}),
        ("GET", f"{path}/audit", None),
        ("GET", "/v1/audit/export", None),
    )
    for method, address, body in calls:
        reply = await office.call(method, address, "checker", json=body)
        assert (reply.status, reply.body["code"]) == (403, "forbidden"), address
    assert await refusals(office) == ["advisor:checker"] * len(calls)
    assert (await office.call("GET", path, "checker")).body["state"] == "pending"
    assert (await office.call("GET", "/v1/requests", "checker")).body["requests"][0]["id"] == mine["id"]


async def test_t10_nobody_else_gives_an_opinion(office: Office) -> None:
    """Agents, people and admins have no opinion to give, and an advisor none of what it asked for itself."""
    mine = await office.submitted()
    for by in ("billing", "other", "ana", "ops"):
        reply = await assessed(office, mine, by)
        assert (reply.status, reply.body["code"]) == (403, "forbidden")
    _, secret = await office.access.new_key("billing", Role.ADVISOR, by="tests")
    office.keys["billing's advisor"] = secret
    assert secret.startswith("sk_advisor_")
    reply = await assessed(office, mine, "billing's advisor")
    assert (reply.status, reply.body["code"]) == (403, "forbidden")
    assert (await office.call("GET", f"/v1/requests/{mine['id']}", "ana")).body["advice"] == []


async def test_what_waits_for_an_advisor_is_listed(office: Office) -> None:
    """Open requests whose rule asks for it, until it has said what it thinks of the present revision."""
    await office.submitted()
    first, second = [await office.submitted(**MAIL), await office.submitted("other", **MAIL)]
    assert await waiting(office) == [second["id"], first["id"]]
    assert await waiting(office, "&agent=other") == [second["id"]]
    assert await waiting(office, "&state=approved") == []
    await assessed(office, first)
    assert await waiting(office) == [second["id"]]
    await office.call("POST", f"/v1/requests/{second['id']}/cancel", "other")
    assert await waiting(office) == await waiting(office, "&state=cancelled") == []
    await office.decided(first, "ask", comment="to whom?")
    await office.call("POST", f"/v1/requests/{first['id']}/information", "billing", json={"text": "to Dana"})
    assert await waiting(office) == [first["id"]]


async def test_a_short_page_says_that_there_are_more(office: Office) -> None:
    """What is left out of a page moves no later one: following next_cursor finds everything, once."""
    asked = [(await office.submitted(**(MAIL if n % 3 == 0 else {})))["id"] for n in range(7)][::3]
    found: list[str] = []
    cursor = ""
    while True:
        page = (await office.call("GET", f"/v1/requests?advisor=me&limit=2{cursor}", "checker")).body
        found += [request["id"] for request in page["requests"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert found == asked[::-1]


async def test_only_an_advisor_asks_what_waits_for_it(office: Office) -> None:
    """For another key there is nothing that could wait; a name is not taken either."""
    for by in ("billing", "ana", "ops"):
        reply = await office.call("GET", "/v1/requests?advisor=me", by)
        assert (reply.status, reply.body["errors"][0]["pointer"]) == (422, "query:advisor")
    reply = await office.call("GET", "/v1/requests?advisor=checker", "checker")
    assert (reply.status, reply.body["errors"][0]["pointer"]) == (422, "query:advisor")
