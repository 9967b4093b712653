"""Which addresses may be connected to where others name the target (threat T21).

The law: a connection is opened only to an address that was looked at, never to a name. Global addresses may be
reached over TLS; any other address, and plain http to any address, only where ``network: allow_private`` lists it.
Sources: RFC 6890 (special-purpose registries), RFC 4291 (embedded IPv4), RFC 6052 (NAT64), RFC 7526 (6to4 is over).
"""

from __future__ import annotations

import ipaddress
from functools import lru_cache

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_NEVER = tuple(
    ipaddress.ip_network(block)
    for block in (
        "192.0.0.0/24",  # protocol assignments; Oracle Cloud's metadata service lives here
        "192.88.99.0/24",  # 6to4 relays
        "168.63.129.16/32",  # Azure's host, which hands out machine credentials from a global address
        "2001::/23",  # protocol assignments, Teredo among them
        "2002::/16",  # 6to4, behind which any IPv4 address may stand
        "3fff::/20",  # documentation (RFC 9637)
    )
)
"""Blocks that no business service stands on, and that ``is_global`` of some Python lets through: what it knows of the
registries changed within 3.11 and 3.12, and the same rules must not reach more on one of them."""


@lru_cache(maxsize=16)
def _networks(listed: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(block, strict=False) for block in listed)


def _real(text: str) -> Address:
    """The address that the kernel would really talk to: ``::ffff:127.0.0.1`` is 127.0.0.1."""
    address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _public(address: Address) -> bool:
    if address.is_multicast or not address.is_global:
        return False
    if any(address in block for block in _NEVER):
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return True
    if address in _NAT64:
        return _public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return address in _GLOBAL_UNICAST


@lru_cache(maxsize=4096)
def permitted(address: str, listed: tuple[str, ...], *, plain: bool) -> bool:
    """Whether a literal address may be connected to; ``listed`` are CIDR blocks, ``plain`` is http without TLS.

    An IPv4 address inside a NAT64 one must be global as well; what cannot be read as an address is refused.
    """
    try:
        real = _real(address)
    except ValueError:
        return False
    if any(real in block for block in _networks(listed)):
        return True
    return not plain and _public(real)
