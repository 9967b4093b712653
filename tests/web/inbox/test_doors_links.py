"""A one-time link works in the browser that asked for it alone: what that costs a thief, and what a person notices."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from yarl import URL

from bot.core.token import hash_of
from tests.web.inbox.conftest import Visit
from tests.web.inbox.data import NOT_MARKS
from tests.web.inbox.house import Standing
from tests.web.inbox.reader import Reader


def cookie(reader: Reader, name: str) -> str:
    """What a browser holds under a name."""
    return next(c.value for c in reader.client.cookie_jar if c.key == name)


async def asked(house: Standing, reader: Reader, person: str) -> str:
    """Ask for a link from this browser, as the page's form does; the address that the person is sent."""
    before = len(house.links)
    await reader.post("/sign-in", person=person)
    while len(house.links) == before:  # it is sent after the answer
        await asyncio.sleep(0.01)
    return f"/sign-in/{house.links[-1]}"


async def test_t17_a_link_works_in_the_browser_that_asked_for_it_alone(house: Standing, visit: Visit) -> None:
    """Whoever else has it is told so, kindly, and not even for whom it is; it stays good where it was asked for."""
    reader, thief, ben = await visit(None), await visit(None), await visit("ben")
    path = await asked(house, reader, "ana")
    lines = await house.lines()
    for other in (thief, ben):
        for page in (await other.get(path), await other.post(path)):
            assert (page.status, "asked for in another browser" in page.words) == (403, True)
            assert "Ana" not in page.words
            assert "ana@" not in page.words
            assert "set-cookie" not in page.headers
    assert (await thief.send("HEAD", path)).status == 403
    assert await house.lines() == lines
    assert (await thief.get("/inbox")).status == 303
    assert "Ben Okafor" in (await ben.get("/inbox")).words
    assert "Sign in as Ana Silva" in (await reader.get(path)).words
    assert (await reader.post(path)).status == 303
    assert "Ana Silva" in (await reader.get("/inbox")).words


@pytest.mark.parametrize("held", NOT_MARKS)
async def test_t20_what_a_thief_may_hold_opens_no_link(house: Standing, visit: Visit, held: str) -> None:
    """Nothing, another browser's mark, the hash of the right one, a wrong shape: the link stays where it belongs."""
    reader, thief = await visit(None), await visit(None)
    path = await asked(house, reader, "ana")
    right = cookie(reader, "sayso-asked")
    planted = held.replace("HASH", hash_of(right)).replace("CUT", right[:-1])
    for method in ("GET", "POST"):
        page = await thief.send(method, path, {}, {**thief.origin, "Cookie": f"sayso-asked={planted}"})
        assert (page.status, "set-cookie" in page.headers) == (403, False)
    assert (await reader.post(path)).status == 303


async def test_a_link_that_whoever_runs_the_bot_printed_works_anywhere(house: Standing, visit: Visit) -> None:
    """It is bound to no browser, also in one that has asked for another."""
    for before in (False, True):
        reader = await visit(None)
        if before:
            await asked(house, reader, "ben")
        assert (await reader.sign_in("ana")).status == 303
        assert "Ana Silva" in (await reader.get("/inbox")).words


async def test_asking_again_keeps_older_links_good(house: Standing, visit: Visit) -> None:
    """In one browser the first of two still signs in, and then the second; each once."""
    reader = await visit(None)
    first = await asked(house, reader, "ana")
    house.clock.shift = timedelta(seconds=61)
    second = await asked(house, reader, "ana")
    for path in (first, second):
        assert (await reader.post(path)).status == 303
        assert (await reader.post(path)).status == 410


async def test_another_browser_gets_a_link_of_its_own(house: Standing, visit: Visit) -> None:
    """The page offers one, sent to where the first was, however many others have asked for; the first stays good."""
    stranger, reader = await visit(None), await visit(None)
    path = await asked(house, stranger, "ana")
    page = await reader.get(path)
    for form in ({"link": page.hidden("link")}, {"link": page.hidden("link")}, {"link": "made-up"}, {"link": ""}):
        answer = await reader.post("/sign-in", **form)
        assert (answer.status, answer.headers["location"], answer.text) == (303, "/sign-in?asked", "")
    while len(house.links) == 1:
        await asyncio.sleep(0.01)
    assert (await reader.post(f"/sign-in/{house.links[1]}")).status == 303
    assert (await stranger.post(path)).status == 303
    assert house.letters == ["ana", "ana"], "one a minute for whoever asks, and one for whoever has the link"


async def test_asking_hands_out_a_mark_that_no_script_reads(house: Standing, visit: Visit) -> None:
    """256 random bits, HttpOnly, for an hour; the same again while it is held, known or not; anew for a wrong one."""
    reader = await visit(None)
    seen = set()
    for person in ("ana", "nobody"):
        page = await reader.post("/sign-in", person=person)
        assert "HttpOnly; Max-Age=3600; Path=/; SameSite=lax" in page.headers["set-cookie"]
        seen.add(cookie(reader, "sayso-asked"))
    assert len(seen) == 1
    stranger = await visit(None)
    planted = {**stranger.origin, "Cookie": "sayso-asked=planted"}
    page = await stranger.send("POST", "/sign-in", {"person": "ana"}, planted)
    value = page.headers["set-cookie"].partition("=")[2].partition(";")[0]
    assert len(value) == 43
    assert value not in seen
    assert house.letters == ["ana"]


async def test_t20_a_session_is_new_at_each_sign_in(house: Standing, visit: Visit) -> None:
    """Never what was there before, planted or not; and the mark of who asked signs nobody in."""
    seen = set()
    for _ in range(3):
        reader = await visit(None)
        reader.client.cookie_jar.update_cookies({"sayso": "planted-by-somebody"}, URL(house.url))
        assert (await reader.sign_in("ana")).status == 303
        seen.add(cookie(reader, "sayso"))
        assert (await reader.sign_in("ana")).status == 303
        seen.add(cookie(reader, "sayso"))
    assert len(seen) == 6
    assert "planted-by-somebody" not in seen
    assert len(await house.access.sessions("ana")) == 3, "one a browser: the older one ended"
    assert await house.access.session("planted-by-somebody") is None
    other = await visit(None)
    await asked(house, other, "ben")
    mark = cookie(other, "sayso-asked")
    assert (await other.send("GET", "/inbox", None, {"Cookie": f"sayso={mark}"})).status == 303
