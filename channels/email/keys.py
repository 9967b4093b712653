"""DKIM's public keys, asked of the DNS: one question, a bounded wait, and no key where there is no answer."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import dns.exception
import dns.resolver

_WITHIN = 5.0
"""Seconds for one key, whatever the servers do."""


def resolver(server: str | None) -> Callable[[bytes], bytes | None]:
    """Asks for TXT records at ``server`` (``host:port``), or as this machine resolves names. It blocks."""
    asked = dns.resolver.Resolver(configure=server is None)
    asked.lifetime = _WITHIN
    if server is not None:
        host, _, port = server.rpartition(":")
        asked.nameservers = [host.strip("[]")]
        asked.port = int(port)
    return partial(_text, asked)


def _text(asked: dns.resolver.Resolver, name: bytes) -> bytes | None:
    try:
        answer = asked.resolve(name.decode("ascii").rstrip("."), "TXT", search=False)
    except (dns.exception.DNSException, ValueError, OSError):
        return None
    return next((b"".join(record.strings) for record in answer), None)
