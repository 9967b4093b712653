"""The push service that a real Firefox talks to, as Mozilla's autopush does: a WebSocket to the browser, HTTP to us."""

from __future__ import annotations

import json
import uuid
from http import HTTPStatus
from typing import Any

from aiohttp import WSMsgType, web

from tests.fakes.push.browser import text_of
from tests.fakes.push.serving import Served

_SUBPROTOCOL = "push-notification"


class Autopush(Served):
    """Hands on what it is sent, unread, to the browser that subscribed; ``received`` are the headers of each."""

    def __init__(self) -> None:
        """Served in plain http, which the browser is told to put up with."""
        super().__init__()
        self.received: list[dict[str, str]] = []
        self._browsers: dict[str, web.WebSocketResponse] = {}

    @property
    def server_url(self) -> str:
        """What Firefox's ``dom.push.serverURL`` is set to."""
        return f"ws://127.0.0.1:{self.port}/"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """A browser that connects, or a message for one."""
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._talk(request)
        channel = request.match_info["path"].removeprefix("wpush/")
        if request.method != "POST" or not request.headers.get("Authorization", "").startswith("vapid t="):
            return web.Response(status=HTTPStatus.UNAUTHORIZED)
        if channel not in self._browsers:
            return web.Response(status=HTTPStatus.GONE)
        told = {
            "messageType": "notification",
            "channelID": channel,
            "version": uuid.uuid4().hex,
            "ttl": int(request.headers["TTL"]),
            "data": text_of(await request.read()),
            "headers": {"encoding": request.headers["Content-Encoding"]},
        }
        self.received.append({name.lower(): value for name, value in request.headers.items()})
        await self._browsers[channel].send_json(told)
        return web.Response(status=HTTPStatus.CREATED, headers={"Location": "/m/1", "TTL": "60"})

    async def _talk(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(protocols=[_SUBPROTOCOL])
        await socket.prepare(request)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                # A ping is an empty object, and so is its answer.
                said = json.loads(message.data or "{}")
                answer = self._answer_to(said, socket) if said else {}
                if answer is not None:
                    await socket.send_json(answer)
        return socket

    def _answer_to(self, said: dict[str, Any], socket: web.WebSocketResponse) -> dict[str, Any] | None:
        kind, channel = said["messageType"], said.get("channelID", "")
        if kind == "hello":
            uaid = said.get("uaid") or uuid.uuid4().hex
            return {"messageType": kind, "uaid": uaid, "status": 200, "use_webpush": True, "broadcasts": {}}
        if kind == "register":
            self._browsers[channel] = socket
            endpoint = f"http://127.0.0.1:{self.port}/wpush/{channel}"
            return {"messageType": kind, "channelID": channel, "status": 200, "pushEndpoint": endpoint}
        if kind == "unregister":
            self._browsers.pop(channel, None)
            return {"messageType": kind, "channelID": channel, "status": 200}
        return None
