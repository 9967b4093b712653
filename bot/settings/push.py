"""The variables of push: who we are to push services, an ntfy server, and addresses of other services."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from email.utils import parseaddr
from ipaddress import ip_address
from urllib.parse import urlsplit

from msgspec import Struct

from bot.settings.problems import not_the_example

_KEY_BYTES = 32
_SUBJECT = re.compile(r"mailto:[^@\s]+@[^@\s]+|https://[^\s/?#]+[^\s]*")
_ENTRY = re.compile(r"(?:(?P<person>[^\s=:/]+)=)?(?P<url>(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://\S+)")
_LOCAL = frozenset({"blink1", "dbus", "file", "gio", "glib", "gnome", "kde", "macosx", "qt", "syslog", "windows"})
"""Apprise's schemes that would act on this machine itself, where nobody looks; and files."""


class Push(Struct, frozen=True, kw_only=True):
    """What the variables of push say, checked. ``services``: each a person's id (None: for everybody) and an address.

    ``web``: whether browsers can subscribe, which they do only where they trust the address: at https, and on their own
    machine (W3C Secure Contexts §3.1). A key that is set says that they can, whatever the address looks like from here.
    """

    web: bool = False
    vapid_private_key: str | None = None
    vapid_subject: str = ""
    ntfy_url: str | None = None
    ntfy_token: str | None = None
    services: tuple[tuple[str | None, str], ...] = ()

    @property
    def on(self) -> bool:
        """Whether there is any way."""
        return self.web or self.ntfy_url is not None or bool(self.services)

    def __repr__(self) -> str:
        """Without the secrets."""
        return f"Push(web={self.web}, ntfy={self.ntfy_url is not None}, services={len(self.services)})"


def push_of(values: Mapping[str, str], public_url: str, problems: list[str]) -> Push:
    """The variables of push, each checked by itself and against the others; one line a problem, no secret in any."""
    for name in ("VAPID_PRIVATE_KEY", "NTFY_TOKEN"):
        not_the_example(name, (values[name],), problems)
    key, subject = values["VAPID_PRIVATE_KEY"] or None, values["VAPID_SUBJECT"]
    if key is not None and not _is_key(key):
        problems.append("VAPID_PRIVATE_KEY: must be the base64url of 32 bytes; leave it out, and one is made and kept.")
    if subject and _SUBJECT.fullmatch(subject) is None:
        problems.append("VAPID_SUBJECT: must be mailto: and an address, or an https address.")
    return Push(
        web=key is not None or _trusted(public_url),
        vapid_private_key=key,
        vapid_subject=subject or _subject(values["EMAIL_FROM"], public_url),
        ntfy_url=_ntfy(values, problems),
        ntfy_token=values["NTFY_TOKEN"] or None,
        services=_services(values["APPRISE_URLS"], problems),
    )


def _trusted(public_url: str) -> bool:
    try:
        parts = urlsplit(public_url)
        host = parts.hostname or ""
        return (
            parts.scheme == "https"
            or host == "localhost"
            or host.endswith(".localhost")
            or ip_address(host).is_loopback
        )
    except ValueError:
        return False


def _is_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)) == _KEY_BYTES
    except ValueError:
        return False


def _subject(sender: str, public_url: str) -> str:
    """How whoever runs a push service reaches us: where letters come from, else where we are."""
    address = parseaddr(sender)[1]
    if address:
        return f"mailto:{address}"
    return public_url if public_url.startswith("https://") else "https://localhost"


def _ntfy(values: Mapping[str, str], problems: list[str]) -> str | None:
    url = values["NTFY_URL"].rstrip("/")
    if not url:
        if values["NTFY_TOKEN"]:
            problems.append("NTFY_URL: missing, and without it NTFY_TOKEN does nothing; set it, or take that out.")
        return None
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or parts.query or parts.fragment or parts.username is not None:
        problems.append("NTFY_URL: must be an address without a name or password in it, such as https://ntfy.sh.")
        return None
    return url


def _services(text: str, problems: list[str]) -> tuple[tuple[str | None, str], ...]:
    """``person=url`` and bare addresses, apart by white space, or by a comma and white space."""
    found: list[tuple[str | None, str]] = []
    for number, entry in enumerate(re.split(r",?\s+", text.strip(" ,")) if text.strip(" ,") else (), 1):
        match = _ENTRY.fullmatch(entry)
        if match is None:
            problems.append(f"APPRISE_URLS: number {number} is no address; write person=url, or a url for everybody.")
        elif match["scheme"].lower() in _LOCAL:
            problems.append(f"APPRISE_URLS: number {number} would act on this machine itself; name another service.")
        else:
            found.append((match["person"], match["url"]))
    return tuple(found)
