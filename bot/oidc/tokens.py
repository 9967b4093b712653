"""Whether an ID token is the provider's word, to us, about this sign-in, now (OpenID Connect Core 1.0, 3.1.3.7)."""

from __future__ import annotations

import base64
import json
from datetime import datetime, timedelta
from typing import Any

from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import BadSignatureError, JoseError
from msgspec import Struct

from bot.oidc.discovery import Discovery
from bot.oidc.wire import failed

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
"""Signatures that only the provider can make: never none, and never HMAC, whose key would be something we hold."""

_LEEWAY = timedelta(minutes=1)
"""How far the provider's clock may be from ours."""

_LONGEST = 64 * 1024


class Expected(Struct, frozen=True, kw_only=True):
    """What an ID token has to say of itself."""

    issuer: str
    client_id: str
    nonce: str
    access_token: str | None
    now: datetime


async def claims_of(token: object, expected: Expected, discovery: Discovery) -> dict[str, Any]:
    """The claims of an ID token. Raises `ProviderFailed` where anything about it is not as it must be."""
    if not isinstance(token, str) or len(token) > _LONGEST:
        raise failed(expected.issuer, "gave no ID token")
    header = _header(token)
    algorithm, kid = header.get("alg"), header.get("kid")
    if algorithm not in ALGORITHMS:
        raise failed(expected.issuer, "its ID token is not signed as it must be")
    keys = await discovery.keys(kid if isinstance(kid, str) else None)
    try:
        claims = _verified(token, keys)
        _check(claims, header, expected)
    except (JoseError, ValueError, TypeError, OverflowError) as problem:
        raise failed(expected.issuer, f"its ID token does not hold: {problem}") from None
    return claims


def _header(token: str) -> dict[str, Any]:
    """The header as it stands there, believed by nobody yet; nothing where it is none."""
    first = token.partition(".")[0]
    try:
        value = json.loads(base64.urlsafe_b64decode(first + "=" * (-len(first) % 4)))
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _verified(token: str, keys: tuple[Any, ...]) -> dict[str, Any]:
    for key in keys:
        try:
            return dict(jwt.decode(token, key, algorithms=ALGORITHMS).claims)
        except JoseError:
            # A set without names is tried through; the last word is that none of them made this.
            continue
    raise BadSignatureError


def _check(claims: dict[str, Any], header: dict[str, Any], expected: Expected) -> None:
    told = CodeIDToken(
        claims,
        header,
        {
            "iss": {"essential": True, "value": expected.issuer},
            "aud": {"essential": True, "value": expected.client_id},
            "nonce": {"essential": True, "value": expected.nonce},
        },
        {"nonce": expected.nonce, "client_id": expected.client_id, "access_token": expected.access_token},
    )
    told.validate(int(expected.now.timestamp()), int(_LEEWAY.total_seconds()))
