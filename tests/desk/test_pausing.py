"""Switches by name: one agent's replays, or one action's, are stopped at once, and what was held runs on resume."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from bot.core.model import ExecutionState, State
from bot.core.ports import Stopped
from bot.desk import pause
from tests.desk.house import House, open_house
from tests.desk.remedied import approved, furnish, state_of
from tests.fakes.receiver import Receiver, answering

S = ExecutionState


@pytest.fixture(autouse=True)
def rules(house: House) -> None:
    """Refunds by webhook, deployments by their agent."""
    furnish(house)


async def stop(house: House, *, on: bool = True, **whose: Any) -> bool:
    """Flip a switch."""
    return await pause(house.ledger, on=on, by="person:kim", via="inbox", **whose)


async def paused(house: House, action: str, agent: str) -> bool:
    """Whether what this agent gets approved of this action is held."""
    request = await house.submit(action, agent=agent, arguments={"order": "1", "amount": 9, "version": "v1"})
    done = await house.decide(request, "ana")
    assert done.execution is not None
    if done.execution.by_agent and done.execution.state is S.EXECUTING:
        return False
    return (await house.desk.claim(done.execution.id)).paused


@pytest.mark.parametrize(
    ("whose", "held"),
    [
        ({}, {("refund.issue", "billing"), ("refund.issue", "other"), ("deploy.start", "billing")}),
        ({"agent": "billing"}, {("refund.issue", "billing"), ("deploy.start", "billing")}),
        ({"action": "refund.issue"}, {("refund.issue", "billing"), ("refund.issue", "other")}),
        ({"agent": "refund.issue"}, set()),
    ],
)
async def test_it_holds_what_it_names_and_nothing_else(
    house: House, whose: dict[str, Any], held: set[tuple[str, str]]
) -> None:
    """All, one agent's, one action's; an agent that is called like an action is another switch."""
    assert await stop(house, **whose)
    assert not await stop(house, **whose), "it stands so already"
    asked = [("refund.issue", "billing"), ("refund.issue", "other"), ("deploy.start", "billing")]
    assert {one for one in asked if await paused(house, *one)} == held
    assert await stop(house, on=False, **whose)
    assert [one for one in asked if await paused(house, *one)] == []
    (line,) = [json.loads(one.body) for one in await house.store.audit_lines(0, 500) if "replays.paused" in one.body]
    assert (line["actor"], line["data"]) == ("person:kim", whose)


async def test_each_is_a_switch_of_its_own(house: House) -> None:
    """What two of them stop takes both to run; starting all leaves those that are stopped by name; a restart, too."""
    switches: tuple[dict[str, Any], ...] = ({}, {"agent": "billing"}, {"agent": "third"}, {"action": "deploy.start"})
    for whose in switches:
        await stop(house, **whose)
    await stop(house, on=False)
    assert await house.store.stopped() == Stopped(agents=("billing", "third"), actions=("deploy.start",))
    assert not await house.store.paused()
    await stop(house, on=False, action="deploy.start")
    assert await paused(house, "deploy.start", "billing")
    assert not await paused(house, "deploy.start", "other")
    await stop(house, on=False, agent="third")
    path = house.path
    await house.store.close()
    async with open_house(path) as again:
        assert await again.store.stopped() == Stopped(agents=("billing",))
        furnish(again)
        await stop(again)
        await stop(again, on=False, agent="billing")
        assert await again.store.stopped() == Stopped(everything=True)
        await stop(again, on=False)
        assert not await again.store.stopped()


async def test_a_paused_agent_may_propose_and_people_decide(house: House) -> None:
    """Its submissions are taken, routed and approved, by rule too; only nothing of it begins."""
    await stop(house, agent="billing")
    small = await approved(house, amount=2.0)
    handed = await approved(house, "deploy.start", version="v2")
    assert (small.state, handed.state) == (State.APPROVED, State.APPROVED)
    assert [await state_of(house, one) for one in (small, handed)] == [S.WAITING, S.WAITING]


async def test_what_was_held_runs_on_resume_and_others_meanwhile(house: House) -> None:
    """A courier at work: the paused agent's waits, another's runs, and nothing is claimed over and over."""
    async with Receiver() as receiver:
        house.receiver = receiver.url
        furnish(house)
        courier = await house.work()
        await stop(house, agent="billing")
        mine = await approved(house, order="1")
        theirs = await house.decide(await house.submit(agent="other", arguments={"order": "2", "amount": 9}), "ben")
        await receiver.called()
        await house.rest()
        assert [await state_of(house, one) for one in (mine, theirs)] == [S.WAITING, S.EXECUTED]
        held = len(await house.store.audit_lines(0, 500))
        for _ in range(5):
            await courier.release()
            await house.rest()
        assert (courier.waiting["held"], len(await house.store.audit_lines(0, 500))) == (1, held)
        await stop(house, on=False, agent="billing")
        await courier.release()
        await house.rest()
        assert await state_of(house, mine) is S.EXECUTED
        assert len(receiver.calls) == 2


async def test_what_a_person_wants_rolled_back_runs_while_its_agent_is_stopped(house: House) -> None:
    """Theirs at once; the agent's own is held until a person wants it, too. What the agent would run itself is held."""
    async with Receiver(answering({"id": "re_1"})) as receiver:
        house.receiver = receiver.url
        furnish(house)
        courier = await house.work()
        ran = [await approved(house, order=order) for order in ("1", "2")]
        handed = await approved(house, "deploy.start", version="v2")
        await house.desk.report(handed.id, agent="billing", state=S.EXECUTED)
        await house.rest()
        await stop(house, agent="billing")
        await stop(house, action="refund.reverse")
        theirs, own, hers = [
            (await house.desk.roll_back(one.id, by=by, via="api"))[0]
            for one, by in zip([*ran, handed], ["person:ana", "agent:billing", "person:ana"], strict=True)
        ]
        for one in (theirs, own, hers):
            await house.decide(one, "ben")
        await house.rest()
        assert [await state_of(house, one) for one in (theirs, own, hers)] == [S.WAITING] * 3, "their action is stopped"
        await stop(house, on=False, action="refund.reverse")
        await courier.release()
        await house.rest()
        assert [await state_of(house, one) for one in (theirs, own, hers)] == [S.EXECUTED, S.WAITING, S.WAITING]
        assert [await state_of(house, one) for one in ran] == [S.ROLLED_BACK, S.EXECUTED]
        await house.desk.roll_back(ran[1].id, by="admin:ops", via="api")
        await house.rest()
        assert (await state_of(house, own), await state_of(house, hers)) == (S.EXECUTED, S.WAITING)


async def test_what_runs_already_goes_on(house: House) -> None:
    """Nothing is torn down: what its agent has in its hands it reports, and a run that began ends."""
    handed = await approved(house, "deploy.start", version="v2")
    assert await state_of(house, handed) is S.EXECUTING
    await stop(house, agent="billing")
    await house.desk.report(handed.id, agent="billing", state=S.EXECUTED)
    assert await state_of(house, handed) is S.EXECUTED


async def test_p11_a_storm_of_flips_leaves_the_last_word(house: House) -> None:
    """Twenty switches at once: what is stopped is exactly what was stopped, and no bit of another is lost."""
    await asyncio.gather(
        *(stop(house, agent=f"a{n}") for n in range(10)), *(stop(house, action=f"b{n}") for n in range(10))
    )
    await asyncio.gather(*(stop(house, on=False, agent=f"a{n}") for n in range(9)))
    found = await house.store.stopped()
    assert (found.agents, len(found.actions), found.everything) == (("a9",), 10, False)
