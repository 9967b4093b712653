"""The fake's server: one aiohttp application on 127.0.0.1 with the Web API, response URLs and Socket Mode."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

import aiohttp
from aiohttp import web

from tests.fakes.slack import api
from tests.fakes.slack.person import People
from tests.fakes.slack.render import render_message

if TYPE_CHECKING:
    from types import TracebackType

    from tests.fakes.slack.state import Settings
    from tests.fakes.slack.workspace import Workspace


class FakeSlack(People):
    """A Slack of its own: `async with FakeSlack() as slack: … slack.url …`."""

    def __init__(self, settings: Settings | None = None, workspace: Workspace | None = None, *, port: int = 0) -> None:
        """Prepare; port 0 takes a free one."""
        super().__init__(settings, workspace)
        self._port = port
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """The address for `SLACK_API_URL`, with its last slash."""
        return f"{self.origin}/api/"

    async def _call(self, request: web.Request) -> web.StreamResponse:
        """Answer a call; it goes on when the caller hangs up, as in Slack: a timeout does not undo a post."""
        return await asyncio.shield(self.spawn(api.call(self, request)))

    async def _respond(self, request: web.Request) -> web.StreamResponse:
        return await asyncio.shield(self.spawn(api.respond(self, request)))

    async def _pages(self, request: web.Request) -> web.StreamResponse:
        """Show every message, newest first, to a person who looks in; `?user=U…` adds what only they see."""
        names = {user.id: user.real_name for user in self.workspace.users.values()}
        mine = self.ephemerals(request.query.get("user", ""))
        found = sorted([*self.messages(), *mine], key=lambda message: message.ts, reverse=True)
        pages = [
            render_message(message, channel=self.workspace.conversations[message.channel].name, names=names)
            for message in found
        ]
        return web.Response(text="".join(pages) or "No message yet.", content_type="text/html")

    async def __aenter__(self) -> Self:
        """Listen."""
        app = web.Application(client_max_size=4 * 1024 * 1024)
        app.router.add_route("*", "/api/{method}", self._call)
        app.router.add_post("/actions/{team}/{number}/{secret}", self._respond)
        app.router.add_get("/link/", self.socket.handle)
        app.router.add_get("/messages", self._pages)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        address = self._runner.addresses[0]
        self.origin = f"http://127.0.0.1:{address[1]}"
        connector = aiohttp.TCPConnector(force_close=True, limit=0)  # an app that was restarted has no old connections
        self.session = aiohttp.ClientSession(connector=connector, trust_env=False)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close connections and stop listening."""
        await self.end_tasks()
        await self.socket.close()
        if self.session is not None:
            await self.session.close()
        if self._runner is not None:
            await self._runner.cleanup()
