"""What the clients were told, as they would hold the program to it."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
from msgspec import Struct, field

from tests.torture.lives import Lives

_PAUSE, _LONGEST_PAUSE = 0.05, 0.8
PATIENCE = 300.0
"""Seconds for what ends in moments: a machine that does much else, and kills in a row, take their time."""
OK = frozenset({200, 201})


class Vote(Struct, frozen=True):
    """A decision that was acknowledged."""

    request: str
    by: str
    decision: str
    revision: int


class Told(Struct):
    """Everything acknowledged: by Idempotency-Key what was submitted and its id, votes, and words of agents."""

    submitted: dict[str, tuple[str, dict[str, Any], str]] = field(default_factory=dict)
    votes: list[Vote] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    reported: dict[str, str] = field(default_factory=dict)
    settled: dict[str, str] = field(default_factory=dict)
    informed: dict[str, int] = field(default_factory=dict)
    undone: dict[str, int] = field(default_factory=dict)
    assessed: list[str] = field(default_factory=list)
    harmed: list[str] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)
    """Subjects that were erased."""
    lost: int = 0
    """Calls whose answer never came."""


class Client:
    """One key. A call that gets no answer is made again once the program is back, as a careful client does."""

    def __init__(self, lives: Lives, told: Told, name: str, secret: str, http: aiohttp.ClientSession) -> None:
        self.name = name
        self.told = told
        self._lives = lives
        self._http = http
        self._headers = {"Authorization": f"Bearer {secret}"}

    async def once(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any] | None:
        """One call: status and JSON; None where its answer did not come whole."""
        try:
            async with self._http.request(
                method, f"{next(self._lives.bases)}{path}", json=body, headers=self._headers | headers
            ) as answer:
                return answer.status, await answer.json(content_type=None)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
            if self._lives.fault:
                raise AssertionError(self._lives.fault) from None
            self.told.lost += 1
            return None

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Call until there is an answer, and until it is not that the program is too busy or going down."""
        pause = _PAUSE
        async with asyncio.timeout(PATIENCE):
            while True:
                answer = await self.once(method, path, body, **headers)
                if answer is not None and answer[0] not in (429, 503):
                    return answer
                await asyncio.sleep(pause)
                # Fifty callers at a closed door would keep the program from starting.
                pause = min(pause * 2, _LONGEST_PAUSE)

    async def submit(self, key: str, body: dict[str, Any]) -> Any:
        """Submit under this key; the same request is given however often it is told."""
        path, headers = "/v1/requests", {"Idempotency-Key": key}
        status, request = await self.call("POST", path, body, **headers)
        assert status in OK, (key, status, request)
        known = self.told.submitted.setdefault(key, (request["id"], body, self.name))
        assert known[0] == request["id"], f"{key} was {known[0]} and is {request['id']}"
        return request

    async def get(self, request_id: str, query: str = "") -> Any:
        """A request, which must be there."""
        status, request = await self.call("GET", f"/v1/requests/{request_id}?{query}")
        assert status == 200, f"{request_id} was acknowledged and answers {status}: {request}"
        return request

    async def until(self, request_id: str, *states: str) -> Any:
        """The request once it is in one of these states."""
        async with asyncio.timeout(PATIENCE):
            while (request := await self.get(request_id))["state"] not in states:
                await asyncio.sleep(_PAUSE)
        return request

    async def outcome(self, request_id: str) -> Any:
        """The request once its execution has ended."""
        async with asyncio.timeout(PATIENCE):
            while True:
                request = await self.get(request_id, "wait=5&for=outcome")
                if not request["state"].startswith("approved") or (request["execution"] or {}).get("ended_at"):
                    return request

    async def decide(self, request: Any, decision: str, **more: Any) -> tuple[int, Any]:
        """Decide on the request as it was shown; what was acknowledged goes on the ledger."""
        shown = {"decision": decision, "revision": request["revision"], "digest": request["digest"]}
        status, answer = await self.call("POST", f"/v1/requests/{request['id']}/decisions", shown | more)
        if status == 200:
            self.told.votes.append(Vote(request["id"], self.name, decision, request["revision"]))
        return status, answer

    async def act(self, request_id: str, what: str, body: dict[str, Any]) -> tuple[int, Any]:
        """Another call on a request."""
        return await self.call("POST", f"/v1/requests/{request_id}/{what}", body)
