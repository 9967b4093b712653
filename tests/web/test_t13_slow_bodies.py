"""Bodies that come slowly, or never, of many keys at once and of nobody known: they hold nothing that others need."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, suppress
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
from starlette.types import Message, Receive, Scope, Send

from bot.core.model import Role
from bot.web import exchange, heads
from bot.web.exchange import Answer, Unknown, read_body
from bot.web.operation import answered
from bot.web.problems import TooSlow
from bot.web.strict_json import MAX_BYTES
from tests.web.conftest import REFUND, Office, serving

KEYS = 5
"""Of the attacker."""

Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def begun(base: str, head: str, body: bytes) -> Line:
    """A connection that has said its head, and a piece of its body."""
    at = urlsplit(base)
    reader, writer = await asyncio.open_connection(at.hostname, at.port)
    writer.write(head.encode() + b"\r\n\r\n" + body)
    await writer.drain()
    return reader, writer


def head_of(key: str, length: int) -> str:
    """The head of a submission."""
    said = f"POST /v1/requests HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json"
    return f"{said}\r\nContent-Length: {length}"


async def ended(line: Line) -> bytes:
    """What is answered until the connection is closed."""
    try:
        async with asyncio.timeout(30):
            return await line[0].read()
    except ConnectionError:
        return b""
    finally:
        line[1].close()


async def attack(office: Office, closing: AsyncExitStack) -> list[Line]:
    """Five keys, each with forty small bodies of which one byte came and six of the largest there are."""
    lines = []
    for number in range(KEYS):
        key = (await office.access.new_key(f"evil{number}", Role.AGENT, by="tests"))[1]
        for length in [400] * 40 + [MAX_BYTES] * 6:
            lines.append(await begun(office.base, head_of(key, length), b"{"))
            closing.callback(lines[-1][1].close)
    return lines


async def test_t13_many_keys_whose_bodies_never_come_keep_nobody_out(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bodies in one go, a slow one and a large one are taken, and decisions made, as if nothing else was there."""
    # None of the attack is given up meanwhile: whoever waits behind it waits for too long.
    monkeypatch.setattr(exchange, "GRACE_SECONDS", 120.0)
    monkeypatch.setattr(exchange, "BODY_SECONDS", 120.0)
    async with AsyncExitStack() as closing:
        lines = await attack(office, closing)
        took = []
        async with asyncio.timeout(60):
            for _ in range(20):
                began = time.monotonic()
                request = await office.submitted()
                assert (await office.decided(request)).status == 200
                took.append(time.monotonic() - began)
            body = msgspec.json.encode(REFUND)
            reader, writer = await begun(office.base, head_of(office.keys["other"], len(body)), body[:10])
            for piece in (body[10:20], body[20:]):
                await asyncio.sleep(0.1)
                writer.write(piece)
            assert b" 201 " in await reader.readline()
            writer.close()
            await office.submitted("hasty", context={"user_request": "a" * 19_000, "note": "b" * 200_000})
        assert max(took) < 10, took
        assert not any(line[0].at_eof() for line in lines)


async def test_t13_a_body_that_comes_too_slowly_is_given_up(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its average: who sends a byte now and then goes on no longer; who keeps the pace may take longer than that."""
    monkeypatch.setattr(exchange, "GRACE_SECONDS", 0.5)
    monkeypatch.setattr(exchange, "LEAST_RATE", 40)
    monkeypatch.setattr(heads, "HOLD_SECONDS", 0.1)
    body = msgspec.json.encode(REFUND | {"reason": "r" * 1_200})
    lines = [await begun(office.base, head_of(office.keys["billing"], len(body)), b"") for _ in range(2)]

    async def send(writer: asyncio.StreamWriter, a_piece: int) -> None:
        with suppress(ConnectionError):
            for at in range(0, len(body), a_piece):
                writer.write(body[at : at + a_piece])
                await asyncio.sleep(0.05)

    sending = [asyncio.create_task(send(line[1], a_piece)) for line, a_piece in zip(lines, (1, 32), strict=True)]
    answers = [asyncio.create_task(line[0].readline()) for line in lines]
    async with asyncio.timeout(30):
        assert [await answer for answer in answers] == [
            b"HTTP/1.1 408 Request Timeout\r\n",
            b"HTTP/1.1 201 Created\r\n",
        ]
    for task, line in zip(sending, lines, strict=True):
        task.cancel()
        line[1].close()


async def test_t13_a_body_in_crumbs_wakes_nobody_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever reads it is told once in a while, of all that came; and at once when it is whole."""
    pieces: list[int] = []

    async def app(_: Scope, receive: Receive, send: Send) -> None:
        more = True
        while more:
            message = await receive()
            more = message["more_body"]
            pieces.append(len(message["body"]))
        await Answer(200, b"").send(send)

    async def crumbs(base: str, length: int) -> Line:
        line = await begun(base, f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {length}", b"")
        for _ in range(50):
            line[1].write(b"a")
            await asyncio.sleep(0.002)
        return line

    async with serving(app) as base, asyncio.timeout(60):  # type: ignore[arg-type]  # any application
        monkeypatch.setattr(heads, "HOLD_SECONDS", 600.0)
        reader, writer = await crumbs(base, 50)
        assert b" 200 " in await reader.readline()
        assert pieces == [50]
        writer.close()
        monkeypatch.setattr(heads, "HOLD_SECONDS", 0.05)
        began = time.monotonic()
        reader, writer = await crumbs(base, 51 + heads.HOLD_BYTES)
        while sum(pieces) < 100:
            await asyncio.sleep(0.01)
        assert len(pieces) <= 2 + (time.monotonic() - began) / 0.05
        monkeypatch.setattr(heads, "HOLD_SECONDS", 600.0)
        writer.write(b"a" * heads.HOLD_BYTES)
        await asyncio.sleep(0)
        writer.write(b"a")
        assert b" 200 " in await reader.readline()
        assert sum(pieces) == 101 + heads.HOLD_BYTES
        writer.close()


async def test_t13_of_bodies_from_anybody_so_much_is_kept_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond it whoever has been longest in coming is given up; who comes after that is served."""
    unknown = Unknown(300_000)
    monkeypatch.setattr(exchange, "_unknown", unknown)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        async def answer() -> Answer:
            return Answer(200, str(len(await read_body(scope, receive, MAX_BYTES))).encode())

        answer_: Any = await answered(answer(), "any")
        if answer_ is not None:
            await answer_.send(send)

    head = f"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {MAX_BYTES}"
    async with serving(app) as base:  # type: ignore[arg-type]  # any application
        slow = await begun(base, head, b"a" * 200_000)
        async with asyncio.timeout(30):
            while unknown.held < 150_000:
                await asyncio.sleep(0.01)
            quick = await begun(base, head, b"b" * MAX_BYTES)
            assert (await ended(slow)).startswith(b"HTTP/1.1 408 ")
            assert (await ended(quick)).endswith(str(MAX_BYTES).encode())
        leaving = await begun(base, head, b"c" * 200_000)
        leaving[1].close()
        async with asyncio.timeout(30):
            while unknown.held:
                await asyncio.sleep(0.01)


async def test_t13_what_comes_in_the_turn_in_which_a_body_is_given_up_does_not_bring_it_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else many that send all the time would each be counted anew, and far more be kept than may be."""
    monkeypatch.setattr(exchange, "_unknown", Unknown(300_000))
    pipes = [asyncio.Queue[Message]() for _ in range(2)]

    def send(pipe: asyncio.Queue[Message], size: int, *, more: bool = True) -> None:
        pipe.put_nowait({"type": "http.request", "body": b"x" * size, "more_body": more})

    scope = {"headers": [(b"content-length", str(MAX_BYTES).encode())]}
    longest, newest = (asyncio.create_task(read_body(scope, pipe.get)) for pipe in pipes)
    for pipe in pipes:
        send(pipe, 150_000)
    while any(not pipe.empty() for pipe in pipes):
        await asyncio.sleep(0)
    send(pipes[1], 1_000)
    send(pipes[0], 1_000)
    with pytest.raises(TooSlow):
        async with asyncio.timeout(2):
            await longest
    send(pipes[1], MAX_BYTES - 151_000, more=False)
    assert len(await newest) == MAX_BYTES
