"""An ntfy server as strict as the real one, and the phones behind its topics."""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from typing import Any

from aiohttp import web

from tests.fakes.push.serving import Served

_NAME = re.compile(r"[-_A-Za-z0-9]{1,64}")
_MOST_MESSAGE = 4_096
_MOST_ACTIONS = 3
_KEYS = {"topic", "title", "message", "priority", "click", "actions", "sequence_id"}
_ACTIONS = {
    "http": {"action", "label", "method", "url", "clear"},
    "view": {"action", "label", "url", "clear"},
}


class NtfyServer(Served):
    """``shown`` is what stands on the phones: (topic, sequence) to the message; ``published`` everything that came.

    ``token``: who may publish. ``old``: a server from before 2.16, which knows no sequences.
    """

    def __init__(self, *, token: str | None = None, old: bool = False) -> None:
        """Served plainly, as behind a proxy of the same machine."""
        super().__init__()
        self.token = token
        self.old = old
        self.shown: dict[tuple[str, str], dict[str, Any]] = {}
        self.published: list[dict[str, Any]] = []
        self.refused: list[str] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Publish or delete."""
        if self.token is not None and request.headers.get("Authorization") != f"Bearer {self.token}":
            return self._refuse(HTTPStatus.FORBIDDEN, "forbidden")
        if request.method == "GET" and request.match_info["path"] in ("v1/health", "v1/account"):
            return web.json_response({"healthy": True})
        if request.method == "DELETE":
            return self._delete(request.match_info["path"])
        if request.method != "POST" or request.match_info["path"]:
            return self._refuse(HTTPStatus.NOT_FOUND, "page not found")
        message = json.loads(await request.read())
        wrong = self._fault(message)
        if wrong is not None:
            return self._refuse(HTTPStatus.BAD_REQUEST, wrong)
        self.published.append(message)
        sequence = f"message{len(self.published)}"
        if not self.old:
            sequence = message.get("sequence_id", sequence)
        self.shown[message["topic"], sequence] = message
        return web.json_response({"id": f"m{len(self.published)}", "event": "message", "topic": message["topic"]})

    def _delete(self, path: str) -> web.StreamResponse:
        topic, _, sequence = path.partition("/")
        if self.old or not _NAME.fullmatch(topic) or not _NAME.fullmatch(sequence):
            return self._refuse(HTTPStatus.NOT_FOUND, "page not found")
        self.shown.pop((topic, sequence), None)
        return web.json_response({"event": "message_delete", "topic": topic, "sequence_id": sequence})

    def _refuse(self, status: HTTPStatus, why: str) -> web.StreamResponse:
        self.refused.append(why)
        return web.json_response({"code": status * 100, "http": status, "error": why}, status=status)

    @staticmethod
    def _fault(message: dict[str, Any]) -> str | None:
        text, sequence = message.get("message", "").encode(), message.get("sequence_id", "x")
        checks = {
            f"unknown: {set(message) - _KEYS}": set(message) <= _KEYS,
            "topic invalid": bool(_NAME.fullmatch(message.get("topic", ""))),
            "the message is empty, or would become an attachment": 0 < len(text) <= _MOST_MESSAGE,
            "priority invalid": message.get("priority") in range(1, 6),
            "sequence ID invalid": bool(_NAME.fullmatch(sequence)),
            "only 3 actions allowed": len(message["actions"]) <= _MOST_ACTIONS,
            "action invalid": all(map(_is_action, message["actions"])),
        }
        return next((why for why, right in checks.items() if not right), None)


def _is_action(action: dict[str, Any]) -> bool:
    """Whether a button is whole."""
    keys = _ACTIONS.get(str(action.get("action")))
    return set(action) == keys and bool(action["label"]) and bool(action["url"])
