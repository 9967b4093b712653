"""The queue over HTTP: whose requests, which of them, read or not; every view is an address and needs no script."""

from __future__ import annotations

import asyncio
import html
import re
from datetime import timedelta
from urllib.parse import urlencode

import pytest

from bot.core.model import Verb
from bot.core.ports import Ballot
from bot.web.inbox.queue_view import PAGE
from tests.web.inbox.conftest import Visit
from tests.web.inbox.data import MARKUP
from tests.web.inbox.house import Standing
from tests.web.inbox.reader import Page, Reader


def listed(page: Page) -> list[str]:
    """The ids of the rows, in order."""
    parts = page.text.partition('id="list"')[2].partition("</ul>")[0].split('data-request="')[1:]
    return [part.partition('"')[0] for part in parts]


async def read(reader: Reader, request_id: str, revision: int = 1) -> Page:
    """Say that a revision was before one's eyes."""
    csrf = (await reader.get("/inbox")).hidden("csrf")
    return await reader.post(f"/requests/{request_id}/read", csrf=csrf, revision=str(revision))


async def test_three_scopes_each_with_its_count(house: Standing, visit: Visit) -> None:
    """Mine waits for me, my groups' was put to anybody of a group of mine, all is all that is open."""
    mine = await house.submit()
    voted = await house.submit(action="deploy.service", arguments={"service": "api", "version": "1"})
    ana, lea = await visit("ana"), await visit("lea")
    await ana.decide(voted.id, "approve")
    assert listed(await ana.get("/inbox")) == [mine.id]
    assert set(listed(await ana.get("/inbox?scope=groups"))) == {mine.id, voted.id}
    page = await ana.get("/inbox?scope=all")
    assert set(listed(page)) == {mine.id, voted.id}
    assert "Mine 1 My groups’ 2 All 2" in page.words
    assert "2 requests are open" in page.words
    # Lea shares no group with them and is not asked yet, but may look.
    assert listed(await lea.get("/inbox?scope=groups")) == []
    assert len(listed(await lea.get("/inbox?scope=all"))) == 2
    # What somebody else has to decide cannot be ticked.
    assert 'name="pick"' not in (await lea.get("/inbox?scope=all")).text


async def test_the_queue_says_that_replays_are_stopped(house: Standing, visit: Visit) -> None:
    """As in a restored house: whoever clears the queue knows that nothing runs, and an open page hears of it."""
    ana = await visit("ana")
    running = await ana.get("/inbox")
    assert "All replays are stopped" not in running.words
    await house.desk.pause(on=True, by="admin:ops", via="api")
    stopped = await ana.get("/inbox")
    assert "All replays are stopped. What you approve waits" in stopped.words
    version = re.compile(r'data-version="([^"]+)"')
    assert version.findall(running.text)[:1] != version.findall(stopped.text)[:1]


@pytest.mark.parametrize(
    ("query", "finds"),
    [
        ("q=10428", True),
        ("q=REFUND", True),
        ("q=elsewhere", False),
        ("agent=billing-assistant", True),
        ("agent=other", False),
        ("action=refund.issue", True),
        ("action=host.run", False),
        ("kind=approval", True),
        ("kind=question", False),
        ("risk=irreversible", True),
        ("risk=reversible", False),
        ("escalated=1", False),
        ("unread=1", True),
        ("scope=all&q=refund&risk=irreversible&unread=1", True),
    ],
)
async def test_filters_stand_in_the_address_and_can_be_taken_off(
    house: Standing,
    visit: Visit,
    query: str,
    finds: bool,  # noqa: FBT001  # pytest gives it
) -> None:
    """Each filter narrows, says so in a chip, and the chip's link is the same page without it."""
    request = await house.submit()
    ana = await visit("ana")
    page = await ana.get(f"/inbox?{query}")
    assert listed(page) == ([request.id] if finds else [])
    assert ("One request found" if finds else "Nothing here is like that.") in page.words
    chip = page.text.partition('class="chip" href="')[2].partition('"')[0]
    assert listed(await ana.get(html.unescape(chip)))[: 1 if finds else 0] == ([request.id] if finds else [])
    if "&" not in query:
        assert chip == "/inbox"


@pytest.mark.parametrize(
    "query",
    [
        "scope=everything&kind=nonsense&risk=9&escalated=perhaps&unread=2",
        "after=../../etc&scope=",
        "q=%00&agent=%00",
        "q=%ff%fe%80",
        "q=%ED%A0%80",
        "kind=approval&kind=nonsense",
    ],
)
async def test_a_query_that_means_nothing_is_as_if_it_were_not_there(house: Standing, visit: Visit, query: str) -> None:
    """No value of an address breaks the page."""
    await house.submit()
    ana = await visit("ana")
    assert (await ana.get(f"/inbox?{query}")).status == 200
    assert (await ana.get("/inbox?" + urlencode({"q": "%_\\'\"" * 30, "action": "x" * 5000}))).status == 200
    assert (await ana.get("/inbox?after=req_gone")).status == 200


async def test_t03_t20_what_is_searched_for_is_echoed_as_text(visit: Visit) -> None:
    """Markup in the search field comes back in it, letter for letter, and stands nowhere as markup."""
    ana = await visit("ana")
    for text in MARKUP:
        page = await ana.get("/inbox?" + urlencode({"q": text, "agent": text}))
        kept = " ".join(text.replace("\0", "").split()) if "\n" in text or "\r" in text else text.strip()
        field = page.text.partition('id="q" name="q" value="')[2].partition('"')[0]
        assert " ".join(html.unescape(field).split()) == " ".join(kept[:200].split())
        assert "<" not in field
        assert "<script>" not in page.text
        assert "<svg" not in page.text


async def test_soonest_deadline_first_and_page_by_page(house: Standing, visit: Visit) -> None:
    """Every open request is on exactly one page, in the order of deadlines."""
    sent = []
    for number in range(PAGE + 3):
        house.clock.shift += timedelta(seconds=1)
        sent.append((await house.submit(arguments={"order": str(number), "amount": 1})).id)
    ana = await visit("ana")
    first = await ana.get("/inbox")
    assert f"{PAGE + 3} requests wait for you" in first.words
    following = html.unescape(first.text.partition('rel="next"')[0].rpartition('href="')[2].partition('"')[0])
    second = await ana.get(following)
    assert [*listed(first), *listed(second)] == sent
    assert 'rel="next"' not in second.text
    assert "Back to the first" in second.words


async def test_a_request_is_unread_until_its_revision_was_before_my_eyes(house: Standing, visit: Visit) -> None:
    """Opening an address marks nothing; the page's own word does, for this person and this revision."""
    request = await house.submit()
    ana, ben = await visit("ana"), await visit("ben")
    await ana.get(f"/requests/{request.id}")
    assert "Unread: Refund" in (await ana.get("/inbox")).words
    assert (await read(ana, request.id)).status == 204
    assert "Unread: Refund" not in (await ana.get("/inbox")).words
    assert listed(await ana.get("/inbox?unread=1")) == []
    assert "Unread: Refund" in (await ben.get("/inbox")).words
    assert (await read(ana, request.id, 0)).status == 400
    assert (await read(ana, "req_gone")).status == 404
    assert (await ana.send("POST", f"/requests/{request.id}/read", {"revision": "1"}, ana.origin)).status == 403


async def test_what_i_approved_can_be_taken_back_from_the_queue(house: Standing, visit: Visit) -> None:
    """While its undo window is open, for who approved it; and the page says what became of what was just decided."""
    request = await house.submit()
    await house.desk.decide(
        Ballot(request=request.id, decision=Verb.APPROVE, by="ana", channel="slack", revision=1, digest=request.digest)
    )
    ana, ben = await visit("ana"), await visit("ben")
    form = f'action="/requests/{request.id}/undo"'
    assert form in (await ana.get("/inbox")).text
    assert form not in (await ben.get("/inbox")).text
    told = await ana.get(f"/inbox?done={request.id}")
    assert "Approved. Refund 240.0 USD" in told.words
    assert "Approved. Refund" not in (await ben.get(f"/inbox?done={request.id}")).words
    house.clock.shift += timedelta(seconds=31)
    assert form not in (await ana.get("/inbox")).text


async def test_a_batch_is_one_row_of_mine_and_rows_of_all(house: Standing, visit: Visit) -> None:
    """Together they are decided on one page; in everything open each stands for itself."""
    for number in range(3):
        await house.submit(batch="July", arguments={"order": str(number), "amount": 1})
    ana = await visit("ana")
    mine = await ana.get("/inbox")
    assert listed(mine) == []
    assert mine.text.count('href="/inbox/batches/July"') == 1
    assert "Batch of 3" in mine.words
    assert len(listed(await ana.get("/inbox?scope=all"))) == 3


async def test_several_are_taken_to_one_page_without_scripts(house: Standing, visit: Visit) -> None:
    """The list is a plain GET form whose ticks are named pick."""
    request = await house.submit()
    page = await (await visit("ana")).get("/inbox")
    assert 'method="get" action="/inbox/together"' in page.text
    assert f'name="pick" value="{request.id}"' in page.text


async def test_t22_actions_without_end_make_no_page_without_end(house: Standing, visit: Visit) -> None:
    """Of names that an agent makes up two hundred can be picked, and all that the rules know; the search finds more."""
    await house.submit()
    names = [f"aaa.{n:03}" for n in range(250)]
    await asyncio.gather(*(house.submit(action=name, arguments={}) for name in names))
    page = await (await visit("ana")).get("/inbox?action=aaa.249")
    offered = re.findall(r'<option value="([a-z]+\.[^"]+)"', page.text)
    assert {"refund.issue", "aaa.000", "aaa.249"} <= set(offered)
    assert len(offered) == 201
    assert len(listed(page)) == 1
