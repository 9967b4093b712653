"""T24 under the whole program: it signs as it runs, and says so aloud when somebody writes into its trail."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from typing import Any

import aiohttp

from bot.core.checkpoint import SigningKey, private_key
from tests.stories.program import Program

KEY = private_key(b"story-story-story-story-story-32")


async def asked(program: Program, path: str) -> str:
    """What the bot answers."""
    async with aiohttp.ClientSession() as http, http.get(f"{program.base}{path}") as answer:
        return await answer.text()


async def checks(program: Program) -> dict[str, dict[str, Any]]:
    """What /readyz says, by name."""
    return {check["name"]: check for check in json.loads(await asked(program, "/readyz"))["checks"]}


async def test_t24_the_running_bot_signs_and_raises_the_alarm(program: Program) -> None:
    """Checkpoints go out by themselves; an old line that is edited in its database shows at every place one looks."""
    kept = program.folder / "kept.jsonl"
    program.environment |= {
        "SAYSO_AUDIT_KEY": KEY,
        "SAYSO_AUDIT_CHECKPOINTS": f"{kept} {program.folder}/nowhere/kept.jsonl",
        "SAYSO_AUDIT_CHECKPOINT_EVERY": "1s",
    }
    program.rules()
    async with program, asyncio.timeout(180):
        while not kept.exists() or (await checks(program))["checkpoints"]["detail"] == "nothing to sign yet":
            await asyncio.sleep(0.1)
        await program.key("billing")
        while kept.read_text().count("\n") < 2:
            await asyncio.sleep(0.1)
        found = await checks(program)
        assert found["audit"]["ok"], found
        assert not found[f"checkpoints at {program.folder}/nowhere/kept.jsonl"]["ok"]
        figures = await asked(program, "/metrics")
        assert "sayso_audit_ok 1\n" in figures
        assert "sayso_audit_checkpoint_overdue 0\n" in figures
        assert f'sayso_audit_place_ok{{place="{kept}"}} 1\n' in figures
        driver = sqlite3.connect(program.folder / "sayso.db", timeout=30)
        driver.execute("UPDATE events SET body = replace(body, 'sayso', 'nobody') WHERE seq = 1")
        driver.commit()
        driver.close()
        while (await checks(program))["audit"]["ok"]:
            await asyncio.sleep(0.1)
        assert "line 1 was changed" in (await checks(program))["audit"]["detail"]
        assert json.loads(await asked(program, "/readyz"))["status"] == "degraded"
        while "sayso_audit_ok 0\n" not in await asked(program, "/metrics"):
            await asyncio.sleep(0.1)
    assert "line 1 was changed" in program.said()
    public = SigningKey(KEY).public
    assert all(json.loads(line)["checkpoint"]["keys"] == [public] for line in kept.read_text().splitlines())
