"""Web Push: a person's browsers, through whichever push service each of them uses (RFC 8030, RFC 8291)."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
import ssl
from collections.abc import Callable, Mapping
from datetime import datetime
from http import HTTPStatus

import aiohttp
import http_ece  # type: ignore[import-untyped]  # it has no types
import msgspec
from aiohttp.abc import AbstractResolver
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from yarl import URL

from bot.core.errors import SendFailed
from bot.core.model import Person, PushWay
from bot.core.ports import Clock, Subscription
from bot.core.ports.push import Pushes
from channels.push.calls import call, failure
from channels.push.guard import guarded_session
from channels.push.settings import MOST_PAYLOAD, MOST_TTL
from channels.push.vapid import Vapid, new_key
from channels.push.ways import Notice, NoticeKind

_log = logging.getLogger(__name__)
_GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
_REFUSED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_TOPIC = 32
"""Characters of a topic, at most (RFC 8030, 5.4)."""
_HINTS = {
    HTTPStatus.BAD_REQUEST: ": the browser's subscription or our key is not what it expects",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ": the notification is too large for it",
    HTTPStatus.UNAUTHORIZED: ": our VAPID key is refused",
    HTTPStatus.FORBIDDEN: ": our VAPID key is refused",
}


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
        self._vapid: Vapid | None = None
        self._sessions: dict[str, aiohttp.ClientSession] = {}
        self._fault: str | None = None

    @property
    def public_key(self) -> str | None:
        """What browsers subscribe with, base64url of the uncompressed point; None before `start`."""
        return self._vapid.public_key if self._vapid else None

    async def start(self) -> None:
        """Make or find the key, and read who is reached."""
        key = self._private_key or await self._pushes.keep("vapid", new_key())
        self._vapid = Vapid(key, self._subject)
        await self.refresh()

    async def refresh(self) -> None:
        """Look anew at which browsers take push."""
        self._people = frozenset(known.person for known in await self._pushes.subscriptions())

    async def stop(self) -> None:
        """Let connections go."""
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()

    def fault(self) -> str | None:
        """The key is refused, where it was when last used."""
        return self._fault

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
        told = await asyncio.gather(*(self._post(one, payload, headers) for one in known))
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

    async def _post(self, to: Subscription, payload: bytes, headers: Mapping[str, str]) -> SendFailed | None:
        """Send to one browser; what went wrong, or None. What its service does not know any more is forgotten."""
        try:
            url = URL(to.endpoint)
            who = f"the push service at {url.host}"
            body = _encrypted(to, payload)
            signed = self._signed(url)
        except ValueError as fault:
            return SendFailed(f"a browser's subscription cannot be used ({fault})", temporary=False)
        headers = {**headers, **signed, "Content-Encoding": "aes128gcm", "Content-Type": "application/octet-stream"}
        try:
            answer = await call(self._session(url.scheme), "POST", url, who, headers=headers, data=body)
        except SendFailed as failed:
            return failed
        if answer.good:
            self._fault = None
            return None
        if answer.status in _GONE:
            await self._pushes.unsubscribe(to.id, by="sayso", reason="gone")
            return SendFailed(f"{who} does not know this browser any more", temporary=False)
        if answer.status in _REFUSED:
            self._fault = f"{who} refuses our key ({answer.status}; see VAPID_PRIVATE_KEY and VAPID_SUBJECT)"
            _log.error("push: %s", self._fault)
        return failure(answer, who, _HINTS.get(HTTPStatus(answer.status), "") if answer.status in _HINTS else "")

    def _signed(self, url: URL) -> dict[str, str]:
        if self._vapid is None:
            raise ValueError("the channel has not started")
        if url.scheme not in ("https", "http"):
            raise ValueError("its endpoint is no web address")
        return {"Authorization": self._vapid.header(url, self._clock.now())}

    def _session(self, scheme: str) -> aiohttp.ClientSession:
        if scheme not in self._sessions:
            self._sessions[scheme] = guarded_session(
                self._listed, plain=scheme == "http", resolver=self._resolver, tls=self._tls
            )
        return self._sessions[scheme]


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


def _encrypted(to: Subscription, payload: bytes) -> bytes:
    """As only that browser can read it (RFC 8291), by a key that is used once."""
    try:
        return bytes(
            http_ece.encrypt(
                payload,
                private_key=generate_private_key(SECP256R1()),
                dh=_decoded(to.p256dh),
                auth_secret=_decoded(to.auth),
                version="aes128gcm",
            )
        )
    except Exception:  # noqa: BLE001  # keys come from browsers; the libraries raise a dozen kinds, some with keys in them
        raise ValueError("its keys are none") from None


def _decoded(text: str) -> bytes:
    if not text:
        raise ValueError("a key is missing")
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
