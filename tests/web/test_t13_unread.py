"""Whoever asks and never reads, or asks without end, without any key: they hold neither connections nor memory."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from starlette.types import Receive, Scope, Send

from bot.web import wire
from bot.web.exchange import Answer
from bot.web.wire import BoundedHttp, Room
from tests.web.conftest import serving

MUCH = 300_000
"""Bytes of an answer; the sockets here take some ten thousand of them."""

ASKED = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


async def large(scope: Scope, _: Receive, send: Send) -> None:
    """Answers with much, or with little."""
    await Answer(200, b"a" * (MUCH if scope["path"] == "/" else 2)).send(send)


@pytest.fixture
async def port(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    """The port of a server of three connections at most, whose sockets keep little."""
    monkeypatch.setattr(BoundedHttp, "room", Room(3))
    listening = socket.create_server(("127.0.0.1", 0))
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
    async with serving(large, listening):  # type: ignore[arg-type]  # any application
        yield int(listening.getsockname()[1])


def asking(port: int, times: int) -> socket.socket:
    """A connection that has asked so often, and read nothing."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    made.connect(("127.0.0.1", port))
    made.sendall(ASKED * times)
    made.setblocking(False)  # noqa: FBT003  # the method takes no keyword
    return made


async def read(asker: socket.socket, pause: float = 0.0) -> int:
    """How many bytes come until the end, however that is."""
    loop, size = asyncio.get_running_loop(), 0
    with suppress(ConnectionError):
        while piece := await loop.sock_recv(asker, 65_536):
            size += len(piece)
            await asyncio.sleep(pause)
            if size > MUCH:
                break
    asker.close()
    return size


async def test_t13_an_answer_that_nobody_takes_is_not_kept(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while the connection is closed, answered in full or not; whoever takes it slowly gets all of it."""
    monkeypatch.setattr(wire, "SEND_SECONDS", 1.0)
    before = wire.REFUSED["unread"]
    slow = asyncio.create_task(read(asking(port, 1), 0.02))
    never = [asking(port, 1), asking(port, 3)]
    async with asyncio.timeout(60):
        while wire.REFUSED["unread"] < before + 2:
            await asyncio.sleep(0.05)
        assert await slow > MUCH
        assert all([await read(one) < MUCH for one in never])


async def test_t13_who_takes_nothing_makes_room(port: int) -> None:
    """With every connection held so, the next is served all the same, and the longest of them is gone."""
    held = [asking(port, 3) for _ in range(3)]
    async with asyncio.timeout(60):
        while len(BoundedHttp.room.quiet) < 3:
            await asyncio.sleep(0.01)
        assert await read(asking(port, 1)) > MUCH
        assert await read(held[0]) < MUCH
    for one in held[1:]:
        one.close()


async def test_p17_of_what_nobody_takes_so_much_is_kept_and_no_more(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many connections there may be: who has waited longest goes, and who reads is served all the same."""
    room = Room(1_000, untaken=3 * MUCH)
    monkeypatch.setattr(BoundedHttp, "room", room)
    before = wire.REFUSED["unread"]
    held = [asking(port, 1) for _ in range(9)]
    async with asyncio.timeout(60):
        while wire.REFUSED["unread"] < before + 5:
            await asyncio.sleep(0.01)
        assert 0 < room.held <= 3 * MUCH
        assert await read(held[0]) < MUCH
        assert await read(asking(port, 1)) > MUCH
        for one in held[1:]:
            one.close()
        while room.held:
            await asyncio.sleep(0.01)


async def test_p17_requests_sent_ahead_are_few(port: int) -> None:
    """A reading full of requests is refused, and not kept; a few at once are answered, one after the other."""
    before = wire.REFUSED["invalid_http"]
    without = asking(port, 5_000)
    async with asyncio.timeout(60):
        while wire.REFUSED["invalid_http"] == before:
            await asyncio.sleep(0.01)
    without.close()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(ASKED.replace(b"/ ", b"/little ") * wire.MOST_AHEAD)
    async with asyncio.timeout(60):
        for _ in range(wire.MOST_AHEAD):
            assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
            assert await reader.readexactly(2) == b"aa"
    writer.close()
