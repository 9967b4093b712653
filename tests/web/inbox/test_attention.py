"""Attention on the pages: a reason that is asked for, a practice that shows itself late, reports that do not shame."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from typing import Any

import aiohttp
from msgspec.structs import replace

from bot.core.model import Risk, Role, State, Verb
from bot.core.policy import Attention, Practice, PracticeRequest
from bot.core.ports import Ballot
from tests.core.insight.test_thresholds import life
from tests.core.insight.test_watching import of, vote
from tests.web.inbox.conftest import Visit
from tests.web.inbox.house import AGENT, Standing

ANNOUNCED = "Told at the meeting of 2 March."
LESSON = "Never to an account that is named by mail."


def practises(house: Standing) -> None:
    """Let the team practise, with what looks like a refund of the agent's."""
    one = PracticeRequest(
        name="stranger", agent=AGENT, action="refund.issue", lesson=LESSON, arguments={"order": "1", "amount": 980.0}
    )
    chain = next(iter(house.policy.chains))
    house.policy = replace(house.policy, practice=Practice(announced=ANNOUNCED, chain=chain, requests=(one,)))


async def test_the_form_asks_for_the_reason_that_an_approval_needs(house: Standing, visit: Visit) -> None:
    """The button leads to the form, which says what is missing beside its field and keeps what was sent."""
    house.policy = replace(house.policy, attention=Attention(reason_for=tuple(Risk)))
    request = await house.submit()
    ana = await visit("ana")
    page = await ana.get(f"/requests/{request.id}")
    assert 'href="#approve">Approve…</a>' in page.text
    assert "Why do you approve it?" in page.words
    refused = await ana.decide(request.id, "approve")
    assert (refused.status, "Say why you approve it" in refused.words) == (422, True)
    assert (await house.now(request.id)).state is State.PENDING
    assert (await ana.decide(request.id, "approve", comment="seen on the ticket")).status == 303
    assert (await house.now(request.id)).decisions[0].comment == "seen on the ticket"


async def test_a_practice_shows_what_it_was_once_it_is_decided_and_to_no_agent(house: Standing, visit: Visit) -> None:
    """Its page is as any other's until then; the queue says that there are practices; an agent's key finds nothing."""
    practises(house)
    request = await house.desk.practise_now("stranger", by="admin:root")
    by = next(person for person in request.assignees)
    reader = await visit(by)
    assert ANNOUNCED in (await reader.get("/inbox")).words
    page = await reader.get(f"/requests/{request.id}")
    assert "practice" not in page.text.replace(ANNOUNCED, "").casefold()
    assert "Nothing runs" not in page.words
    other = await house.submit(arguments={"order": "1", "amount": 980.0})
    assert sections(page.text) == sections((await reader.get(f"/requests/{other.id}")).text)
    key = (await house.access.new_key(AGENT, Role.AGENT, by="tests"))[1]
    asked = {"Authorization": f"Bearer {key}"}
    await house.desk.practise_now("stranger", by="admin:root")
    for size in (1, 50):
        async with reader.client.get(f"{house.url}/v1/requests?limit={size}", headers=asked) as answer:
            listed = await answer.json()
            assert ([each["id"] for each in listed["requests"]], listed["next_cursor"]) == ([other.id], None)
    async with reader.client.get(f"{house.url}/v1/requests/{request.id}", headers=asked) as answer:
        assert answer.status == 404
    await reader.decide(request.id, "approve")
    page = await reader.get(f"/requests/{request.id}")
    assert LESSON in page.words
    assert "It went through this time" in page.words


def sections(page: str) -> list[str]:
    """What parts a page has."""
    return re.findall(r"<(?:h2|h3|summary)[^>]*>[^<]*", page)


async def test_a_reviewers_key_reads_of_an_open_practice_what_other_requests_have(house: Standing) -> None:
    """Who made it, where it runs and what it is called stand in the trail; they are told once it is decided."""
    practises(house)
    request = await house.desk.practise_now("stranger", by="admin:root")
    other = await house.submit(arguments={"order": "1", "amount": 980.0})
    by = next(person for person in request.assignees)
    keys = [
        (await house.access.new_key(name, role, by="tests"))[1]
        for name, role in ((by, Role.REVIEWER), ("ops", Role.ADMIN))
    ]

    async def first(of: str, key: str) -> Any:
        asked = {"Authorization": f"Bearer {key}"}
        async with (
            aiohttp.ClientSession() as client,
            client.get(f"{house.url}/v1/requests/{of}/audit", headers=asked) as answer,
        ):
            return (await answer.json())["events"][0]

    seen, usual, whole = [
        await first(*each) for each in ((request.id, keys[0]), (other.id, keys[0]), (request.id, keys[1]))
    ]
    for told in (seen, usual):
        assert (told["actor"], told["via"]) == (f"agent:{AGENT}", "api")
    assert seen["data"]["revision"]["target"] == usual["data"]["revision"]["target"]
    assert seen["data"]["trials"] == usual["data"]["trials"]
    assert seen["data"]["request"]["route"].keys() == usual["data"]["request"]["route"].keys()
    assert (whole["actor"], whole["data"]["request"]["route"]["practice"]) == ("admin:root", "stranger")
    await house.desk.decide(
        Ballot(request=request.id, decision=Verb.REJECT, by=by, channel="api", revision=1, digest=request.digest)
    )
    assert (await first(request.id, keys[0]))["actor"] == "admin:root"


async def measured(house: Standing) -> None:
    """Write down what Ana and Ben decided of late, and what the agents claimed, of requests that are there."""
    at = house.clock.now() - timedelta(days=2)
    facts = life(4, 300)
    facts += [of(vote("ana", fast=index < 9)) for index in range(40)]
    facts += [of(vote("ben", Verb.REJECT)) for _ in range(25)]
    facts.append(of(vote("ben"), practice=True))
    there = await asyncio.gather(*(house.submit() for _ in facts))
    kept = [replace(fact, request=real.id, created_at=at) for fact, real in zip(facts, there, strict=True)]
    await house.store.write(lambda tx: tx.put_facts(kept))


async def test_reports_come_with_intervals_and_people_read_of_themselves(run: Standing, visit: Visit) -> None:
    """The team for everybody; by name oneself, for the admin all; as a table of the same numbers, too."""
    await measured(run)
    ana, kim = await visit("ana"), await visit("kim")
    page = await ana.get("/insights/thresholds")
    assert page.status == 200
    assert "says nothing: its interval holds one half" in page.words
    assert "With a threshold of its own for each agent" in page.words
    assert "confidence &gt;=" in page.text
    assert 'role="region" aria-label="Agents of ' in page.text
    mine, whole = await ana.get("/insights/attention"), await kim.get("/insights/attention")
    assert (mine.status, whole.status) == (200, 200)
    for shown in (page, mine, whole):
        assert re.search(r"From \w{3} \d+ \w{3}, \d\d:\d\d \w+ to ", shown.words)
    for shown in (mine, whole):
        assert "not to find somebody at fault" in shown.words
        assert "1 of 1: too few to say" in shown.words or "0 of 1: too few to say" in shown.words
    assert ("Ben" in mine.words, "Ben" in whole.words) == (False, True)
    assert "less often than others on like requests" in mine.words
    table = (await ana.get("/insights/attention?format=csv")).text
    assert table.startswith("section,name,measure,value,low,high,count,of\r\n")
    assert ("person,ana," in table, "person,ben," in table) == (True, False)
    assert "person,ben," in (await kim.get("/insights/attention?format=csv")).text
    for name, role, seen in (
        ("ana", Role.REVIEWER, {"ana"}),
        ("kim", Role.REVIEWER, {"ana", "ben"}),
        ("x", Role.AGENT, None),
    ):
        key = (await run.access.new_key(name, role, by="tests"))[1]
        asked = {"Authorization": f"Bearer {key}"}
        async with ana.client.get(f"{run.url}/v1/metrics/attention", headers=asked) as answer:
            told = await answer.json()
            assert (None if seen is None else {person["person"] for person in told["people"]}) == seen, name
        async with ana.client.get(f"{run.url}/v1/metrics?by=reviewer", headers=asked) as answer:
            told = await answer.json()
            assert {group["name"] for group in told.get("groups", ())} <= (seen or set()), name
        async with ana.client.get(f"{run.url}/v1/metrics/thresholds", headers=asked) as answer:
            assert answer.status == (403 if seen is None else 200), "as on the page"
