"""SIGTERM at any moment: intake stops, claims finish or become unknown within 25 s, the status is 0, nothing is lost.

A few moments here, many in ``make torture``: ``SAYSO_STOPS=200 python -m pytest -m torture tests/operations``. The seed
is in the name of whatever fails.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import time
from collections.abc import Iterable
from typing import Any, Self

import aiohttp
import pytest

from bot.core.model import Role
from tests.fakes.receiver import Call, End, Receiver, message, saying
from tests.stories.program import Program

LIMIT = 25.0
_PAUSE = 0.03
ENDED = {"executed", "failed", "unknown"}


class Load:
    """An agent that submits what runs by itself, thirty a second, and remembers what it was told."""

    def __init__(self, program: Program, key: str) -> None:
        self.taken: list[str] = []
        self._program = program
        self._headers = {"Authorization": f"Bearer {key}"}

    async def submit(self) -> None:
        """Until the bot answers no more."""
        body = {"action": "refund.issue", "arguments": {"order": "1", "amount": 1}, "confidence": 0.9}
        async with aiohttp.ClientSession(headers=self._headers) as http:
            while True:
                try:
                    async with http.post(f"{self._program.base}/v1/requests", json=body) as answer:
                        if answer.status == 201:
                            self.taken.append((await answer.json())["id"])
                    await asyncio.sleep(_PAUSE)
                except (aiohttp.ClientError, OSError):
                    return


def moody(chance: random.Random) -> Any:
    """A target that answers at once, or after a while, or never."""

    def script(_: Call) -> Iterable[bytes | float | End]:
        mood = chance.random()
        if mood < 0.03:
            return (End.STALL,)
        return (chance.random() * 0.3, message(b'{"ok": true}'))

    return script


async def stopped(program: Program, load: Load, after: float) -> float:
    """Let the load run, ask the bot to end; how long that took. Its status must be good."""
    submitting = [asyncio.create_task(load.submit()) for _ in range(4)]
    await asyncio.sleep(after)
    began = time.monotonic()
    status = await program.stop()
    took = time.monotonic() - began
    await asyncio.gather(*submitting)
    assert status == 0, program.said()
    return took


async def reconcile(program: Program, key: str, taken: list[str], receiver: Receiver) -> None:
    """After the next start: all that was taken is there and ended, nothing was called twice, no effect is unsaid."""
    headers = {"Authorization": f"Bearer {key}"}
    async with aiohttp.ClientSession(headers=headers) as http:
        for request_id in taken:
            async with asyncio.timeout(20):
                while True:
                    async with http.get(f"{program.base}/v1/requests/{request_id}") as answer:
                        assert answer.status == 200, request_id
                        execution = (await answer.json())["execution"]
                    if execution["state"] in ENDED:
                        break
                    await asyncio.sleep(0.1)
            effects = receiver.effects[execution["id"]]
            assert effects <= 1, request_id
            if execution["state"] == "executed":
                assert effects == 1, request_id
            if effects:
                assert execution["state"] in ("executed", "unknown"), request_id


async def storm(program: Program, seed: int, rounds: int) -> None:
    """Start, load, SIGTERM at a random moment, again and again; every round's ledger is held to at its end."""
    chance = random.Random(seed)  # noqa: S311  # a moment, no secret
    async with Receiver(moody(chance)) as receiver:
        program.rules(receiver=receiver.url)
        await program.start()
        key = await program.key("billing")
        for number in range(rounds):
            load = Load(program, key)
            took = await stopped(program, load, chance.random())
            assert took < LIMIT, f"seed {seed}, round {number}: {took:.1f} s"
            await program.start()
            await reconcile(program, key, load.taken, receiver)
        assert await program.stop() == 0


async def test_p14_sigterm_at_random_moments(program: Program) -> None:
    """Twice under load, at moments that differ from run to run."""
    await storm(program, random.randrange(1_000_000), 2)  # noqa: S311  # a seed


@pytest.mark.torture
async def test_p14_sigterm_at_many_moments(program: Program) -> None:
    """Many times."""
    seed = int(os.environ.get("SAYSO_STOP_SEED", random.randrange(1_000_000)))  # noqa: S311  # a seed
    await storm(program, seed, int(os.environ.get("SAYSO_STOPS", "60")))


async def test_p14_told_twice_it_waits_for_nothing_that_runs(program: Program) -> None:
    """The second SIGTERM ends the waiting: what runs is unknown and said to be, and the status is good."""
    async with Receiver(saying(End.STALL)) as stalling:
        program.rules(receiver=stalling.url)
        rules = program.folder / "routing.yaml"
        rules.write_text(rules.read_text().replace("timeout: 3s", "timeout: 60s"))
        await program.start()
        async with program.caller("billing") as agent:
            request = await agent.submit(arguments={"order": "1", "amount": 1}, confidence=0.9)
            async with asyncio.timeout(10):
                await stalling.called()
        program.send(signal.SIGTERM)
        async with asyncio.timeout(10):
            while "told to stop" not in program.said():
                await asyncio.sleep(0.02)
        began = time.monotonic()
        assert await program.stop() == 0
        assert time.monotonic() - began < 8
        async with program, program.caller("billing") as agent:
            assert (await agent.get(request["id"]))["execution"]["state"] == "unknown"
        assert len(stalling.calls) == 1


async def test_p14_ready_without_slack_and_not_once_it_leaves(program: Program) -> None:
    """Told to stop, /readyz is 503 at once, /healthz still 200; what comes while it drains is taken; systemd hears."""
    program.rules()
    program.environment |= {"SLACK_API_URL": "http://127.0.0.1:9/", "SLACK_BOT_TOKEN": "xoxb-nobody-at-all"}
    program.environment |= {"SLACK_APP_TOKEN": "xapp-nobody-at-all", "SAYSO_DRAIN": "2"}
    with _Supervisor(program) as heard:
        await program.start()
        async with program.caller("billing") as agent, program.caller("ana", Role.REVIEWER) as ana:
            async with asyncio.timeout(10):
                while (answer := await agent.call("GET", "/readyz"))[0] != 200:
                    await asyncio.sleep(0.05)
            # While Slack is down people are asked in the inbox: no reason to turn away from here.
            assert answer[1]["status"] == "degraded"
            assert [check["name"] for check in answer[1]["checks"] if not check["ok"]] == ["slack"]
            await heard.until("READY=1")
            await heard.until("WATCHDOG=1")
            began = time.monotonic()
            program.send(signal.SIGTERM)
            async with asyncio.timeout(5):
                while (answer := await agent.call("GET", "/readyz"))[0] != 503:
                    await asyncio.sleep(0.01)
            assert time.monotonic() - began < 1.5
            assert answer[1]["checks"] == [{"name": "stopping", "ok": False, "detail": "was told to stop"}]
            assert (await agent.call("GET", "/healthz"))[0] == 200
            request = await agent.submit()
            assert (await ana.decide(request, "reject", comment="late", category="other"))[0] == 200
            assert await program.stop() == 0
        await heard.until("STOPPING=1")


class _Supervisor:
    """The socket that systemd listens on (sd_notify(3)); the program is told of it."""

    def __init__(self, program: Program) -> None:
        path = str(program.folder / "notify")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(path)
        self._socket.setblocking(False)  # noqa: FBT003  # the method takes no keyword
        self._heard: set[str] = set()
        program.environment |= {"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "300000"}

    async def until(self, words: str) -> None:
        """Wait until these were said."""
        async with asyncio.timeout(10):
            while words not in self._heard:
                try:
                    self._heard.add(self._socket.recv(100).decode())
                except BlockingIOError:
                    await asyncio.sleep(0.01)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
