"""Without any account: the API, the rules, the replay, the trail."""

from __future__ import annotations

import asyncio
import json
import time

from bot.core.model import Role
from tests.fakes.receiver import End, Receiver, message, saying
from tests.stories.program import Program, free_port


async def test_a_tiny_refund_runs_by_rule(program: Program, receiver: Receiver) -> None:
    """What a rule approves is replayed at once, signed, under its execution's id, and the result is the agent's."""
    program.rules(receiver=receiver.url)
    async with program, program.caller("billing") as agent:
        request = await agent.submit(arguments={"order": "1", "amount": 4.5}, confidence=0.9)
        assert (request["state"], request["rule"]) == ("approved", "tiny refunds")
        done = await agent.get(request["id"], "wait=10&for=outcome")
    assert done["execution"]["state"] == "executed"
    assert done["execution"]["result"] == {"ok": True}
    call = receiver.calls[0]
    assert call.headers["idempotency-key"] == call.id == done["execution"]["id"]
    assert call.json["type"] == "action.execute"
    assert call.json["data"] == {
        "request": request["id"],
        "execution": done["execution"]["id"],
        "revision": 1,
        "digest": request["digest"],
        "agent": "billing",
        "action": "refund.issue",
        "arguments": {"order": "1", "amount": 4.5},
        "approved_by": [],
    }


async def test_a_blocked_action_never_runs(program: Program, receiver: Receiver) -> None:
    """What a rule blocks is refused at once and stays so."""
    program.rules(receiver=receiver.url)
    async with program, program.caller("billing") as agent, program.caller("ana", Role.REVIEWER) as ana:
        request = await agent.submit(action="records.delete", arguments={"count": 5})
        assert (request["state"], request["rule"]) == ("blocked", "no deletion")
        status, problem = await ana.decide(request, "approve")
        assert status in (403, 409)
        assert problem["code"] in ("not_assigned", "already_decided")
    assert receiver.connections == 0


async def test_an_edit_runs_as_edited(program: Program, receiver: Receiver) -> None:
    """What runs is what the person made of it; the agent sees both, and the decision names every difference."""
    program.rules(receiver=receiver.url)
    async with program, program.caller("billing") as agent, program.caller("ana", Role.REVIEWER) as ana:
        request = await agent.submit()
        edited = {**request["arguments"], "amount": 100}
        status, decided = await ana.decide(request, "approve_with_edits", arguments=edited, comment="Half is ours")
        assert status == 200, decided
        done = await agent.get(request["id"], "wait=10&for=outcome")
    assert done["state"] == "approved_with_edits"
    assert (done["arguments"]["amount"], done["effective_arguments"]["amount"]) == (240.0, 100)
    assert done["revision"] == 2
    edits = done["decisions"][0]["edits"]
    assert [(e["pointer"], e["before"], e["after"]) for e in edits] == [("/amount", 240.0, 100)]
    assert receiver.calls[0].json["data"]["arguments"] == edited
    assert receiver.calls[0].json["data"]["digest"] == done["digest"] != request["digest"]
    assert receiver.calls[0].json["data"]["approved_by"] == ["ana"]


async def test_a_waiting_agent_is_answered_within_100_ms(program: Program, receiver: Receiver) -> None:
    """The wait ends by notification: its answer is there at most 100 ms after the decision's own."""
    program.rules(receiver=receiver.url)
    async with program, program.caller("billing") as agent, program.caller("ana", Role.REVIEWER) as ana:
        delays = []
        for _ in range(5):
            request = await agent.submit()
            waiting = asyncio.ensure_future(agent.get(request["id"], "wait=20"))
            await asyncio.sleep(0.1)
            assert not waiting.done()
            status, _decided = await ana.decide(request, "reject", comment="Not ours", category="wrong_target")
            decided_at = time.perf_counter()
            assert status == 200
            answered = await waiting
            delays.append(time.perf_counter() - decided_at)
            assert answered["state"] == "rejected"
            assert answered["decisions"][0]["category"] == "wrong_target"
    assert min(delays) < 0.1, delays


async def test_a_question_and_its_answer(program: Program, receiver: Receiver) -> None:
    """Asking sets the decision aside; the agent's answer makes the next revision, and the old one cannot be decided."""
    program.rules(receiver=receiver.url)
    async with program, program.caller("billing") as agent, program.caller("ana", Role.REVIEWER) as ana:
        request = await agent.submit()
        status, asked = await ana.decide(request, "ask", comment="Which of the two charges?")
        assert (status, asked["state"]) == (200, "needs_info")
        status, problem = await ana.decide(request, "approve")
        assert (status, problem["code"]) == (409, "needs_info")
        status, informed = await agent.call(
            "POST", f"/v1/requests/{request['id']}/information", {"text": "The second one."}
        )
        assert (status, informed["state"], informed["revision"]) == (200, "pending", 2)
        status, problem = await ana.decide(request, "approve")
        assert (status, problem["code"]) == (409, "stale")
        status, decided = await ana.decide(informed, "approve")
        assert (status, decided["state"]) == (200, "approved")


async def test_p03_a_storm_of_decisions_has_one_outcome(program: Program) -> None:
    """Sixty decisions of two people at once, both ways, and more after the end: one counts, the rest are told so."""
    program.rules()
    async with (
        program,
        program.caller("billing") as agent,
        program.caller("ana", Role.REVIEWER) as ana,
        program.caller("ben", Role.REVIEWER) as ben,
    ):
        request = await agent.submit()
        words = ("approve", "reject") * 15
        answers = await asyncio.gather(*(who.decide(request, word) for word in words for who in (ana, ben)))
        won = [answer for status, answer in answers if status == 200]
        assert len(won) == 1
        assert {status for status, _ in answers} == {200, 409}
        late = await asyncio.gather(*(ben.decide(request, word) for word in ("approve", "reject", "escalate")))
        assert {status for status, _ in late} == {409}
        after = await agent.get(request["id"])
    assert after["state"] == won[0]["state"]
    assert len(after["decisions"]) == 1


async def test_an_agent_runs_its_own_action_and_reports(program: Program) -> None:
    """An action of the agent's own waits for its report, which is taken once."""
    program.rules()
    async with program, program.caller("billing") as agent, program.caller("ana", Role.REVIEWER) as ana:
        request = await agent.submit(action="deploy.start", arguments={"version": "2"})
        await ana.decide(request, "approve")
        path = f"/v1/requests/{request['id']}/outcome"
        status, reported = await agent.call("POST", path, {"state": "executed", "result": {"build": 7}})
        assert (status, reported["execution"]["state"]) == (200, "executed")
        assert reported["execution"]["result"] == {"build": 7}
        status, problem = await agent.call("POST", path, {"state": "failed", "error": "no"})
        assert (status, problem["code"]) == (409, "conflict")


async def test_escalation_and_expiry_come_by_themselves(program: Program) -> None:
    """The next step is asked when its time comes, the first may still decide, and silence expires."""
    program.rules(wait="1s")
    async with program, program.caller("billing") as agent, program.caller("lea", Role.REVIEWER) as lea:
        # Lea owns the agent, so that its requests never go to her; another agent's do.
        async with program.caller("other") as other:
            request = await other.submit(expires_in="3s")
            status, problem = await lea.decide(request, "approve")
            assert (status, problem["code"]) == (403, "not_assigned")
            moved = await other.until(request["id"], lambda r: r["escalation_level"] == 1)
            assert moved["assignees"] == ["ana", "ben", "lea"]
            ended = await other.until(request["id"], lambda r: r["state"] == "expired")
            assert ended["execution"]["state"] == "none"
        own = await agent.submit()
        await asyncio.sleep(2)
        assert (await agent.get(own["id"]))["assignees"] == ["ana", "ben"]


async def test_pause_holds_replays_and_resume_lets_them_go(program: Program, receiver: Receiver) -> None:
    """`sayso pause` stops replays of a running bot at once, `sayso resume` runs what was held."""
    program.rules(receiver=receiver.url)
    async with program, program.caller("billing") as agent:
        status, out, err = await program.tell("pause")
        assert (status, err) == (0, ""), out
        request = await agent.submit(arguments={"order": "1", "amount": 1}, confidence=0.9)
        await asyncio.sleep(1.5)
        assert (await agent.get(request["id"]))["execution"]["state"] == "waiting"
        assert receiver.connections == 0
        status, _, _ = await program.tell("resume")
        assert status == 0
        done = await agent.get(request["id"], "wait=10&for=outcome")
        assert done["execution"]["state"] == "executed"


async def test_the_trail_verifies_and_exports(program: Program, receiver: Receiver) -> None:
    """The trail of a story verifies, and its export carries every line with its hash."""
    program.rules(receiver=receiver.url)
    async with program, program.caller("billing") as agent, program.caller("ana", Role.REVIEWER) as ana:
        request = await agent.submit()
        await ana.decide(request, "approve")
        await agent.get(request["id"], "wait=10&for=outcome")
        status, out, _ = await program.tell("audit", "verify", "--json")
        assert status == 0, out
        status, out, _ = await program.tell("audit", "export")
    assert status == 0
    events = [json.loads(line)["event"] for line in out.splitlines()]
    kinds = [event["type"] for event in events if event.get("request") == request["id"]]
    assert kinds == ["request.submitted", "request.decided", "execution.started", "execution.ended"]


async def test_what_is_wrong_is_said_in_lines(program: Program) -> None:
    """A start that cannot work says every reason in a line, and what to do."""
    program.rules()
    program.environment |= {"SAYSO_SECRET": "", "SAYSO_LOG": "xml", "SLACK_APP_TOKEN": "xapp-1"}
    status, _, err = await program.tell("up")
    assert status == 2
    assert {line.split(":")[0] for line in err.splitlines()} == {"SAYSO_SECRET", "SAYSO_LOG", "SLACK_BOT_TOKEN"}


async def test_a_second_bot_on_the_same_store_is_refused(program: Program) -> None:
    """Two bots on one SQLite file would run actions twice; the second says who holds it."""
    program.rules()
    async with program:
        program.environment["SAYSO_LISTEN"] = f"127.0.0.1:{free_port()}"
        status, _, err = await program.tell("up")
    assert status == 1
    assert "another sayso is running" in err


async def test_t26_a_bad_file_keeps_the_last_good_rules(program: Program, receiver: Receiver) -> None:
    """A file that breaks while the bot runs is refused aloud, and the rules before it stay in force."""
    program.rules(receiver=receiver.url)
    async with program, program.caller("billing") as agent:
        path = program.folder / "routing.yaml"
        good = path.read_text()
        path.write_text(good.replace("then: block", "then: aprove"))
        await asyncio.sleep(1.5)
        status, ready = await agent.call("GET", "/readyz")
        assert (status, ready["status"]) == (200, "degraded")
        assert "not in force" in json.dumps(ready)
        request = await agent.submit(action="records.delete", arguments={})
        assert request["state"] == "blocked"
        path.write_text(good.replace("no deletion", "never delete"))
        await asyncio.sleep(1.5)
        assert (await agent.submit(action="records.delete", arguments={}))["rule"] == "never delete"
        assert (await agent.call("GET", "/readyz"))[1]["status"] == "ready"


async def test_p14_a_stop_lets_the_replay_under_way_finish(program: Program) -> None:
    """SIGTERM while a receiver takes a second: its answer is still recorded, and the status is good."""
    async with Receiver(saying(1.0, message(b'{"done": true}'))) as slow:
        program.rules(receiver=slow.url)
        await program.start()
        async with program.caller("billing") as agent:
            request = await agent.submit(arguments={"order": "1", "amount": 1}, confidence=0.9)
            await asyncio.wait_for(slow.called(), 10)
        assert await program.stop() == 0
        async with program, program.caller("billing") as agent:
            finished = (await agent.get(request["id"]))["execution"]
            assert (finished["state"], finished["result"]) == ("executed", {"done": True})
        assert len(slow.calls) == 1


async def test_p14_a_stop_in_mid_replay_ends_in_time_and_says_unknown(program: Program) -> None:
    """SIGTERM while a receiver stalls: the bot ends within 25 s, and the outcome is known to be unknown."""
    async with Receiver(saying(End.STALL)) as stalling:
        program.rules(receiver=stalling.url)
        await program.start()
        async with program.caller("billing") as agent:
            request = await agent.submit(arguments={"order": "1", "amount": 1}, confidence=0.9)
            await asyncio.wait_for(stalling.called(), 10)
        began = time.monotonic()
        assert await program.stop() == 0
        assert time.monotonic() - began < 25
        async with program, program.caller("billing") as agent, program.caller("root", Role.ADMIN) as admin:
            stopped = await agent.get(request["id"])
            assert stopped["execution"]["state"] == "unknown"
            path = f"/v1/requests/{request['id']}/resolution"
            status, settled = await admin.call("POST", path, {"state": "executed", "note": "The ledger shows it."})
            assert (status, settled["execution"]["state"]) == (200, "executed")
        assert len(stalling.calls) == 1
