"""A whole house behind real sockets: the web application, the desk, a SQLite file; only the clock is ours to move."""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import uvicorn
from jinja2 import BytecodeCache, Environment
from jinja2.bccache import Bucket
from msgspec.structs import replace
from starlette.types import ASGIApp

from bot.core.model import PersonRole, Request, Submission
from bot.core.policy import Policy
from bot.core.ports import Unreachable
from bot.core.token import PAGE, Marks
from bot.desk import Access, Desk, Ledger, Rounds
from bot.insight.reading import Reading
from bot.reports import Reports
from bot.routing import load, warnings
from bot.web.app import create_app
from bot.web.house import House, Probe, page_url
from bot.web.inbox import pages as inbox_pages
from bot.web.inbox import routes
from store import SqlStore, open_store
from tests.databases import lay
from tests.web.server import answering

AGENT = "billing-assistant"
MARKS = Marks(["a secret of the tests, long enough to sign with"], PAGE)


class _Compiled(BytecodeCache):
    """What Jinja compiled for the houses before: every one of them has the same templates."""

    def __init__(self) -> None:
        self._known: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Use it, where the template is still the same."""
        if bucket.key in self._known:
            bucket.bytecode_from_string(self._known[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep it."""
        self._known[bucket.key] = bucket.bytecode_to_string()


_compiled = _Compiled()


class MovableClock:
    """A clock that runs like the machine's, shifted by as much as a test says."""

    def __init__(self) -> None:
        self.shift = timedelta(0)

    def now(self) -> datetime:
        """Now, shifted."""
        return datetime.now(UTC) + self.shift


@dataclass
class Standing:
    """A house that stands and listens at ``url``; ``letters`` are the people who were sent a link, ``links`` which."""

    url: str
    clock: MovableClock
    store: SqlStore
    desk: Desk
    access: Access
    policy: Policy
    letters: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    probes: list[Probe] = field(default_factory=list)

    def change(self, person: str, **values: Any) -> None:
        """Let routing.yaml say other things of a person from now on."""
        people = {**self.policy.people, person: replace(self.policy.people[person], **values)}
        self.policy = replace(self.policy, people=people)

    def forget(self, person: str) -> None:
        """Let routing.yaml know a person no more."""
        people = {name: known for name, known in self.policy.people.items() if name != person}
        self.policy = replace(self.policy, people=people)

    async def submit(self, **content: Any) -> Request:
        """Submit as the agent; a refund unless told otherwise."""
        content.setdefault("action", "refund.issue")
        content.setdefault("arguments", {"order": "10428", "amount": 240.0, "currency": "USD", "notify": True})
        request, _ = await self.desk.submit(Submission(**content), agent=AGENT)
        return request

    async def link(self, person: str) -> str:
        """A one-time sign-in link."""
        return f"{self.url}/sign-in/{await self.access.new_link(person, by='cli')}"

    def mailed(self, request_id: str, person: str) -> str:
        """The link that a mail to this person holds, within the site."""
        return f"/requests/{request_id}?to={MARKS.make(request_id, person)}"

    async def returned(self, to: str, error: str, channel: str = "email") -> None:
        """Mark an address as one at which nobody is reached."""
        lost = Unreachable(channel=channel, to=to, error=error, at=self.clock.now())
        await self.store.write(lambda tx: tx.mark_unreachable(lost))

    async def lines(self) -> int:
        """How many lines the whole audit trail has."""
        return (await self.store.audit_head())[0]

    async def now(self, request_id: str) -> Request:
        """The request as it is stored."""
        request = await self.store.request(request_id)
        assert request is not None
        return request

    async def emailed(self, count: int = 1) -> list[str]:
        """The one-time links that were sent, once there are so many: a page answers before its letter is on the way."""
        async with asyncio.timeout(30):
            while len(self.links) < count:
                await asyncio.sleep(0.01)
        return self.links

    async def audit_types(self, request_id: str) -> list[str]:
        """The request's audit lines as ``type`` or ``refusal:reason``."""
        bodies = [json.loads(line.body) for line in await self.store.audit(request_id)]
        return [f"{b['type']}:{b['data']['reason']}" if b["type"] == "refusal" else b["type"] for b in bodies]


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app, ws="none", lifespan="off", log_config=None, access_log=False, timeout_graceful_shutdown=1
    )


@asynccontextmanager
async def standing(
    folder: Path,
    public_url: str | None = None,
    rules: str = "routing.yaml",
    *,
    oidc: Any = None,
    push: Callable[[Standing], Any] | None = None,
) -> AsyncIterator[Standing]:
    """Open a house on a free port; ``public_url`` where it is told another address than the one it listens at.

    ``oidc`` is the identity provider; ``push`` opens the push channel for the house.
    """
    lay(folder / "sayso.db")
    store = await open_store(f"sqlite+aiosqlite:///{folder / 'sayso.db'}", exclusive=True)
    clock = MovableClock()
    ledger = Ledger(store, clock, secrets.token_bytes)
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    told = public_url or url
    desk = Desk(ledger, Rounds(ledger, {}), lambda: house.policy, lambda r: page_url(told, r))
    house = Standing(url, clock, store, desk, Access(ledger), load(Path(__file__).parent / rules))

    async def send_link(person: str, browser: str | None) -> None:
        house.letters.append(person)
        house.links.append(await house.access.new_link(person, by="inbox", browser=browser))

    def addressed(request_id: str, mark: str) -> str | None:
        return next((p for p in house.policy.people if MARKS.holds(mark, request_id, p)), None)

    async def probed() -> list[Probe]:
        return house.probes

    doors = House(
        desk=desk, store=store, access=house.access, clock=clock, public_url=told, policy=lambda: house.policy,
        addressed=addressed, probes=probed, warnings=lambda: warnings(house.policy),
        reports=Reports(store, lambda: house.policy, clock, house=told),
        measured=Reading(store, clock).figures, oidc=oidc, closing=house.closing, push=push(house) if push else None,
    )  # fmt: skip
    with patch.object(inbox_pages, "Environment", partial(Environment, bytecode_cache=_compiled)):
        pages = routes(doors, send_link)
    try:
        async with answering(_config(create_app(doors, pages)), listener):
            try:
                yield house
            finally:
                # Open pages that hear of changes would otherwise be waited for.
                house.closing.set()
    finally:
        await store.close()


@asynccontextmanager
async def managed(folder: Path) -> AsyncIterator[Standing]:
    """A house with rules of every sort, an admin (kim), an auditor (lea) and reviewers (ana, ben)."""
    async with standing(folder, rules="run.yaml") as opened:
        opened.change("kim", role=PersonRole.ADMIN)
        opened.change("lea", role=PersonRole.AUDITOR)
        yield opened
