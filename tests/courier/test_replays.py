"""The approved action reaches its target, once; and what nobody heard the end of is unknown."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from typing import Any

import pytest

from bot.core.model import ExecutionState, Request, Verb
from bot.core.ports import Order, Outcome, OutcomeKind
from bot.desk import pause
from tests.desk.house import House, open_house
from tests.fakes.receiver import Call, End, Receiver, Script, answering, message, saying

S = ExecutionState


async def run(house: House, action: str = "refund.issue", **more: Any) -> Request:
    """An approved request, after the courier has come to rest."""
    request = await house.decide(await house.submit(action, agent="quiet", **more))
    await house.rest()
    return await house.now(request)


def in_turn(*scripts: Script) -> Script:
    """Answer the first call by the first script, and so on."""
    left = iter(scripts)

    def answer(call: Call) -> Iterable[bytes | float | End]:
        return next(left)(call)

    return answer


def state(request: Request) -> ExecutionState:
    """Where its execution stands."""
    assert request.execution is not None
    return request.execution.state


async def test_the_approved_action_reaches_its_target(house: House, receiver: Receiver) -> None:
    """Signed, under the execution's id, with exactly what was approved; its answer is the result."""
    receiver.script = answering({"refund": 7})
    await house.work()
    request = await run(house)
    assert (state(request), request.execution and request.execution.result) == (S.EXECUTED, {"refund": 7})
    assert request.execution is not None
    call = receiver.calls[0]
    assert (call.id, call.headers["idempotency-key"]) == (request.execution.id, request.execution.id)
    assert call.json["data"] == {
        "request": request.id,
        "execution": request.execution.id,
        "revision": 1,
        "digest": request.digest,
        "agent": "quiet",
        "action": "refund.issue",
        "arguments": request.content.arguments,
        "approved_by": ["ana"],
    }
    assert house.channels["slack"].said == [] or house.channels["slack"].said[-1][0] == "update"


async def test_what_was_edited_is_what_runs(house: House, receiver: Receiver) -> None:
    """The receiver gets the person's arguments, not the agent's."""
    await house.work()
    request = await house.submit(agent="quiet")
    arguments = {"order": "10428", "amount": 12.5}
    await house.decide(request, "ben", Verb.APPROVE_WITH_EDITS, arguments=arguments)
    await house.rest()
    assert [call.json["data"]["arguments"] for call in receiver.calls] == [arguments]


@pytest.mark.parametrize("verb", [Verb.REJECT, Verb.ASK, Verb.ESCALATE])
async def test_nothing_else_runs_anything(house: House, receiver: Receiver, verb: Verb) -> None:
    """A rejection, a question, an escalation, a withdrawal, expiry: no call."""
    await house.work()
    request = await house.submit(agent="quiet")
    await house.decide(request, verb=verb, comment="why?")
    await house.later(hours=30)
    assert receiver.calls == []
    assert (await house.now(request)).execution is None


ENDINGS: list[tuple[str, Any, ExecutionState]] = [
    ("refused by the target", answering({}, status="409 Conflict"), S.FAILED),
    ("broke inside", answering({}, status="500 Internal Server Error"), S.UNKNOWN),
    ("answered half", saying(message(b'{"a"', length=20), End.CLOSE), S.UNKNOWN),
    ("reset", saying(End.RESET), S.UNKNOWN),
    ("stalled", saying(End.STALL), S.UNKNOWN),
]


@pytest.mark.parametrize(("case", "script", "ends"), ENDINGS, ids=[e[0] for e in ENDINGS])
async def test_p06_every_ending_is_recorded(
    house: House, receiver: Receiver, case: str, script: Any, ends: ExecutionState
) -> None:
    """Failed where nothing can have happened, unknown where it may have; never called a second time."""
    del case
    receiver.script = script
    await house.work()
    request = await run(house)
    assert state(request) is ends
    await house.later(hours=5)
    assert max(receiver.effects.values()) == 1
    assert len(receiver.calls) == 1


async def test_p05_a_safe_action_is_tried_again_under_the_same_key(house: House, receiver: Receiver) -> None:
    """Declared idempotent: after a lost answer the same id and bytes again, so that the receiver acts once.

    Who keeps a hash of the body beside a key refuses another body (draft-ietf-httpapi-idempotency-key-header, 2.7).
    """
    bodies: list[bytes] = []
    script = in_turn(saying(End.RESET), saying(End.RESET), answering({"ok": 1}))

    def noted(call: Call) -> Iterable[bytes | float | End]:
        bodies.append(call.body)
        return script(call)

    receiver.script = noted
    await house.work()
    request = await run(house, "refund.safe", arguments={})
    assert state(request) is S.WAITING
    await house.later(seconds=1)
    await house.later(seconds=2)
    request = await house.now(request)
    assert (state(request), request.execution and request.execution.attempts) == (S.EXECUTED, 3)
    assert len(receiver.effects) == 1
    assert list(receiver.effects.values()) == [1]
    assert len(bodies) == 3
    assert len(set(bodies)) == 1


async def test_p06_nobody_listening_is_retried_and_then_failed(tmp_path: Any) -> None:
    """A refused connection started nothing: it is tried as often as declared, and then it failed."""
    async with open_house(tmp_path / "sayso.db", receiver="http://127.0.0.1:9") as house:
        await house.work()
        request = await run(house)
        for _ in range(6):
            await house.later(minutes=1)
        request = await house.now(request)
        assert (state(request), request.execution and request.execution.attempts) == (S.FAILED, 5)


async def test_an_undo_window_is_waited_out(house: House, receiver: Receiver) -> None:
    """Nothing is called before its end, and everything after it."""
    await house.work()
    request = await run(house, "mail.send")
    await house.later(seconds=29)
    assert (receiver.calls, state(await house.now(request))) == ([], S.WAITING)
    await house.later(seconds=1)
    assert state(await house.now(request)) is S.EXECUTED


async def test_p12_a_clock_set_back_loses_nothing(house: House, receiver: Receiver) -> None:
    """Woken on time and then early again: it waits for its time once more."""
    await house.work()
    request = await run(house, "mail.send")
    claim = house.desk.claim

    async def set_back(execution_id: str, **how: Any) -> Any:
        house.clock.move(hours=-1)
        house.desk.claim = claim  # type: ignore[method-assign]
        return await claim(execution_id, **how)

    house.desk.claim = set_back  # type: ignore[method-assign]
    await house.later(seconds=30)
    assert receiver.calls == []
    await house.later(hours=1)
    assert (len(receiver.calls), state(await house.now(request))) == (1, S.EXECUTED)


async def test_an_agents_report_is_asked_after(house: House) -> None:
    """Handed over, not reported in its time: unknown, by itself; reported in time: its alarm is taken back."""
    await house.work()
    late = await run(house, "deploy.start")
    prompt = await run(house, "deploy.late")
    await house.later(seconds=30)
    assert state(await house.now(prompt)) is S.EXECUTING
    await house.desk.report(prompt.id, agent="quiet", state=S.EXECUTED)
    alarms = house.courier._shift._alarms  # type: ignore[union-attr]  # noqa: SLF001
    assert [key for key in alarms if key.startswith("exe_")] == [late.execution and late.execution.id]
    await house.later(hours=1)
    late = await house.now(late)
    assert state(late) is S.UNKNOWN
    assert late.execution is not None
    assert (late.execution.error or "").startswith("not_reported: ")
    assert state(await house.now(prompt)) is S.EXECUTED


async def test_pause_and_resume(house: House, receiver: Receiver) -> None:
    """Stopped: what is approved is held and nothing is called; running again: all of it runs, once."""
    courier = await house.work()
    await pause(house.ledger, on=True, by="cli:root", via="cli")
    requests = [await run(house) for _ in range(3)]
    await courier.release()
    await house.rest()
    assert (receiver.calls, courier.waiting["held"]) == ([], 3)
    assert await house.desk.paused()
    await pause(house.ledger, on=False, by="cli:root", via="cli")
    await asyncio.gather(courier.release(), courier.release())
    await house.rest()
    assert {state(await house.now(r)) for r in requests} == {S.EXECUTED}
    assert (list(receiver.effects.values()), courier.waiting["held"]) == ([1, 1, 1], 0)


async def test_pause_in_the_middle_of_a_run(house: House, receiver: Receiver) -> None:
    """What runs is not torn down, its retry is held, and goes on after resume under the same key."""
    receiver.script = in_turn(saying(0.1, End.RESET), answering({"ok": 1}))
    courier = await house.work()
    request = await house.decide(await house.submit("refund.safe", agent="quiet", arguments={}))
    await receiver.called()
    await pause(house.ledger, on=True, by="cli:root", via="cli")
    await house.rest()
    assert state(await house.now(request)) is S.WAITING
    await house.later(seconds=1)
    assert (len(receiver.calls), courier.waiting["held"]) == (1, 1)
    await pause(house.ledger, on=False, by="cli:root", via="cli")
    await courier.release()
    await house.rest()
    assert state(await house.now(request)) is S.EXECUTED
    assert list(receiver.effects.values()) == [1]


async def test_p05_a_held_execution_survives_a_restart(house: House, receiver: Receiver) -> None:
    """Stopped while paused: the next start holds it again, and runs it once it may."""
    first = await house.work()
    await pause(house.ledger, on=True, by="cli:root", via="cli")
    request = await run(house)
    await first.stop(0)
    second = await house.work()
    await house.rest()
    assert second.waiting["held"] == 1
    await pause(house.ledger, on=False, by="cli:root", via="cli")
    await second.release()
    await house.rest()
    assert (state(await house.now(request)), len(receiver.calls)) == (S.EXECUTED, 1)


class Slow:
    """A replayer whose runs end when they are told to; ``fault`` is what they raise instead."""

    def __init__(self, fault: Exception | None = None, outcome: Outcome | None = None) -> None:
        self.fault = fault
        self.outcome = outcome or Outcome(kind=OutcomeKind.EXECUTED)
        self.orders: list[Order] = []
        self.begun = asyncio.Event()
        self.end = asyncio.Event()
        if fault is not None or outcome is not None:
            self.end.set()

    async def run(self, order: Order) -> Outcome:
        """Wait, then end or break."""
        self.orders.append(order)
        self.begun.set()
        await self.end.wait()
        if self.fault is not None:
            raise self.fault
        return self.outcome


async def test_p05_told_twice_it_runs_once(house: House) -> None:
    """A start reads from the file what was told at the same moment: one claim, one run."""
    slow = Slow()
    courier = await house.work(slow)
    request = await house.decide(await house.submit(agent="quiet"))
    assert request.execution is not None
    for _ in range(3):
        courier.take_execution(request.execution)
    await slow.begun.wait()
    courier.take_execution(request.execution)
    slow.end.set()
    await house.rest()
    assert (len(slow.orders), state(await house.now(request))) == (1, S.EXECUTED)


async def test_many_run_side_by_side(house: House, receiver: Receiver) -> None:
    """A hundred approvals at once: each target call once, all recorded."""
    await house.work()
    requests = [await house.submit(agent="eva") for _ in range(100)]
    await asyncio.gather(*(house.decide(request) for request in requests))
    await house.rest(20)
    assert {state(await house.now(request)) for request in requests} == {S.EXECUTED}
    assert sorted(receiver.effects.values()) == [1] * 100
    assert len({json.dumps(call.json["data"]["execution"]) for call in receiver.calls}) == 100
