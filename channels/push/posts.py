"""One post to one browser's push service: encrypted for it, signed as ours, kept to addresses that may be reached.

Apart from `channels.push.web` for what it loads, which is the library of ciphers and that of calls.
"""

from __future__ import annotations

import base64
import logging
import ssl
from collections.abc import Callable, Mapping
from http import HTTPStatus

import aiohttp
import http_ece  # type: ignore[import-untyped]  # it has no types
from aiohttp.abc import AbstractResolver
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from yarl import URL

from bot.core.errors import SendFailed
from bot.core.ports import Clock, Subscription
from bot.core.ports.push import Pushes
from channels.push.calls import call, failure
from channels.push.guard import guarded_session
from channels.push.vapid import Vapid

_log = logging.getLogger(__name__)
_GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
_REFUSED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_HINTS = {
    HTTPStatus.BAD_REQUEST: ": the browser's subscription or our key is not what it expects",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ": the notification is too large for it",
    HTTPStatus.UNAUTHORIZED: ": our VAPID key is refused",
    HTTPStatus.FORBIDDEN: ": our VAPID key is refused",
}


class Posts:
    """Sends for one key. ``fault``: the key is refused, where it was when last used."""

    def __init__(
        self,
        pushes: Pushes,
        clock: Clock,
        *,
        private_key: str,
        subject: str,
        listed: Callable[[], tuple[str, ...]],
        resolver: AbstractResolver | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """As of `channels.push.web.WebWay`. Raises ``ValueError`` on a key that is none."""
        self._pushes = pushes
        self._clock = clock
        self._listed = listed
        self._resolver = resolver
        self._tls = tls
        self._vapid = Vapid(private_key, subject)
        self._sessions: dict[str, aiohttp.ClientSession] = {}
        self.fault: str | None = None

    @property
    def public_key(self) -> str:
        """What browsers subscribe with, base64url of the uncompressed point."""
        return self._vapid.public_key

    async def stop(self) -> None:
        """Let connections go."""
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()

    async def post(self, to: Subscription, payload: bytes, headers: Mapping[str, str]) -> SendFailed | None:
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
            self.fault = None
            return None
        if answer.status in _GONE:
            await self._pushes.unsubscribe(to.id, by="sayso", reason="gone")
            return SendFailed(f"{who} does not know this browser any more", temporary=False)
        if answer.status in _REFUSED:
            self.fault = f"{who} refuses our key ({answer.status}; see VAPID_PRIVATE_KEY and VAPID_SUBJECT)"
            _log.error("push: %s", self.fault)
        return failure(answer, who, _HINTS.get(HTTPStatus(answer.status), "") if answer.status in _HINTS else "")

    def _signed(self, url: URL) -> dict[str, str]:
        if url.scheme not in ("https", "http"):
            raise ValueError("its endpoint is no web address")
        return {"Authorization": self._vapid.header(url, self._clock.now())}

    def _session(self, scheme: str) -> aiohttp.ClientSession:
        if scheme not in self._sessions:
            self._sessions[scheme] = guarded_session(
                self._listed, plain=scheme == "http", resolver=self._resolver, tls=self._tls
            )
        return self._sessions[scheme]


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
