"""Open pages hear of changes: whoever is signed in, on a page of ours, until their session or the house ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from bot.desk.live import MOST_TOLD
from bot.web.inbox import live
from tests.web.inbox.conftest import Visit
from tests.web.inbox.house import Standing
from tests.web.inbox.reader import Reader


class Ear:
    """One open stream."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self.answer = answer

    async def part(self) -> str:
        """The next piece: an event, a comment or the retry; nothing once it ended."""
        lines = []
        async with asyncio.timeout(5):
            while line := (await self.answer.content.readline()).decode():
                if line == "\n":
                    break
                lines.append(line)
        return "".join(lines)

    async def all(self) -> bool:
        """Past what was told by name, the word that very much changed: whether it was this reader's."""
        while (told := await self.part()).startswith("event: moved"):
            pass
        name, data = told.splitlines()
        assert name == "event: all"
        return bool(json.loads(data.removeprefix("data: "))["mine"])

    async def moved(self) -> dict[str, object]:
        """The next event, which has to be one request's."""
        name, data = (await self.part()).splitlines()
        assert name == "event: moved"
        told: dict[str, object] = json.loads(data.removeprefix("data: "))
        return told


@asynccontextmanager
async def listening(reader: Reader, **headers: str) -> AsyncIterator[Ear]:
    """A stream of this browser, past its first piece."""
    async with reader.client.get(f"{reader.house.url}/inbox/live", headers=headers) as answer:
        assert answer.status == 200
        assert answer.content_type == "text/event-stream"
        ear = Ear(answer)
        assert (await ear.part()).startswith("retry: ")
        yield ear


async def test_a_page_hears_of_each_committed_change(house: Standing, visit: Visit) -> None:
    """Who is asked hears that it is theirs; who is not hears of it all the same, and no more than its id."""
    ana, kim = await visit("ana"), await visit("kim")
    async with listening(ana) as mine, listening(kim, **{"Sec-Fetch-Site": "same-origin"}) as other:
        request = await house.submit()
        assert await mine.moved() == {"id": request.id, "mine": True}
        assert await other.moved() == {"id": request.id, "mine": False}
        await ana.decide(request.id, "ask", comment="Why?")
        assert (await mine.moved())["id"] == request.id


async def test_a_stream_needs_a_session_and_a_page_of_ours(house: Standing, visit: Visit) -> None:
    """Nobody listens who is not signed in, and no page elsewhere with somebody's cookie; HEAD opens none."""
    nobody, ana = await visit(None), await visit("ana")
    assert (await nobody.get("/inbox/live")).status == 401
    for site in ("cross-site", "same-site", "none"):
        assert (await ana.send("GET", "/inbox/live", headers={"Sec-Fetch-Site": site})).status == 403
    assert (await ana.send("HEAD", "/inbox/live")).status == 200
    assert house.desk.live.watching == 0


async def test_the_stream_ends_with_the_session(house: Standing, visit: Visit) -> None:
    """Whoever is signed out elsewhere hears nothing more, and the stream is not opened again."""
    ana = await visit("ana")
    (session,) = await house.store.sessions(house.clock.now(), "ana")
    async with listening(ana) as ear:
        house.desk.live.end(frozenset({session.id}))
        assert await ear.part() == ""
    assert house.desk.live.watching == 0


async def test_the_stream_ends_as_the_house_closes(house: Standing, visit: Visit) -> None:
    """A house that closes waits for no open page."""
    ana = await visit("ana")
    async with listening(ana) as ear:
        house.closing.set()
        assert await ear.part() == ""


async def test_a_stream_has_signs_of_life_and_an_end(
    house: Standing, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A silent stream says that it is there; after its time the browser has to come again, with its session."""
    monkeypatch.setattr(live, "HEARTBEAT", 0.1)
    monkeypatch.setattr(live, "LIFE", 0.35)
    ana = await visit("ana")
    async with listening(ana) as ear:
        assert await ear.part() == ": still here\n"
        while await ear.part():
            pass
    assert house.desk.live.watching == 0


async def test_whoever_opens_too_many_pages_is_told_so(house: Standing, visit: Visit) -> None:
    """429 for the page that is one too many; one that is closed makes room."""
    ana = await visit("ana")
    held = [house.desk.live.watch("ana", "another browser") for _ in range(24)]
    assert (await ana.get("/inbox/live")).status == 429
    house.desk.live.leave(held.pop())
    async with listening(ana):
        assert house.desk.live.watching == 24


async def test_a_page_that_is_closed_is_let_go(house: Standing, visit: Visit) -> None:
    """A viewer who is gone costs nothing."""
    ana = await visit("ana")
    async with listening(ana) as ear:
        assert house.desk.live.watching == 1
        ear.answer.close()
        async with asyncio.timeout(5):
            while house.desk.live.watching:
                await asyncio.sleep(0.01)


@pytest.mark.parametrize("turns", range(4))
async def test_who_hangs_up_as_something_changes_is_let_go(house: Standing, turns: int) -> None:
    """However many turns of the loop lie between the two, what was cancelled ends."""
    watch = house.desk.live.watch("ana", "a session")
    waiting = asyncio.create_task(watch.next(20))
    await asyncio.sleep(0)
    watch.tell({"req_1": {"ana"}}, {"ana"})
    for _ in range(turns):
        await asyncio.sleep(0)
    asked = waiting.cancel()
    try:
        await waiting
    except asyncio.CancelledError:
        return
    assert not asked


async def test_a_page_that_is_far_behind_is_told_to_look_anew(house: Standing, visit: Visit) -> None:
    """More changes at once than a page is told of by name become one word, which says whether one was its reader's."""
    ana, kim = await visit("ana"), await visit("kim")
    async with listening(ana) as hers, listening(kim) as others:
        for request in [await house.submit() for _ in range(MOST_TOLD + 1)]:
            house.desk.live.tell(request)
        assert [await hers.all(), await others.all()] == [True, False]


async def test_the_stream_ends_with_its_reader(house: Standing, visit: Visit) -> None:
    """Whoever is taken out of routing.yaml while a page is open is told of nothing more."""
    ana = await visit("ana")
    async with listening(ana) as ear:
        house.forget("ana")
        await house.submit()
        assert await ear.part() == ""
    assert house.desk.live.watching == 0
    assert (await ana.get("/inbox/live")).status == 401
