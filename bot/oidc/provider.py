"""One identity provider: where a browser is sent to sign in, and who came back."""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from msgspec import Struct

from bot.core.errors import Overloaded
from bot.core.ports import Clock
from bot.core.token import BadToken, Tokens
from bot.oidc.discovery import Discovery, Endpoints
from bot.oidc.errors import NotBegun, ProviderRefused
from bot.oidc.tokens import Expected, claims_of
from bot.oidc.wire import ask, failed, is_safe

_log = logging.getLogger(__name__)

_LASTS = timedelta(minutes=10)
_BYTES = 32
_AT_ONCE = 8
"""People who come back are asked about one after the other beyond this: each of them makes us ask the provider."""

_SCOPES = {"sub": "openid", "email": "openid email"}
_CODE = re.compile(r"[\x20-\x7e]{1,4096}")
_ERROR = re.compile(r"[a-z_]{1,60}")
_TRUE = (True, "true")
"""Some providers write their truths in quotes."""


class Provider:
    """The protocol `bot.web.inbox.house.Oidc`."""

    def __init__(
        self,
        *,
        issuer: str,
        client_id: str,
        client_secret: str | None,
        claim: str,
        name: str,
        secrets: Sequence[str],
        clock: Clock,
        entropy: Callable[[int], bytes],
    ) -> None:
        """``claim`` is whose value names people; ``name`` what the sign-in page calls the provider."""
        if not is_safe(issuer):
            raise ValueError("the issuer is no https address")
        self._client_id = client_id
        self._client_secret = client_secret
        self._claim = claim
        self._name = name
        self._clock = clock
        self._entropy = entropy
        self._tokens = Tokens(secrets, "oidc.begun")
        self._discovery = Discovery(issuer, clock)
        self._used: dict[str, datetime] = {}
        self._finishing = 0

    @property
    def name(self) -> str:
        """What the sign-in page calls it."""
        return self._name

    async def begin(self, redirect_uri: str, /) -> tuple[str, str]:
        """(where to send the browser, what it keeps until it is back); raises `ProviderFailed`.

        The browser keeps one random secret, signed with when it was made. State, nonce and the code's verifier are all
        derived from it, so whoever does not hold it can neither end a sign-in (login CSRF) nor use its code, and the
        house has nothing to remember of whoever only begins.
        """
        endpoints = await self._discovery.endpoints()
        secret = base64.urlsafe_b64encode(self._entropy(_BYTES)).decode()
        begun = _Begun(secret, self._clock.now())
        url = prepare_grant_uri(
            endpoints.authorize,
            client_id=self._client_id,
            response_type="code",
            redirect_uri=redirect_uri,
            scope=_SCOPES.get(self._claim, "openid profile email"),
            state=begun.derived("state"),
            nonce=begun.derived("nonce"),
            code_challenge=create_s256_code_challenge(begun.derived("verifier")),
            code_challenge_method="S256",
        )
        return str(url), self._tokens.sign([secret, int(begun.at.timestamp())])

    async def finish(self, kept: str, query: Mapping[str, str], redirect_uri: str, /) -> tuple[str, bool] | None:
        """Who came back: the claim's value, and whether it is a mail address that the provider has verified.

        None where it names nobody, or by an address that is said not to be theirs. Raises `NotBegun`,
        `ProviderRefused`, `ProviderFailed` and `Overloaded`.
        """
        begun = self._begun(kept, query.get("state", ""))
        if self._finishing >= _AT_ONCE:
            raise Overloaded("Too many are signing in at once. Begin again in a moment.")
        self._finishing += 1
        try:
            endpoints = await self._discovery.endpoints()
            claims = await self._exchange(endpoints, begun, _code_in(query, endpoints), redirect_uri)
        finally:
            self._finishing -= 1
        value = claims.get(self._claim)
        if not isinstance(value, str) or not value:
            return None
        if self._claim != "email":
            return value, False
        verified = claims.get("email_verified")
        return None if verified is not None and verified not in _TRUE else (value, verified in _TRUE)

    def _begun(self, kept: str, state: str) -> _Begun:
        """What this browser began, once, within ten minutes. Raises `NotBegun`."""
        now = self._clock.now()
        try:
            secret, at = self._tokens.read(kept)
        except (BadToken, ValueError, TypeError):
            raise NotBegun from None
        begun = _Begun(str(secret), now)
        ours = begun.derived("state")
        self._used = {used: when for used, when in self._used.items() if now - when <= _LASTS}
        too_old = not 0 <= now.timestamp() - int(at) <= _LASTS.total_seconds() + 1
        if too_old or ours in self._used or not hmac.compare_digest(ours.encode(), state.encode(errors="replace")):
            raise NotBegun
        self._used[ours] = now
        return begun

    async def _exchange(self, endpoints: Endpoints, begun: _Begun, code: str, redirect_uri: str) -> dict[str, Any]:
        """The claims that the provider gives for a code: the ID token's, and what only its userinfo has."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": begun.derived("verifier"),
        }
        headers = {}
        if self._client_secret is not None and endpoints.basic:
            headers["Authorization"] = _basic(self._client_id, self._client_secret)
        else:
            form["client_id"] = self._client_id
            if self._client_secret is not None:
                form["client_secret"] = self._client_secret
        told = await ask(endpoints.token, form=form, headers=headers)
        access = told.get("access_token")
        expected = Expected(
            issuer=endpoints.issuer,
            client_id=self._client_id,
            nonce=begun.derived("nonce"),
            access_token=access if isinstance(access, str) else None,
            now=self._clock.now(),
        )
        claims = await claims_of(told.get("id_token"), expected, self._discovery)
        if self._claim in claims or endpoints.userinfo is None or expected.access_token is None:
            return claims
        more = await ask(endpoints.userinfo, headers={"Authorization": f"Bearer {expected.access_token}"})
        # Another person's answer to this person's question (5.3.2).
        if more.get("sub") != claims["sub"]:
            raise failed(endpoints.issuer, "its userinfo is about somebody else")
        return {**more, **claims}


class _Begun(Struct, frozen=True):
    """A sign-in under way: the secret that its browser holds, and when it was made."""

    secret: str
    at: datetime

    def derived(self, what: str) -> str:
        """43 letters, digits, ``-`` and ``_`` that only whoever has the secret can make: also a PKCE verifier."""
        made = hmac.new(self.secret.encode(), f"sayso oidc {what}".encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(made).decode().rstrip("=")


def _code_in(query: Mapping[str, str], endpoints: Endpoints) -> str:
    """The code that the provider sent the browser back with; raises where it is another's, or an error instead."""
    issuer = query.get("iss")
    # So that the answer of one provider is never taken for another's (RFC 9207).
    if issuer != endpoints.issuer and (issuer is not None or endpoints.names_itself):
        raise failed(endpoints.issuer, "the answer names another issuer")
    error = query.get("error")
    if error is not None:
        why = error if _ERROR.fullmatch(error) else "error"
        _log.info("the identity provider at %s refused a sign-in: %s", endpoints.issuer, why)
        raise ProviderRefused
    code = query.get("code", "")
    if not _CODE.fullmatch(code):
        raise failed(endpoints.issuer, "the answer holds no code")
    return code


def _basic(client_id: str, secret: str) -> str:
    """The client's own word (RFC 6749, 2.3.1): both are form-encoded before they are joined."""
    pair = f"{quote(client_id, safe='')}:{quote(secret, safe='')}"
    return "Basic " + base64.b64encode(pair.encode()).decode()
