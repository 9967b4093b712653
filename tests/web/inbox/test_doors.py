"""Signing in and out, and what every page and form is guarded by."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest

from bot.core.model import State
from bot.web.inbox.guard import from_here, local_path, origin_of
from tests.web.inbox.conftest import Visit
from tests.web.inbox.data import ELSEWHERE, FOREIGN
from tests.web.inbox.house import Standing, standing
from tests.web.inbox.reader import Reader


async def test_the_way_in(house: Standing, visit: Visit) -> None:
    """/ leads to the inbox, that to sign-in; the link's button signs in and leads back to where one wanted to go."""
    request = await house.submit()
    reader = await visit(None)
    assert (await reader.get("/")).headers["location"] == "/inbox"
    assert (await reader.get("/inbox")).headers["location"] == "/sign-in"
    asked = await reader.get(f"/requests/{request.id}")
    assert (asked.status, asked.headers["location"]) == (303, f"/sign-in?next=/requests/{request.id}")
    assert "sayso link" in (await reader.get(asked.headers["location"])).words
    entered = await reader.sign_in("ana")
    assert (entered.status, entered.headers["location"]) == (303, f"/requests/{request.id}")
    assert "Ana Silva" in (await reader.get("/inbox")).words
    assert (await reader.get("/sign-in")).headers["location"] == "/inbox"


async def test_a_wrong_address_is_a_page_for_people_and_a_problem_for_programs(visit: Visit) -> None:
    """A browser gets words and a way on, signed in or not; everything else, and the API always, gets JSON."""
    html = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    for person, way_on in (("ana", "Go back"), (None, "Sign in")):
        reader = await visit(person)
        page = await reader.send("GET", "/requests/req_1/no-such", headers=html)
        assert (page.status, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
        assert "nothing at this address" in page.words
        assert way_on in page.words
        assert (await reader.get("/no-such")).headers["content-type"] == "application/problem+json"
        api = await reader.send("GET", "/v1/no-such", headers=html)
        assert (api.status, api.headers["content-type"]) == (404, "application/problem+json")


async def test_while_the_store_is_away_a_page_is_asked_for_again(house: Standing, visit: Visit) -> None:
    """Nobody is sent to sign in who is signed in: that page is away just as well."""
    ana = await visit("ana")
    await house.store.close()
    for path in ("/inbox?tab=all&q=x", "/requests/req_1", "/sign-in"):
        page = await ana.get(path)
        assert (page.status, "Try again" in page.words, "Sign in" in page.words) == (503, True, False)
        assert f'class="button" href="{path.replace("&", "&amp;")}"' in page.text


async def test_t16_looking_at_a_link_uses_nothing_up(house: Standing, visit: Visit) -> None:
    """GET and HEAD on the link, any number of times, leave it good, set no session and write no line."""
    reader = await visit(None)
    path = (await house.link("ana")).removeprefix(house.url)
    lines = len(await house.store.audit_lines(0, 1000))
    for method in ("GET", "HEAD", "GET", "HEAD"):
        page = await reader.send(method, path)
        assert page.status == 200
        assert "set-cookie" not in page.headers
    assert "Sign in as Ana Silva" in (await reader.get(path)).words
    assert len(await house.store.audit_lines(0, 1000)) == lines
    assert (await reader.post(path)).status == 303


async def test_t16_get_and_head_decide_nothing(house: Standing, visit: Visit) -> None:
    """Every address of the inbox, opened by a signed-in browser, leaves the request as it is."""
    request = await house.submit()
    reader = await visit("ana")
    csrf = (await reader.get("/inbox")).hidden("csrf")
    lines = len(await house.store.audit_lines(0, 1000))
    query = f"?csrf={csrf}&decision=approve&revision=1&digest={request.digest}"
    for path in ("/inbox", f"/requests/{request.id}", f"/requests/{request.id}/decisions", "/sign-out", "/sign-in"):
        for method in ("GET", "HEAD"):
            await reader.send(method, path + query)
    assert await house.now(request.id) == request
    assert len(await house.store.audit_lines(0, 1000)) == lines
    assert (await reader.get("/inbox")).status == 200


async def test_t17_a_link_works_once(house: Standing, visit: Visit) -> None:
    """The second use, a link too old and one made up are refused with the same words."""
    path = (await house.link("ana")).removeprefix(house.url)
    assert (await (await visit(None)).post(path)).status == 303
    late = (await house.link("ana")).removeprefix(house.url)
    house.clock.shift = timedelta(minutes=31)
    for used in (path, late, "/sign-in/made-up"):
        for page in (await (await visit(None)).get(used), await (await visit(None)).post(used)):
            assert (page.status, "Ask for a new one" in page.words) == (410, True)


async def test_t20_signing_in_begins_a_new_session_and_ends_the_old(house: Standing, visit: Visit) -> None:
    """A cookie planted or kept from before is worth nothing afterwards."""
    reader = await visit("ben")
    before = next(c.value for c in reader.client.cookie_jar if c.key == "sayso")
    page = await reader.get((await house.link("ana")).removeprefix(house.url))
    assert "In this browser Ben Okafor is signed in" in page.words
    await reader.sign_in("ana")
    after = next(c.value for c in reader.client.cookie_jar if c.key == "sayso")
    assert after != before
    assert await house.access.session(before) is None


async def test_signing_out_ends_the_session(house: Standing, visit: Visit) -> None:
    """The cookie is taken back and worth nothing any more."""
    reader = await visit("ana")
    cookie = next(c.value for c in reader.client.cookie_jar if c.key == "sayso")
    csrf = (await reader.get("/inbox")).hidden("csrf")
    assert (await reader.post("/sign-out", csrf=csrf)).headers["location"] == "/sign-in"
    assert await house.access.session(cookie) is None
    assert (await reader.get("/inbox")).status == 303


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
async def test_t20_a_form_from_elsewhere_changes_nothing(
    house: Standing, visit: Visit, headers: dict[str, str]
) -> None:
    """With the right cookie and even the right token: 403, said on the page, recorded."""
    request = await house.submit()
    reader = await visit("ana")
    page = await reader.get(f"/requests/{request.id}")
    reader.origin = headers
    answer = await reader.decide_on(page, request.id, "approve")
    assert (answer.status, "nothing was changed" in answer.words) == (403, True)
    link = (await house.link("ana")).removeprefix(house.url)
    for path in (link, "/sign-in", "/sign-out"):
        assert (await reader.post(path, person="ana")).status == 403
    assert (await house.now(request.id)).state is State.PENDING
    assert await house.audit_types(request.id) == ["request.submitted", "refusal:form_forbidden"]
    assert house.letters == []


async def test_t20_a_token_belongs_to_its_session(house: Standing, visit: Visit) -> None:
    """No token, another person's and that of an earlier session of the same person: 403."""
    request = await house.submit()
    ana, ben = await visit("ana"), await visit("ben")
    page = await ana.get(f"/requests/{request.id}")
    others = (await ben.get("/inbox")).hidden("csrf")
    for token in ("", others, "é"):
        answer = await ana.decide_on(page, request.id, "approve", csrf=token)
        assert (answer.status, "does not belong to your session" in answer.words) == (403, True)
    await ana.sign_in("ana")
    assert (await ana.decide_on(page, request.id, "approve")).status == 403
    assert (await house.now(request.id)).state is State.PENDING


async def test_a_form_after_the_session_ended_says_so(house: Standing, visit: Visit) -> None:
    """401, and a way back to the request."""
    request = await house.submit()
    reader = await visit("ana")
    page = await reader.get(f"/requests/{request.id}")
    reader.client.cookie_jar.clear()
    answer = await reader.decide_on(page, request.id, "approve")
    assert (answer.status, "You are not signed in any more" in answer.words) == (401, True)
    assert f"/sign-in?next=/requests/{request.id}" in answer.text


@pytest.mark.parametrize("over", ["ended", "begun anew"])
async def test_what_was_typed_is_given_back_when_the_session_is_over(house: Standing, visit: Visit, over: str) -> None:
    """Also to who signed in again in another tab, and sends the form of the session before. Never to another site."""
    request = await house.submit()
    reader = await visit("ana")
    page = await reader.get(f"/requests/{request.id}")
    reader.client.cookie_jar.clear()
    if over == "begun anew":
        await reader.sign_in("ana")
    typed = {"comment": "Ask <Lea> first", "arg:note": "x" * 9000, "category": "other"}
    answer = await reader.decide_on(page, request.id, "reject", **typed)
    assert (answer.status, "What you wrote" in answer.words) == (401 if over == "ended" else 403, True)
    assert (">\nAsk &lt;Lea&gt; first</textarea>" in answer.text, "x" * 9000 in answer.text) == (True, True)
    assert (await house.now(request.id)).state is State.PENDING
    there = await reader.send("POST", f"/requests/{request.id}/decisions", typed, FOREIGN[1])
    assert (there.status, "Lea&gt;" in there.text) == (403, False)


@pytest.mark.parametrize("wanted", ELSEWHERE)
async def test_t20_next_leads_nowhere_else(wanted: str) -> None:
    """Anything but a page of ours becomes the inbox."""
    assert local_path(wanted) == "/inbox"


async def test_t20_a_planted_next_cookie_leads_nowhere_else(house: Standing, visit: Visit) -> None:
    """The cookie that remembers where one wanted to go is checked as it is read, too."""
    reader = await visit(None)
    path = (await house.link("ana")).removeprefix(house.url)
    answer = await reader.send("POST", path, {}, reader.origin | {"Cookie": "sayso-next=//evil.example"})
    assert answer.headers["location"] == "/inbox"


async def test_t20_every_page_is_locked_down(house: Standing, visit: Visit) -> None:
    """Pages, refusals and redirects alike: strict CSP, no frames, no sniffing, no caching, no referrer elsewhere."""
    request = await house.submit()
    reader = await visit("ana")
    pages = [
        await reader.get(p)
        for p in ("/", "/inbox", f"/requests/{request.id}", "/requests/no", "/sign-in/no", "/sign-in")
    ]
    for page in [*pages, await reader.decide(request.id, "reject")]:
        policy = page.headers["content-security-policy"]
        for rule in ("default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"):
            assert rule in policy
        assert "unsafe" not in policy
        assert page.headers["x-frame-options"] == "DENY"
        assert page.headers["x-content-type-options"] == "nosniff"
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["referrer-policy"] == "same-origin"
        assert page.headers["cross-origin-opener-policy"] == "same-origin"
        for banned in (" style=", "<style", "javascript:", " onclick"):
            assert banned not in page.text


async def test_t20_the_cookie_on_https(tmp_path: Path) -> None:
    """On https the cookie is __Host-, Secure, HttpOnly, SameSite=Lax, Path=/, and without a domain."""
    async with standing(tmp_path, "https://sayso.example.com") as house, aiohttp.ClientSession() as client:
        reader = Reader(house, client)
        reader.origin = {"Origin": "https://sayso.example.com", "Sec-Fetch-Site": "same-origin"}
        path = (await house.link("ana")).removeprefix(house.url)
        async with client.post(house.url + path, headers=reader.origin, allow_redirects=False) as answer:
            cookies = answer.headers.getall("Set-Cookie")
        session = next(c for c in cookies if c.startswith("__Host-sayso="))
        for word in ("HttpOnly", "SameSite=lax", "Secure", "Path=/", "Max-Age="):
            assert word in session
        assert "Domain" not in session


async def test_asking_for_a_link_tells_nothing(house: Standing, visit: Visit) -> None:
    """Known or not, by id or mail, the answer is the same; a known person is sent one, at most once a minute."""
    reader = await visit(None)
    answers = [await reader.post("/sign-in", person=p) for p in ("ana", "ANA@example.com ", "nobody", "", "ana")]
    assert {(a.status, a.headers["location"], a.text) for a in answers} == {(303, "/sign-in?asked", "")}
    assert house.letters == ["ana"]
    house.clock.shift = timedelta(seconds=61)
    await reader.post("/sign-in", person="Ben@Example.com")
    await reader.post("/sign-in", person="ana")
    assert house.letters == ["ana", "ben", "ana"]
    assert "If we know you, a link is on its way" in (await reader.get("/sign-in?asked")).words


async def test_who_left_routing_yaml_is_signed_out(house: Standing, visit: Visit) -> None:
    """A session of a person whom the rules no longer know opens nothing."""
    reader = await visit("ana")
    token = await house.access.new_link("gone", by="cli")
    assert (await reader.get(f"/sign-in/{token}")).status == 410
    await reader.post(f"/sign-in/{token}")
    assert (await reader.get("/inbox")).status == 303


async def test_static_files_are_named_by_their_content(visit: Visit) -> None:
    """Each is served for ever under its own name, with its type; another name is not found."""
    reader = await visit("ana")
    page = await reader.get("/inbox")
    for ending, kind in (("css", "text/css"), ("js", "text/javascript"), ("svg", "image/svg+xml")):
        name = next(part.split('"')[0] for part in page.text.split("/static/")[1:] if f".{ending}" in part[:60])
        file = await reader.get(f"/static/{name}")
        assert (file.status, file.headers["content-type"].split(";")[0]) == (200, kind)
        assert "immutable" in file.headers["cache-control"]
        assert (await reader.get(f"/static/0{name}")).status == 404
    assert (await reader.get("/static/..%2Fbase.html")).status == 404


def test_origins_are_written_as_browsers_write_them() -> None:
    """Case, default ports, paths and IPv6 do not keep a browser of ours out."""
    assert origin_of("https://Sayso.Example.com:443/x") == "https://sayso.example.com"
    assert origin_of("http://127.0.0.1:8000") == "http://127.0.0.1:8000"
    assert origin_of("http://[::1]:8000/") == "http://[::1]:8000"
    assert from_here({"origin": "https://a.example"}, "https://a.example:443")
    assert from_here({"sec-fetch-site": "same-origin"}, "https://a.example")


async def test_t20_a_form_that_never_comes_is_not_waited_for(house: Standing, monkeypatch: pytest.MonkeyPatch) -> None:
    """A browser that stalls, or hangs up half way, holds nothing: the one is told so, the other leaves no trace."""
    monkeypatch.setattr("bot.web.exchange.BODY_SECONDS", 0.2)
    at = urlsplit(house.url)
    head = (
        f"POST /sign-in HTTP/1.1\r\nHost: x\r\nOrigin: {house.url}\r\nContent-Length: 100\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n\r\nperson="
    )
    reader, writer = await asyncio.open_connection(at.hostname, at.port)
    writer.write(head.encode())
    answer = await asyncio.wait_for(reader.readuntil(b"</html>"), 5)
    assert answer.startswith(b"HTTP/1.1 408")
    writer.close()
    _, writer = await asyncio.open_connection(at.hostname, at.port)
    writer.write(head.encode())
    writer.close()
    await writer.wait_closed()
