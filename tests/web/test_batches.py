"""Deciding a batch over HTTP: one word, each request by its own digest, each answered for itself."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

import pytest
from yarl import URL

from bot.web.api_batches import MOST
from tests.web.conftest import Office, Reply
from tests.web.test_decisions import refusals

BATCH = "newsletter-11"


async def batch_of(office: Office, count: int, batch: str = BATCH) -> list[Any]:
    """So many requests of one batch."""
    return [
        await office.submitted(batch=batch, arguments={"order": str(number), "amount": number})
        for number in range(count)
    ]


def seen(request: Any) -> dict[str, Any]:
    """A request as it was shown."""
    return {"id": request["id"], "revision": request["revision"], "digest": request["digest"]}


async def together(
    office: Office, requests: list[Any], decision: str = "approve", by: str = "ana", batch: str = BATCH, **more: Any
) -> Reply:
    """The answer to one decision on all of these."""
    body = {"decision": decision, "requests": [seen(request) for request in requests]} | more
    return await office.call("POST", f"/v1/batches/{quote(batch, safe='')}/decisions", by, json=body)


async def states(office: Office, requests: list[Any]) -> list[str]:
    """Where they stand."""
    return [(await office.call("GET", f"/v1/requests/{r['id']}", "ops")).body["state"] for r in requests]


async def test_a_batch_is_decided_with_exceptions(office: Office) -> None:
    """Each that is named is decided, in order; those excepted, and those not named, are left alone."""
    made = await batch_of(office, 5)
    left: dict[str, Any] = {"except": [made[3]["id"]]}
    reply = await together(office, made[:3], comment="as agreed", **left)
    assert reply.status == 200
    results = reply.body["results"]
    assert [(r["id"], r["ok"], r["state"]) for r in results] == [(m["id"], True, "approved") for m in made[:3]]
    assert all("error" not in result for result in results)
    assert [r["request"]["decisions"][0]["comment"] for r in results] == ["as agreed"] * 3
    assert await states(office, made) == ["approved"] * 3 + ["pending"] * 2


async def test_a_batch_is_rejected_with_a_reason(office: Office) -> None:
    """Comment and category stand with each decision."""
    made = await batch_of(office, 2)
    results = (await together(office, made, "reject", comment="no", category="policy")).body["results"]
    assert [r["state"] for r in results] == ["rejected"] * 2
    assert {r["request"]["decisions"][0]["category"] for r in results} == {"policy"}


async def test_t05_each_is_decided_by_its_own_digest(office: Office) -> None:
    """One stale, one of another batch, one strange and one decided hold up none of the rest."""
    made = await batch_of(office, 5)
    (elsewhere,) = await batch_of(office, 1, "another")
    await office.decided(made[1], "reject")
    named = [
        made[0],
        made[1],
        made[2] | {"digest": made[3]["digest"]},
        elsewhere,
        made[4] | {"id": "req_0"},
        made[3],
    ]
    results = (await together(office, named)).body["results"]
    told = [
        (r["ok"], r.get("state"), r.get("error", {}).get("code"), r.get("error", {}).get("status")) for r in results
    ]
    assert told == [
        (True, "approved", None, None),
        (False, "rejected", "already_decided", 409),
        (False, None, "stale", 409),
        (False, None, "not_found", 404),
        (False, None, "not_found", 404),
        (True, "approved", None, None),
    ]
    assert "ana" in results[1]["error"]["detail"]
    assert all("request" not in r for r in results if not r["ok"])
    assert await states(office, [elsewhere, made[2], made[4]]) == ["pending"] * 3


async def test_t08_who_is_not_asked_decides_none_of_it(office: Office) -> None:
    """A later step's reviewer, and the agent's owner, are refused for each, and each refusal is on record."""
    made = await batch_of(office, 2)
    for by, code in (("lea", "not_assigned"), ("ben", "self_review")):
        results = (await together(office, made, by=by)).body["results"]
        assert [(r["ok"], r["error"]["code"], r["error"]["status"]) for r in results] == [(False, code, 403)] * 2
    assert await refusals(office) == ["person:lea"] * 2 + ["person:ben"] * 2
    assert await states(office, made) == ["pending"] * 2


async def test_t06_the_same_batch_decided_many_times_at_once_is_decided_once(office: Office) -> None:
    """Approvals and rejections of the whole, and single clicks, all together: one decision each, losers told."""
    made = await batch_of(office, 4)
    wholes = [together(office, made, decision) for decision in ("approve", "reject") for _ in range(5)]
    singles = [office.decided(request, "reject") for request in made]
    replies = await asyncio.gather(*wholes, *singles)
    won = [r["id"] for reply in replies[:10] for r in reply.body["results"] if r["ok"]]
    won += [reply.body["id"] for reply in replies[10:] if reply.status == 200]
    assert sorted(won) == sorted(request["id"] for request in made)
    lost = [r["error"]["code"] for reply in replies[:10] for r in reply.body["results"] if not r["ok"]]
    assert set(lost) == {"already_decided"}
    for request in made:
        now = (await office.call("GET", f"/v1/requests/{request['id']}", "ops")).body
        assert len(now["decisions"]) == 1


async def test_t10_only_a_persons_key_decides_a_batch(office: Office) -> None:
    """Agents, advisors and admins are refused before anything of it is looked at, and on record."""
    made = await batch_of(office, 1)
    for by in ("billing", "other", "checker", "ops"):
        reply = await together(office, made, by=by)
        assert (reply.status, reply.body["code"]) == (403, "forbidden")
    assert await refusals(office) == ["agent:billing", "agent:other", "advisor:checker", "admin:ops"]
    assert await states(office, made) == ["pending"]


async def test_a_batch_that_says_two_things_is_refused(office: Office) -> None:
    """A request named twice, or both decided and excepted, makes nothing of it count; each is named by its place."""
    made = await batch_of(office, 3)
    ids = [request["id"] for request in made]
    wrong: tuple[tuple[list[Any], dict[str, Any], list[list[str]]], ...] = (
        ([made[0], made[1], made[0]], {}, [["/requests/2/id", "repeated"]]),
        (made[:2], {"except": [ids[2], ids[2]]}, [["/except/1", "repeated"]]),
        (made, {"except": [ids[1]]}, [["/except/0", "conflict"]]),
        ([made[0], made[0]], {"except": [ids[0]]}, [["/requests/1/id", "repeated"], ["/except/0", "conflict"]]),
        (made, {"category": "policy"}, [["/category", "unexpected"]]),
        ([], {}, [["/requests", "min_items"]]),
        (made, {"decision": "escalate"}, [["/decision", "enum"]]),
        (made, {"decision": "approve_with_edits"}, [["/decision", "enum"]]),
        (made, {"break_glass": True}, [["/break_glass", "unknown_member"]]),
        (made, {"except": ["a b"]}, [["/except/0", "pattern"]]),
        (
            [made[0] | {"digest": "x"}, made[1] | {"revision": 0}],
            {},
            [["/requests/0/digest", "pattern"], ["/requests/1/revision", "range"]],
        ),
    )
    for requests, more, faults in wrong:
        reply = await together(office, requests, **more)
        assert (reply.status, reply.body["code"]) == (422, "invalid"), more
        assert [[error["pointer"], error["rule"]] for error in reply.body["errors"]] == faults
    assert await states(office, made) == ["pending"] * 3


async def test_a_call_decides_so_many_and_no_more(office: Office) -> None:
    """The most that is allowed is answered, each for itself; one more is refused whole."""
    many = [{"id": f"req_{n}", "revision": 1, "digest": "sha256:" + "0" * 64} for n in range(MOST + 1)]
    over = await together(office, many)
    assert (over.status, over.body["errors"][0]["pointer"], over.body["errors"][0]["rule"]) == (
        422,
        "/requests",
        "max_items",
    )
    most = await together(office, many[:MOST])
    assert [r["id"] for r in most.body["results"]] == [request["id"] for request in many[:MOST]]
    assert {r["error"]["code"] for r in most.body["results"]} == {"not_found"}


@pytest.mark.parametrize("batch", ["a/b", "a/decisions", "été 2026?", "100%", "..", "/", "decisions"])
async def test_a_batch_may_be_called_what_a_submission_may_call_it(office: Office, batch: str) -> None:
    """Every name that a request may carry can be written into the address, percent-encoded."""
    made = await batch_of(office, 1, batch)
    body = {"decision": "reject", "requests": [seen(made[0])]}
    address = f"/v1/batches/{quote(batch, safe='').replace('.', '%2E')}/decisions"
    async with office.http.post(
        URL(office.base + address, encoded=True),
        headers={"Authorization": f"Bearer {office.keys['ana']}"},
        json=body,
    ) as reply:
        assert (await reply.json())["results"][0]["state"] == "rejected"


async def test_what_cannot_be_a_batch_is_not_there(office: Office) -> None:
    """A name that no submission may carry is not found, before the body counts."""
    for batch in ("%00", "a%0ab", "x" * 129):
        reply = await office.call("POST", f"/v1/batches/{batch}/decisions", "ana", json={})
        assert (reply.status, reply.body["code"]) == (404, "not_found"), batch
