"""The rules of a running bot: a bad file raises the alarm, and a kill while it reads leaves no half of one (T26)."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path

import aiohttp
import pytest

from bot.routing import load, parse
from store import open_store
from tests.stories.program import Program


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """An installation of its own."""
    return Program(tmp_path)


async def _figures(program: Program) -> dict[str, float]:
    async with aiohttp.ClientSession() as anybody, anybody.get(f"{program.base}/metrics") as page:
        lines = (await page.text()).splitlines()
    pairs = [line.rpartition(" ") for line in lines if line.startswith("sayso_routing_")]
    return {name.removeprefix("sayso_routing_"): float(value) for name, _, value in pairs}


async def _becomes(program: Program, **expected: float) -> None:
    async with asyncio.timeout(10):
        while not expected.items() <= (await _figures(program)).items():
            await asyncio.sleep(0.05)


async def test_t26_a_running_bot_raises_the_alarm_and_goes_on(program: Program) -> None:
    """A file cut short while it is written is not in force and the alarm shows it; SIGHUP reads it again at once."""
    program.rules()
    path = program.folder / "routing.yaml"
    good = path.read_text(encoding="utf-8")
    async with program, program.caller("billing") as billing:
        await _becomes(program, refused=0, loads_total=1, refusals_total=0)
        path.write_text(good[: len(good) // 2], encoding="utf-8")
        await _becomes(program, refused=1, refusals_total=1)
        assert (await billing.submit())["rule"] == "refunds"
        status, ready = await billing.call("GET", "/readyz")
        assert (status, ready["status"]) == (200, "degraded")
        assert "not in force" in next(check["detail"] for check in ready["checks"] if check["name"] == "rules")
        program.send(signal.SIGHUP)
        await _becomes(program, refused=1, refusals_total=2)
        path.write_text(good, encoding="utf-8")
        await _becomes(program, refused=0, loads_total=2)
        program.send(signal.SIGHUP)
        await _becomes(program, loads_total=3)
        assert await program.stop() == 0


async def test_t26_a_bot_killed_while_it_reads_takes_up_the_file_as_it_is(program: Program) -> None:
    """SIGKILL in the midst of reloads leaves no half of a file in force: what starts again names the file's hash."""
    program.rules()
    path = program.folder / "routing.yaml"
    good = path.read_text(encoding="utf-8")
    async with program:
        path.write_text(good + "# more\n", encoding="utf-8")
        program.send(signal.SIGHUP)
        await program.kill()
    async with program:
        pass
    store = await open_store(program.environment["SAYSO_DATABASE_URL"], exclusive=False)
    lines = [json.loads(line.body) for line in await store.audit_lines(0, 1000)]
    await store.close()
    loaded = [line["data"]["policy"] for line in lines if line["type"] == "config.loaded"]
    known = {load(path).hash, parse(good, "routing.yaml").hash}
    assert set(loaded) <= known
    assert loaded[-1] == load(path).hash
