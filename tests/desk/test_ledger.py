"""Nothing is told that is not committed, and nothing that is committed stays untold."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import pytest

from bot.core.errors import Conflict, Unavailable
from bot.core.model import Event, Execution, State
from bot.core.ports import Effect, EffectKind, Order, Overtaken, Tx
from bot.desk.ledger import Deed, lease_now
from tests.desk.house import House, ballot


class Ears:
    """A courier that only listens, and looks at once whether what it hears is in the file."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.effects: list[str] = []
        self.executions: list[str] = []

    def take(self, effects: Sequence[Effect]) -> None:
        """What it hears must be a committed row."""
        for effect in effects:
            assert self.house.sql("select 1 from effects where id = ?", effect.id)
            self.effects.append(effect.id)

    def take_execution(self, execution: Execution) -> None:
        """The same for an execution."""
        assert self.house.sql("select state from executions where id = ?", execution.id) == [(str(execution.state),)]
        self.executions.append(execution.id)

    def promise(self) -> bool:
        """It runs nothing."""
        return False

    def unpromise(self, places: int) -> None:
        """It gave none."""
        raise AssertionError(places)

    def take_order(self, order: Order) -> None:
        """It is given none."""
        raise AssertionError(order)


@pytest.fixture
def ears(house: House) -> Ears:
    """The house's courier is all ears."""
    heard = Ears(house)
    house.ledger.courier = heard
    return heard


async def test_the_courier_hears_of_committed_rows_alone(house: House, ears: Ears) -> None:
    """Cards, refreshes and the execution are in the file, as seen from outside, before anybody hears of them."""
    request = await house.submit()
    assert len(ears.effects) == 2
    after = await house.decide(request)
    assert after.execution is not None
    assert ears.executions == [after.execution.id]
    assert sorted(ears.effects) == sorted(i for (i,) in house.sql("select id from effects"))


async def test_a_refused_unit_is_not_told(house: House, ears: Ears) -> None:
    """What was refused wrote nothing and says nothing, even where its neighbours in the commit succeeded."""
    requests = [await house.submit() for _ in range(4)]
    ears.effects.clear()
    votes = [ballot(r) if n % 2 else ballot(r, "mallory") for n, r in enumerate(requests)]
    told = await asyncio.gather(*(house.desk.decide(v) for v in votes), return_exceptions=True)
    assert [isinstance(t, Exception) for t in told] == [True, False, True, False]
    assert len(ears.executions) == 2


async def test_overtaken_work_is_done_again(house: House, ears: Ears) -> None:
    """It is run from scratch until it holds; what it had planned before is not told; at last it is given up."""
    request = await house.submit()
    ears.effects.clear()
    runs: list[Deed] = []

    def work(tx: Tx) -> Deed:
        found = tx.request(request.id)
        effect = house.ledger.effect(EffectKind.REFRESH, request.id, "dlv_x")
        runs.append(Deed(found, (effect,)))
        if len(runs) < 3:
            raise Overtaken
        tx.append(Event(type="x", at=house.clock.at, actor="a", via="v", request=request.id))
        return Deed(found)

    assert (await house.ledger.commit(work)).effects == ()
    assert (len(runs), ears.effects) == (3, [])

    def never(tx: Tx) -> Deed:
        del tx
        raise Overtaken

    with pytest.raises(Unavailable):
        await house.ledger.commit(never)


async def test_a_caller_who_hangs_up_does_not_stop_what_was_decided(house: House, ears: Ears) -> None:
    """Cancelled while the commit is under way: it is committed all the same, and the courier and the waiting hear."""
    request = await house.submit()
    ears.effects.clear()
    wait = asyncio.create_task(house.desk.wait(request.id, seconds=5, outcome=False))
    await asyncio.sleep(0.02)
    click = asyncio.create_task(house.desk.decide(ballot(request)))
    await asyncio.sleep(0)
    click.cancel()
    with pytest.raises(asyncio.CancelledError):
        await click
    assert (await wait).state is State.APPROVED
    async with asyncio.timeout(5):
        while not ears.executions:
            await asyncio.sleep(0.005)
    assert sorted(ears.effects) == sorted(i for (i,) in house.sql("select id from effects where kind != 'card'"))


async def test_a_caller_who_hangs_up_on_a_refusal(house: House, ears: Ears) -> None:
    """Nothing was written, so nothing is told."""
    request = await house.submit()
    ears.effects.clear()
    click = asyncio.create_task(house.desk.decide(ballot(request, "mallory")))
    await asyncio.sleep(0)
    click.cancel()
    await asyncio.wait({click})
    await asyncio.sleep(0.05)
    assert (ears.effects, ears.executions) == ([], [])


async def test_a_caller_who_hangs_up_on_a_store_that_is_down(house: House, ears: Ears, monkeypatch: Any) -> None:
    """Nobody can say whether it was committed: nothing is told, and the next start takes up what was."""
    request = await house.submit()
    ears.effects.clear()
    write, calls = house.store.write, []

    async def going_down(work: Any, **more: Any) -> Any:
        calls.append(work)
        if len(calls) > 1:
            raise Unavailable
        return await write(work, **more)

    monkeypatch.setattr(house.store, "write", going_down)
    click = asyncio.create_task(house.desk.decide(ballot(request)))
    while not calls:
        await asyncio.sleep(0)
    click.cancel()
    await asyncio.wait({click})
    await asyncio.sleep(0.05)
    assert (len(calls), ears.effects) == (2, [])


async def test_without_a_courier_rows_wait_for_one(house: House) -> None:
    """A tool beside the bot commits what it does, and the bot's courier takes it up at its start."""
    await house.decide(await house.submit())
    assert len(await house.desk.effects()) == len(house.sql("select id from effects")) > 0
    assert len(await house.desk.recover()) == 1


async def test_a_note_is_an_audit_line(house: House) -> None:
    """And a unit that raises keeps none."""
    await house.ledger.note(Event(type="x", at=house.clock.at, actor="a", via="v"))

    def work(tx: Tx) -> None:
        tx.append(Event(type="y", at=house.clock.at, actor="a", via="v"))
        raise Conflict

    with pytest.raises(Conflict):
        await house.store.write(work)
    assert house.sql("select type from events") == [("x",)]


async def test_a_lease_runs_out_while_the_machine_sleeps(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The usual clock stands still then; what the others took over meanwhile is not begun on waking."""
    asleep = time.monotonic()
    until = house.ledger.alive_until = lease_now() + 0.05
    with monkeypatch.context() as patch:
        patch.setattr(time, "monotonic", lambda: asleep)
        assert house.ledger.sure()
        while lease_now() < until:
            continue
        assert not house.ledger.sure()
