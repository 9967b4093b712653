"""A Slack faked at the wire, a house in memory, and the channel between them, in both modes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web
from msgspec import Struct

from bot.core.model import Delivery, Request, Risk, Verb
from bot.core.ports import Ballot
from channels.slack import SlackChannel, SlackSettings
from tests.channels.letters import LetterHouse
from tests.fakes.slack import FakeSlack, Message, Settings

SECRETS = ("new secret", "old secret")


class Office(Struct):
    """Everything together: people act in ``slack``, and ``house`` is what the channel talks to."""

    slack: FakeSlack
    house: LetterHouse
    channel: SlackChannel

    async def card(self, request: Request | None = None, *, to: str | None = None, **changes: Any) -> Message:
        """Send a card and return the message."""
        request = request or self.house.submit(**changes)
        return self.message(await self.house.send(request, to=to))

    async def bundle(self, count: int = 3, **changes: Any) -> Message:
        """Send so many requests, which can be undone, as one message and return that."""
        changes = {"risk": Risk.REVERSIBLE, **changes}
        some = [self.house.submit({"order": str(n), "amount": 10.0 * n}, title=f"Refund {n}", **changes)
                for n in range(1, count + 1)]  # fmt: skip
        return self.message((await self.house.send_all(some))[0])

    def ballot(self, request_id: str, verb: Verb = Verb.APPROVE) -> Ballot:
        """A decision of Ana's that she makes elsewhere, on the request as it is."""
        request = self.house.requests[request_id]
        return Ballot(
            request=request_id, decision=verb, by="ana", channel="inbox", revision=request.revision,
            digest=request.digest,
        )  # fmt: skip

    def message(self, delivery: Delivery) -> Message:
        """The message that a delivery became."""
        handle = delivery.handle or {}
        return self.slack.workspace.find_message(handle["channel"], handle["ts"])

    async def told(self, user: str) -> str:
        """What only this user was told last, once they were."""
        await self.slack.wait_for(lambda: self.slack.ephemerals(user))
        return str(self.slack.ephemerals(user)[-1].blocks[0]["text"]["text"])


def new_slack(**changes: Any) -> FakeSlack:
    """A workspace with people of every sort and a channel that all of them are in."""
    slack = FakeSlack(Settings(retry_delays=(0.0, 0.05, 0.05), **changes))
    for user in ("U0ANA", "U0BEN", "U0LEA", "U0NOBODY"):
        slack.workspace.add_user(user)
    slack.workspace.add_user("U0GUEST", is_restricted=True)
    slack.workspace.add_user("U0STRANGER", team_id="T0OTHER", is_stranger=True)
    slack.workspace.add_user("U0GONE", deleted=True)
    slack.workspace.add_channel("#approvals")
    return slack


def settings_of(slack: FakeSlack, mode: str) -> SlackSettings:
    """The channel's settings for a mode: ``socket`` or ``http``."""
    known = slack.settings
    by_socket = mode == "socket"
    return SlackSettings(
        bot_token=known.bot_token,
        app_token=known.app_token if by_socket else None,
        signing_secret=None if by_socket else known.signing_secret,
        api_url=slack.url,
    )


@asynccontextmanager
async def served(slack: FakeSlack, channel: SlackChannel) -> AsyncIterator[None]:
    """Listen at ``/slack/events`` on a real socket, as the web room does, and tell Slack."""

    async def events(request: web.Request) -> web.Response:
        status, headers, body = await channel.handle(request.headers, await request.read(), datetime.now(UTC))
        return web.Response(status=status, headers=headers, body=body)

    app = web.Application()
    app.router.add_post("/slack/events", events)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    slack.request_url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    yield
    await runner.cleanup()


@asynccontextmanager
async def opened(mode: str, *, post_to: str | None = "#approvals", **changes: Any) -> AsyncIterator[Office]:
    """An office in one mode."""
    async with new_slack(**changes) as slack:
        house = LetterHouse()
        channel = SlackChannel(settings_of(slack, mode), house, clock=house.clock, post_to=post_to, secrets=SECRETS)
        house.channel = channel
        await channel.start()
        try:
            if mode == "http":
                async with served(slack, channel):
                    yield Office(slack, house, channel)
            else:
                yield Office(slack, house, channel)
        finally:
            await house.settle()
            await channel.stop()
            await asyncio.sleep(0)


@pytest.fixture(params=["socket", "http"])
async def office(request: pytest.FixtureRequest) -> AsyncIterator[Office]:
    """An office in each mode."""
    async with opened(request.param) as found:
        yield found


@pytest.fixture
async def by_http() -> AsyncIterator[Office]:
    """An office that Slack reaches by signed HTTP."""
    async with opened("http") as found:
        yield found


@pytest.fixture
async def by_socket() -> AsyncIterator[Office]:
    """An office that is connected by Socket Mode."""
    async with opened("socket") as found:
        yield found
