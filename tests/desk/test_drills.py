"""Drills: a harmless request goes down a chain for real."""

from __future__ import annotations

import pytest

from bot.core import errors
from bot.core.model import DeliveryState, Role, State, Verb
from bot.core.policy import DRILL
from bot.core.ports import Filter
from tests.desk.filed import SENT, enforce
from tests.desk.house import House, at
from tests.desk.test_glass import CHAINS, TWO


@pytest.fixture(autouse=True)
def chains(house: House) -> None:
    """Two chains."""
    enforce(house, SENT, CHAINS, TWO)


async def test_a_drill_goes_down_its_chain_for_real(house: House) -> None:
    """Cards, escalation, a decision; nothing runs, and no agent can send one."""
    await house.work()
    drill = await house.desk.drill("finance", by="cli:admin")
    await house.rest()
    assert (drill.action, drill.agent, drill.assignees, drill.title) == (
        DRILL, "sayso", ("ana", "kim"), "Drill of the chain finance",
    )  # fmt: skip
    assert sorted(house.channels["slack"].sent()) == ["ana", "kim"]
    await house.later(minutes=15)
    assert at(await house.now(drill)).step == 1
    assert house.channels["slack"].sent()[2:] == ["lea"]
    done = await house.decide(drill, "lea")
    assert (done.state, done.execution) == (State.APPROVED, None)
    assert house.sql("select count(*) from executions") == [(0,)]
    assert {d.state for d in await house.store.deliveries(drill.id)} == {DeliveryState.SENT}
    with pytest.raises(errors.Invalid, match="house's own"):
        await house.submit(DRILL)


async def test_a_drill_needs_a_chain(house: House) -> None:
    """One that is not there is named with those that are."""
    with pytest.raises(errors.Invalid, match="there are: finance, afterwards"):
        await house.desk.drill("finanse", by="cli:admin")
    assert await house.store.requests(Filter()) == ()


async def test_t12_a_rejected_drill_may_be_repeated(house: House) -> None:
    """It is an exercise: the next one is not marked as rejected before."""
    drill = await house.desk.drill("finance", by="cli:admin")
    await house.decide(drill, "ana", Verb.REJECT)
    again = await house.desk.drill("finance", by="cli:admin")
    card = await house.desk.card(again.id)
    assert card is not None
    assert card.notes == ()


async def test_t10_no_agent_is_called_like_the_house(house: House) -> None:
    """Its key could withdraw a drill, or the review of a broken glass."""
    for role in (Role.AGENT, Role.ADVISOR):
        for name in ("sayso", "Sayso"):
            with pytest.raises(errors.Invalid, match="house's own name"):
                await house.access.new_key(name, role, by="cli:root")
    assert await house.access.keys() == ()
    key, _ = await house.access.new_key("sayso", Role.ADMIN, by="cli:root")
    assert key.role is Role.ADMIN
