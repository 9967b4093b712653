"""One key, one request; and an agent is held to its own limits."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from bot.core import errors
from bot.core.model import Request, State, Submission, Verb
from tests.desk.house import REFUND, House

ARGUMENTS: list[tuple[str, dict[str, Any], str]] = [
    ("missing", {"order": "1"}, "/arguments/amount"),
    ("wrong type", {"order": "1", "amount": "240"}, "/arguments/amount"),
    ("below", {"order": "1", "amount": -1}, "/arguments/amount"),
    ("not a number", {"order": "1", "amount": float("nan")}, "/arguments"),
    ("beyond 2^53-1", {"order": "1", "amount": 2**53}, "/arguments"),
    ("too large", {"order": "x" * 300_000, "amount": 1}, "/arguments"),
]


async def post(house: House, key: str | None, body: str = "h", agent: str = "billing", **more: Any) -> Any:
    """A submission under a key: (request, created), or the refusal."""
    submission = Submission(action="refund.issue", arguments=more.pop("arguments", REFUND), **more)
    try:
        return await house.desk.submit(submission, agent=agent, idempotency_key=key, body_hash=body)
    except errors.SaysoError as refusal:
        return refusal


async def test_p02_a_hundred_posts_are_one_request(house: House) -> None:
    """One key and body a hundred times at once: one request, created once, its cards planned once."""
    told = await asyncio.gather(*(post(house, "k") for _ in range(100)))
    assert {request.id for request, _ in told} == {told[0][0].id}
    assert sum(created for _, created in told) == 1
    assert house.sql("select count(*) from requests") == [(1,)]
    assert await house.events(told[0][0]) == ["request.submitted"]
    assert len(await house.store.deliveries(told[0][0].id)) == 2


async def test_p02_the_same_key_with_another_body(house: House) -> None:
    """It is a mistake, said so, naming the request that the key made; two at once are one of each."""
    told = await asyncio.gather(post(house, "k", "one"), post(house, "k", "two"))
    made = [t for t in told if not isinstance(t, errors.SaysoError)]
    refused = [t for t in told if isinstance(t, errors.IdempotencyMismatch)]
    assert (len(made), len(refused)) == (1, 1)
    assert refused[0].extra == {"request": made[0][0].id}


async def test_a_key_is_its_agents_own(house: House) -> None:
    """Two agents with the same key are two requests; without a key every post is one."""
    told = [
        await post(house, "k"),
        await post(house, "k", agent="eva"),
        await post(house, "k", agent="unlisted"),
        await post(house, None),
        await post(house, None),
    ]
    assert len({request.id for request, _ in told}) == 5


async def test_a_repeat_after_a_decision_shows_it(house: House) -> None:
    """The same key later gives the request as it stands by then."""
    request, _ = await post(house, "k")
    await house.decide(request)
    again, created = await post(house, "k")
    assert (again.state, created) == (State.APPROVED, False)


async def test_a_repeat_outlives_the_configuration(house: House) -> None:
    """What was taken under an earlier schema is still that request, though new ones like it are refused."""
    request, _ = await post(house, "k")
    house.rule(lambda text: text.replace("amount: {type: number, minimum: 0}", "amount: {type: number, minimum: 500}"))
    again, created = await post(house, "k")
    assert (again.id, created) == (request.id, False)
    assert isinstance(await post(house, "k", "other"), errors.IdempotencyMismatch)
    assert isinstance(await post(house, "new"), errors.Invalid)
    assert isinstance(await post(house, None), errors.Invalid)


@pytest.mark.parametrize(("case", "arguments", "pointer"), ARGUMENTS, ids=[a[0] for a in ARGUMENTS])
async def test_t05_arguments_that_cannot_stand_are_refused(
    house: House, case: str, arguments: dict[str, Any], pointer: str
) -> None:
    """What breaks the schema, or cannot be kept exactly, is refused by field, and nothing is kept."""
    del case
    refusal = await post(house, None, arguments=arguments)
    assert isinstance(refusal, errors.Invalid)
    assert refusal.faults[0].pointer == pointer
    assert house.sql("select count(*) from requests") == [(0,)]


async def test_arguments_nested_without_end_are_refused(house: House) -> None:
    """However deep they are, the answer is a refusal."""
    deep: Any = 1
    for _ in range(100_000):
        deep = [deep]
    assert isinstance(await post(house, None, arguments=REFUND | {"flags": deep}), errors.Invalid)


async def test_pending_requests_are_capped(house: House) -> None:
    """An agent with as many open requests as it may have waits; a repeat of one of them does not count."""
    first, _ = await post(house, "a", agent="quiet")
    await post(house, "b", agent="quiet")
    refusal = await post(house, "c", agent="quiet")
    assert isinstance(refusal, errors.Overloaded)
    assert refusal.extra == {"retry_after": 30}
    again, created = await post(house, "a", agent="quiet")
    assert (again.id, created) == (first.id, False)
    await house.decide(first)
    assert (await post(house, "c", agent="quiet"))[1]
    assert (await post(house, None))[1]


async def test_t13_a_minute_holds_so_many(house: House) -> None:
    """Sent all at once, the allowed number gets in; after a minute there is room again; others are untouched."""
    told = await asyncio.gather(*(post(house, None, agent="capped") for _ in range(20)))
    assert sum(isinstance(t, errors.Overloaded) for t in told) == 17
    assert (await post(house, None))[1]
    house.clock.move(seconds=61)
    assert (await post(house, None, agent="capped"))[1]


async def test_a_new_proposal_names_one_of_ones_own(house: House) -> None:
    """``revises`` must be this agent's own request."""
    mine, _ = await post(house, None)
    await house.decide(mine, verb=Verb.REJECT)
    for agent, named in (("eva", mine.id), ("billing", "req_unknown")):
        refusal = await post(house, None, agent=agent, revises=named)
        assert isinstance(refusal, errors.Invalid)
        assert refusal.faults[0].pointer == "/revises"
    again, _ = await post(house, None, revises=mine.id)
    assert again.revises == mine.id


async def test_the_record_says_how_it_was_routed(house: House) -> None:
    """The audit line names every rule that was tried, and the rules' own hash."""
    request, _ = await post(house, None)
    body = json.loads((await house.store.audit(request.id))[0].body)
    assert [tried["rule"] for tried in body["data"]["trials"]] == [
        "tiny", "mine to try", "huge", "large", "paged", "nobody", "two", "by rule", "default",
    ]  # fmt: skip
    assert body["data"]["request"]["route"]["policy"] == house.policy.hash


async def test_a_request_keeps_its_route(house: House) -> None:
    """A changed file touches new requests alone."""
    request, _ = await post(house, None)
    house.rule(lambda text: text.replace("finance: [ana, ben, dan]", "finance: [eva]"))
    kept: Request = await house.now(request)
    assert kept.assignees == ("ana", "ben")
    assert (await post(house, None))[0].assignees == ("eva",)
