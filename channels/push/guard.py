"""Keeps Web Push to addresses that it may reach (threat T21): endpoints come from people's browsers.

A name is resolved once and its answers are looked at; the socket looks once more, which catches literal addresses.
No redirects, no proxy of the environment, no cookies.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import aiohttp
from aiohappyeyeballs import AddrInfoType
from aiohttp.abc import AbstractResolver, ResolveResult

from bot.core.addresses import permitted

_CONNECTIONS = 64
_LOOKUPS = 24
"""Threads: more than all the browsers of two people (ten each), should each have a name that is never answered."""


class AddressRefused(OSError):
    """The endpoint stands at an address that pushes may not reach."""


class Names(AbstractResolver):
    """Resolves in threads of its own: names come from people's browsers, and a name server may never answer.

    In the loop's few threads such names would hold up every other look-up of the house, and with it what was approved.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(max_workers=_LOOKUPS, thread_name_prefix="push-names")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """What the system knows; raises `OSError`."""
        asking = partial(
            socket.getaddrinfo, host, port, family=family, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
        )
        answers = await asyncio.get_running_loop().run_in_executor(self._threads, asking)
        literal = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        return [
            ResolveResult(hostname=host, host=str(at[0]), port=port, family=kind, proto=protocol, flags=literal)
            for kind, _, protocol, _, at in answers
        ]

    async def close(self) -> None:
        """Look up nothing more."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class _Looking(AbstractResolver):
    """Resolves names, and keeps the answers that may be reached."""

    def __init__(self, inner: AbstractResolver, allows: Callable[[str], bool]) -> None:
        self._inner = inner
        self._allows = allows

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The answers that may be reached; raises `AddressRefused` where there are answers but none of them may be."""
        answers = await self._inner.resolve(host, port, family)
        kept = [answer for answer in answers if self._allows(answer["host"])]
        if answers and not kept:
            raise AddressRefused
        return kept

    async def close(self) -> None:
        """Release the inner resolver."""
        await self._inner.close()


def guarded_session(
    listed: Callable[[], tuple[str, ...]],
    *,
    plain: bool,
    resolver: AbstractResolver | None = None,
    tls: ssl.SSLContext | None = None,
) -> aiohttp.ClientSession:
    """A session that reaches global addresses over TLS, and else only what ``listed`` (CIDR blocks) says right now.

    ``plain`` is the session for http. ``resolver`` and ``tls`` default to the system's. Needs a running loop.
    """

    def allows(address: str) -> bool:
        return permitted(address, listed(), plain=plain)

    def opened(info: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, address = info
        if not allows(str(address[0])):
            raise AddressRefused
        return socket.socket(family=family, type=kind, proto=protocol)

    connector = aiohttp.TCPConnector(
        limit=_CONNECTIONS,
        resolver=_Looking(resolver or Names(), allows),
        socket_factory=opened,
        ssl=tls if tls is not None else True,
    )
    return session_over(connector)


def session_over(connector: aiohttp.BaseConnector) -> aiohttp.ClientSession:
    """A session without cookies, proxies and decompression."""
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": "sayso", "Accept-Encoding": "identity"},
        auto_decompress=False,
        trust_env=False,
    )
