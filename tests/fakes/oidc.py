"""An identity provider on a real socket (OpenID Connect, code flow): signs with its own keys, misbehaves on order.

It holds a client to what it promised: the redirect URI, the client's secret, and the verifier of the code's challenge
(RFC 7636). A code works once. Whoever opens ``/authorize`` in a browser gets a page with one button.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import html
import json
import secrets
import time
from collections import Counter
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

CLIENT = "sayso-client"
SECRET = "a secret of the client: with % and &"
REDIRECT = "/sign-in/oidc/callback"

Key = RSAKey | ECKey
_KEYS: dict[str, RSAKey] = {}


def rsa(name: str) -> RSAKey:
    """An RSA key of 2,048 bits under this name; made once for all tests, for making one takes its time."""
    if name not in _KEYS:
        _KEYS[name] = RSAKey.generate_key(2048, {"kid": name, "use": "sig"}, private=True)
    return _KEYS[name]


def unsigned(claims: Mapping[str, Any], algorithm: str = "none") -> str:
    """A token with no signature."""
    parts = ({"alg": algorithm, "typ": "JWT"}, claims)
    return ".".join(base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts) + "."


class Provider:
    """Use as ``async with Provider() as provider``, then ``provider.url``.

    ``claims`` are put into the ID token over those that are right (None takes one out); ``algorithm`` and ``key`` sign;
    ``published`` are the keys that ``/keys`` shows; ``token`` makes the whole ID token out of its claims; ``document``
    is put over the discovery document; ``answers`` are raw answers by path, and ``slow`` seconds before each answer.
    """

    def __init__(self, *, public: bool = False) -> None:
        self.public = public
        self.claims: dict[str, Any] = {"sub": "1", "email": "ana@example.com", "email_verified": True}
        self.algorithm = "RS256"
        self.key: RSAKey | ECKey | OctKey = rsa("one")
        self.named: str | None = "one"
        self.published: list[Any] = [rsa("one")]
        self.token: Callable[[dict[str, Any]], Any] | None = None
        self.userinfo: dict[str, Any] | None = None
        self.document: dict[str, Any] = {}
        self.callback: dict[str, str] = {}
        self.answers: dict[str, bytes] = {}
        self.slow = 0.0
        self.asked: Counter[str] = Counter()
        self.url = ""
        self._codes: dict[str, dict[str, str]] = {}
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()

    def discovery(self) -> dict[str, Any]:
        """The discovery document."""
        found = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "userinfo_endpoint": f"{self.url}/userinfo" if self.userinfo is not None else None,
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }
        return {name: value for name, value in {**found, **self.document}.items() if value is not None}

    def approve(self, address: str) -> str:
        """What pressing the button does: where the browser is sent back to, by the address that it was sent to."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert asked["client_id"] == CLIENT
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        assert asked["redirect_uri"].endswith(REDIRECT)
        code = secrets.token_urlsafe(16)
        self._codes[code] = asked
        told = {"code": code, "state": asked["state"], **self.callback}
        return f"{asked['redirect_uri']}?{urlencode({k: v for k, v in told.items() if v})}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.split("\r\n")
            headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines if line)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            await asyncio.sleep(self.slow)
            writer.write(self._answer(first.split(" ")[1], headers, body.decode()))
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    def _answer(self, target: str, headers: Mapping[str, str], body: str) -> bytes:
        path = urlsplit(target).path
        self.asked[path] += 1
        if path in self.answers:
            return self.answers[path]
        pages: dict[str, Callable[[], bytes]] = {
            "/authorize": lambda: self._page(target),
            "/.well-known/openid-configuration": lambda: said(self.discovery()),
            "/keys": lambda: said({"keys": [k.as_dict() if isinstance(k, Key) else k for k in self.published]}),
            "/token": lambda: self._exchange(headers, {name: values[0] for name, values in parse_qs(body).items()}),
            "/userinfo": lambda: self._about(headers),
        }
        return pages[path]() if path in pages else said({"error": "not_found"}, "404 Not Found")

    def _about(self, headers: Mapping[str, str]) -> bytes:
        if headers.get("authorization") != "Bearer the-access-token":
            return said({"error": "invalid_token"}, "401 Unauthorized")
        return said(self.userinfo)

    def _page(self, target: str) -> bytes:
        back = html.escape(self.approve(f"{self.url}{target}"))
        head = '<!doctype html><title>Fake ID</title><link rel="icon" href="data:,">'
        page = f'{head}<h1>Fake ID</h1><a href="{back}">Yes, I am Ana</a>'
        return said(page.encode(), kind="text/html")

    def _exchange(self, headers: Mapping[str, str], form: Mapping[str, str]) -> bytes:
        asked = self._codes.pop(form.get("code", ""), None)
        verifier = form.get("code_verifier", "")
        digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        if (
            asked is None
            or form.get("grant_type") != "authorization_code"
            or form.get("redirect_uri") != asked["redirect_uri"]
            or digest != asked["code_challenge"]
            or not self._is_client(headers, form)
        ):
            return said({"error": "invalid_grant"}, "400 Bad Request")
        now = int(time.time())
        right = {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        claims = {name: value for name, value in {**right, **self.claims}.items() if value is not None}
        return said({"access_token": "the-access-token", "token_type": "Bearer", "id_token": self._signed(claims)})

    def _signed(self, claims: dict[str, Any]) -> Any:
        if self.token is not None:
            return self.token(claims)
        header = {"alg": self.algorithm} | ({"kid": self.named} if self.named else {})
        return jwt.encode(header, claims, self.key, algorithms=[self.algorithm])

    def _is_client(self, headers: Mapping[str, str], form: Mapping[str, str]) -> bool:
        if self.public:
            return form.get("client_id") == CLIENT and "client_secret" not in form and "authorization" not in headers
        if "authorization" in headers:
            pair = base64.b64decode(headers["authorization"].removeprefix("Basic ")).decode()
            return tuple(map(unquote, pair.split(":"))) == (CLIENT, SECRET)
        return (form.get("client_id"), form.get("client_secret")) == (CLIENT, SECRET)


def said(value: Any, status: str = "200 OK", *, kind: str = "application/json", headers: str = "") -> bytes:
    """One whole answer; bytes as they are, anything else as JSON; ``headers`` are whole lines ending in CRLF."""
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{headers}"
    return head.encode() + b"\r\n" + body
