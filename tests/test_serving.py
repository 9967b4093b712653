"""The socket that callers reach."""

from __future__ import annotations

import asyncio
import socket

import pytest

from bot.serving import listen
from bot.settings import read_env, settings_of

SECRETS = {"SAYSO_SECRET": "s" * 32, "SAYSO_WEBHOOK_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
def test_answers_leave_at_once_on_whichever_loop(host: str) -> None:
    """The loop of asyncio itself, which serves where there is no uvloop, lets no answer wait for an acknowledgement."""
    settings = settings_of(read_env(SECRETS | {"SAYSO_LISTEN": f"{host}:0", "SAYSO_PUBLIC_URL": "http://sayso.test"}))
    at_once: list[int] = []

    class Seen(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            accepted = transport.get_extra_info("socket")
            at_once.append(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            transport.write(b".")  # type: ignore[attr-defined]  # a stream's

    async def met() -> None:
        with listen(settings) as listener:
            server = await asyncio.get_running_loop().create_server(Seen, sock=listener)
            reader, writer = await asyncio.open_connection(*listener.getsockname()[:2])
            await reader.readexactly(1)
            writer.close()
            server.close()

    # Not `asyncio.run`, which takes the loop that is set for the process.
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        runner.run(met())
    assert at_once
    assert all(at_once)
