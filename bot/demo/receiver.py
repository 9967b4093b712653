"""The demo's stand-in for a company's services: checks the signature, does each thing once, prints what it did."""

from __future__ import annotations

import json
from collections.abc import Callable

from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError


class Receiver:
    """A small HTTP server on a free local port."""

    def __init__(self, secret: str, say: Callable[[str], None]) -> None:
        """``secret`` is the bot's webhook secret; ``say`` prints a line."""
        self._webhook = Webhook(secret)
        self._say = say
        self._done: dict[str, dict[str, object]] = {}
        app = web.Application()
        app.router.add_post("/{service}", self._receive)
        self._runner = web.AppRunner(app, access_log=None)

    async def start(self) -> str:
        """Listen; the address."""
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        return f"http://{host}:{port}"

    async def stop(self) -> None:
        """Listen no more."""
        await self._runner.cleanup()

    async def _receive(self, request: web.Request) -> web.Response:
        try:
            order = self._webhook.verify(await request.read(), dict(request.headers))["data"]
        except WebhookVerificationError as problem:
            return web.json_response({"error": str(problem)}, status=401)
        key = request.headers["Idempotency-Key"]
        if key not in self._done:
            self._done[key] = {"done": True, "number": len(self._done) + 1}
            approved = ", ".join(order["approved_by"]) or "a rule"
            arguments = json.dumps(order["arguments"], ensure_ascii=False)
            self._say(f"receiver  does {order['action']} {arguments}, approved by {approved}")
        return web.json_response(self._done[key])
