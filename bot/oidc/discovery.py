"""Where the provider does what, and with which keys it signs: asked of the provider itself, and kept for a while.

OpenID Connect Discovery 1.0 and RFC 7517.
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, OKPKey, RSAKey
from msgspec import Struct

from bot.core.ports import Clock
from bot.oidc.errors import ProviderFailed
from bot.oidc.wire import ask, failed, is_safe

T = TypeVar("T")
Key = RSAKey | ECKey | OKPKey

_KINDS: Mapping[str, type[Key]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
"""Keys of which one half is secret. With a shared one (oct), whoever can verify can also sign."""

_RSA_BITS = 2048
"""Shorter ones are not taken (RFC 7518, 3.3)."""

_MOST_KEYS = 100
_KEPT = timedelta(hours=1)
_PAUSE = timedelta(minutes=1)
"""Between two looks at the keys because one was not among them: a key's name is whatever a token says."""

_AFTER_FAILURE = timedelta(seconds=10)


class Endpoints(Struct, frozen=True, kw_only=True):
    """What the discovery document says. ``basic``: the client's secret goes into a header, else into the form."""

    issuer: str
    authorize: str
    token: str
    keys: str
    userinfo: str | None
    basic: bool
    names_itself: bool


class Discovery:
    """One provider's endpoints and keys, each asked for once at a time."""

    def __init__(self, issuer: str, clock: Clock) -> None:
        self._issuer = issuer
        self._clock = clock
        self._endpoints: tuple[Endpoints, datetime] | None = None
        self._keys: tuple[tuple[Key, ...], datetime] | None = None
        self._failed_at: datetime | None = None
        self._asking = asyncio.Lock()

    async def endpoints(self) -> Endpoints:
        """The provider's endpoints, at most an hour old; older where it does not answer. Raises `ProviderFailed`."""
        async with self._asking:
            now = self._clock.now()
            known = self._endpoints
            if known is not None and now - known[1] < _KEPT:
                return known[0]
            if self._failed_at is not None and now - self._failed_at < _AFTER_FAILURE:
                if known is not None:
                    return known[0]
                raise ProviderFailed
            try:
                found = self._read(await ask(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"))
            except ProviderFailed:
                self._failed_at = now
                if known is not None:
                    return known[0]
                raise
            self._endpoints = found, now
            return found

    def _read(self, said: Mapping[str, Any]) -> Endpoints:
        issuer = said.get("issuer")
        # Who it says it is has to be whom we asked (4.3), but for a slash at the end, which people leave out.
        if not isinstance(issuer, str) or issuer.rstrip("/") != self._issuer.rstrip("/"):
            raise failed(self._issuer, "its discovery document is another issuer's")
        userinfo = said.get("userinfo_endpoint")
        needed = {name: said.get(name) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")}
        for name, url in {**needed, **({} if userinfo is None else {"userinfo_endpoint": userinfo})}.items():
            if not is_safe(url):
                raise failed(self._issuer, f"its {name} is missing, or no https address")
        methods = said.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        return Endpoints(
            issuer=issuer,
            authorize=str(needed["authorization_endpoint"]),
            token=str(needed["token_endpoint"]),
            keys=str(needed["jwks_uri"]),
            userinfo=userinfo,
            basic=not isinstance(methods, list) or "client_secret_basic" in methods,
            names_itself=said.get("authorization_response_iss_parameter_supported") is True,
        )

    async def keys(self, kid: str | None) -> tuple[Key, ...]:
        """The keys that a token may be signed with which names ``kid``, or all where it names none.

        A name that is not known is looked for anew, at most once a minute. Raises `ProviderFailed`.
        """
        endpoints = await self.endpoints()
        async with self._asking:
            now = self._clock.now()
            known = self._keys
            age = None if known is None else now - known[1]
            wanted = () if known is None else _named(known[0], kid)
            if age is None or age >= _KEPT or (not wanted and age >= _PAUSE):
                found = keys_of(await ask(endpoints.keys))
                self._keys = found, now
                wanted = _named(found, kid)
            return wanted


def _named(keys: tuple[Key, ...], kid: str | None) -> tuple[Key, ...]:
    return keys if kid is None else tuple(key for key in keys if key.kid == kid)


def keys_of(document: Mapping[str, Any]) -> tuple[Key, ...]:
    """The keys of a key set that signatures may be verified with; others, and what is no key, are passed over."""
    said = document.get("keys")
    entries = said[:_MOST_KEYS] if isinstance(said, list) else []
    return tuple(key for key in map(_key_of, entries) if key is not None)


def _key_of(entry: object) -> Key | None:
    if not isinstance(entry, dict) or entry.get("use", "sig") != "sig":
        return None
    kind = _KINDS.get(str(entry.get("kty")))
    if kind is None:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", SecurityWarning)
            key = kind.import_key(entry)
            too_short = isinstance(key, RSAKey) and key.public_key.key_size < _RSA_BITS
    except (JoseError, ValueError, TypeError, KeyError, SecurityWarning):
        return None
    return None if too_short else key
