"""Everything around the tortured program: who calls it, what it calls, and what all of them remember."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from msgspec import Struct

from bot.clock import SystemClock, entropy
from bot.core.model import Role
from bot.desk import Access, Ledger
from store import SqlStore, open_store
from tests.channels.slack.test_send import history
from tests.fakes.receiver import Receiver, message
from tests.fakes.slack import FakeSlack, api
from tests.torture.lives import Lives
from tests.torture.receivers import Target
from tests.torture.told import Client, Told

KEYS = {
    "billing": Role.AGENT,
    "critic": Role.ADVISOR,
    "ana": Role.REVIEWER,
    "ben": Role.REVIEWER,
    "lea": Role.REVIEWER,
    "ivo": Role.REVIEWER,
    "uma": Role.REVIEWER,
    "root": Role.ADMIN,
}
_BUSY = 9
"""Every so many calls an agent's webhook is too busy."""
ANSWERS = ("ok", "ok", "ok", "late", "no", "broken", "cut", "later ok")


class World(Struct):
    """One installation with its surroundings; ``chance`` is all the randomness that there is."""

    lives: Lives
    slack: FakeSlack
    target: Target
    events: Receiver
    told: Told
    clients: Mapping[str, Client]
    beside: SqlStore
    chance: random.Random
    number: int = 0

    @property
    def agent(self) -> Client:
        """The agent that asks."""
        return self.clients["billing"]

    def body(self, action: str = "refund.issue", **arguments: Any) -> tuple[str, dict[str, Any]]:
        """A submission unlike any other, and its Idempotency-Key."""
        self.number += 1
        order = f"order-{self.number}"
        given = {"order": order, "amount": 240, "answer": self.chance.choice(ANSWERS)} | arguments
        return order, {"action": action, "arguments": given, "reason": f"because of {order}", "confidence": 0.9}

    async def submit(self, action: str = "refund.issue", /, more: Mapping[str, Any] | None = None, **given: Any) -> Any:
        """Submit such a request."""
        key, body = self.body(action, **given)
        return await self.agent.submit(key, body | dict(more or {}))

    def rules(self, **changes: str) -> None:
        """Write the rules."""
        self.lives.rules(self.target.url, self.events.url, **changes)


async def keys_of(url: str) -> dict[str, str]:
    """A key for everybody; the store is made on the way."""
    store = await open_store(url, exclusive=False)
    try:
        access = Access(Ledger(store, SystemClock(), entropy))
        return {name: (await access.new_key(name, role, by="cli:torture"))[1] for name, role in KEYS.items()}
    finally:
        await store.close()


@asynccontextmanager
async def world(
    folder: Path, url: str, kills: tuple[str, ...], seed: int, *, mate: bool = False
) -> AsyncIterator[World]:
    """The surroundings, up; the program is not."""
    async with AsyncExitStack() as stack:
        slack = await stack.enter_async_context(FakeSlack())
        for user, name in (("U0ANA", "ana"), ("U0BEN", "ben"), ("U0LEA", "lea")):
            slack.workspace.add_user(user, name)
        target = await stack.enter_async_context(Target())
        events = await stack.enter_async_context(Receiver())
        # Nothing is kept alive: a connection into a process that was killed would only be one more lost answer.
        connector = aiohttp.TCPConnector(force_close=True, limit=0)
        timeout = aiohttp.ClientTimeout(total=30)
        http = await stack.enter_async_context(aiohttp.ClientSession(connector=connector, timeout=timeout))
        told = Told()
        keys = await keys_of(url)
        beside = await open_store(url, exclusive=False)
        stack.push_async_callback(beside.close)
        lives = Lives(folder, url, slack, kills, beside, mate=mate)
        stack.push_async_callback(lives.abandon)
        clients = {name: Client(lives, told, name, secret, http) for name, secret in keys.items()}
        chance = random.Random(seed)  # noqa: S311  # the same torture again for the same seed
        made = World(lives, slack, target, events, told, clients, beside, chance)
        made.rules()
        api.METHODS["conversations.history"] = api.Method(history, scope="im:history", per_minute=10_000)
        # Both are told twice then, and again now and then: what failed for now is put off by a commit.
        slack.faults.server_error("chat.postMessage", times=1)
        events.script = lambda _: (message(b"", status="200 OK" if len(events.calls) % _BUSY else "503 Busy"),)
        yield made


async def together(*doing: Any) -> None:
    """Do all of it side by side; the first that fails ends the others."""
    async with asyncio.TaskGroup() as group:
        for one in doing:
            group.create_task(one)
