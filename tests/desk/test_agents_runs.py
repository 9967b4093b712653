"""What its agent runs itself: reported once, late or early, and kept from it while replays are stopped."""

from __future__ import annotations

import asyncio

import pytest

from bot.core import errors
from bot.core.model import State
from bot.desk import pause
from tests.desk.house import House
from tests.desk.test_runs import S, approved, stands


async def test_the_agent_reports_once(house: House) -> None:
    """Handed over at once; reported once; another agent's, a second and a settled one are refused."""
    request, execution = await approved(house, "deploy.start")
    assert (execution.state, execution.attempts, execution.by_agent) == (S.EXECUTING, 1, True)
    with pytest.raises(errors.NotFound):
        await house.desk.report(request.id, agent="eva", state=S.EXECUTED)
    told = await asyncio.gather(
        house.desk.report(request.id, agent="billing", state=S.EXECUTED, result={"ok": 1}),
        house.desk.report(request.id, agent="billing", state=S.FAILED, error="no"),
        return_exceptions=True,
    )
    assert sum(isinstance(t, errors.Conflict) for t in told) == 1
    kept = await stands(house, request)
    assert kept.state in (S.EXECUTED, S.FAILED)
    assert (await house.events(request)).count("execution.reported") == 1


async def test_a_report_after_its_time_still_counts(house: House) -> None:
    """Overdue it is unknown; the agent's late word settles that."""
    request, execution = await approved(house, "deploy.start")
    assert (await house.desk.claim(execution.id)).not_before == execution.due_at
    house.clock.move(hours=1)
    assert (await house.desk.claim(execution.id)).order is None
    assert (await stands(house, request)).state is S.UNKNOWN
    await house.desk.report(request.id, agent="billing", state=S.EXECUTED)
    assert (await stands(house, request)).state is S.EXECUTED


async def test_a_report_before_the_undo_window_ends(house: House) -> None:
    """It may not have run yet, so it is refused; after the window it is handed over and may be reported."""
    request, execution = await approved(house, "deploy.late")
    assert execution.state is S.WAITING
    with pytest.raises(errors.Conflict, match="may not run yet"):
        await house.desk.report(request.id, agent="billing", state=S.EXECUTED)
    house.clock.move(seconds=30)
    assert (await house.desk.claim(execution.id)).order is None
    kept = await stands(house, request)
    assert (kept.state, kept.attempts) == (S.EXECUTING, 1)
    await house.desk.report(request.id, agent="billing", state=S.EXECUTED)


async def test_only_what_its_agent_runs_is_reported(house: House) -> None:
    """A webhook's outcome is not the agent's to tell, nor is that of an undecided request."""
    request, _ = await approved(house)
    for about in (request, await house.submit("deploy.start")):
        with pytest.raises(errors.Conflict, match="no execution that its agent runs"):
            await house.desk.report(about.id, agent="billing", state=S.EXECUTED)


@pytest.mark.parametrize("how", ["by a person", "by rule"])
async def test_pause_keeps_actions_out_of_the_agents_hands(house: House, how: str) -> None:
    """An action that its agent runs waits too while replays are stopped, and is handed over afterwards."""
    await pause(house.ledger, on=True, by="cli:root", via="cli")
    if how == "by rule":
        house.rule(
            lambda text: text.replace('action == "page.me"', 'action == "page.me" && false').replace(
                'labels.by == "rule"', 'action == "deploy.start"'
            )
        )
        request = await house.submit("deploy.start")
    else:
        request, _ = await approved(house, "deploy.start")
    assert request.state is State.APPROVED
    waiting = await stands(house, request)
    assert (waiting.state, waiting.attempts, waiting.started_at) == (S.WAITING, 0, None)
    with pytest.raises(errors.Conflict, match="replays are stopped"):
        await house.desk.report(request.id, agent="billing", state=S.EXECUTED)
    assert (await house.desk.claim(waiting.id)).paused
    await pause(house.ledger, on=False, by="cli:root", via="cli")
    await house.desk.claim(waiting.id)
    kept = await stands(house, request)
    assert (kept.state, kept.attempts) == (S.EXECUTING, 1)
