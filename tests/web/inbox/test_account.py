"""/account: who the house takes somebody for, where they are signed in, and how they end that."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from bot.core.model import PersonRole
from bot.core.ports import Session, Way
from bot.web.inbox.browsers import browser_of
from tests.web.inbox.conftest import Visit
from tests.web.inbox.data import FOREIGN, MARKUP
from tests.web.inbox.house import Standing
from tests.web.inbox.reader import Page

SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.5 Mobile/15E148 Safari/604.1"
)
CHROME = "Mozilla/5.0 ({}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 {}Safari/537.36"
AGENTS = [
    ("Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0", "Firefox on Linux"),
    ("Mozilla/5.0 (Android 14; Mobile; rv:141.0) Gecko/141.0 Firefox/141.0", "Firefox on Android"),
    (SAFARI, "Safari on iPhone"),
    (SAFARI.replace("Version/17.5", "CriOS/140.0"), "Chrome on iPhone"),
    (SAFARI.replace("Version/17.5", "FxiOS/141.0"), "Firefox on iPhone"),
    (CHROME.format("Windows NT 10.0; Win64; x64", ""), "Chrome on Windows"),
    (CHROME.format("Windows NT 10.0; Win64; x64", "Edg/140.0.0.0 "), "Edge on Windows"),
    (CHROME.format("Macintosh; Intel Mac OS X 10_15_7", "OPR/120.0 "), "Opera on Mac"),
    (CHROME.format("Linux; Android 10; K", "SamsungBrowser/28.0 "), "Samsung Internet on Android"),
    (CHROME.format("X11; CrOS x86_64 14541.0.0", ""), "Chrome on ChromeOS"),
    ("curl/8.5.0", "A browser"),
    ("", "A browser"),
    (None, "A browser"),
    *((markup, "A browser") for markup in MARKUP),
    ("Firefox/<script>alert(1)</script>", "Firefox"),
    ("x" * 100_000 + " Linux", "A browser on Linux"),
]


@pytest.mark.parametrize(("said", "known"), AGENTS)
def test_a_browser_is_known_by_our_own_words(said: str | None, known: str) -> None:
    """Whatever it says of itself, nothing of that is kept but which of ours it is."""
    assert browser_of(said) == known


def ends(page: Page) -> list[str]:
    """The sessions that the page offers to end."""
    return re.findall(r'action="/account/sessions/([0-9a-f]{64})/end"', page.text)


async def elsewhere(house: Standing, person: str, browser: str = "Safari on iPhone") -> tuple[str, Session]:
    """A session in another browser, signed in by the identity provider."""
    return await house.access.begin(person, way=Way.OIDC, browser=browser)


async def test_who_somebody_is_as_routing_yaml_has_it(house: Standing, visit: Visit) -> None:
    """Name, role, addresses, groups, time zone; and nothing of anybody else."""
    house.change("ana", slack="U0ANA", role=PersonRole.ADMIN)
    page = await (await visit("ana")).get("/account")
    assert page.status == 200
    for words in ("Ana Silva", "Admin: decides what", "ana@example.com", "U0ANA", "finance", "Europe/Lisbon"):
        assert words in page.words
    assert "Ben" not in page.words
    page = await (await visit("kim")).get("/account")
    assert "in this inbox alone" in page.words
    assert "Groups none" in page.words
    assert "Reviewer: decides what they are asked" in page.words
    house.change("kim", role=PersonRole.AUDITOR)
    assert "reads everything and decides nothing" in (await (await visit("kim")).get("/account")).words


async def test_the_way_to_it(house: Standing, visit: Visit) -> None:
    """By the name at the top; signed out, one is brought here after signing in."""
    reader = await visit(None)
    asked = await reader.get("/account")
    assert (asked.status, asked.headers["location"]) == (303, "/sign-in?next=/account")
    await reader.get(asked.headers["location"])
    assert (await reader.sign_in("ana")).headers["location"] == "/account"
    assert 'href="/account"' in (await reader.get("/inbox")).text
    assert 'href="/account" aria-current="page"' in (await reader.get("/account")).text
    assert house.letters == []


async def test_where_somebody_is_signed_in(house: Standing, visit: Visit) -> None:
    """Each with browser, way and times; this one first, marked, and never offered to be ended beside the others."""
    await elsewhere(house, "ana")
    await elsewhere(house, "ben", "Edge on Windows")
    house.clock.shift = timedelta(hours=2)
    reader = await visit("ana")
    page = await reader.get("/account")
    assert re.search(r"this one .* Safari on iPhone", page.words)
    assert "Used now, ends" in page.words
    assert "Last used 2 h ago, ends" in page.words
    assert "by a one-time link" in page.words
    assert "by an identity provider" in page.words
    assert "Edge" not in page.words
    assert len(ends(page)) == 1


async def test_one_is_ended_and_gone(house: Standing, visit: Visit) -> None:
    """With its open pages; the others stay."""
    (cookie, session), (other, _) = await elsewhere(house, "ana"), await elsewhere(house, "ana")
    watch = house.desk.live.watch("ana", session.id)
    reader = await visit("ana")
    page = await reader.get("/account")
    assert session.id in ends(page)
    answer = await reader.post(f"/account/sessions/{session.id}/end", csrf=page.hidden("csrf"))
    assert (answer.status, answer.headers["location"]) == (303, "/account?ended")
    assert watch.over
    assert await house.access.session(cookie) is None
    assert await house.access.session(other) is not None
    assert "Signed out there." in (await reader.get("/account?ended")).words
    again = await reader.post(f"/account/sessions/{session.id}/end", csrf=page.hidden("csrf"))
    assert again.headers["location"] == "/account?ended"


async def test_all_others_are_ended(house: Standing, visit: Visit) -> None:
    """And this one goes on."""
    cookies = [(await elsewhere(house, "ana"))[0] for _ in range(3)]
    bens, _ = await elsewhere(house, "ben")
    reader = await visit("ana")
    page = await reader.get("/account")
    answer = await reader.post("/account/sessions/end-others", csrf=page.hidden("csrf"))
    assert (answer.status, answer.headers["location"]) == (303, "/account?ended")
    assert [await house.access.session(cookie) for cookie in cookies] == [None] * 3
    assert await house.access.session(bens) is not None
    page = await reader.get("/account")
    assert (page.status, ends(page), "End all others" in page.words) == (200, [], False)


async def test_this_one_is_signed_out_where_it_is_ended(house: Standing, visit: Visit) -> None:
    """As by the button for it."""
    reader = await visit("ana")
    (session,) = await house.access.sessions("ana")
    page = await reader.get("/account")
    answer = await reader.post(f"/account/sessions/{session.id}/end", csrf=page.hidden("csrf"))
    assert (answer.status, answer.headers["location"]) == (303, "/sign-in")
    assert (await reader.get("/inbox")).status == 303


async def test_t20_nobody_ends_anothers_session(house: Standing, visit: Visit) -> None:
    """Not by knowing its id, and not by any id; nothing is told of whether there is one."""
    cookie, session = await elsewhere(house, "ben")
    reader = await visit("ana")
    csrf = (await reader.get("/account")).hidden("csrf")
    lines = await house.lines()
    for session_id in (session.id, "0" * 64, "end-others-not", "%00", "x" * 3000):
        answer = await reader.post(f"/account/sessions/{session_id}/end", csrf=csrf)
        assert (answer.status, answer.headers["location"]) == (303, "/account?ended")
    assert await house.access.session(cookie) is not None
    assert await house.lines() == lines


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
async def test_t20_another_site_ends_nothing(house: Standing, visit: Visit, headers: dict[str, str]) -> None:
    """With the right cookie and even the right token."""
    cookie, session = await elsewhere(house, "ana")
    reader = await visit("ana")
    csrf = (await reader.get("/account")).hidden("csrf")
    reader.origin = headers
    for path in (f"/account/sessions/{session.id}/end", "/account/sessions/end-others"):
        answer = await reader.post(path, csrf=csrf)
        assert answer.status == 403
        assert 'href="/account"' in answer.text
    assert await house.access.session(cookie) is not None


async def test_t20_the_token_of_another_session_ends_nothing(house: Standing, visit: Visit) -> None:
    """None, and another person's."""
    cookie, session = await elsewhere(house, "ana")
    reader, ben = await visit("ana"), await visit("ben")
    for token in ("", (await ben.get("/account")).hidden("csrf")):
        for path in (f"/account/sessions/{session.id}/end", "/account/sessions/end-others"):
            assert (await reader.post(path, csrf=token)).status == 403
    assert await house.access.session(cookie) is not None


async def test_t16_looking_ends_nothing(house: Standing, visit: Visit) -> None:
    """GET and HEAD on every address of the page."""
    cookie, session = await elsewhere(house, "ana")
    reader = await visit("ana")
    lines = await house.lines()
    for path in ("/account", f"/account/sessions/{session.id}/end", "/account/sessions/end-others"):
        for method in ("GET", "HEAD"):
            await reader.send(method, path)
    assert await house.access.session(cookie) is not None
    assert await house.lines() == lines


async def test_who_leaves_routing_yaml_is_signed_out_at_once(house: Standing, visit: Visit) -> None:
    """At the next look, and back in with the same cookie should they come back."""
    reader = await visit("ana")
    assert (await reader.get("/account")).status == 200
    known = house.policy
    house.forget("ana")
    assert (await reader.get("/account")).headers["location"] == "/sign-in?next=/account"
    house.policy = known
    assert (await reader.get("/account")).status == 200


async def test_a_session_is_never_longer_than_it_was(house: Standing, visit: Visit) -> None:
    """Fourteen days from signing in, however much it is used."""
    reader = await visit("ana")
    for day in range(14):
        house.clock.shift = timedelta(days=day)
        assert (await reader.get("/account")).status == 200
    house.clock.shift = timedelta(days=14, seconds=1)
    assert (await reader.get("/account")).status == 303
