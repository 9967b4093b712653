"""A flood, as a process of its own: so many connections that send again the moment they are answered, heeding nothing.

``python -m tests.stories.flood FILE`` reads from a JSON file the port, the seconds, how many lines, the calls, and
where to write which requests were made; it prints what came back. A call is method, path, headers, body.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_CREATED = 201
_REFUSED = (429, 503)
_ANSWERED_WITHIN = 60.0


class Heard:
    """What came back, by call: how often each status, how long the taken ones took, and which requests were made."""

    def __init__(self, calls: int) -> None:
        self.statuses: list[Counter[str]] = [Counter() for _ in range(calls)]
        self.took: list[float] = []
        self.made: list[str] = []
        self.faults: Counter[str] = Counter()

    def note(self, call: int, status: int, head: bytes, body: bytes, seconds: float) -> None:
        """One answer."""
        self.statuses[call][str(status)] += 1
        if status == _CREATED:
            self.took.append(seconds)
            self.made.append(json.loads(body)["id"])
        elif status in _REFUSED:
            told = head.lower()
            if b"retry-after: " not in told:
                self.faults["no Retry-After"] += 1
            if b"application/problem+json" not in told or json.loads(body)["status"] != status:
                self.faults["no problem"] += 1

    def told(self) -> dict[str, Any]:
        """All of it, as JSON takes it."""
        took = sorted(self.took)
        return {
            "statuses": [dict(counted) for counted in self.statuses],
            "faults": dict(self.faults),
            "p50": took[len(took) // 2] if took else 0.0,
            "p99": took[len(took) * 99 // 100] if took else 0.0,
        }


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    body = await reader.readexactly(length) if length else b""
    return int(head[9:12]), head, body


async def _line(port: int, call: int, sent: bytes, until: float, heard: Heard) -> None:
    while time.monotonic() < until:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            heard.faults["not connected"] += 1
            await asyncio.sleep(0.1)
            continue
        try:
            while time.monotonic() < until:
                began = time.monotonic()
                writer.write(sent)
                async with asyncio.timeout(_ANSWERED_WITHIN):
                    status, head, body = await _answer(reader)
                heard.note(call, status, head, body, time.monotonic() - began)
                if b"connection: close" in head.lower():
                    break
        except (OSError, EOFError, TimeoutError) as broken:
            heard.faults[type(broken).__name__] += 1
        finally:
            writer.close()


def _raw(method: str, path: str, headers: Mapping[str, str], body: str) -> bytes:
    head = [f"{method} {path} HTTP/1.1", "host: flood", *(f"{name}: {value}" for name, value in headers.items())]
    data = body.encode()
    return "\r\n".join([*head, f"content-length: {len(data)}", "", ""]).encode() + data


async def _flood(told: Mapping[str, Any]) -> Heard:
    calls = [_raw(*call) for call in told["calls"]]
    heard = Heard(len(calls))
    until = time.monotonic() + told["seconds"]
    lines = range(told["lines"])
    await asyncio.gather(*(_line(told["port"], n % len(calls), calls[n % len(calls)], until, heard) for n in lines))
    return heard


if __name__ == "__main__":
    given = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    answers = asyncio.run(_flood(given))
    Path(given["made"]).write_text("\n".join(answers.made), encoding="utf-8")
    print(json.dumps(answers.told()))  # noqa: T201  # the process that started it reads this
