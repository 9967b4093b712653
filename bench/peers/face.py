"""The face that all peers share: FastAPI, pydantic, the two calls of a cycle, and the webhook at its end.

A peer is a `Service` over this. It has no rules, no schema of the arguments, no audit and no signature: it is given a
head start. Run as ``python -m bench.peers.NAME PORT RECEIVER_PORT DATABASE_URL`` by the peer's own interpreter.
"""

from __future__ import annotations

import json
import sys
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Any, Self
from uuid import uuid4

import aiohttp
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel


class Proposal(BaseModel):
    """What an agent posts."""

    action: str
    arguments: dict[str, Any]
    reason: str | None = None
    confidence: float | None = None
    labels: dict[str, Any] = {}
    context: dict[str, Any] = {}


class Ballot(BaseModel):
    """What a reviewer posts."""

    decision: str
    revision: int
    digest: str


class View(BaseModel):
    """What either gets back."""

    id: str
    digest: str
    state: str
    action: str
    body: dict[str, Any]


def new_view(proposal: Proposal) -> View:
    """A proposal as it is kept: with an id and a digest."""
    return View(
        id=f"req_{uuid4().hex}",
        digest="sha256:" + sha256(proposal.model_dump_json().encode()).hexdigest(),
        state="pending",
        action=proposal.action,
        body=proposal.model_dump(),
    )


class Webhook:
    """Posts approved actions to the receiver, over kept connections."""

    def __init__(self, target: str) -> None:
        self._target = target
        self._client: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._client = aiohttp.ClientSession(json_serialize=_compact)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._client is not None:
            await self._client.close()

    async def post(self, request: str, body: dict[str, Any]) -> Any:
        """What the receiver answers."""
        if self._client is None:
            raise RuntimeError("the webhook is not open")
        message = {"type": "action.execute", "data": {"request": request, **body}}
        async with self._client.post(self._target, json=message) as response:
            return await response.json()


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


class Service(ABC):
    """What a peer does with the two calls. ``webhook`` is open while `life` is."""

    def __init__(self, url: str, webhook: Webhook) -> None:
        self.url = url
        self.webhook = webhook

    @abstractmethod
    def life(self) -> Any:
        """What holds open what the service needs: an asynchronous context manager."""

    @abstractmethod
    async def submit(self, proposal: Proposal) -> View:
        """Keep a proposal, durably, until a person decides."""

    @abstractmethod
    async def decide(self, request: str, ballot: Ballot) -> View:
        """Let the action run; the answer comes once the decision is durable."""


def run(kind: type[Service]) -> None:
    """Serve until ended."""
    port, receiver, url = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    webhook = Webhook(f"http://127.0.0.1:{receiver}/")
    service = kind(url, webhook)

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        async with webhook, service.life():
            yield

    async def submit(proposal: Proposal) -> View:
        return await service.submit(proposal)

    async def decide(request_id: str, ballot: Ballot) -> View:
        return await service.decide(request_id, ballot)

    app = FastAPI(lifespan=life)
    app.post("/v1/requests", status_code=201, response_model=View)(submit)
    app.post("/v1/requests/{request_id}/decisions", response_model=View)(decide)
    uvicorn.run(app, host="127.0.0.1", port=port, access_log=False, log_level="warning")
