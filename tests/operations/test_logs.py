"""The log of a running bot, read from outside: one record a line, ids from a call to its replay, no secret."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp

from bot.core.model import Role
from tests.fakes.receiver import Receiver, saying
from tests.stories.program import SECRET, Program

TOKEN = "Zx81" * 8


def lines_of(program: Program) -> Iterator[dict[str, Any]]:
    """Every line, which is a JSON object."""
    for line in program.said().splitlines():
        yield json.loads(line)


async def _get(program: Program, path: str, **headers: str) -> aiohttp.ClientResponse:
    async with aiohttp.ClientSession() as http, http.get(program.base + path, headers=headers) as answer:
        await answer.read()
        return answer


async def test_t23_the_log_leads_from_a_call_to_its_replay_and_holds_no_secret(tmp_path: Path) -> None:
    """Each line is JSON; ids go back and are kept; paths, queries and keys are nowhere; garbage stays on its line."""
    program = Program(tmp_path)
    garbage = b"HTTP/1.1 200 \x1b[2J\r\nbroken\r\n\r\n"
    canaries = {"SAYSO_SECRET": "canary-of-the-secret-0001", "OIDC_CLIENT_SECRET": "canary-of-the-client-0002"}
    program.environment |= {**canaries, "SAYSO_LOG": "json", "OIDC_ISSUER": "https://127.0.0.1:9/canary"}
    program.environment |= {"OIDC_CLIENT_ID": "sayso"}
    async with Receiver(saying(garbage)) as receiver:
        program.rules(receiver=receiver.url)
        async with program, program.caller("billing") as agent, program.caller("ana", Role.REVIEWER) as ana:
            request = await agent.submit()
            _, decided = await ana.decide(request, "approve")
            done = await agent.get(request["id"], "wait=10&for=outcome")
            given = await _get(program, f"/sign-in/{TOKEN}", **{"X-Request-Id": "caller-7"})
            made = await _get(program, f"/sign-in/oidc/callback?code={TOKEN}&state={TOKEN}")
            odd = await _get(program, "/nowhere", **{"X-Request-Id": 'x" {y}'})
            key = agent._http.headers["Authorization"].partition(" ")[2]  # noqa: SLF001  # what must not be said
            keyed = await _get(program, "/readyz", **{"X-Request-Id": key})
    assert given.headers["X-Request-Id"] == "caller-7"
    assert made.headers["X-Request-Id"]
    assert odd.headers["X-Request-Id"] not in ("", 'x" {y}')
    assert keyed.status == 200
    lines = list(lines_of(program))
    assert any("sayso is up" in line.get("message", "") for line in lines)
    calls = [line for line in lines if line["logger"] == "sayso.http"]
    submitted = next(line for line in calls if line["route"] == "/v1/requests")
    assert (submitted["method"], submitted["status"], submitted["request"]) == ("POST", 201, request["id"])
    assert submitted["who"].startswith("agent:billing key_")
    approved = next(line for line in calls if line["route"] == "/v1/requests/{id}/decisions")
    assert approved["who"].startswith("reviewer:ana key_")
    assert approved["request"] == request["id"]
    assert decided["execution"]["id"] == done["execution"]["id"]
    assert next(line for line in calls if line["call"] == "caller-7")["route"] == "/sign-in/{token}"
    assert {line["route"] for line in calls} >= {"/sign-in/oidc/callback", "none", "/readyz"}
    told = [line for line in lines if line.get("request") == request["id"] and line["logger"].startswith("bot.courier")]
    assert told
    text = program.said()
    assert not [name for name, secret in canaries.items() if secret in text]
    assert SECRET not in text
    assert TOKEN not in text
    assert key not in text
    assert "\x1b" not in text


async def test_text_has_no_line_a_call(program: Program) -> None:
    """Calls are written down in JSON alone; their ids go back all the same."""
    program.rules()
    async with program:
        answer = await _get(program, "/healthz")
        assert answer.headers["X-Request-Id"]
    assert "sayso.http" not in program.said()
