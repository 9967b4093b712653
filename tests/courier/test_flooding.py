"""One agent that runs wild: it is told to wait, nobody else is, and people get few messages about it (threat T13)."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.core import errors
from bot.core.model import Kind, Request, State, Submission, Verb
from bot.desk.gathering import BATCH_SPAN
from tests.desk.filed import DEFAULT, SENT, enforce
from tests.desk.house import House, Wire, ballot, open_house
from tests.desk.replayed import prove

AGENTS = """
agents:
  billing: {owner: dan, per_minute: 60}
  hoarder: {pending: 25}
  other: {}
"""
CHAINS = """
chains:
  finance: [{notify: [ana, ben], via: [slack], wait: 1h, remind: 10m}]
"""
FLOOD = """
flood: {cards: 5, per: 1m, digest: 2m}
"""
SAFE = SENT + "  note.write: {risk: reversible, execute: {agent: true}}\n"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A house at work, through one channel that draws anew and one of letters."""
    wires = {"slack": Wire("slack"), "email": Wire("email", redraws=False)}
    async with open_house(tmp_path / "sayso.db", channels=wires) as opened:
        enforce(opened, AGENTS, SAFE, CHAINS, DEFAULT, FLOOD)
        await opened.work()
        yield opened
        assert opened.courier is not None
        await opened.courier.stop(2)
        await prove(opened.store)


async def attempt(house: House, agent: str = "billing", action: str = "refund.issue", **more: Any) -> str:
    """Submit; its state, or the refusal's code with how long to wait."""
    try:
        return str((await house.submit(action, agent, arguments={"amount": 1}, **more)).state)
    except errors.Overloaded as refused:
        return f"{refused.code} {refused.extra['retry_after']}"


async def test_t13_a_thousand_a_minute(house: House) -> None:
    """Sixty are taken, the rest hear how long to wait; others are unaffected; a minute later it may go on."""
    told = Counter(await asyncio.gather(*(attempt(house) for _ in range(1000))))
    assert told == {"pending": 60, "overloaded 60": 940}
    assert await attempt(house, "other") == "pending"
    house.clock.move(seconds=59)
    assert await attempt(house) == "overloaded 60"
    house.clock.move(seconds=1, milliseconds=1)
    assert await attempt(house) == "pending"


async def test_t13_so_many_may_wait(house: House) -> None:
    """At 25 open ones it has to wait for decisions; with each one another fits."""
    told = Counter(await asyncio.gather(*(attempt(house, "hoarder") for _ in range(60))))
    assert told == {"pending": 25, "overloaded 30": 35}
    (first,) = house.sql("select id from requests order by id limit 1")[0]
    await house.decide(await house.now(first))
    assert [await attempt(house, "hoarder") for _ in range(2)] == ["pending", "overloaded 30"]
    assert await attempt(house, "other") == "pending"


async def test_t13_a_repeat_is_no_submission(house: House) -> None:
    """A post that is sent again with its key gives its request, however many the agent has."""
    submission = Submission(action="refund.issue", arguments={"amount": 1})
    request, fresh = await house.desk.submit(submission, agent="hoarder", idempotency_key="k", body_hash="h")
    assert fresh
    while await attempt(house, "hoarder") == "pending":
        pass
    again, fresh = await house.desk.submit(submission, agent="hoarder", idempotency_key="k", body_hash="h")
    assert (again.id, fresh) == (request.id, False)


async def test_t13_a_flood_becomes_digests(house: House) -> None:
    """Five cards a minute to one place stand by themselves, all others come together, each once, within two minutes."""
    slack = house.channels["slack"]
    found = [await house.submit(arguments={"amount": n}) for n in range(30)]
    await house.rest()
    assert Counter(slack.sent("send")) == {"ana": 5, "ben": 5}
    assert slack.digests == []
    await house.later(minutes=2)
    assert Counter(slack.sent("digest")) == {"ana": 25, "ben": 25}
    assert sorted(len(asks) for asks, _ in slack.digests) == [5, 5, 20, 20]
    assert len({request.id for request in found}) == 30
    assert {str(d.state) for r in found for d in await house.store.deliveries(r.id)} == {"sent"}
    # Each can be decided by itself.
    assert (await house.decide(found[-1])).state is State.APPROVED


async def test_t13_no_window_has_more(house: House) -> None:
    """However the requests come, in no minute do more than five cards stand by themselves at one place."""
    slack = house.channels["slack"]
    single: list[float] = []
    for second in range(0, 300, 4):
        before = slack.sent("send").count("ana")
        await house.submit("refund.issue", "other", arguments={"amount": second})
        await house.rest()
        single += [second] * (slack.sent("send").count("ana") - before)
        await house.later(seconds=4)
    assert single
    assert all(sum(at <= other < at + 60 for other in single) <= 5 for at in single)
    await house.later(minutes=3)
    assert slack.sent("send").count("ana") + slack.sent("digest").count("ana") == 75


async def test_t13_after_a_quiet_minute_cards_are_cards_again(house: House) -> None:
    """The flood is over, and the next one stands by itself."""
    for _ in range(8):
        await house.submit()
    await house.later(minutes=3)
    await house.submit()
    await house.rest()
    assert house.channels["slack"].sent("send").count("ana") == 6


async def test_t13_what_ended_meanwhile_is_not_in_the_digest(house: House) -> None:
    """Of what was gathered, only what still waits is asked."""
    found = [await house.submit() for _ in range(9)]
    await house.rest()
    for request in found[5:8]:
        await house.decide(request)
    await house.later(minutes=2)
    slack = house.channels["slack"]
    assert Counter(slack.sent("send")) == {"ana": 6, "ben": 6}
    assert slack.digests == []


async def batched(house: House, several: int, action: str = "note.write", batch: str = "news 11") -> list[Request]:
    """So many requests of one batch."""
    return [await house.submit(action, "other", arguments={"n": n}, batch=batch) for n in range(several)]


async def test_a_batch_is_one_message(house: House) -> None:
    """Fifty that can be undone come as one, a few seconds after the first, to each who is asked."""
    slack = house.channels["slack"]
    found = await batched(house, 50)
    await house.later(seconds=BATCH_SPAN.total_seconds() - 0.1)
    assert slack.said == []
    await house.later(seconds=0.1)
    assert slack.digests == [([(request.id, 1) for request in found], [])] * 2
    assert slack.sent("send") == []


async def test_a_large_batch_is_some_messages(house: House) -> None:
    """A hundred in each at most."""
    await batched(house, 130)
    await house.later(seconds=3)
    assert sorted(len(asks) for asks, _ in house.channels["slack"].digests) == [30, 30, 100, 100]


async def test_two_batches_are_two_messages(house: House) -> None:
    """And one of them alone is an ordinary card."""
    await batched(house, 3, batch="a")
    await batched(house, 2, batch="b")
    await batched(house, 1, batch="c")
    await house.later(seconds=3)
    slack = house.channels["slack"]
    assert sorted(len(asks) for asks, _ in slack.digests) == [2, 2, 3, 3]
    assert sorted(slack.sent("send")) == ["ana", "ben"]


async def test_t13_a_batch_for_each_request_is_a_flood_all_the_same(house: House) -> None:
    """A name of their own for each would be a message of its own for each: after five they come as one digest."""
    for n in range(40):
        await batched(house, 1, batch=f"b{n}")
    await house.later(seconds=3)
    slack = house.channels["slack"]
    assert (Counter(slack.sent("send")), slack.digests) == ({"ana": 5, "ben": 5}, [])
    await house.later(minutes=2)
    assert sorted(len(asks) for asks, _ in slack.digests) == [15, 15, 20, 20]
    assert Counter(slack.sent("send")) == {"ana": 5, "ben": 5}


async def test_a_large_batch_is_no_flood(house: House) -> None:
    """What joins a message before it goes counts once, however much that is."""
    await batched(house, 30)
    await batched(house, 2, batch="b")
    await house.later(seconds=3)
    assert sorted(len(asks) for asks, _ in house.channels["slack"].digests) == [2, 2, 30, 30]


async def test_what_cannot_be_undone_comes_alone(house: House) -> None:
    """Whatever batch it is in; so does what asks for more than yes or no."""
    await batched(house, 4, "refund.issue")
    await house.submit("note.write", "other", kind=Kind.QUESTION, batch="news 11")
    await house.rest()
    slack = house.channels["slack"]
    assert (Counter(slack.sent("send")), slack.digests) == ({"ana": 5, "ben": 5}, [])


async def test_a_batch_is_decided_each_by_its_own(house: House) -> None:
    """In the order given; one that is stale, foreign or unknown is told so, and the others count."""
    found = await batched(house, 4)
    alien = await house.submit("note.write", "other", batch="another")
    await house.decide(found[1], "ben")
    ballots = [ballot(request, "ana", Verb.REJECT if n == 2 else Verb.APPROVE) for n, request in enumerate(found)]
    ballots[3] = ballot(found[3], "ana", digest="sha256:0")
    told = await house.desk.decide_batch("news 11", [*ballots, ballot(alien), ballot(found[0], "dan")])
    assert [str(t.state) if isinstance(t, Request) else t.code for t in told] == [
        "approved",
        "already_decided",
        "rejected",
        "stale",
        "not_found",
        "not_assigned",
    ]
    assert [request.id for request in await house.desk.batch("news 11", "ana")] == [found[3].id]
    assert await house.desk.batch("news 11", "kim") == ()


async def test_t10_a_batch_holds_nothing_for_who_may_not_decide(house: House) -> None:
    """The owner of the agent is shown none of it, and refused each."""
    chains = CHAINS.replace("[ana, ben]", "[ana, dan]")
    enforce(house, AGENTS.replace("other: {}", "other: {owner: dan}"), SAFE, chains, DEFAULT, FLOOD)
    found = await batched(house, 3)
    assert await house.desk.batch("news 11", "dan") == ()
    told = await house.desk.decide_batch("news 11", [ballot(request, "dan") for request in found])
    assert [getattr(t, "code", "") for t in told] == ["self_review"] * 3
