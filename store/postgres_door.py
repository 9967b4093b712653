"""How a connection to PostgreSQL comes about: which of several servers, within which time, with which settings.

asyncpg tries the hosts of an address one after the other within one time for all, so the first one whose machine died
without a word (nothing refuses, nothing answers) would use it up and no other would ever be asked. Here each has a
time of its own, and the one that served last is asked first.
"""

from __future__ import annotations

import socket
from typing import Any

import asyncpg

OPENING = 5.0
"""Seconds for which a connection is tried, over all servers that the address names."""

_WRITABLE = "read-write"
"""Of several servers the one that takes writes; asyncpg's ``target_session_attrs``."""

_LIFE_SIGNS = (
    ("SOL_SOCKET", "SO_KEEPALIVE", 1),
    ("IPPROTO_TCP", "TCP_KEEPIDLE", 2),
    ("IPPROTO_TCP", "TCP_KEEPINTVL", 1),
    ("IPPROTO_TCP", "TCP_KEEPCNT", 4),
    ("IPPROTO_TCP", "TCP_USER_TIMEOUT", 5_000),
)
"""A machine that died says nothing more. Its silence is taken for that after some five seconds, whether it had taken
what was asked (then its kernel is asked every second) or not; Linux's own limits are hours. Where a system has not
all of these, the time limit of the statement is left."""

TROUBLES = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What asyncpg raises where a server cannot be asked, or answers that it cannot do it."""


class Door:
    """Opens connections for one pool."""

    def __init__(self, settings: dict[str, str]) -> None:
        """``settings`` of each session. They are SET, for a pooler between refuses most as startup parameters."""
        self._settings = "; ".join(f"SET {name} = '{value}'" for name, value in settings.items())
        self._last: tuple[str, int] | None = None

    async def open(self, **told: Any) -> asyncpg.Connection:
        """A connection, as of `asyncpg.connect`. Raises what the last server's attempt ended with."""
        hosts, ports = told.get("host"), told.get("port")
        if not isinstance(hosts, list) or not isinstance(ports, list):
            return await self._ready(told)
        servers = sorted(zip(hosts, ports, strict=True), key=lambda server: server != self._last)
        told = {"target_session_attrs": _WRITABLE} | told | {"timeout": max(1.0, OPENING / len(servers))}
        failed: BaseException | None = None
        for server in servers:
            try:
                opened = await self._ready(told | {"host": server[0], "port": server[1]})
            except TROUBLES as error:
                # That a standby takes no writes says less than why the other server does not serve.
                if failed is None or not isinstance(error, asyncpg.TargetServerAttributeNotMatched):
                    failed = error
            else:
                self._last = server
                return opened
        raise failed or AssertionError("an address names a server")

    async def _ready(self, told: dict[str, Any]) -> asyncpg.Connection:
        opened: asyncpg.Connection = await asyncpg.connect(**told)
        try:
            found = opened._transport.get_extra_info("socket")  # noqa: SLF001  # asyncpg hands it out nowhere else
            if found.family in (socket.AF_INET, socket.AF_INET6):
                for level, name, value in _LIFE_SIGNS:
                    if hasattr(socket, name):
                        found.setsockopt(getattr(socket, level), getattr(socket, name), value)
            await opened.execute(self._settings)
        except BaseException:
            opened.terminate()
            raise
        return opened
