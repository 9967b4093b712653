"""The identity provider that people may sign in by, out of the environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from msgspec import Struct

from bot.settings.problems import not_the_example

_CLAIM = re.compile(r"[A-Za-z0-9_.:/-]{1,200}")
_LONGEST_NAME = 60


class OidcClient(Struct, frozen=True, kw_only=True):
    """What this house is to one OpenID Connect provider. ``claim`` is whose value names people."""

    issuer: str
    client_id: str
    client_secret: str | None
    claim: str
    name: str


def oidc_of(values: Mapping[str, str], problems: list[str]) -> OidcClient | None:
    """The provider; None where there is none."""
    issuer, client_id, secret = (values[f"OIDC_{name}"] for name in ("ISSUER", "CLIENT_ID", "CLIENT_SECRET"))
    not_the_example("OIDC_CLIENT_SECRET", (secret,), problems)
    if not issuer:
        if client_id or secret:
            problems.append("OIDC_ISSUER: missing; the provider's own pages name its issuer, an https address.")
        return None
    if not _is_issuer(issuer):
        problems.append(
            "OIDC_ISSUER: not an address; write it as https://id.example.com, without /.well-known and what follows."
        )
    if not client_id:
        problems.append("OIDC_CLIENT_ID: missing; register Sayso at the provider, which then says it.")
    if not _CLAIM.fullmatch(values["OIDC_CLAIM"]):
        problems.append("OIDC_CLAIM: not the name of a claim; write email, sub or preferred_username.")
    if len(values["OIDC_NAME"]) > _LONGEST_NAME:
        problems.append(f"OIDC_NAME: at most {_LONGEST_NAME} characters, to fit on a button.")
    return OidcClient(
        issuer=issuer,
        client_id=client_id,
        client_secret=secret or None,
        claim=values["OIDC_CLAIM"],
        name=values["OIDC_NAME"],
    )


def _is_issuer(text: str) -> bool:
    """https, or http on this machine itself; no query, no fragment (OpenID Connect Discovery 1.0, 2)."""
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
        named = bool(host) and parts.port != 0 and parts.username is None
    except ValueError:
        return False
    if not named or parts.query or parts.fragment or "/.well-known" in parts.path:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_here(host))


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
