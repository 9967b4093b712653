"""Names of push services are looked up where they hold up nobody else (T21, T22)."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import Any

import pytest

from bot.core.addresses import permitted
from channels.push.guard import Names, guarded_session


async def test_names_that_are_never_answered_hold_up_no_other_lookup(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixty endpoints at a silent name server: the house still resolves, and the rest of its threads are free."""
    answered, known = threading.Event(), socket.getaddrinfo

    def looked_up(host: str, *args: Any, **more: Any) -> Any:
        if host.endswith(".silent.example"):
            answered.wait(20)
            raise socket.gaierror(socket.EAI_AGAIN, "silent")
        return known(host, *args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", looked_up)
    session = guarded_session(lambda: (), plain=False)
    asks = [asyncio.create_task(session.post(f"https://{n}.silent.example/x")) for n in range(60)]
    try:
        await asyncio.sleep(0.2)
        async with asyncio.timeout(2):
            found = await asyncio.get_running_loop().getaddrinfo("127.0.0.1", 443)
        assert found[0][4][0] == "127.0.0.1"
    finally:
        answered.set()
        await asyncio.gather(*asks, return_exceptions=True)
        await session.close()


async def test_a_name_is_resolved_to_addresses_that_are_looked_at() -> None:
    """The answers are literal addresses with the port that was asked for."""
    names = Names()
    found = await names.resolve("localhost", 443, socket.AF_INET)
    assert {(one["hostname"], one["host"], one["port"]) for one in found} == {("localhost", "127.0.0.1", 443)}
    assert not permitted(found[0]["host"], (), plain=False)
    with pytest.raises(socket.gaierror):
        await names.resolve("no.such.name.invalid", 443)
    await names.close()
