"""Health, figures, the audit trail, and Slack's door."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from io import BytesIO
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from bot.core.errors import Unavailable
from bot.web import health
from bot.web.app import MAX_SLACK_BYTES, create_app
from bot.web.health import Kept
from bot.web.house import Figure, Probe
from tests.web.conftest import Office, serving

GENESIS = "0" * 64


async def test_alive_and_ready(office: Office) -> None:
    """Alive always; ready while every vital probe says so, else 503 naming what is not."""
    assert (await office.call("GET", "/healthz")).body == {"status": "alive"}
    office.probes.append(Probe("store", ok=True, detail="writable"))
    ready = await office.call("GET", "/readyz")
    assert ready.body == {"status": "ready", "checks": [{"name": "store", "ok": True, "detail": "writable"}]}
    office.probes.append(Probe("rules", ok=False, detail="not in force", vital=False))
    assert (await office.call("GET", "/readyz")).body["status"] == "degraded"
    office.probes.pop()
    office.probes.append(Probe("slack", ok=False, detail="not connected"))
    broken = await office.call("GET", "/readyz")
    assert (broken.status, broken.body["code"]) == (503, "not_ready")
    assert broken.body["checks"][1] == {"name": "slack", "ok": False, "detail": "not connected"}
    assert "slack" in broken.body["detail"]
    assert broken.headers["Retry-After"] == "1"


async def test_figures_in_prometheus_text(office: Office) -> None:
    """The house's figures and the count of answers, each announced once, names and values escaped."""
    office.figures += [
        Figure("sayso_requests", "Requests by state.", 3, {"state": "pending"}),
        Figure("sayso_requests", "Requests by state.", 1, {"state": 'o"dd\n\\'}),
        Figure("sayso_queue_length", "Effects to be done.", 0.5),
    ]
    await office.submitted()
    await office.call("GET", "/v1/requests")
    reply = await office.call("GET", "/metrics")
    assert reply.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    lines = reply.raw.decode().splitlines()
    asked = ("sayso_requests", "sayso_queue_length", "sayso_http_answers_total")
    assert [line for line in lines if any(name in line for name in asked)] == [
        "# HELP sayso_requests Requests by state.",
        "# TYPE sayso_requests gauge",
        'sayso_requests{state="pending"} 3',
        'sayso_requests{state="o\\"dd\\n\\\\"} 1',
        "# HELP sayso_queue_length Effects to be done.",
        "# TYPE sayso_queue_length gauge",
        "sayso_queue_length 0.5",
        "# HELP sayso_http_answers_total Answers of the API since the start, by call and status.",
        "# TYPE sayso_http_answers_total counter",
        'sayso_http_answers_total{call="list",status="401"} 1',
        'sayso_http_answers_total{call="submit",status="201"} 1',
    ]
    assert 'sayso_http_seconds_bucket{route="/v1/requests",le="+Inf"} 2' in lines
    assert 'sayso_http_seconds_count{route="/v1/requests"} 2' in lines


async def test_p17_the_figures_are_written_once_in_a_while(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks without end, and without a key, gets the text that is there; what is old is written anew."""

    async def told(now: float) -> list[str]:
        office.figures[:] = [Figure("sayso_now", "Now.", now)]
        replies = await asyncio.gather(*(office.call("GET", "/metrics") for _ in range(5)))
        return [line for reply in replies for line in reply.raw.decode().splitlines() if line.startswith("sayso_now")]

    monkeypatch.setattr(health, "FIGURES_SECONDS", 0.0)
    assert await told(1) == ["sayso_now 1"] * 5
    monkeypatch.setattr(health, "FIGURES_SECONDS", 600.0)
    assert await told(2) == ["sayso_now 2"] * 5
    assert await told(3) == ["sayso_now 2"] * 5


async def test_p17_a_fault_of_the_figures_is_not_kept() -> None:
    """Those who ask at once wait for one writing; where that fails, the next writes."""
    written = 0

    async def write() -> bytes:
        nonlocal written
        written += 1
        await asyncio.sleep(0)
        if written == 1:
            raise OSError
        return str(written).encode()

    kept = Kept()
    found = await asyncio.gather(*(kept.text(write) for _ in range(20)), return_exceptions=True)
    assert isinstance(found[0], OSError)
    assert found[1:] == [b"2"] * 19


async def test_a_requests_trail(office: Office) -> None:
    """The events of one request, oldest first, each hash fitting its line."""
    mine = await office.submitted()
    await office.decided(mine, "reject", comment="no")
    for by in ("billing", "ana", "ops"):
        reply = await office.call("GET", f"/v1/requests/{mine['id']}/audit", by)
        types = [line["type"] for line in reply.body["events"]]
        assert types == ["request.submitted", "request.decided"]
    assert [line["actor"] for line in reply.body["events"]] == ["agent:billing", "person:ana"]


async def test_the_export_verifies_by_itself(office: Office) -> None:
    """Every line of the chain, in order; the hashes can be recomputed from the bytes of the file alone."""
    for n in range(30):
        await office.submitted(arguments={"order": f"é{n}", "amount": n})
    reply = await office.call("GET", "/v1/audit/export", "ops")
    assert reply.headers["Content-Type"] == "application/jsonl"
    assert reply.headers["Transfer-Encoding"] == "chunked"
    previous = None
    for number, line in enumerate(reply.raw.splitlines(), start=1):
        parsed = json.loads(line)
        event = line[line.index(b'"event":') + len(b'"event":') : -1]
        assert parsed["seq"] == number
        assert previous in (None, parsed["previous"])
        assert hashlib.sha256(parsed["previous"].encode() + event).hexdigest() == parsed["hash"]
        previous = parsed["hash"]
    assert number > 30


async def test_the_export_narrows_by_time(office: Office) -> None:
    """From counts, to does not; a date is its midnight; what is no time is refused by name."""
    mine = await office.submitted()
    at = mine["created_at"]
    everything = (await office.call("GET", "/v1/audit/export", "ops")).raw.splitlines()
    since = (await office.call("GET", f"/v1/audit/export?from={at}", "ops")).raw.splitlines()
    until = (await office.call("GET", f"/v1/audit/export?to={at}", "ops")).raw.splitlines()
    assert since + until
    assert until + since == everything
    assert (await office.call("GET", "/v1/audit/export?from=2000-01-01", "ops")).raw.splitlines() == everything
    assert (await office.call("GET", "/v1/audit/export?to=2000-01-01", "ops")).raw == b""
    for query in ("from=yesterday", "to=2026-01-01T00:00:00", "format=xml", "from=1e9"):
        reply = await office.call("GET", f"/v1/audit/export?{query}", "ops")
        assert (reply.status, reply.body["errors"][0]["pointer"]) == (422, f"query:{query.split('=')[0]}")
    assert (await office.call("GET", "/v1/audit/export", "ana")).status == 403


async def test_p10_a_store_that_cannot_write_is_a_503(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is changed, the caller is told when to try again, and it recovers by itself."""

    async def full(*_: Any, **__: Any) -> Any:
        raise Unavailable(retry_after=2.5)

    with monkeypatch.context() as broken:
        broken.setattr(office.store, "write", full)
        reply = await office.call("POST", "/v1/requests", "billing", json={"action": "greet"})
        assert (reply.status, reply.body["code"], reply.headers["Retry-After"]) == (503, "unavailable", "3")
    await office.submitted()


async def slack(headers: Mapping[str, str], body: bytes, now: datetime) -> tuple[int, Mapping[str, str], bytes]:
    """Says what it was given."""
    seen = {"signature": headers["x-slack-signature"], "body": body.decode(), "aware": now.tzinfo is not None}
    return 202, {"Content-Type": "application/json", "X-Own": "1", "Content-Length": "99"}, json.dumps(seen).encode()


async def test_slacks_posts_reach_its_handler_raw(office: Office) -> None:
    """The handler gets headers, the very bytes and the time, and its answer goes back as it is."""
    object.__setattr__(office.house, "slack", slack)
    async with serving(create_app(office.house)) as base:
        raw = b"payload=%7B%22a%22%3A1%7D&x= y"
        async with office.http.post(f"{base}/slack/events", data=raw, headers={"X-Slack-Signature": "v0=1"}) as reply:
            assert (reply.status, reply.headers["X-Own"]) == (202, "1")
            assert await reply.json() == {"signature": "v0=1", "body": raw.decode(), "aware": True}
        async with office.http.get(f"{base}/slack/events") as reply:
            assert (reply.status, reply.headers["Allow"]) == (405, "POST")
        async with office.http.post(f"{base}/slack/events", data=BytesIO(b"x" * (MAX_SLACK_BYTES + 1))) as reply:
            assert reply.status == 413
        async with office.http.post(f"{base}/slack/events", data=b"no signature") as reply:
            assert (reply.status, (await reply.json(content_type=None))["code"]) == (500, "internal")


async def test_pages_are_mounted_beside_the_api(office: Office) -> None:
    """The routes that are given are served; the API's own addresses stay the API's."""

    async def page(_: Request) -> PlainTextResponse:
        return PlainTextResponse("a page")

    app: Starlette = create_app(office.house, [Route("/inbox", page), Route("/healthz", page)])
    async with serving(app) as base:
        async with office.http.get(f"{base}/inbox") as reply:
            assert await reply.text() == "a page"
        async with office.http.get(f"{base}/healthz") as reply:
            assert await reply.json() == {"status": "alive"}
