"""What makes the pages an app: the manifest, the worker, the page for being offline."""

from __future__ import annotations

import json
import struct

from tests.web.inbox.conftest import Visit
from tests.web.inbox.pushing import post, subscribed


async def test_the_manifest_is_what_browsers_install(visit: Visit) -> None:
    """Name, start, scope and display; every icon there is as large as it says, small to load, and of its type."""
    reader = await visit(None)
    answer = await reader.get("/manifest.webmanifest")
    assert answer.headers["content-type"] == "application/manifest+json"
    told = json.loads(answer.text)
    assert (told["name"], told["id"], told["start_url"], told["scope"]) == ("Sayso", "/inbox", "/inbox", "/")
    assert told["display"] == "standalone"
    assert {(icon["sizes"], icon["purpose"]) for icon in told["icons"]} >= {
        (f"{size}x{size}", purpose) for size in (192, 512) for purpose in ("any", "maskable")
    }
    for icon in told["icons"]:
        async with reader.client.get(reader.house.url + icon["src"]) as file:
            assert (file.status, file.headers["content-type"]) == (200, icon["type"])
            body = await file.read()
        assert len(body) < 16_000
        if icon["type"] == "image/png":
            assert "x".join(map(str, struct.unpack(">II", body[16:24]))) == icon["sizes"]
    for shortcut in told["shortcuts"]:
        assert (await reader.get(shortcut["url"])).status == 303


async def test_the_worker_is_asked_for_anew_each_time(visit: Visit) -> None:
    """At the root, for all of the site, never kept, never guessed at, and allowed to reach the house alone."""
    answer = await (await visit(None)).get("/sw.js")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["service-worker-allowed"] == "/"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-content-type-options"] == "nosniff"
    policy = answer.headers["content-security-policy"]
    assert policy == "default-src 'none'; connect-src 'self'; img-src 'self'"


async def test_the_page_for_being_offline_says_nothing_of_anybody(visit: Visit) -> None:
    """It outlives the session in the browser, so whoever is signed in, it is the same page, and names nobody."""
    pages = [await (await visit(person)).get("/offline") for person in (None, "ana")]
    assert pages[0].text == pages[1].text
    assert "Sayso cannot be reached" in pages[0].words
    assert "csrf" not in pages[0].text


async def test_pages_name_the_app_and_load_its_script(visit: Visit) -> None:
    """Who is signed in gets the worker; who is not gets the manifest and the icons alone."""
    inside, outside = await (await visit("ana")).get("/inbox"), await (await visit(None)).get("/sign-in")
    for page in (inside, outside):
        assert '<link rel="manifest" href="/manifest.webmanifest">' in page.text
        assert '<link rel="apple-touch-icon"' in page.text
    assert "/static/push." in inside.text
    assert "/static/push." not in outside.text


async def test_where_push_is_off_nothing_is_taken(visit: Visit) -> None:
    """The addresses say so in words, and the account page offers nothing to press."""
    ana = await visit("ana")
    page = await ana.get("/account")
    assert "Push notifications are off here" in page.words
    assert "data-do" not in page.text
    for path, body in (("/push/subscriptions", subscribed()), ("/push/decisions", {"token": "x"})):
        answer = await post(ana, path, body, **{"X-CSRF": page.hidden("csrf")})
        assert (answer.status, json.loads(answer.text)["said"]) == (404, "Push notifications are off here.")
    assert (await ana.send("POST", "/push/act/x")).status == 404
