"""Where the bot may call: the addresses that a file names, judged as far as the file alone can tell (threat T21).

What stands as a name is judged again by the replay once it is resolved: there, an address that is not global, and any
address spoken to in plain http, must be listed in ``network.allow_private``.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

from bot.core.addresses import permitted
from bot.routing.faults import Faults, quoted
from bot.routing.nodes import Node, Scalar

Network = IPv4Network | IPv6Network

MAX_URL = 2000
MAX_HOST = 253
URL = re.compile(r"[!#$%&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]+")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.IGNORECASE)
_NUMERIC = re.compile(r"[0-9]+|0x[0-9a-f]*", re.IGNORECASE)
_LIST = "list its network under network.allow_private if it is meant"


def network(text: str) -> Network:
    """A network as CIDR (an address alone is itself); raises ``ValueError`` with a sentence."""
    try:
        found = ip_network(text)
    except ValueError as broken:
        raise ValueError(str(broken).replace("'", '"')) from None
    if found.prefixlen == 0:
        raise ValueError(f'"{text}" is every address there is')
    return found


def url(node: Node, where: str, networks: tuple[Network, ...], faults: Faults) -> str | None:
    """The URL that a node holds; None (and a fault) where the bot may not call it."""
    text = node.text if isinstance(node, Scalar) else ""
    wrong = _shape(text)
    if wrong is None:
        parts = urlsplit(text)
        wrong = _host(parts, networks)
    if wrong is None:
        return text
    what, fix = wrong
    faults.add(node.place, f"{where} {what}", fix)
    return None


def _shape(text: str) -> tuple[str, str] | None:  # noqa: PLR0911 - one refusal after the other
    example = "write https://billing.example.com/refunds"
    if not text or len(text) > MAX_URL or not URL.fullmatch(text):
        fix = f"{example}; other characters are percent-encoded, and targets hold no blanks to fill"
        return (f"is not a URL: {quoted(text)}", fix)
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as broken:
        return (f"is not a URL: {broken}", example)
    if parts.scheme not in ("http", "https"):
        return ("must begin with https:// (or http://)", example)
    if parts.username is not None or parts.password is not None:
        return ("must not carry a user name or password", "the receiver checks the signature instead; remove it")
    if "#" in text:
        return ("must not carry a fragment (#)", "it is never sent; remove it")
    if not parts.hostname or port == 0:
        return ("names no host", example)
    return None


def _host(parts: SplitResult, networks: tuple[Network, ...]) -> tuple[str, str] | None:
    host = parts.hostname or ""
    secure = parts.scheme == "https"
    try:
        address = ip_address(host)
    except ValueError:
        return _named(host, networks, secure=secure)
    if getattr(address, "scope_id", None):
        return ("must not carry a zone", "remove the % and what follows")
    # By the law of each connection: what loads here and is never reached there would be found out too late.
    listed = tuple(map(str, networks))
    if not permitted(host, listed, plain=False):
        return (f"leads to {host}, which is not a global address", _LIST)
    if not permitted(host, listed, plain=not secure):
        return ("is plain http, which anybody on the way can read and change", f"use https, or {_LIST}")
    return None


def _named(host: str, networks: tuple[Network, ...], *, secure: bool) -> tuple[str, str] | None:
    labels = host.removesuffix(".").split(".")
    if len(host) > MAX_HOST or not all(_LABEL.fullmatch(label) for label in labels):
        return (f"names no host that can be: {quoted(host)}", "other alphabets are written as xn--…")
    if _NUMERIC.fullmatch(labels[-1]):
        return (f"names an address in disguise: {quoted(host)}", "write four decimal numbers: 192.0.2.10")
    if labels[-1].casefold() == "localhost":
        if any(each.is_loopback for each in networks):
            return None
        return ("leads to this machine", "list 127.0.0.0/8 under network.allow_private if it is meant")
    if not secure and not networks:
        fix = "use https, or list the network it lies in under network.allow_private"
        return ("is plain http, which anybody on the way can read and change", fix)
    return None
