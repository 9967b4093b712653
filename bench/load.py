"""The load: an agent, a reviewer and the target of the replays, in one process beside the bot.

A cycle is what one approved request costs: the agent submits, the reviewer decides over the API, the bot replays the
action to the receiver and records how that ended. Workers go round and round (a closed loop), each on one connection.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import count

import msgspec

from bench.wire import Line, answer, connect, listen, post

_EXECUTED = answer("200 OK", b'{"refund": "re_1"}')
_ID = b'"id":"'
_DIGEST = b'"digest":"'
_REQUEST = b'"request":"'
_CREATED, _OK = 201, 200
_WAITS = 10.0

PROPOSAL = {
    "action": "refund.issue",
    "arguments": {"order": "10428", "amount": 240.0, "currency": "USD"},
    "reason": "Customer reported duplicate charge",
    "confidence": 0.72,
    "labels": {"tier": "gold"},
    "context": {
        "user_request": "I was charged twice for order 10428. Please give me my money back.",
        "evidence": [{"title": "Ledger", "text": "Two captures of 240.00 USD, 41 s apart, one basket. " * 8}],
        "checks": [{"name": "same basket", "passed": True}, {"name": "within 30 days", "passed": True}],
        "expected_outcome": "One of the two charges is paid back within five days.",
    },
}
"""What every agent of the load proposes: about 800 bytes, as large as a real one with a little evidence."""

BODY = msgspec.json.encode(PROPOSAL)
"""The same, as it is sent."""


class Unexpected(Exception):
    """The server did not answer as the load needs it to."""


def after(text: bytes, mark: bytes) -> bytes:
    """The string member's value that follows ``mark`` for the first time."""
    begins = text.index(mark) + len(mark)
    return text[begins : text.index(b'"', begins)]


class Receiver:
    """The service that replays go to: it notes when each arrived, wakes who waits for it, and answers 200.

    ``twice`` counts the requests that were replayed once more, which none may be here.
    """

    def __init__(self) -> None:
        self.port = 0
        self.arrivals = self.twice = 0
        self._seen: set[bytes] = set()
        self._server: asyncio.Server | None = None
        self._waits: dict[bytes, asyncio.Future[float]] = {}

    async def start(self) -> None:
        """Listen."""
        self._server, self.port = await listen(self._take)

    def _take(self, message: bytes) -> bytes:
        self.arrivals += 1
        request = after(message, _REQUEST)
        self.twice += request in self._seen
        self._seen.add(request)
        waits = self._waits.pop(request, None)
        if waits is not None and not waits.done():
            waits.set_result(time.perf_counter())
        return _EXECUTED

    def expect(self, request: bytes) -> asyncio.Future[float]:
        """When the replay of this request arrives (`time.perf_counter`)."""
        waits: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._waits[request] = waits
        return waits

    def stop(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()


@dataclass
class Run:
    """What one run did: how many in how many seconds, what each took, its click to answer and to replay (s)."""

    done: int = 0
    seconds: float = 0.0
    cpu: float = 0.0
    took: list[float] = field(default_factory=list)
    clicks: list[float] = field(default_factory=list)
    acknowledged: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """How many a second."""
        return self.done / self.seconds

    @property
    def cpu_each(self) -> float:
        """Milliseconds of the server's processor time for one."""
        return self.cpu / self.done * 1000


class Load:
    """Agents and a reviewer that call one server."""

    def __init__(self, port: int, agent: str, reviewer: str, receiver: Receiver) -> None:
        self.port = port
        self.agent = agent
        self.reviewer = reviewer
        self._receiver = receiver
        self._number = count()

    def submission(self) -> bytes:
        """A new submission with a key of its own, as the SDK sends one."""
        key = b"idempotency-key: bench-%d-%d\r\n" % (time.time_ns(), next(self._number))
        return post("/v1/requests", self.agent, BODY, key)

    async def submit(self, line: Line, _: Run) -> bytes:
        """One submission; the answer."""
        status, body = await line.call(self.submission())
        if status != _CREATED:
            raise Unexpected(f"a submission was answered {status}: {body[:300].decode()}")
        return body

    async def cycle(self, line: Line, run: Run) -> None:
        """Submit, decide, and wait for the replay."""
        body = await self.submit(line, run)
        request, digest = after(body, _ID), after(body, _DIGEST)
        arrival = self._receiver.expect(request)
        ballot = b'{"decision":"approve","revision":1,"digest":"%s"}' % digest
        decision = post(f"/v1/requests/{request.decode()}/decisions", self.reviewer, ballot)
        clicked = time.perf_counter()
        status, body = await line.call(decision)
        if status != _OK:
            raise Unexpected(f"a decision was answered {status}: {body[:300].decode()}")
        run.acknowledged.append(time.perf_counter() - clicked)
        async with asyncio.timeout(_WAITS):
            run.clicks.append(await arrival - clicked)

    async def run(
        self,
        once: Callable[[Line, Run], Awaitable[object]],
        *,
        at_a_time: int,
        seconds: float,
        recorded: Callable[[int], Awaitable[None]] | None = None,
    ) -> Run:
        """``at_a_time`` workers for so many seconds; the clock runs on until ``recorded(done)`` returns."""
        run = Run()
        lines = [await connect("127.0.0.1", self.port) for _ in range(at_a_time)]
        began = time.perf_counter()
        until = began + seconds

        async def work(line: Line) -> None:
            while (begins := time.perf_counter()) < until:
                await once(line, run)
                run.took.append(time.perf_counter() - begins)

        await asyncio.gather(*map(work, lines))
        run.done = len(run.took)
        if recorded is not None:
            await recorded(run.done)
        run.seconds = time.perf_counter() - began
        for line in lines:
            line.close()
        return run

    async def paced(self, *, rate: float, seconds: float) -> Run:
        """An open loop: ``rate`` cycles a second begin, however long those before them take."""
        run = Run()
        idle: list[Line] = []
        began = time.perf_counter()

        async def one() -> None:
            begins = time.perf_counter()
            while idle and not idle[-1].open:
                idle.pop()
            line = idle.pop() if idle else await connect("127.0.0.1", self.port)
            await self.cycle(line, run)
            run.took.append(time.perf_counter() - begins)
            idle.append(line)

        async with asyncio.TaskGroup() as group:
            for number in range(int(rate * seconds)):
                await asyncio.sleep(began + number / rate - time.perf_counter())
                group.create_task(one())
        run.done, run.seconds = len(run.took), time.perf_counter() - began
        for line in idle:
            line.close()
        return run
