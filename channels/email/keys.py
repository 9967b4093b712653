"""DKIM's public keys, asked of the DNS: one question, and a bounded wait."""

from __future__ import annotations

from functools import partial

import dns.exception
import dns.resolver

from channels.email.inbound.asking import KeysUnknown, Resolve

_WITHIN = 5.0
"""Seconds for one key, whatever the servers do."""


def resolver(server: str | None) -> Resolve:
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
    except (dns.resolver.NoNameservers, dns.exception.Timeout, OSError):
        raise KeysUnknown from None
    except (dns.exception.DNSException, ValueError):
        return None
    return next((b"".join(record.strings) for record in answer), None)
