"""ntfy: one message to a person's own topic, buttons that post, and the message taken away once it is over.

Sources: ntfy's docs, "Publish as JSON", "Action buttons" (3 at most), "Updating + deleting notifications" (servers
from 2.16): messages of one sequence replace each other, and DELETE /topic/sequence takes the last one away.
"""

from __future__ import annotations

import re
from datetime import datetime
from http import HTTPStatus
from typing import Any

import aiohttp
import msgspec
from yarl import URL

from bot.core.errors import SendFailed
from bot.core.model import Person, PushWay
from channels.push.calls import call, failure
from channels.push.guard import session_over
from channels.push.settings import MOST_ACTIONS, MOST_MESSAGE
from channels.push.ways import Notice, NoticeKind

_TOPIC = re.compile(r"[-_A-Za-z0-9]{1,64}")
_SEQUENCE = re.compile(r"[-_A-Za-z0-9]{1,64}")
_HIGH, _USUAL = 4, 3
_REFUSED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_TOO_OLD = (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED)
_WHO = "ntfy"


class NtfyWay:
    """The topics of the people who have one. Where the server stands is the admin's to say, so it is not guarded."""

    kind = PushWay.NTFY
    presses = True

    def __init__(self, url: str, token: str | None, public_url: str) -> None:
        """``url`` is the server; ``public_url`` is where buttons post to."""
        self._url = URL(url.rstrip("/") + "/")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._public_url = public_url
        self._session: aiohttp.ClientSession | None = None
        self._fault: str | None = None

    async def start(self) -> None:
        """Nothing is asked before there is something to say."""

    async def stop(self) -> None:
        """Let connections go."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def fault(self) -> str | None:
        """The token is refused, where it was when last used."""
        return self._fault

    def reaches(self, person: Person | None) -> bool:
        """Whether the person has a topic."""
        return person is not None and person.ntfy is not None and _TOPIC.fullmatch(person.ntfy) is not None

    async def show(self, person: Person | None, notice: Notice) -> None:
        """Publish a message. Raises `SendFailed`."""
        document = self._document(self._topic(person), notice)
        headers = {**self._headers, "Content-Type": "application/json"}
        await self._call("POST", self._url, headers, msgspec.json.encode(document))

    async def close(self, person: Person | None, tag: str, until: datetime) -> None:
        """Delete the message on every device; a server from before 2.16 keeps it, and its buttons are refused."""
        del until
        if not self.reaches(person) or _SEQUENCE.fullmatch(tag) is None:
            return
        await self._call("DELETE", self._url / self._topic(person) / tag, self._headers, b"", passed=_TOO_OLD)

    @staticmethod
    def _topic(person: Person | None) -> str:
        if person is None or person.ntfy is None:
            raise SendFailed("this person has no ntfy topic any more", temporary=False)
        return person.ntfy

    def _document(self, topic: str, notice: Notice) -> dict[str, Any]:
        actions = [
            {
                "action": "http",
                "label": button.title,
                "method": "POST",
                "url": f"{self._public_url}/push/act/{button.token}",
                "clear": True,
            }
            for button in notice.buttons[: MOST_ACTIONS - 1]
        ]
        return {
            "topic": topic,
            "title": notice.title,
            "message": _within(notice.body, MOST_MESSAGE),
            "priority": _HIGH if notice.kind is NoticeKind.ASK else _USUAL,
            "click": notice.url,
            "actions": [*actions, {"action": "view", "label": "Open", "url": notice.url, "clear": True}],
            **({"sequence_id": notice.tag} if _SEQUENCE.fullmatch(notice.tag) else {}),
        }

    async def _call(
        self, method: str, url: URL, headers: dict[str, str], data: bytes, passed: tuple[HTTPStatus, ...] = ()
    ) -> None:
        if self._session is None:
            self._session = session_over(aiohttp.TCPConnector(limit=16))
        answer = await call(self._session, method, url, _WHO, headers=headers, data=data)
        if answer.good or answer.status in passed:
            self._fault = None
            return
        hint = ""
        if answer.status in _REFUSED:
            hint = ": the token may not publish to this topic (see NTFY_TOKEN)"
            self._fault = f"{_WHO} answered {answer.status}{hint}"
        raise failure(answer, _WHO, hint)


def _within(text: str, limit: int) -> str:
    """The text within so many bytes of UTF-8."""
    data = text.encode()
    return text if len(data) <= limit else data[: limit - 3].decode(errors="ignore") + "…"
