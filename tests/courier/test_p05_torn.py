"""A process gone between claim and outcome, at each moment: another starts on its file, and never a second effect."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from tests.courier.test_replays import S, state
from tests.desk.house import SECRET, START, MovableClock, open_house
from tests.fakes.receiver import Cut, End, Receiver, answering, message, saying

TORN = [
    ("after the claim", None),
    ("before the request is read", (Cut.BEFORE_REQUEST, End.STALL)),
    ("in the middle of the request", (Cut.AFTER_HEADERS, End.STALL)),
    ("before the answer", saying(End.STALL)),
    ("in the middle of the answer", saying(message(b'{"a":', length=40), End.STALL)),
]


@pytest.mark.parametrize("action", ["refund.issue", "refund.safe"])
@pytest.mark.parametrize(("case", "fault"), TORN, ids=[t[0] for t in TORN])
async def test_p05_torn_between_claim_and_outcome(tmp_path: Any, case: str, fault: Any, action: str) -> None:
    """The process is gone at any of these moments; another starts on the same file: never a second effect.

    The first courier is abandoned as a kill would: nothing of it runs any more, and nothing is written for it.
    """
    del case
    path = tmp_path / "sayso.db"
    async with Receiver(secret=SECRET) as receiver:
        address = receiver.url.removesuffix("/hook")
        if isinstance(fault, tuple):
            receiver.cut = fault
        elif fault is not None:
            receiver.script = fault
        request_id = await _torn(path, address, action, run_it=fault is not None, receiver=receiver)
        receiver.cut, receiver.script = None, answering({"ok": 1})
        clock = MovableClock(START + timedelta(minutes=10))
        async with open_house(path, receiver=address, clock=clock) as house:
            await house.work()
            for _ in range(4):
                await house.later(minutes=1)
            after = await house.now(request_id)
            assert state(after) is (S.UNKNOWN if action == "refund.issue" else S.EXECUTED)
            assert max(receiver.effects.values(), default=0) <= 1
            # The receiver would forgive a second call; without idempotency there must not even be one.
            assert action == "refund.safe" or "seen before" not in receiver.refused


async def _torn(path: Any, address: str, action: str, *, run_it: bool, receiver: Receiver) -> str:
    """Claim, perhaps call, and vanish."""
    async with open_house(path, receiver=address) as house:
        arguments = {"order": "1", "amount": 100}
        request = await house.decide(await house.submit(action, agent="quiet", arguments=arguments))
        assert request.execution is not None
        if not run_it:
            assert (await house.desk.claim(request.execution.id)).order is not None
            return request.id
        courier = await house.work()
        async with asyncio.timeout(5):
            while receiver.connections == 0:
                await asyncio.sleep(0.005)
        await asyncio.sleep(0.05)
        for task in tuple(courier._shift._tasks):  # noqa: SLF001  # a kill asks nobody
            task.cancel()
        courier._replays._running.clear()  # noqa: SLF001
        courier._shift._tasks.clear()  # noqa: SLF001
        return request.id
