"""The load's own ceiling: a server that does nothing but speak, in the same shapes, so that the load can be judged."""

from __future__ import annotations

import asyncio
import sys
from itertools import count

import uvloop

from bench.wire import Line, answer, connect, listen

_DIGEST = "sha256:" + "0" * 64


class Nothing:
    """Answers submissions and decisions with made-up bytes, and posts a replay for each decision."""

    def __init__(self, receiver: int) -> None:
        self._receiver = receiver
        self._numbers = count()
        self._idle: list[Line] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def take(self, message: bytes) -> bytes:
        """One call's answer."""
        path = message[: message.index(b"\r\n")].split()[1]
        if not path.endswith(b"/decisions"):
            body = f'{{"id":"req_{next(self._numbers)}","digest":"{_DIGEST}","pad":"{"x" * 1500}"}}'
            return answer("201 Created", body.encode())
        task = asyncio.get_running_loop().create_task(self._replay(path.split(b"/")[3]))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return answer("200 OK", b'{"pad":"%s"}' % (b"x" * 1800))

    async def _replay(self, request: bytes) -> None:
        line = self._idle.pop() if self._idle else await connect("127.0.0.1", self._receiver)
        body = b'{"type":"action.execute","data":{"request":"%s"},"pad":"%s"}' % (request, b"x" * 400)
        await line.call(b"POST / HTTP/1.1\r\nhost: bench\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
        self._idle.append(line)


async def serve(port: int, receiver: int) -> None:
    """Serve until ended."""
    server, _ = await listen(Nothing(receiver).take, port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), int(sys.argv[2])))
