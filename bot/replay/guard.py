"""Which addresses a replay may reach (threat T21).

The law: a connection is opened only to an address that was looked at, never to a name. Global addresses may be
reached over TLS; any other address, and plain http to any address, only where ``network: allow_private`` lists it.
Sources: RFC 6890 (special-purpose registries), RFC 4291 (embedded IPv4), RFC 6052 (NAT64), RFC 3056 (6to4).
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from functools import lru_cache

from aiohappyeyeballs import AddrInfoType
from aiohttp.abc import AbstractResolver, ResolveResult

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
    )
)
"""Blocks that Python's ``is_global`` lets through (as of 3.11) and that no business service stands on."""


class TargetRefused(OSError):
    """The target stands at an address that replays may not reach."""


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
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in block for block in _NEVER)
    if address in _NAT64:
        return _public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    if address.sixtofour is not None:
        return _public(address.sixtofour)
    return address in _GLOBAL_UNICAST


@lru_cache(maxsize=4096)
def permitted(address: str, listed: tuple[str, ...], *, plain: bool) -> bool:
    """Whether a literal address may be connected to; ``listed`` are CIDR blocks, ``plain`` is http without TLS.

    An IPv4 address inside a NAT64 or 6to4 one must be global as well; what cannot be read as an address is refused.
    """
    try:
        real = _real(address)
    except ValueError:
        return False
    if any(real in block for block in _networks(listed)):
        return True
    return not plain and _public(real)


class Guard:
    """The rule for one kind of connection (TLS or plain), asked anew at every connection."""

    def __init__(self, listed: Callable[[], tuple[str, ...]], *, plain: bool) -> None:
        """``listed`` gives ``network: allow_private`` as the configuration in force has it."""
        self._listed = listed
        self._plain = plain

    def allows(self, address: str) -> bool:
        """Whether this literal address may be connected to now."""
        return permitted(address, self._listed(), plain=self._plain)

    def refusal(self, where: str) -> TargetRefused:
        """The refusal, saying what an admin can do about it."""
        what = "plain http goes" if self._plain else "replays go"
        scope = "addresses" if self._plain else "global addresses and to those"
        return TargetRefused(f"{where}: {what} only to {scope} listed under network: allow_private in routing.yaml")

    def open_socket(self, info: AddrInfoType) -> socket.socket:
        """The socket for one address, after the last look at it; raises `TargetRefused`.

        This is what catches literal addresses, which no resolver sees, and an answer that was allowed when it was
        cached but is no longer.
        """
        family, kind, protocol, _, address = info
        if not self.allows(str(address[0])):
            raise self.refusal(str(address[0]))
        return socket.socket(family=family, type=kind, proto=protocol)


class GuardedResolver(AbstractResolver):
    """Resolves names and keeps only the answers that may be reached, so that what is connected to was checked."""

    def __init__(self, inner: AbstractResolver, guard: Guard) -> None:
        """``inner`` asks the network; ``guard`` looks at its answers."""
        self._inner = inner
        self._guard = guard

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The answers that may be reached; raises `TargetRefused` where there are answers but none of them may be."""
        answers = await self._inner.resolve(host, port, family)
        kept = [answer for answer in answers if self._guard.allows(answer["host"])]
        if answers and not kept:
            found = ", ".join(dict.fromkeys(answer["host"] for answer in answers))
            raise self._guard.refusal(f"{host} is {found}")
        return kept

    async def close(self) -> None:
        """Release the inner resolver."""
        await self._inner.close()
