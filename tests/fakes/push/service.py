"""A push service as strict as the strictest of them (RFC 8030, RFC 8291, RFC 8292), and the browsers behind it."""

from __future__ import annotations

import json
import re
import time
from http import HTTPStatus
from typing import Any

from aiohttp import web
from py_vapid import Vapid02  # type: ignore[import-untyped]  # it has no types
from py_vapid.utils import b64urldecode  # type: ignore[import-untyped]  # it has no types

from tests.fakes.email import new_certificate
from tests.fakes.push.browser import Browser
from tests.fakes.push.serving import Served

_MOST_BODY = 4_096
_MOST_TTL = 28 * 86_400
_DAY = 86_400
_TOPIC = re.compile(r"[A-Za-z0-9_-]{1,32}")
_URGENCIES = ("very-low", "low", "normal", "high")
_AUTHORIZATION = re.compile(r"vapid t=([A-Za-z0-9_.-]+), ?k=([A-Za-z0-9_-]+)")


class Refused(Exception):
    """The service refuses a message: with which status, and why."""

    def __init__(self, status: HTTPStatus, why: str) -> None:
        super().__init__(why)
        self.status = status


class PushService(Served):
    """``messages`` is what was accepted: headers in lower case, and the payload as its browser read it.

    ``refused`` says why others were not. While ``offline`` is set, browsers fetch nothing, and a message takes the
    place of another of the same topic.
    """

    def __init__(self) -> None:
        """Served over TLS, as all of them are."""
        super().__init__(new_certificate().served())
        self.browsers: dict[str, Browser] = {}
        self.messages: list[dict[str, str]] = []
        self.refused: list[str] = []
        self.offline = False
        self._waiting: dict[tuple[str, str], bytes] = {}

    def browser(self, person: str, server_key: str | None = None) -> Browser:
        """A new browser that takes push."""
        path = f"push/{len(self.browsers) + 1}-{person}"
        made = Browser(f"{self.url}/{path}", person, server_key)
        self.browsers[path] = made
        return made

    def forget(self, browser: Browser) -> None:
        """The subscription is gone: its messages are answered 410 from now on."""
        self.browsers = {path: known for path, known in self.browsers.items() if known is not browser}

    def online(self) -> None:
        """The browsers are there again and fetch what waits, oldest first."""
        self.offline = False
        for (path, _), body in self._waiting.items():
            self.browsers[path].take(body)
        self._waiting.clear()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Take one message."""
        try:
            return await self._accepted(request)
        except Refused as refusal:
            self.refused.append(str(refusal))
            return web.json_response({"reason": str(refusal)}, status=refusal.status)

    async def _accepted(self, request: web.Request) -> web.StreamResponse:
        if request.method != "POST":
            raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, "messages are posted")
        path = request.match_info["path"]
        browser = self.browsers.get(path)
        if browser is None:
            raise Refused(HTTPStatus.GONE, "no such subscription")
        self._check_headers(request)
        self._check_sender(request.headers.get("Authorization"), browser)
        body = await request.read()
        if not 0 < len(body) <= _MOST_BODY:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"{len(body)} bytes")
        if self.offline:
            self._waiting.pop((path, request.headers["Topic"]), None)
            self._waiting[path, request.headers["Topic"]] = body
        else:
            browser.take(body)
        self.messages.append({name.lower(): value for name, value in request.headers.items()})
        return web.Response(status=HTTPStatus.CREATED, headers={"Location": f"{self.url}/m/{len(self.messages)}"})

    @staticmethod
    def _check_headers(request: web.Request) -> None:
        headers = request.headers
        ttl = headers.get("TTL", "")
        if not (ttl.isascii() and ttl.isdecimal() and int(ttl) <= _MOST_TTL):
            raise Refused(HTTPStatus.BAD_REQUEST, f"TTL {ttl!r}")
        if headers.get("Urgency", "normal") not in _URGENCIES:
            raise Refused(HTTPStatus.BAD_REQUEST, "urgency")
        if _TOPIC.fullmatch(headers.get("Topic", "")) is None:
            raise Refused(HTTPStatus.BAD_REQUEST, "topic")
        if headers.get("Content-Encoding") != "aes128gcm":
            raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "content encoding")
        if "Cookie" in headers:
            raise Refused(HTTPStatus.BAD_REQUEST, "a cookie")

    def _check_sender(self, header: str | None, browser: Browser) -> None:
        match = _AUTHORIZATION.fullmatch(header or "")
        if match is None:
            raise Refused(HTTPStatus.UNAUTHORIZED, "no VAPID")
        token, key = match[1], match[2]
        if not Vapid02.verify(header):
            raise Refused(HTTPStatus.FORBIDDEN, "signature")
        parts = token.split(".")
        head, claims = (json.loads(b64urldecode(part.encode())) for part in parts[:2])
        if head.get("alg") != "ES256":
            raise Refused(HTTPStatus.FORBIDDEN, "algorithm")
        self._check_claims(claims)
        if browser.server_key is not None and key != browser.server_key:
            raise Refused(HTTPStatus.FORBIDDEN, "this browser subscribed with another key")

    def _check_claims(self, claims: dict[str, Any]) -> None:
        if claims.get("aud") != self.url:
            raise Refused(HTTPStatus.FORBIDDEN, f"aud {claims.get('aud')}")
        if not time.time() < claims.get("exp", 0) <= time.time() + _DAY:
            raise Refused(HTTPStatus.FORBIDDEN, "exp")
        if not re.match(r"mailto:[^@]+@|https://", claims.get("sub", "")):
            raise Refused(HTTPStatus.FORBIDDEN, "sub")
