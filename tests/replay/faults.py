"""Ways a target can answer, and the only truthful outcome of each (threat T21's answers, promises P5 and P6)."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from bot.core.ports import OutcomeKind
from tests.fakes.receiver import Call, Cut, End, Script, answering, message, saying

EXECUTED, FAILED, UNKNOWN = OutcomeKind.EXECUTED, OutcomeKind.FAILED, OutcomeKind.UNKNOWN


def endless(_: Call) -> Iterator[bytes]:
    """Two gigabytes, as announced."""
    yield message(b"", length=2 << 30)
    for _piece in range((2 << 30) // 65536):
        yield b"7" * 65536


def endless_chunks(_: Call) -> Iterator[bytes]:
    """Chunks without an end and without an announcement."""
    yield b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    while True:
        yield b"10000\r\n" + b"7" * 65536 + b"\r\n"


def endless_headers(_: Call) -> Iterator[bytes]:
    """Header lines without an end."""
    yield b"HTTP/1.1 200 OK\r\n"
    while True:
        yield b"X-More: and more\r\n" * 100


def bomb() -> bytes:
    """200 MB of zeros as 200 kB of gzip."""
    press = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(press.compress(bytes(1 << 20)) for _ in range(200)) + press.flush()


def slow_loris(_: Call) -> Iterator[bytes | float]:
    """One byte at a time, for ever."""
    yield b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n"
    while True:
        yield b"1"
        yield 0.02


ANSWERS: dict[str, tuple[Script, OutcomeKind, str]] = {
    "nothing, closed": (saying(End.CLOSE), UNKNOWN, "connection_lost"),
    "nothing, reset": (saying(End.RESET), UNKNOWN, "connection_lost"),
    "nothing, stalled": (saying(End.STALL), UNKNOWN, "timed_out"),
    "half a status line": (saying(b"HTTP/1.1 2", End.CLOSE), UNKNOWN, "connection_lost"),
    "headers, then closed": (saying(message(b"", length=20), End.CLOSE), UNKNOWN, "connection_lost"),
    "half a body, closed": (saying(message(b'{"ok":', length=20), End.CLOSE), UNKNOWN, "connection_lost"),
    "half a body, reset": (saying(message(b'{"ok":', length=20), 0.05, End.RESET), UNKNOWN, "connection_lost"),
    "half a body, stalled": (saying(message(b'{"ok":', length=20), End.STALL), UNKNOWN, "timed_out"),
    "half a chunk": (
        saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\n{", End.CLOSE),
        UNKNOWN,
        "connection_lost",
    ),
    "slow loris": (slow_loris, UNKNOWN, "timed_out"),
    "garbage": (saying(b"\x00\xff\x13 what\r\n\r\n", End.CLOSE), UNKNOWN, "garbled_answer"),
    "HTTP/0.9": (saying(b"<html>ok</html>\n", End.CLOSE), UNKNOWN, "garbled_answer"),
    "two lengths": (
        saying(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 4\r\n\r\n{}", End.CLOSE),
        UNKNOWN,
        "garbled_answer",
    ),
    "endless headers": (endless_headers, UNKNOWN, "garbled_answer"),
    "only 100 Continue": (saying(b"HTTP/1.1 100 Continue\r\n\r\n", End.STALL), UNKNOWN, "timed_out"),
    "101 to another protocol": (
        saying(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", End.CLOSE),
        UNKNOWN,
        "target_error",
    ),
    "status 999": (saying(message(b"", status="999 Odd"), End.CLOSE), UNKNOWN, "target_error"),
    "500": (answering({"error": "boom"}, status="500 Internal Server Error"), UNKNOWN, "target_error"),
    "503": (answering({}, status="503 Service Unavailable"), UNKNOWN, "target_error"),
    "504 that breaks off": (saying(message(b"", status="504 X", length=9), End.CLOSE), UNKNOWN, "target_error"),
    "400": (answering({"why": "no such order"}, status="400 Bad Request"), FAILED, "no such order"),
    "404 that breaks off": (saying(message(b"", status="404 X", length=9), End.CLOSE), FAILED, "404 Not Found"),
    "409": (answering({}, status="409 Conflict"), FAILED, "409 Conflict"),
    "429": (answering({}, status="429 Too Many Requests"), FAILED, "429 Too Many Requests"),
    "301": (saying(message(b"", status="301 X", headers="Location: /x\r\n"), End.CLOSE), FAILED, "redirected"),
    "302 to metadata": (
        saying(message(b"", status="302 X", headers="Location: http://169.254.169.254/latest\r\n"), End.CLOSE),
        FAILED,
        "redirected",
    ),
    "307": (saying(message(b"", status="307 X", headers="Location: /x\r\n"), End.CLOSE), FAILED, "redirected"),
    "308 to itself": (
        saying(message(b"", status="308 X", headers="Location: /hook\r\n"), End.CLOSE),
        FAILED,
        "redirected",
    ),
    "304": (saying(message(b"", status="304 X"), End.CLOSE), FAILED, "redirected"),
    "200 without a body": (saying(message(b"")), EXECUTED, ""),
    "204": (saying(b"HTTP/1.1 204 No Content\r\n\r\n"), EXECUTED, ""),
    "200 with text": (saying(message(b"done")), EXECUTED, "result_not_kept"),
    "200 with NaN": (saying(message(b'{"a": NaN}')), EXECUTED, "result_not_kept"),
    "200 with an unsafe integer": (saying(message(b'{"id": 9007199254740993}')), EXECUTED, "result_not_kept"),
    "200 with 5,000 lists in lists": (saying(message(b"[" * 5000 + b"]" * 5000)), EXECUTED, "result_not_kept"),
    "200 with half a surrogate": (saying(message(b'"\\ud800"')), EXECUTED, "result_not_kept"),
    "200 with more than a mebibyte": (saying(message(b'"' + b"a" * (1 << 20) + b'"')), EXECUTED, "result_not_kept"),
    "200 with two gigabytes": (endless, EXECUTED, "result_not_kept"),
    "200 with chunks without end": (endless_chunks, EXECUTED, "result_not_kept"),
    "200 with a gzip bomb": (
        saying(message(bomb(), headers="Content-Encoding: gzip\r\n")),
        EXECUTED,
        "result_not_kept",
    ),
    "102, 103, then 200": (
        saying(b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", message(b"{}")),
        EXECUTED,
        "",
    ),
    "200 with more than announced": (
        saying(message(b'{"ok": true} and more', length=12)),
        UNKNOWN,
        "garbled_answer",
    ),
}
"""Name: what the target does with a whole request, the outcome, and a part of what it says."""

CUTS: dict[str, tuple[Cut, End]] = {
    "reset before the request is read": (Cut.BEFORE_REQUEST, End.RESET),
    "closed before the request is read": (Cut.BEFORE_REQUEST, End.CLOSE),
    "stalled before the request is read": (Cut.BEFORE_REQUEST, End.STALL),
    "closed after the headers": (Cut.AFTER_HEADERS, End.CLOSE),
    "reset after the headers": (Cut.AFTER_HEADERS, End.RESET),
}
"""Name: where the target stops reading. From our side bytes may have left: unknown."""
