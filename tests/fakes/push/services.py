"""Whatever stands behind an Apprise address: a receiver of its ``json://``."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from aiohttp import BasicAuth, web

from tests.fakes.push.serving import Served

_KEYS = {"version", "title", "message", "attachments", "type"}


class JsonService(Served):
    """``taken`` is every message, with who it was signed in as."""

    def __init__(self) -> None:
        """Served plainly."""
        super().__init__()
        self.taken: list[dict[str, Any]] = []

    def address(self, user: str = "sayso", password: str = "hunter2", path: str = "hook") -> str:
        """Its address as Apprise writes it."""
        return f"json://{user}:{password}@localhost:{self.port}/{path}"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Take one message."""
        message = json.loads(await request.read())
        if set(message) != _KEYS or message["attachments"]:
            return web.Response(status=HTTPStatus.BAD_REQUEST)
        signed = BasicAuth.decode(request.headers["Authorization"])
        self.taken.append({**message, "path": request.path, "as": signed.login})
        return web.Response()
