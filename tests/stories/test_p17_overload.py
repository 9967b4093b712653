"""Ten times as much as can be done, from a process of its own: refused aloud, and no person waits behind it."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import aiohttp
import pytest

from bot.core.model import Role
from tests.fakes.slack import FakeSlack, Message, buttons, visible_text
from tests.stories.program import REFUND, Caller, Program

LINES = 700
"""Connections of the flood: more than may be inside and in line, so that most of them are refused."""

Told = dict[str, Any]
Call = tuple[str, str, Mapping[str, str], str]
"""Method, path, headers, body."""


class Flood:
    """One flood; once it is over, what came back."""

    def __init__(self, process: asyncio.subprocess.Process, made: Path) -> None:
        self._process = process
        self._made = made
        self.told: Told = {}

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self._process.returncode is not None

    async def end(self) -> None:
        """Wait for it."""
        out, _ = await self._process.communicate()
        self.told = json.loads(out)

    @property
    def made(self) -> list[str]:
        """The requests that it was told were made."""
        return self._made.read_text(encoding="utf-8").split()

    def count(self, call: int = 0) -> Counter[int]:
        """How often each status came back to a call."""
        return Counter({int(status): n for status, n in self.told["statuses"][call].items()})


@asynccontextmanager
async def flood(program: Program, *calls: Call, seconds: float, lines: int = LINES) -> AsyncIterator[Flood]:
    """A flood of these calls while the block runs, and to its own end."""
    made = program.folder / f"made-{time.monotonic_ns()}.txt"
    told = {"port": program.port, "seconds": seconds, "lines": lines, "calls": calls, "made": str(made)}
    given = made.with_suffix(".json")
    given.write_text(json.dumps(told), encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.stories.flood",
        str(given),
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    it = Flood(process, made)
    try:
        yield it
        await it.end()
    finally:
        if not it.over:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def submission(key: str, **changes: Any) -> Call:
    """The call that submits."""
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    return "POST", "/v1/requests", headers, json.dumps({**REFUND, **changes})


def resident(program: Program) -> int:
    """Bytes of the process in memory."""
    pages = Path(f"/proc/{program.pid}/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGESIZE")


async def decided(ana: Caller, pending: list[Any], until: Flood, pause: float = 0.02) -> list[float]:
    """Decide one after the other while the flood lasts: how long each took."""
    took = []
    while pending and not until.over:
        request = pending.pop()
        began = time.monotonic()
        status, answer = await ana.decide(request, "approve")
        took.append(time.monotonic() - began)
        assert status == 200, answer
        await asyncio.sleep(pause)
    return took


async def _others(agent: Caller, until: Flood) -> Counter[int]:
    """What an agent hears that submits now and then, and heeds nothing either."""
    heard: Counter[int] = Counter()
    while not until.over:
        status, _ = await agent.call("POST", "/v1/requests", REFUND)
        heard[status] += 1
        await asyncio.sleep(0.1)
    return heard


async def _overloaded(program: Program, seconds: float, clicks: int) -> None:
    """The whole story, for so long."""
    program.rules()
    async with program, program.caller("billing") as billing, program.caller("ana", Role.REVIEWER) as ana:
        wild = await program.key("wild")
        pending = [await billing.submit() for _ in range(clicks)]
        async with flood(program, submission(wild), seconds=seconds / 4, lines=16) as calm:
            pass
        sustained = calm.count()[201] / (seconds / 4)
        async with flood(program, submission(wild), seconds=seconds) as storm:
            await asyncio.sleep(seconds / 4)
            early = resident(program)
            deciding = asyncio.create_task(decided(ana, pending, storm, pause=seconds / 2 / clicks))
            tame = asyncio.create_task(_others(billing, storm))
            await asyncio.sleep(seconds / 2)
            late = resident(program)
        took, heard = await deciding, await tame
        counted = storm.count()
        assert set(counted) == {201, 429}, storm.told
        assert not storm.told["faults"], storm.told
        assert counted[201] / seconds > sustained / 3, (counted, sustained)
        assert late < early * 1.1 + 8 * 2**20, (early, late)
        assert len(took) >= min(10, clicks)
        assert median(took) < storm.told["p50"] / 2, (sorted(took), storm.told)
        assert set(heard) == {201}, heard
        await _kept(program, [*calm.made, *storm.made])
        async with aiohttp.ClientSession() as http, http.get(f"{program.base}/metrics") as answer:
            assert f'sayso_refused_total{{reason="agent"}} {counted[429]}' in (await answer.text()).splitlines()


async def _kept(program: Program, made: list[str]) -> None:
    """All that was answered with 201 is there, and the trail holds together."""
    assert len(made) == len(set(made))
    status, out, err = await program.tell("audit", "verify")
    assert status == 0, out + err
    async with program.caller("ops", Role.ADMIN) as ops:
        found: set[str] = set()
        cursor: str | None = ""
        while cursor is not None:
            on = f"&cursor={cursor}" if cursor else ""
            status, page = await ops.call("GET", f"/v1/requests?agent=wild&limit=200{on}")
            assert status == 200, page
            found.update(request["id"] for request in page["requests"])
            cursor = page.get("next_cursor")
    assert found >= set(made)


async def test_p17_a_flood_is_refused_aloud_and_no_click_waits_behind_it(program: Program) -> None:
    """Nearly as much is taken as can be; the rest hears 429 and when; memory is flat, others come in, people decide."""
    await _overloaded(program, seconds=4, clicks=40)


@pytest.mark.torture
async def test_p17_minutes_of_it(program: Program) -> None:
    """The same for two minutes."""
    await _overloaded(program, seconds=120, clicks=1_000)


def _asks(message: Message, title: str) -> bool:
    return title in visible_text(message) and bool(buttons(message))


def _decided(card: Message) -> bool:
    return "approve" not in buttons(card)


async def test_p17_a_click_in_slack_passes_a_flood(slack: FakeSlack, tmp_path: Path) -> None:
    """Somebody presses Approve in Slack while agents flood the intake: it passes what was sent before it."""
    program = Program(tmp_path, slack=slack)
    program.rules()
    async with program, program.caller("billing") as billing:
        wild = await program.key("wild")
        cards = []
        for number in range(12):
            request = await billing.submit(arguments={**REFUND["arguments"], "order": f"order-{number:03}"})
            cards.append(await slack.wait_for_message("#approvals", partial(_asks, title=request["title"])))
        took = []
        async with flood(program, submission(wild, action="records.delete"), seconds=4) as storm:
            await asyncio.sleep(1)
            for card in cards:
                began = time.monotonic()
                assert (await slack.click("U0ANA", card, "approve")).ok
                took.append(time.monotonic() - began)
        assert storm.count()[429] > 0
        assert median(took) < storm.told["p50"] / 2, (sorted(took), storm.told)
        for card in cards:
            await slack.wait_for(partial(_decided, card))


_SIGNED = {"x-slack-signature": "v0=00", "x-slack-request-timestamp": "1", "content-type": "application/json"}
_LARGE = "x" * 256 * 1024
NONSENSE: Mapping[str, tuple[Call, int]] = {
    "keys that nobody has": (("POST", "/v1/requests", {"authorization": "Bearer sk_agent_none"}, _LARGE), 401),
    "addresses that are not there": (("GET", "/v1/nothing", {}, ""), 404),
    "signatures of somebody else": (("POST", "/slack/events", _SIGNED, "{}"), 401),
    "pages without a session": (("GET", "/inbox", {}, ""), 303),
    "what is no HTTP": (("BLAH /", "x", {}, ""), 400),
}


def _told(program: Program, since: int) -> list[str]:
    """The lines of the log about what came in; those about webhooks that nobody takes are the story's own."""
    return [line for line in program.said()[since:].splitlines() if "bot.courier" not in line]


async def test_p17_nonsense_keeps_nobody_out(slack: FakeSlack, tmp_path: Path) -> None:
    """Whoever floods without a key is told no, ever slower; people decide; neither memory nor the log fills."""
    program = Program(tmp_path, slack=slack)
    program.rules(post_to="dm")
    async with program, program.caller("billing") as billing, program.caller("ana", Role.REVIEWER) as ana:
        pending = [await billing.submit() for _ in range(100)]
        before, said = resident(program), len(program.said())
        for what, (call, refused) in NONSENSE.items():
            async with flood(program, call, seconds=1, lines=300) as storm:
                # The last first, as they are taken.
                took = await decided(ana, pending[-20:], storm)
                del pending[len(pending) - len(took) :]
            assert set(storm.count()) == {refused}, (what, storm.told)
            assert took, what
            assert max(took) < 5, (what, took)
        assert resident(program) < before + 64 * 2**20
        assert len(_told(program, said)) < 8, _told(program, said)


async def test_p17_open_connections_keep_nobody_out(program: Program) -> None:
    """More connections that say nothing than may be open: the oldest make room for whoever has something to say."""
    program.rules()
    program.most_files = 256
    quiet: list[asyncio.StreamWriter] = []
    async with program, program.caller("billing") as billing:
        try:
            for _ in range(300):
                _, writer = await asyncio.open_connection("127.0.0.1", program.port)
                writer.write(b"POST /v1/requests HTTP/1.1\r\nhost: x\r\ncontent-")
                quiet.append(writer)
            await billing.submit()
        finally:
            for writer in quiet:
                writer.close()
        async with aiohttp.ClientSession() as http, http.get(f"{program.base}/metrics") as answer:
            assert re.search(r'sayso_refused_total\{reason="connections"\} [1-9]', await answer.text())
