"""A small HTTP server for one fake, and how it can be made to fail."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Served:
    """Use as ``async with``; ``url`` is where it is then.

    ``broken`` is answered instead of everything while it is set: a status and headers. ``stalled``: nothing is.
    ``calls`` counts what came.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        """``tls``: what it is served with; None: plainly."""
        self.broken: tuple[int, dict[str, str]] | None = None
        self.stalled = False
        self.calls = 0
        self.port = 0
        self._tls = tls
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        return f"{'https' if self._tls else 'http'}://localhost:{self.port}"

    def break_down(self, status: int = 503, **headers: str) -> None:
        """Answer everything with this; underscores in names of headers are hyphens."""
        self.broken = status, {name.replace("_", "-"): value for name, value in headers.items()}

    def mend(self) -> None:
        """Work again."""
        self.broken, self.stalled = None, False

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """What the service does."""
        raise NotImplementedError

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.calls += 1
        if self.stalled:
            await asyncio.Event().wait()
        if self.broken is not None:
            status, headers = self.broken
            return web.Response(status=status, headers=headers, text="out of order")
        return await self.answer(request)

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=1 << 20)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        # By number: both families of localhost would get a port each.
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._tls)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        del kind, fault, trace
        if self._runner is not None:
            await self._runner.cleanup()
