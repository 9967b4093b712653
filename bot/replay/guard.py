"""Keeps replays to the addresses that they may reach (threat T21); which those are says `bot.core.addresses`."""

from __future__ import annotations

import socket
from collections.abc import Callable

from aiohappyeyeballs import AddrInfoType
from aiohttp.abc import AbstractResolver, ResolveResult

from bot.core.addresses import permitted


class TargetRefused(OSError):
    """The target stands at an address that replays may not reach."""


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
