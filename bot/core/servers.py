"""Where a mail server is and how it is spoken to, as a URL says it: ``imaps://user:password@host:993/INBOX``."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from ipaddress import ip_address
from urllib.parse import parse_qsl, unquote, urlsplit

from msgspec import Struct

MAIL_OUT: Mapping[str, int] = {"smtp": 587, "smtps": 465}
MAIL_IN: Mapping[str, int] = {"imap": 143, "imaps": 993}
MAIL_LISTEN: Mapping[str, int] = {"lmtp": 8024, "smtp": 8025}
"""The schemes of each kind, with their usual ports."""

_HOW = ", with %40 for an @ and %23 for a # in a name or password"
_OPTIONS = {"tls": ("starttls", "off"), "verify": ("on", "off")}


class Tls(StrEnum):
    """How a connection is encrypted."""

    IMPLICIT = "implicit"
    """From the first byte."""
    STARTTLS = "starttls"
    """Before anything is said that matters, or nothing is said."""
    OFFERED = "offered"
    """Where the server offers it; only to this machine itself."""
    OFF = "off"


class Server(Struct, frozen=True, kw_only=True):
    """A server. ``user`` and ``password`` are empty where none are needed; ``folder`` is a mailbox (INBOX).

    ``verify``: whether its certificate must be one that this machine trusts, for this host.
    """

    scheme: str
    host: str
    port: int
    user: str = ""
    password: str = ""
    tls: Tls = Tls.STARTTLS
    verify: bool = True
    folder: str = ""

    @property
    def shown(self) -> str:
        """The server without its secrets, for people."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def server_of(url: str, schemes: Mapping[str, int]) -> Server:
    """The server that a URL names. Raises ``ValueError`` with what would be right; the URL is never repeated in it.

    Encrypted always, except to this machine: there it is where the server offers it, and no certificate is asked for,
    since nobody stands in between. ``?tls=starttls|off`` and ``?verify=on|off`` say otherwise.
    """
    example = _example(schemes)
    how = "" if schemes is MAIL_LISTEN else _HOW
    try:
        parts = urlsplit(url)
        port = parts.port
        options = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True)) if parts.query else {}
    except ValueError:
        raise ValueError(f"cannot be read; write it as {example}{how}, and a port up to 65535") from None
    # A bare / in a password ends the host early: what is left of the password would be the port of another machine.
    broken = "@" in parts.path or parts.fragment or port == 0
    if parts.scheme not in schemes or not parts.hostname or broken:
        raise ValueError(f"must look like {example}{how}")
    for name, value in options.items():
        if value not in _OPTIONS.get(name, ()):
            known = ", ".join(f"?{key}={'|'.join(values)}" for key, values in _OPTIONS.items())
            raise ValueError(f"has an option that is not known; there are: {known}")
    local = _is_this_machine(parts.hostname)
    implicit = parts.scheme.endswith("s")
    tls = Tls.IMPLICIT if implicit else Tls(options.get("tls", Tls.OFFERED if local else Tls.STARTTLS))
    return Server(
        scheme=parts.scheme,
        host=parts.hostname,
        port=port or schemes[parts.scheme],
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        tls=tls,
        verify=options.get("verify", "off" if local else "on") == "on",
        folder=unquote(parts.path.strip("/")),
    )


def _example(schemes: Mapping[str, int]) -> str:
    scheme = list(schemes)[-1]
    if schemes is MAIL_LISTEN:
        return "lmtp://127.0.0.1:8024"
    return f"{scheme}://user:password@mail.example.com:{schemes[scheme]}" + ("/INBOX" if schemes is MAIL_IN else "")


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
