"""A whole house behind a listening socket: real store, real desk, real server, and a key of every kind."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import uvicorn
from starlette.applications import Starlette

from bot.clock import SystemClock, entropy
from bot.core.model import Role
from bot.desk import Access, Desk, Ledger, Rounds
from bot.routing import load
from bot.web.app import create_app
from bot.web.house import Figure, House, Probe, page_url
from bot.web.wire import BoundedHttp
from store import SqlStore, open_store
from tests.databases import lay
from tests.web.server import answering

DATA = Path(__file__).parent / "data"
JSON = ("application/json", "application/problem+json")
REFUND = {"action": "refund.issue", "arguments": {"order": "10428", "amount": 240.0}}


@dataclass(frozen=True)
class Reply:
    """An answer as a client sees it."""

    status: int
    headers: Any
    raw: bytes
    body: Any


@dataclass
class Office:
    """A running house, and how to call it."""

    base: str
    http: aiohttp.ClientSession
    house: House
    access: Access
    store: SqlStore
    keys: dict[str, str]
    probes: list[Probe] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)

    async def call(self, method: str, path: str, by: str | None = None, **options: Any) -> Reply:
        """One call with the key of ``by``; a JSON answer comes parsed."""
        headers = dict(options.pop("headers", {}))
        if by is not None:
            headers["Authorization"] = f"Bearer {self.keys[by]}"
        async with self.http.request(method, self.base + path, headers=headers, **options) as response:
            raw = await response.read()
            parsed = await response.json(content_type=None) if response.content_type in JSON and raw else None
            return Reply(response.status, response.headers, raw, parsed)

    async def submitted(self, by: str = "billing", **changes: Any) -> Any:
        """A request that was just submitted."""
        reply = await self.call("POST", "/v1/requests", by, json=REFUND | changes)
        assert reply.status == 201, reply.body
        return reply.body

    async def decided(self, request: Any, decision: str = "approve", by: str = "ana", **more: Any) -> Reply:
        """The answer to a decision on a request as it was shown."""
        body = {"decision": decision, "revision": request["revision"], "digest": request["digest"]} | more
        return await self.call("POST", f"/v1/requests/{request['id']}/decisions", by, json=body)


@asynccontextmanager
async def serving(app: Starlette, listening: socket.socket | None = None) -> AsyncIterator[str]:
    """The application behind a socket of this machine; its base address."""
    opened = listening or socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_config=None, lifespan="off", http=BoundedHttp, loop="none", ws="none")
    async with answering(config, opened):
        yield f"http://127.0.0.1:{opened.getsockname()[1]}"


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    """A house that listens on a free port of this machine."""
    lay(tmp_path / "sayso.db")
    store = await open_store(f"sqlite+aiosqlite:///{tmp_path}/sayso.db", exclusive=True)
    policy = load(DATA / "routing.yaml")
    clock = SystemClock()
    ledger = Ledger(store, clock, entropy)
    listening = socket.create_server(("127.0.0.1", 0))
    base = f"http://127.0.0.1:{listening.getsockname()[1]}"
    desk = Desk(ledger, Rounds(ledger, {}), lambda: policy, lambda request_id: page_url(base, request_id))
    access = Access(ledger)
    probes: list[Probe] = []
    figures: list[Figure] = []

    async def asked() -> list[Probe]:
        return probes

    async def counted() -> list[Figure]:
        return figures

    house = House(
        desk=desk,
        store=store,
        access=access,
        clock=clock,
        public_url=base,
        policy=lambda: policy,
        probes=asked,
        figures=counted,
    )
    names = dict.fromkeys(("billing", "other", "hasty"), Role.AGENT)
    names |= dict.fromkeys(("ana", "ben", "lea"), Role.REVIEWER) | {"ops": Role.ADMIN, "checker": Role.ADVISOR}
    keys = {name: (await access.new_key(name, role, by="tests"))[1] for name, role in names.items()}
    async with serving(create_app(house), listening), aiohttp.ClientSession() as http:
        yield Office(base, http, house, access, store, keys, probes, figures)
    await store.close()
