"""Web Push: a person's browsers, through whichever push service each of them uses (RFC 8030, RFC 8291)."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import ssl
from collections.abc import Callable
from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING

import msgspec

from bot.core.errors import SendFailed
from bot.core.model import Person, PushWay
from bot.core.ports import Clock
from bot.core.ports.push import Pushes
from channels.push.keys import new_key
from channels.push.settings import MOST_PAYLOAD, MOST_TTL
from channels.push.ways import Notice, NoticeKind

if TYPE_CHECKING:
    from aiohttp.abc import AbstractResolver

    from channels.push.posts import Posts

_TOPIC = 32
"""Characters of a topic, at most (RFC 8030, 5.4)."""


class WebWay:
    """The browsers that take push. They are read at start and by `refresh`, so that a place is found without waiting.

    ``private_key`` None: one is made at the first start and kept. ``resolver`` and ``tls`` default to the system's.
    """

    kind = PushWay.WEB
    presses = True

    def __init__(
        self,
        pushes: Pushes,
        clock: Clock,
        *,
        private_key: str | None,
        subject: str,
        listed: Callable[[], tuple[str, ...]],
        resolver: AbstractResolver | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Nothing is read before `start`."""
        self._pushes = pushes
        self._clock = clock
        self._private_key = private_key
        self._subject = subject
        self._listed = listed
        self._resolver = resolver
        self._tls = tls
        self._people: frozenset[str] = frozenset()
        self._key: str | None = None
        self._posts: Posts | None = None

    @property
    def public_key(self) -> str | None:
        """What browsers subscribe with, base64url of the uncompressed point; None before `start`."""
        return self._opened().public_key if self._key else None

    async def start(self) -> None:
        """Make or find the key, and read who is reached."""
        self._key = self._private_key or await self._pushes.keep("vapid", new_key())
        await self.refresh()
        if self._private_key or self._people:
            self._opened()

    async def refresh(self) -> None:
        """Look anew at which browsers take push."""
        self._people = frozenset(known.person for known in await self._pushes.subscriptions())

    async def stop(self) -> None:
        """Let connections go."""
        if self._posts is not None:
            await self._posts.stop()

    def fault(self) -> str | None:
        """The key is refused, where it was when last used."""
        return self._posts.fault if self._posts else None

    def reaches(self, person: Person | None) -> bool:
        """Whether one of the person's browsers takes push."""
        return person is not None and person.id in self._people

    async def show(self, person: Person | None, notice: Notice) -> None:
        """Send to all of a person's browsers. Raises `SendFailed` where none of their services took it."""
        await self._send(person, payload_of(notice), notice.tag, notice.until, urgent=notice.kind is NoticeKind.ASK)

    async def close(self, person: Person | None, tag: str, until: datetime) -> None:
        """Have all of a person's browsers take a notification away. Where none is left, nothing stands either."""
        payload = msgspec.json.encode({"kind": NoticeKind.CLOSE, "tag": tag})
        if person is not None and await self._pushes.subscriptions(person.id):
            await self._send(person, payload, tag, until, urgent=False)

    async def _send(self, person: Person | None, payload: bytes, tag: str, until: datetime, *, urgent: bool) -> None:
        known = await self._pushes.subscriptions(person.id) if person is not None else ()
        headers = {
            "TTL": str(self._ttl(until)),
            # A close wakes no radio that sleeps; an ask does.
            "Urgency": "high" if urgent else "normal",
            "Topic": topic_of(tag),
        }
        told = await asyncio.gather(*(self._opened().post(one, payload, headers) for one in known))
        failures = [one for one in told if one is not None]
        if known and len(failures) < len(known):
            return
        await self.refresh()
        if not failures:
            raise SendFailed("no browser of this person takes push any more", temporary=False)
        raise next((one for one in failures if one.temporary), failures[0])

    def _ttl(self, until: datetime) -> int:
        """Seconds; at least one, because 0 asks a service to keep nothing for a browser that is not there."""
        return int(min(max((until - self._clock.now()).total_seconds(), 1), MOST_TTL.total_seconds()))

    def _opened(self) -> Posts:
        """What sends, loaded at its first use: a house whose browsers take no push has no need of it."""
        if self._posts is None:
            if self._key is None:
                raise ValueError("the channel has not started")
            self._posts = import_module("channels.push.posts").Posts(
                self._pushes,
                self._clock,
                private_key=self._key,
                subject=self._subject,
                listed=self._listed,
                resolver=self._resolver,
                tls=self._tls,
            )
        return self._posts


def topic_of(tag: str) -> str:
    """Under what an undelivered message is replaced by the next one; says nothing of the request to the service."""
    return base64.urlsafe_b64encode(hashlib.sha256(tag.encode()).digest()).decode()[:_TOPIC]


def payload_of(notice: Notice) -> bytes:
    """What the service worker is sent, JSON. Where it would be too large, without buttons: the page has them."""
    document = {
        "kind": notice.kind,
        "tag": notice.tag,
        "title": notice.title,
        "body": notice.body,
        "url": notice.url,
        "actions": [{"action": b.verb, "title": b.title, "token": b.token} for b in notice.buttons],
    }
    payload = msgspec.json.encode(document)
    if len(payload) > MOST_PAYLOAD:
        payload = msgspec.json.encode({**document, "actions": []})
    if len(payload) > MOST_PAYLOAD:
        raise SendFailed("the notification is too large: SAYSO_PUBLIC_URL is too long", temporary=False)
    return payload
