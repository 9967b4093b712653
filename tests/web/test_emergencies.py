"""Over HTTP: the glass that is broken in an emergency, and drills, which run nothing."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.web.conftest import Office, Reply
from tests.web.test_decisions import refusals


async def broken(office: Office, request: Any, by: str = "ben", **more: Any) -> Reply:
    """The answer to an emergency's approval."""
    body: dict[str, Any] = {"break_glass": True, "comment": "the shop is down"} | more
    return await office.decided(request, by=by, **body)


async def pending(office: Office, request: Any) -> bool:
    """Whether it still waits, undecided."""
    now = (await office.call("GET", f"/v1/requests/{request['id']}", "ops")).body
    return (now["state"], now["decisions"]) == ("pending", [])


async def test_broken_glass_is_marked_and_reviewed_afterwards(office: Office) -> None:
    """Somebody on the list approves though excluded; the decision says so, and a review is due by others."""
    mine = await office.submitted()
    reply = await broken(office, mine)
    shown = reply.body
    assert (reply.status, shown["state"], shown["execution"]["state"]) == (200, "approved", "executing")
    decision = shown["decisions"][0]
    assert (decision["by"], decision["broke_glass"], decision["comment"]) == ("ben", True, "the shop is down")
    assert (shown["stages"][0]["state"], shown["stages"][0]["approvals"]) == ("done", 0)
    review = (await office.call("GET", "/v1/requests?action=sayso.break_glass_review", "ops")).body["requests"][0]
    assert (review["state"], review["agent"], review["assignees"]) == ("pending", "sayso", ["lea"])
    assert review["arguments"]["request"] == mine["id"]
    done = (await office.decided(review, by="lea")).body
    assert (done["state"], done["execution"]["state"]) == ("approved", "none")


async def test_without_the_word_for_it_nothing_is_broken(office: Office) -> None:
    """The same person's plain approval is refused as ever; false is the same as leaving it out."""
    mine = await office.submitted()
    for more in ({}, {"break_glass": False}, {"break_glass": None}):
        reply = await office.decided(mine, by="ben", comment="please", **more)
        assert (reply.status, reply.body["code"]) == (403, "self_review")
    assert (await office.decided(mine, break_glass=False)).body["decisions"][0]["broke_glass"] is False


async def test_t10_only_those_listed_break_the_glass(office: Office) -> None:
    """Not the reviewer who is asked, not another, and no agent's, advisor's or admin's key."""
    mine = await office.submitted()
    for by, code in (("ana", "not_assigned"), ("lea", "not_assigned")):
        reply = await broken(office, mine, by)
        assert (reply.status, reply.body["code"]) == (403, code)
    for by in ("billing", "other", "checker", "ops"):
        reply = await broken(office, mine, by)
        assert (reply.status, reply.body["code"]) == (403, "forbidden")
    people = ["person:ana", "person:lea"]
    assert await refusals(office) == [*people, "agent:billing", "agent:other", "advisor:checker", "admin:ops"]
    assert await pending(office, mine)


async def test_t05_broken_glass_binds_to_what_was_shown(office: Office) -> None:
    """Even in an emergency nothing else runs than what was looked at."""
    mine = await office.submitted()
    reply = await broken(office, mine, digest="sha256:" + "0" * 64)
    assert (reply.status, reply.body["code"]) == (409, "stale")
    assert await pending(office, mine)


async def test_a_question_has_no_glass_to_break(office: Office) -> None:
    """Where nothing would run there is no emergency to approve."""
    mine = await office.submitted(kind="question", action="ask")
    reply = await broken(office, mine)
    assert (reply.status, reply.body["errors"][0]["pointer"]) == (422, "/break_glass")


async def test_t06_of_a_broken_glass_and_a_rejection_one_counts(office: Office) -> None:
    """An emergency wins no race twice: one outcome, and no more than one review of it."""
    mine = await office.submitted()
    storm = [broken(office, mine) for _ in range(8)] + [office.decided(mine, "reject") for _ in range(8)]
    replies = await asyncio.gather(*storm)
    assert [reply.status for reply in replies].count(200) == 1
    assert {reply.body["code"] for reply in replies if reply.status != 200} == {"already_decided"}
    reviews = (await office.call("GET", "/v1/requests?action=sayso.break_glass_review", "ops")).body["requests"]
    assert len(reviews) == sum(reply.status == 200 for reply in replies[:8])


async def test_a_drill_goes_down_its_chain_and_runs_nothing(office: Office) -> None:
    """An admin sends it; its people are asked and decide as they would; nothing is run for it."""
    reply = await office.call("POST", "/v1/drills", "ops", json={"chain": "finance"})
    drill = reply.body
    assert (reply.status, reply.headers["Location"]) == (201, f"/v1/requests/{drill['id']}")
    assert (drill["action"], drill["agent"], drill["state"]) == ("sayso.drill", "sayso", "pending")
    assert (drill["arguments"]["chain"], drill["assignees"]) == ("finance", ["ana", "ben"])
    assert drill["deadline"] is not None
    events = (await office.call("GET", f"/v1/requests/{drill['id']}/audit", "ops")).body["events"]
    assert events[0]["actor"] == "admin:ops"
    done = (await office.decided(drill)).body
    assert (done["state"], done["execution"]["state"]) == ("approved", "none")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [({"chain": "nobody"}, "/chain"), ({}, "/chain"), ({"chain": ""}, "/chain"), ({"chain": ["finance"]}, "/chain")],
)
async def test_a_drill_of_no_chain_is_refused(office: Office, body: dict[str, Any], pointer: str) -> None:
    """A name that the rules do not have is said with those that they have."""
    reply = await office.call("POST", "/v1/drills", "ops", json=body)
    assert (reply.status, reply.body["errors"][0]["pointer"]) == (422, pointer)
    assert (await office.call("GET", "/v1/requests", "ops")).body["requests"] == []


async def test_t10_only_an_admin_drills(office: Office) -> None:
    """An agent, an advisor and a reviewer start none, and the refusal is on record."""
    for by in ("billing", "checker", "ana"):
        reply = await office.call("POST", "/v1/drills", by, json={"chain": "finance"})
        assert (reply.status, reply.body["code"]) == (403, "forbidden")
    assert await refusals(office) == ["agent:billing", "advisor:checker", "person:ana"]
    assert (await office.call("GET", "/v1/requests", "ops")).body["requests"] == []


async def test_t10_a_drill_is_nobodys_to_withdraw_or_to_see(office: Office) -> None:
    """It is the house's own: agents neither find nor cancel it, and an admin does not decide it."""
    drill = (await office.call("POST", "/v1/drills", "ops", json={"chain": "finance"})).body
    path = f"/v1/requests/{drill['id']}"
    assert (await office.call("GET", path, "billing")).status == 404
    assert (await office.call("POST", f"{path}/cancel", "billing")).status == 404
    assert (await office.decided(drill, by="ops")).status == 403
