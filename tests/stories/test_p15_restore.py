"""P15: a bot is backed up in mid-load and brought back somewhere else; nothing runs there before somebody says so."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from bot.core.model import Role
from tests.fakes.receiver import Receiver, answering
from tests.stories.program import SECRET, Caller, Program


async def load(agent: Caller, taken: list[str], enough: asyncio.Event) -> None:
    """Submit what runs by rule, without end; what was acknowledged goes on the ledger."""
    while not enough.is_set():
        request = await agent.submit(arguments={"order": str(len(taken)), "amount": 3}, confidence=0.9)
        taken.append(request["id"])


async def backed_up(program: Program, file: Path) -> tuple[list[str], list[str], Any]:
    """What was acknowledged before and after a backup in mid-load; what the backup says of itself."""
    taken: list[str] = []
    enough = asyncio.Event()
    async with program.caller("billing") as agent:
        # Held, so that there is something that would run.
        assert (await program.tell("pause"))[0] == 0
        workers = [asyncio.ensure_future(load(agent, taken, enough)) for _ in range(4)]
        async with asyncio.timeout(30):
            while len(taken) < 20:
                await asyncio.sleep(0.02)
        before = list(taken)
        status, out, err = await program.tell("backup", str(file), "--json")
        enough.set()
        await asyncio.gather(*workers)
    assert status == 0, err
    return before, taken, json.loads(out)


async def test_p15_a_restored_bot_runs_nothing_until_it_is_told_to(program: Program, tmp_path: Path) -> None:
    """Under load over HTTP; restored into another folder, it verifies, tells what would run, and waits for resume."""
    file = tmp_path / "backup.db"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    async with Receiver(answering({"ok": True}), secret=SECRET) as receiver:
        program.rules(receiver=receiver.url)
        async with program:
            before, taken, about = await backed_up(program, file)
        other = Program(elsewhere)
        other.rules(receiver=receiver.url)
        status, out, err = await other.tell("restore", str(file), "--json")
        assert status == 0, err
        told = json.loads(out)
        waiting = {line["request"] for line in told["would"]["waiting"]}
        assert set(before) <= waiting <= set(taken)
        assert (told["seq"], told["hash"], told["paused"]) == (about["seq"], about["hash"], True)
        status, _, err = await other.tell("restore", str(file))
        assert status == 2
        assert "--force" in err
        async with other:
            assert (await other.tell("audit", "verify"))[0] == 0
            async with other.caller("root", Role.ADMIN) as admin:
                found = await admin.get(before[0])
                assert found["execution"]["state"] == "waiting"
                # What runs when it may, has had time to: a whole request is taken and decided meanwhile.
                await asyncio.sleep(1)
                assert not receiver.effects
                assert (await other.tell("resume"))[0] == 0
                for request_id in before:
                    await admin.until(request_id, lambda one: one["execution"]["state"] == "executed", within=30)
    assert max(receiver.effects.values()) == 1
    assert set(before) <= waiting
