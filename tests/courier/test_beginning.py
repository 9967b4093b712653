"""What is approved begins in the commit that approves it, where it may; it is lost or run twice no more than before."""

from __future__ import annotations

import asyncio

import pytest

from bot.core import errors
from bot.core.model import ExecutionState
from bot.core.ports import Order, Outcome, OutcomeKind
from bot.desk import pause
from tests.desk.house import House, ballot

S = ExecutionState
_PLACES = 64


class Counting:
    """A target that says what it was told, after how many commits of the house, and waits where it is told to."""

    def __init__(self, house: House) -> None:
        self.orders: list[Order] = []
        self.commits: list[int] = []
        self._house = house
        self.open = asyncio.Event()
        self.open.set()

    async def run(self, order: Order) -> Outcome:
        """Run."""
        self.orders.append(order)
        self.commits.append(self._house.store.load().commits.count)
        await self.open.wait()
        return Outcome(kind=OutcomeKind.EXECUTED, result={"n": len(self.orders)})

    async def close(self) -> None:
        """Nothing to close."""


async def test_a_decision_and_its_start_are_one_commit(house: House) -> None:
    """No transaction of its own claims it, as once its undo window is over; the trail tells of both steps, in order."""
    target = Counting(house)
    await house.work(target)
    request = await house.submit("refund.issue", agent="other")
    await house.rest()

    before = house.store.load().commits.count
    told = await house.decide(request)
    await house.rest()
    found = await house.now(request)
    assert told.execution is not None
    assert found.execution is not None
    # Whoever waited for the decision is told of an execution that waits, as where a commit of its own begins it.
    assert (told.execution.state, found.execution.state, found.execution.attempts) == (S.WAITING, S.EXECUTED, 1)
    assert [kind for kind in await house.events(request) if kind.startswith(("request.dec", "exec"))] == [
        "request.decided",
        "execution.started",
        "execution.ended",
    ]
    assert [order.execution for order in target.orders] == [found.execution.id]
    assert target.commits == [before + 1]


async def test_p14_what_is_approved_while_the_courier_goes_home_waits(house: House) -> None:
    """Committed as begun and then not begun: it waits again, uncounted, and runs once at the next start."""
    target = Counting(house)
    courier = await house.work(target)
    await pause(house.ledger, on=True, by="admin:root", via="cli")
    request = await house.decide(await house.submit("refund.issue", agent="other"))
    await house.rest()
    await courier.stop(0.05)
    await pause(house.ledger, on=False, by="admin:root", via="cli")
    assert request.execution is not None
    order = (await house.desk.claim(request.execution.id)).order
    assert order is not None
    courier.take_order(order)
    async with asyncio.timeout(60):
        while (run := (await house.now(request)).execution) is None or run.state is not S.WAITING:
            await asyncio.sleep(0.005)
    assert (run.attempts, run.started_at, target.orders) == (0, None, [])
    await house.work(target)
    await house.rest()
    assert len(target.orders) == 1


async def test_a_caller_who_left_is_no_reason_not_to_run(house: House) -> None:
    """Cancelled while the commit is under way: it is committed all the same, and runs, once."""
    target = Counting(house)
    await house.work(target)
    request = await house.submit("refund.issue", agent="other")
    await house.rest()
    deciding = asyncio.ensure_future(house.decide(request))
    await asyncio.sleep(0)
    deciding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await deciding
    async with asyncio.timeout(60):
        while (run := (await house.now(request)).execution) is None or run.state is not S.EXECUTED:
            await asyncio.sleep(0.005)
    assert len(target.orders) == 1


async def test_only_as_many_begin_as_there_are_places(house: House) -> None:
    """More approvals than places at once: the others wait for a claim of their own, and every one runs once."""
    target = Counting(house)
    target.open.clear()
    await house.work(target)
    requests = [await house.submit("refund.issue", agent="other", reason=str(n)) for n in range(_PLACES + 6)]
    await house.rest()
    await asyncio.gather(*(house.decide(request) for request in requests))
    states = [(await house.now(request)).execution for request in requests]
    assert [run.state for run in states if run is not None].count(S.EXECUTING) <= _PLACES
    target.open.set()
    await house.rest(20)
    assert len(target.orders) == len({order.execution for order in target.orders}) == len(requests)


async def test_a_place_is_given_back_where_nothing_was_committed(house: House) -> None:
    """A decision that is refused a hundred times takes no place away from the next that is not."""
    target = Counting(house)
    await house.work(target)
    request = await house.decide(await house.submit("refund.issue", agent="other"))
    await house.rest()
    for _ in range(_PLACES + 1):
        with pytest.raises(errors.AlreadyDecided):
            await house.desk.decide(ballot(request, "ana"))
    again = await house.submit("refund.issue", agent="other", reason="another")
    await house.decide(again)
    run = (await house.now(again)).execution
    assert run is not None
    assert run.state is not S.WAITING
    await house.rest()


async def test_nothing_begins_while_replays_are_stopped(house: House) -> None:
    """The switch is read in the transaction that would begin it."""
    target = Counting(house)
    courier = await house.work(target)
    await pause(house.ledger, on=True, by="admin:root", via="cli")
    request = await house.decide(await house.submit("refund.issue", agent="other"))
    await house.rest()
    run = (await house.now(request)).execution
    assert run is not None
    assert (run.state, target.orders) == (S.WAITING, [])
    await pause(house.ledger, on=False, by="admin:root", via="cli")
    await courier.release()
    await house.rest()
    assert len(target.orders) == 1
