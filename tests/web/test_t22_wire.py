"""What reaches the port before any key is asked for: heads that are too long or too slow, and what looks like two."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from urllib.parse import urlsplit

import msgspec
import pytest

from bot.web import wire
from bot.web.heads import MAX_HEAD, MOST_HEADERS
from tests.web.conftest import REFUND, Office

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
    "a coding that is not undone": b"Transfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "a hidden coding": b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
    "a folded header": b"A: b\r\n Content-Length: 2\r\n\r\nab",
    "a space before the colon": b"Content-Length : 2\r\n\r\nab",
    "a negative length": b"Content-Length: -1\r\n\r\n",
    "no chunk behind a wish": b"Connection: Upgrade\r\nUpgrade: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n\r\n",
    "no end of a chunk": b"Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
}
GARBAGE = (
    b"\x16\x03\x01\x00 what is this",
    b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443",
    b"GET /healthz HTTP/1.1",
    b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b",
)
"""What is no request that HTTP knows: of another protocol, for another server, for nobody (RFC 9112, 3.2), for two."""
PIECES = (1 << 20, 1_000, 4_097)
"""Bytes of a request that are sent at a time, so that its end lies elsewhere in a reading."""


def head_of(size: int, more: bytes = b"") -> bytes:
    """A head of exactly so many bytes; some of its spaces are none, and some are many."""
    begun = b"GET /healthz HTTP/1.1\r\nHost:x\r\nX-B:     b\r\n" + more + b"X-A: "
    return begun + b"a" * (size - len(begun) - 4) + b"\r\n\r\n"


def problem_in(answer: bytes) -> tuple[int, str]:
    """The status and the code of what is answered, which is one problem and says that the connection ends."""
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *headers = head.decode().lower().split("\r\n")
    assert {"content-type: application/problem+json", "connection: close"} <= set(headers)
    said = msgspec.json.decode(body)
    assert said["status"] == int(status.split()[1])
    assert said.keys() == {"type", "title", "status", "detail", "code", "errors"}
    return said["status"], said["code"]


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


@pytest.mark.parametrize("pieces", PIECES)
async def test_t22_a_head_is_as_long_as_the_bytes_sent_of_it(office: Office, pieces: int) -> None:
    """64 KiB are served and not one byte more, in one reading or many, and behind whatever was asked before."""
    body = b"\r\n\r\n" * 500 + b"a"
    ahead = (
        b"",
        b"POST /v1/requests HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body,
        b"POST /v1/requests HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
    )
    for before in ahead:
        for size in (MAX_HEAD, MAX_HEAD + 1):
            reader, writer = await connected(office)
            first = b""
            if before:
                # All of it but the last bytes, and an answer, before the rest goes out together with the next head.
                writer.write(before[:-3])
                first = await reader.readuntil(b'"errors":[]}')
                assert b" 401 " in first
            sent = before[-3:] + head_of(size, b"Connection: close\r\n")
            for at in range(0, len(sent), pieces):
                writer.write(sent[at : at + pieces])
                await writer.drain()
                await asyncio.sleep(0)
            answer = await heard(reader)
            if size == MAX_HEAD:
                assert answer.startswith(b"HTTP/1.1 200 ")
            else:
                assert problem_in(answer) == (431, "head_too_large")
            writer.close()


async def test_t22_headers_and_trailers_are_few(office: Office) -> None:
    """A hundred are read, one more is refused; and a trailer is no header, so that no key comes in as one."""
    for count, status in ((MOST_HEADERS, b" 200 "), (MOST_HEADERS + 1, b" 431 "), (5_000, b" 431 ")):
        reader, writer = await connected(office)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + b"a: b\r\n" * (count - 2) + b"\r\n")
        assert status in (await heard(reader)).partition(b"\r\n")[0]
        writer.close()
    key = f"Authorization: Bearer {office.keys['billing']}\r\n".encode()
    asked = b"GET /v1/requests HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n"
    for said, status in ((asked + key + b"\r\n0\r\n\r\n", b" 200 "), (asked + b"\r\n0\r\n" + key + b"\r\n", b" 401 ")):
        reader, writer = await connected(office)
        writer.write(said)
        assert status in (await heard(reader)).partition(b"\r\n")[0]
        writer.close()


async def test_t22_who_asks_before_they_send_too_much_is_told_before_they_send(office: Office) -> None:
    """With ``Expect: 100-continue`` and a length that is too much there is no 100, but the 413 at once."""
    reader, writer = await connected(office)
    head = f"POST /v1/requests HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {office.keys['billing']}\r\n"
    writer.write(head.encode() + b"Expect: 100-continue\r\nContent-Length: 9999999\r\n\r\n")
    assert problem_in(await heard(reader)) == (413, "too_large")
    writer.close()


def chunked(body: bytes) -> bytes:
    """The body in chunks of many sizes, with what may stand beside them: extensions, ends of line, a trailer."""
    sent, at, size = b"", 0, 1
    while at < len(body):
        sent += b"%x;a=b\r\n%b\r\n" % (len(body[at : at + size]), body[at : at + size])
        at, size = at + size, size * 3
    return sent + b"0\r\nX-A: b\r\n\r\n"


@pytest.mark.parametrize("pieces", [*PIECES, 7])
@pytest.mark.parametrize("chunks", [False, True])
async def test_t22_a_body_behind_a_wish_for_another_protocol_is_a_body(
    office: Office, pieces: int, *, chunks: bool
) -> None:
    """And no second request: what it holds is read as what it is, and the next request is the next."""
    # As JSON writes no bare end of a line, they stand between its members.
    body = msgspec.json.encode(REFUND | {"reason": "GET /healthz HTTP/1.1 " * 50})
    body = body.replace(b",", b",\r\n\r\n\r\n\r\n")
    head = f"POST /v1/requests HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {office.keys['billing']}\r\n"
    head += "Content-Type: application/json\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
    head += "Transfer-Encoding: chunked\r\n\r\n" if chunks else f"Content-Length: {len(body)}\r\n\r\n"
    body = chunked(body) if chunks else body
    reader, writer = await connected(office)
    sent = head.encode() + body + b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    for at in range(0, len(sent), pieces):
        writer.write(sent[at : at + pieces])
        await writer.drain()
        await asyncio.sleep(0)
    assert re.findall(rb"HTTP/1\.1 (\d+)", await heard(reader)) == [b"201", b"200"]
    writer.close()


@pytest.mark.parametrize("said", [b"", b"GET /healthz HT", b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: b"])
async def test_t22_a_slow_head_is_not_waited_for(office: Office, monkeypatch: pytest.MonkeyPatch, said: bytes) -> None:
    """A connection that says nothing, or never comes to the point, is closed."""
    monkeypatch.setattr(wire, "HEAD_SECONDS", 0.2)
    reader, writer = await connected(office)
    writer.write(said)
    assert problem_in(await heard(reader)) == (408, "too_slow")
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
    assert problem_in(await heard(reader)) == (400, "malformed")
    writer.close()


async def test_t22_a_refusal_is_no_answer_to_what_was_asked_before(office: Office) -> None:
    """Garbage alone is refused as what it is; behind a request under way it ends the connection, and says nothing."""
    for garbage in GARBAGE:
        reader, writer = await connected(office)
        writer.write(garbage + b"\r\n\r\n")
        assert problem_in(await heard(reader)) == (400, "malformed")
        writer.close()
    reader, writer = await connected(office)
    head = f"GET /v1/requests HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {office.keys['billing']}\r\n\r\n"
    writer.write(head.encode() + b"no request at all\r\n\r\n")
    assert b"HTTP/1.1 400" not in await heard(reader)
    writer.close()
