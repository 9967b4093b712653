"""What a browser says of itself when it wants push, checked: where it is reached, and the keys that only it can use."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from datetime import datetime
from ipaddress import ip_address
from urllib.parse import urlsplit

from msgspec import Struct

from bot.core.addresses import permitted
from bot.core.errors import Invalid
from bot.core.ports import Subscription

MAX_ENDPOINT = 2000
"""Characters. Those of today's services are 150 to 600 long."""

_URL = re.compile(r"[!$%&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]+")
_BASE64URL = re.compile(r"[A-Za-z0-9_-]{1,100}")
_HERE = "127.0.0.1"
"""What localhost is (RFC 6761 §6.3)."""

_POINT, _AUTH = 65, 16
"""Bytes: an uncompressed point of P-256 and an authentication secret (RFC 8291 §3.1, §3.2)."""

_P = 2**256 - 2**224 + 2**192 + 2**96 - 1
_B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
"""P-256 (FIPS 186-5, SP 800-186 §3.2.1.3): y² = x³ - 3x + b over the integers modulo p."""


class Keys(Struct, frozen=True):
    """A subscription's keys, base64url."""

    p256dh: str
    auth: str


class Told(Struct, frozen=True):
    """``PushSubscription.toJSON()`` (W3C Push API §8); what a later browser adds to it is not looked at."""

    endpoint: str
    keys: Keys


def subscription_of(told: Told, *, person: str, browser: str, now: datetime, listed: tuple[str, ...]) -> Subscription:
    """The subscription of ``person``; ``listed`` is ``network.allow_private``. Raises `Invalid`.

    A name in an endpoint is judged again by whoever connects, once it is resolved (T21).
    """
    _check_endpoint(told.endpoint, listed)
    if not _on_curve(_decoded(told.keys.p256dh, _POINT, "/keys/p256dh")):
        raise Invalid.at("/keys/p256dh", "format", "is no point of P-256")
    _decoded(told.keys.auth, _AUTH, "/keys/auth")
    return Subscription(
        id=hashlib.sha256(told.endpoint.encode()).hexdigest(),
        person=person,
        endpoint=told.endpoint,
        p256dh=told.keys.p256dh,
        auth=told.keys.auth,
        browser=browser,
        created_at=now,
    )


def _check_endpoint(endpoint: str, listed: tuple[str, ...]) -> None:
    where = "/endpoint"
    if not 1 <= len(endpoint) <= MAX_ENDPOINT or not _URL.fullmatch(endpoint):
        raise Invalid.at(where, "format", f"is no web address of at most {MAX_ENDPOINT:,} characters")
    try:
        parts = urlsplit(endpoint)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise Invalid.at(where, "format", "is no web address") from None
    if parts.scheme not in ("https", "http") or not host or port == 0 or "@" in parts.netloc:
        raise Invalid.at(where, "format", "is no https address of a push service")
    plain = parts.scheme == "http"
    if _is_address(host) or host == "localhost":
        if not permitted(_HERE if host == "localhost" else host, listed, plain=plain):
            raise Invalid.at(where, "network", "leads into a network that routing.yaml does not list")
    # A machine's own name, and one in plain http, says nothing of where it leads.
    elif plain or "." not in host.strip("."):
        raise Invalid.at(where, "network", "is no https address of a push service")


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        # Resolvers also read 127.1, 2130706433 and 0x7f000001; none is what a service calls itself.
        return bool(re.fullmatch(r"(?:0x[0-9a-f]*|[0-9]+)(?:\.(?:0x[0-9a-f]*|[0-9]+))*\.?", host, re.IGNORECASE))
    return True


def _decoded(text: str, size: int, where: str) -> bytes:
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)) if _BASE64URL.fullmatch(text) else b""
    except binascii.Error:
        data = b""
    if len(data) != size:
        raise Invalid.at(where, "format", f"is not base64url of {size} bytes")
    return data


def _on_curve(point: bytes) -> bool:
    x, y = int.from_bytes(point[1:33], "big"), int.from_bytes(point[33:], "big")
    return point[0] == 4 and max(x, y) < _P and (y * y - x * x * x + 3 * x - _B) % _P == 0  # noqa: PLR2004  # uncompressed
