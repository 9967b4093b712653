"""Several bots on one PostgreSQL: what one does the others know, and what one leaves behind the others see to."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.core.model import Role
from store import open_store
from store.chain import verify_store
from tests.fakes.receiver import End, Receiver, saying
from tests.fakes.slack import FakeSlack
from tests.postgres import Cluster
from tests.stories.program import Program

LEASE = 2.0


@pytest.fixture
async def database(cluster: Cluster) -> AsyncIterator[str]:
    """An empty database's address; whatever was done in it, its audit trail holds at the end."""
    name = await cluster.make()
    yield cluster.url(name)
    store = await open_store(cluster.url(name), exclusive=False)
    report = await verify_store(store)
    await store.close()
    assert report.ok, report.text()
    await cluster.drop(name)


def replica(folder: Path, database: str, name: str, slack: FakeSlack | None = None) -> Program:
    """One of the bots, in a folder of its own; they share what replicas have to share."""
    own = folder / name
    own.mkdir()
    program = Program(own, slack=slack, socket_mode=True)
    program.environment |= {"SAYSO_DATABASE_URL": database, "SAYSO_LEASE": f"{LEASE:g}s"}
    return program


@pytest.fixture
def two(tmp_path: Path, database: str, receiver: Receiver) -> tuple[Program, Program]:
    """Two bots that run refunds at one receiver."""
    both = replica(tmp_path, database, "a"), replica(tmp_path, database, "b")
    for one in both:
        one.rules(receiver=receiver.url)
    return both


async def test_a_wait_on_one_ends_as_the_other_decides(two: tuple[Program, Program], receiver: Receiver) -> None:
    """Word goes from process to process: nobody waits for a look round, and the action runs once."""
    async with two[0] as one, two[1] as other, one.caller("billing") as agent:
        request = await agent.submit()
        waiting = asyncio.create_task(agent.get(request["id"], "wait=20"))
        async with other.caller("ana", Role.REVIEWER) as ana:
            await asyncio.sleep(0.2)
            status, _ = await ana.decide(request, "approve")
            decided = time.monotonic()
        assert status == 200
        assert (await waiting)["state"] == "approved"
        assert time.monotonic() - decided < 1.5
        done = await agent.until(request["id"], lambda r: r["execution"]["state"] == "executed")
    assert list(receiver.effects.values()) == [1], done


async def test_p03_fifty_decisions_at_two_replicas_are_one(two: tuple[Program, Program], receiver: Receiver) -> None:
    """Approve and reject, at both, at once: one counts, the others are told who decided."""
    async with two[0] as one, two[1] as other, one.caller("billing") as agent:
        request = await agent.submit()
        async with one.caller("ana", Role.REVIEWER) as ana, other.caller("ben", Role.REVIEWER) as ben:
            verbs = [("approve", {}), ("reject", {"comment": "no", "category": "other"})]
            calls = [who.decide(request, verb, **more) for _ in range(13) for who in (ana, ben) for verb, more in verbs]
            answers = await asyncio.gather(*calls)
        assert sorted(status for status, _ in answers) == [200] + [409] * (len(calls) - 1)
        state = (await agent.get(request["id"]))["state"]
        if state == "approved":
            await agent.until(request["id"], lambda r: r["execution"]["state"] == "executed")
    assert sum(receiver.effects.values()) == (state == "approved")


async def test_p11_one_that_dies_is_taken_over(two: tuple[Program, Program], receiver: Receiver) -> None:
    """What it ran is unknown within a lease and a half, and runs nowhere else; nobody had to start it again."""
    receiver.script = saying(End.STALL)
    async with two[1] as other, other.caller("billing") as agent:
        await two[0].start()
        request = await agent.submit()
        async with two[0].caller("ben", Role.REVIEWER) as ben:
            await ben.decide(request, "approve")
        await receiver.called()
        await two[0].kill()
        lost = await agent.until(request["id"], lambda r: r["execution"]["state"] == "unknown", within=LEASE * 10)
        assert "the bot stopped while this ran" in lost["execution"]["error"]
    assert list(receiver.effects.values()) == [1]


async def test_p11_one_that_sleeps_past_its_lease_does_not_run_it_again(
    two: tuple[Program, Program], receiver: Receiver
) -> None:
    """Stopped after its claim and waked when the others have taken over: it drops what it had, and joins anew."""
    receiver.script = lambda _: (3 * LEASE, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    async with two[0] as sleeper, two[1] as other, other.caller("billing") as agent:
        request = await agent.submit()
        async with sleeper.caller("ben", Role.REVIEWER) as ben:
            await ben.decide(request, "approve")
        await receiver.called()
        sleeper.send(signal.SIGSTOP)
        # Not only until the run is unknown, which it is by its own time limit too, where this test is slow to stop it.
        await _says(other, "took over from")
        await agent.until(request["id"], lambda r: r["execution"]["state"] == "unknown", within=60)
        sleeper.send(signal.SIGCONT)
        await _says(sleeper, "joins anew")
        async with sleeper.caller("zoe") as again:
            fresh = await again.submit()
        assert fresh["state"] == "pending"
        assert (await agent.get(request["id"]))["execution"]["state"] == "unknown"
    assert list(receiver.effects.values()) == [1]


async def _says(program: Program, words: str) -> None:
    async with asyncio.timeout(60):
        while words not in program.said():
            await asyncio.sleep(0.05)


async def test_p14_one_that_is_told_to_stop_hands_over_at_once(
    two: tuple[Program, Program], receiver: Receiver
) -> None:
    """Its executions still to come are the others' within a moment, not after a lease."""
    text = (two[0].folder / "routing.yaml").read_text(encoding="utf-8")
    for one in two:
        one.environment["SAYSO_LEASE"] = "60s"
        rules = text.replace("editable: [amount, currency]", "editable: [amount]\n    undo_window: 3s")
        (one.folder / "routing.yaml").write_text(rules, encoding="utf-8")
    async with two[1] as other, other.caller("billing") as agent:
        await two[0].start()
        request = await agent.submit()
        async with two[0].caller("ben", Role.REVIEWER) as ben:
            await ben.decide(request, "approve")
        assert await two[0].stop() == 0
        await agent.until(request["id"], lambda r: r["execution"]["state"] == "executed", within=30)
    assert list(receiver.effects.values()) == [1]


async def test_p07_a_step_fires_once_whoever_looks(
    tmp_path: Path, database: str, slack: FakeSlack, receiver: Receiver
) -> None:
    """Two schedulers, one escalation; each card is posted once, and stands decided wherever it was decided."""
    both = [replica(tmp_path, database, name, slack) for name in ("a", "b")]
    for one in both:
        one.rules(receiver=receiver.url, wait="2s")
    # Not the agent that lea owns, for whom the next step would be skipped.
    async with both[0] as one, both[1] as other, one.caller("shop") as agent:
        requests = [await agent.submit(reason=f"number {n}") for n in range(6)]
        for request in requests:
            await agent.until(request["id"], lambda r: r["escalation_level"] == 1, within=30)
        async with other.caller("lea", Role.REVIEWER) as lea:
            for request in requests:
                status, answer = await lea.decide(request, "approve")
                assert status == 200, answer
        for request in requests:
            await agent.until(request["id"], _all_told, within=30)
            _, audit = await agent.call("GET", f"/v1/requests/{request['id']}/audit")
            kinds = [event["type"] for event in audit["events"]]
            assert kinds.count("request.escalated") == 1
    assert receiver.effects.total() == len(requests)
    assert set(receiver.effects.values()) == {1}


def _all_told(request: Any) -> bool:
    return (
        request["execution"] is not None
        and request["execution"]["state"] == "executed"
        and all(delivery["state"] == "sent" for delivery in request["deliveries"])
    )


async def test_one_that_is_cut_off_comes_back(two: tuple[Program, Program], cluster: Cluster) -> None:
    """PostgreSQL ends every connection of both: they answer 503 for a moment at most, and then as before."""
    async with two[0] as one, two[1] as other, one.caller("billing") as agent:
        request = await agent.submit()
        await cluster.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'sayso'")
        async with asyncio.timeout(20):
            while (await agent.call("POST", "/v1/requests", {"action": "deploy.start"}))[0] != 201:
                await asyncio.sleep(0.05)
        waiting = asyncio.create_task(agent.get(request["id"], "wait=20"))
        await asyncio.sleep(2)
        async with other.caller("ana", Role.REVIEWER) as ana:
            status, _ = await ana.decide(request, "approve")
        assert status == 200
        assert (await waiting)["state"] == "approved"


async def test_bots_that_do_not_fit_together_say_so(two: tuple[Program, Program]) -> None:
    """Another secret, then another file of rules: `/readyz` and the doctor name what differs, and nobody's secret."""
    two[1].environment["SAYSO_SECRET"] = "another-another-another-another"
    async with two[0] as one, two[1] as other, one.caller("billing") as agent:
        _, ready = await agent.call("GET", "/readyz")
        (told,) = [check for check in ready["checks"] if check["name"] == "replicas"]
        assert (ready["status"], told["ok"]) == ("degraded", False)
        assert "SAYSO_SECRET is not the same" in told["detail"]
        _, said, _ = await other.tell("doctor", "--no-round-trip")
        assert "SAYSO_SECRET is not the same" in said
        assert "another-another" not in said + str(ready)
