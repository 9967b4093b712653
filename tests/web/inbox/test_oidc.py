"""Signing in by the identity provider, at the pages: whom it signs in, and in which browser."""

from __future__ import annotations

import html
import re
import secrets
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import aiohttp
import pytest

from bot.core.ports import Way
from bot.oidc import Provider
from tests.fakes import oidc as fake
from tests.web.inbox.conftest import Visit
from tests.web.inbox.data import ELSEWHERE, FOREIGN, MARKUP
from tests.web.inbox.house import MovableClock, Standing, standing
from tests.web.inbox.reader import Page, Reader

CALLBACK = "/sign-in/oidc/callback"


def client(there: fake.Provider, **other: Any) -> Provider:
    """This house as a client of the provider."""
    told: dict[str, Any] = {"issuer": there.url, "client_id": fake.CLIENT, "client_secret": fake.SECRET}
    told |= {"claim": "email", "name": "Fake ID", "secrets": ["s" * 32], "entropy": secrets.token_bytes}
    return Provider(**(told | {"clock": MovableClock()} | other))


@pytest.fixture
async def there() -> AsyncIterator[fake.Provider]:
    """A provider that listens."""
    async with fake.Provider() as provider:
        yield provider


@pytest.fixture
async def house(tmp_path: Any, there: fake.Provider) -> AsyncIterator[Standing]:
    """A house that people may sign in to by it."""
    async with standing(tmp_path, oidc=client(there)) as opened:
        yield opened


async def begin(reader: Reader) -> str:
    """Press the button; where the page then leads."""
    page = await reader.post("/sign-in/oidc")
    assert page.status == 200
    found = re.search(r'<meta http-equiv="refresh" content="0; url=([^"]*)">', page.text)
    assert found
    assert f'href="{found[1]}"' in page.text, "for whoever's browser does not go by itself"
    return html.unescape(found[1])


async def come_back(reader: Reader, there: fake.Provider) -> Page:
    """Press the button there and here; the answer of our own address."""
    return await reader.get(local(there.approve(await begin(reader))))


def local(address: str) -> str:
    """An address of ours without its host."""
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}"


async def test_the_whole_way(house: Standing, there: fake.Provider, visit: Visit) -> None:
    """From a request's link by the provider to that request, as the person whose verified address it is."""
    request = await house.submit()
    reader = await visit(None)
    page = await reader.get((await reader.get(f"/requests/{request.id}")).headers["location"])
    assert page.words.index("Go on with Fake ID") < page.words.index("Your person id or mail address")
    there.claims["email"] = "ANA@Example.com"
    entered = await come_back(reader, there)
    assert (entered.status, entered.headers["location"]) == (303, f"/requests/{request.id}")
    assert "Ana Silva" in (await reader.get("/inbox")).words
    (session,) = await house.access.sessions("ana")
    assert session.way is Way.OIDC
    assert "by Fake ID" in (await reader.get("/account")).words


KNOWN: list[tuple[dict[str, Any], dict[str, Any], str | None]] = [
    ({}, {}, "ana"),
    ({}, {"email": "Ana@EXAMPLE.com"}, "ana"),
    ({}, {"email_verified": False}, None),
    ({}, {"email_verified": None}, None),
    ({}, {"email": "ana@example.com.evil.example"}, None),
    ({}, {"email": " ana@example.com"}, None),
    ({}, {"email": "Kim@example.com"}, None),
    ({}, {"email": "stranger@example.com"}, None),
    ({}, {"email": "ana"}, None),
    ({"oidc": "boss@corp.example"}, {"email": "boss@corp.example", "email_verified": None}, "ana"),
    ({"oidc": "boss@corp.example"}, {"email": "boss@corp.example", "email_verified": False}, None),
    ({"oidc": "boss@corp.example"}, {"email": "Boss@corp.example"}, None),
    ({"oidc": "boss@corp.example"}, {"email": "ana@example.com"}, None),
    ({"oidc": "ben@example.com"}, {"email": "ben@example.com"}, "ana"),
    ({"email": "ben@example.com"}, {"email": "ben@example.com"}, None),
    ({"email": "\u212aim@example.com"}, {"email": "kim@example.com"}, None),
    ({"email": "kim@example.com"}, {"email": "\u212aim@example.com"}, None),
]


@pytest.mark.parametrize("case", KNOWN, ids=str)
async def test_whom_a_claim_names(
    house: Standing, there: fake.Provider, visit: Visit, case: tuple[dict[str, Any], dict[str, Any], str | None]
) -> None:
    """``oidc:`` to the letter, else a verified address whatever its case; one person, or nobody."""
    person, claims, known = case
    house.change("ana", **person)
    there.claims |= claims
    reader = await visit(None)
    page = await come_back(reader, there)
    assert [session.person for session in await house.access.sessions()] == ([known] if known else [])
    assert page.status == (303 if known else 403)


async def test_another_claim_names_by_oidc_alone(tmp_path: Any, there: fake.Provider) -> None:
    """However much its value looks like somebody's address."""
    async with (
        standing(tmp_path, oidc=client(there, claim="sub")) as house,
        aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser,
    ):
        there.claims["sub"] = "ben@example.com"
        assert (await come_back(Reader(house, browser), there)).status == 403
        house.change("ben", oidc="ben@example.com")
        assert (await come_back(Reader(house, browser), there)).status == 303
        assert [session.person for session in await house.access.sessions()] == ["ben"]


async def test_a_stranger_is_told_that_and_nothing_of_who_is_known(
    house: Standing, there: fake.Provider, visit: Visit
) -> None:
    """The same page, but for what the provider itself said of them; no session, no line."""
    lines = await house.lines()
    pages = []
    for told in ("stranger@example.com", "ana@example.com"):
        there.claims |= {"email": told, "email_verified": None}
        reader = await visit(None)
        page = await come_back(reader, there)
        assert (page.status, "Nobody here is known by that account" in page.words) == (403, True)
        assert "Ana" not in page.words
        pages.append(page.text.replace(told, ""))
        assert (await reader.get("/inbox")).status == 303
    assert pages[0] == pages[1]
    assert await house.lines() == lines


async def test_t20_what_a_provider_says_stays_text(there: fake.Provider, visit: Visit) -> None:
    """Markup in the claim is shown as it is."""
    for text in MARKUP:
        there.claims["email"] = text
        page = await come_back(await visit(None), there)
        assert page.status == 403
        assert text not in page.text or "<" not in text


async def test_t20_login_csrf_signs_in_nobody(there: fake.Provider, visit: Visit) -> None:
    """The attacker's own answer, sent to somebody else's browser: without a sign-in under way, and with one."""
    attacker, victim, busy = await visit(None), await visit("ben"), await visit(None)
    answer = local(there.approve(await begin(attacker)))
    mine = await begin(busy)
    for reader in (victim, busy):
        page = await reader.get(answer)
        assert (page.status, "was not begun in this browser" in page.words) == (403, True)
    assert "Ben Okafor" in (await victim.get("/inbox")).words
    assert (await busy.get("/inbox")).status == 303
    assert (await busy.get(local(there.approve(mine)))).status == 403, "one try each"
    assert there.asked["/token"] == 0
    assert (await attacker.get(answer)).status == 303


async def test_t20_an_answer_counts_once(there: fake.Provider, visit: Visit) -> None:
    """Not again in the same browser, nor in another that was given its cookie."""
    reader, thief = await visit(None), await visit(None)
    address = await begin(reader)
    kept = next(c.value for c in reader.client.cookie_jar if c.key == "sayso-oidc")
    answer = local(there.approve(address))
    assert (await reader.get(answer)).status == 303
    assert not [c for c in reader.client.cookie_jar if c.key == "sayso-oidc"]
    assert (await reader.get(answer)).status == 403
    assert (await thief.send("GET", answer, None, {"Cookie": f"sayso-oidc={kept}"})).status == 403


async def test_t20_what_is_under_way_is_for_the_browser_alone(there: fake.Provider, visit: Visit) -> None:
    """HttpOnly, Lax, ten minutes; and what it holds is not in the address that the browser is sent to."""
    reader = await visit(None)
    page = await reader.post("/sign-in/oidc")
    assert "HttpOnly; Max-Age=600; Path=/; SameSite=lax" in page.headers["set-cookie"]
    kept = page.headers["set-cookie"].partition("=")[2].partition(";")[0]
    assert kept.partition(".")[0] not in page.text
    assert there.url in page.text


async def test_t16_a_scanner_signs_nobody_in(there: fake.Provider, visit: Visit) -> None:
    """HEAD uses nothing up, even in the right browser; GET by anybody else neither."""
    reader, scanner = await visit(None), await visit(None)
    answer = local(there.approve(await begin(reader)))
    for _ in range(3):
        assert (await reader.send("HEAD", answer)).status == 200
        assert (await scanner.get(answer)).status == 403
    assert (await reader.get("/sign-in/oidc")).headers["location"] == "/sign-in"
    assert there.asked["/token"] == 0
    assert (await reader.get(answer)).status == 303


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
async def test_t20_another_site_begins_nothing(there: fake.Provider, visit: Visit, headers: dict[str, str]) -> None:
    """Nobody is sent to the provider but from our own page."""
    reader = await visit(None)
    reader.origin = headers
    page = await reader.post("/sign-in/oidc")
    assert (page.status, "set-cookie" in page.headers) == (403, False)
    assert there.asked == {}


@pytest.mark.parametrize("wanted", ELSEWHERE)
async def test_t20_next_leads_nowhere_else(there: fake.Provider, visit: Visit, wanted: str) -> None:
    """Not by the sign-in page, not by what the provider sends back, not by a planted cookie."""
    reader = await visit(None)
    await reader.get(f"/sign-in?{urlencode({'next': wanted})}")
    there.callback = {"next": wanted}
    assert (await come_back(reader, there)).headers["location"] == "/inbox"


async def test_t20_signing_in_begins_a_new_session_and_ends_the_old(
    house: Standing, there: fake.Provider, visit: Visit
) -> None:
    """As by a link."""
    reader = await visit("ben")
    before = next(c.value for c in reader.client.cookie_jar if c.key == "sayso")
    assert (await come_back(reader, there)).status == 303
    after = next(c.value for c in reader.client.cookie_jar if c.key == "sayso")
    assert after != before
    assert await house.access.session(before) is None
    assert [session.person for session in await house.access.sessions()] == ["ana"]


async def test_a_provider_that_is_down_leaves_the_other_way_in(there: fake.Provider, visit: Visit) -> None:
    """The page says so and leads back to where links are; nothing of why is on it."""
    there.answers["/.well-known/openid-configuration"] = fake.said({"secret": "x"}, "500 Internal Server Error")
    reader = await visit(None)
    page = await reader.post("/sign-in/oidc")
    assert (page.status, "did not answer as it must" in page.words) == (502, True)
    assert 'href="/sign-in"' in page.text
    assert "500" not in page.words


async def test_a_person_who_says_no_is_back_where_they_were(there: fake.Provider, visit: Visit) -> None:
    """And may begin again."""
    reader = await visit(None)
    state = dict(parse_qsl(urlsplit(await begin(reader)).query))["state"]
    page = await reader.get(f"{CALLBACK}?error=access_denied&error_description=%3Cb%3E&state={state}")
    assert (page.status, "did not sign you in" in page.words) == (403, True)
    assert (await come_back(reader, there)).status == 303


async def test_where_there_is_no_provider_there_is_no_button(tmp_path: Any) -> None:
    """And its addresses are not there; none of them is taken for a link's token."""
    async with (
        standing(tmp_path) as house,
        aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser,
    ):
        reader = Reader(house, browser)
        assert "/sign-in/oidc" not in (await reader.get("/sign-in")).text
        for page in (await reader.post("/sign-in/oidc"), await reader.get(CALLBACK)):
            assert (page.status, "Not found" in page.words) == (404, True)
