"""What reaches the port before any key is asked for: heads that are too long or too slow, and what looks like two."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from urllib.parse import urlsplit

import pytest

from bot.web import wire
from tests.web.conftest import Office

PIECE = b"a" * 16_384
MUCH = 64 * 1024 * 1024
HEADS: dict[str, tuple[bytes, bytes]] = {
    "one header without an end": (b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: ", PIECE),
    "headers without an end": (b"GET /healthz HTTP/1.1\r\nHost: x\r\n", b"a: b\r\n" * 2_000),
    "a header's name without an end": (b"GET /healthz HTTP/1.1\r\nHost: x\r\n", PIECE),
    "an address without an end": (b"GET /", PIECE),
    "trailers without an end": (
        b"POST /v1/requests HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-A: ",
        PIECE,
    ),
    "a chunk's extension without an end": (
        b"POST /v1/requests HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;a=",
        PIECE,
    ),
}
TWICE: dict[str, bytes] = {
    "both lengths": b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG",
    "two lengths": b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "an unknown coding": b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a hidden coding": b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
    "a folded header": b"A: b\r\n Content-Length: 2\r\n\r\nab",
    "a space before the colon": b"Content-Length : 2\r\n\r\nab",
}


async def connected(office: Office) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A bare connection."""
    at = urlsplit(office.base)
    return await asyncio.open_connection(at.hostname, at.port)


async def heard(reader: asyncio.StreamReader, within: float = 5.0) -> bytes:
    """What is answered until the connection is closed; fails where it stays open."""
    async with asyncio.timeout(within):
        try:
            return await reader.read()
        except ConnectionError:
            return b""


@pytest.mark.parametrize("what", HEADS)
async def test_t22_a_head_without_an_end_is_cut_off(office: Office, what: str) -> None:
    """Nobody's memory is filled: after 64 KiB of it the connection is closed, and others are served."""
    opening, more = HEADS[what]
    reader, writer = await connected(office)
    writer.write(opening)
    sent = 0
    with suppress(ConnectionError):
        while sent < MUCH:
            writer.write(more)
            await writer.drain()
            sent += len(more)
    assert sent < MUCH
    with suppress(ConnectionError):
        assert b" 201 " not in await heard(reader)
    writer.close()
    assert (await office.call("GET", "/healthz")).status == 200


async def test_t22_a_large_head_that_ends_is_served(office: Office) -> None:
    """What a browser may send behind a company's proxies passes, and so does the next request of the connection."""
    reader, writer = await connected(office)
    one = b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: " + b"a" * 60_000 + b"\r\n"
    writer.write(one + b"\r\n" + one + b"Connection: close\r\n\r\n")
    assert (await heard(reader)).count(b"HTTP/1.1 200") == 2
    writer.close()


@pytest.mark.parametrize("said", [b"", b"GET /healthz HT", b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: b"])
async def test_t22_a_slow_head_is_not_waited_for(office: Office, monkeypatch: pytest.MonkeyPatch, said: bytes) -> None:
    """A connection that says nothing, or never comes to the point, is closed."""
    monkeypatch.setattr(wire, "HEAD_SECONDS", 0.2)
    reader, writer = await connected(office)
    writer.write(said)
    assert (await heard(reader)).startswith(b"HTTP/1.1 408 ")
    writer.close()


async def test_t22_a_slow_second_head_is_not_waited_for(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same on a connection that was served before; one whose head came in time is not cut off."""
    monkeypatch.setattr(wire, "HEAD_SECONDS", 0.3)
    reader, writer = await connected(office)
    for _ in range(4):
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"HTTP/1.1 200 " in await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.1)
    writer.write(b"GET /healthz HT")
    assert b"HTTP/1.1 408 " in await heard(reader)
    writer.close()


@pytest.mark.parametrize("how", TWICE)
async def test_t22_what_two_servers_could_read_differently_is_refused(office: Office, how: str) -> None:
    """Nothing is smuggled behind a proxy: one answer, 400, and the connection is closed."""
    reader, writer = await connected(office)
    behind = b"GET /healthz HTTP/1.1\r\nHost: smuggled\r\n\r\n"
    writer.write(b"POST /v1/requests HTTP/1.1\r\nHost: x\r\n" + TWICE[how] + behind)
    answer = await heard(reader)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 ") == 1
    writer.close()
