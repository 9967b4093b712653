"""Second thoughts of an agent: it stops what was approved and has not begun, its own alone, and once."""

from __future__ import annotations

import pytest

from bot.core import errors
from bot.core.model import ExecutionState, State
from tests.desk.house import House
from tests.desk.test_undo import approved, told, undo, windowed
from tests.fakes.receiver import Receiver


async def test_an_agent_stops_what_was_approved_and_has_not_begun(house: House) -> None:
    """The decision stands and says so, the run is cancelled, its reason is kept, and it never runs."""
    async with Receiver() as receiver:
        house.receiver = receiver.url
        windowed(house)
        await house.work()
        request = await approved(house)
        stopped = await house.desk.cancel(request.id, agent="billing", reason="The customer called")
        await house.later(seconds=60)
        assert not receiver.calls
    assert stopped.execution is not None
    assert (stopped.state, stopped.execution.state) == (State.APPROVED, ExecutionState.CANCELLED)
    line = await told(house, request, "request.cancelled")
    assert line["data"]["reason"] == "The customer called"
    assert len(stopped.votes) == 1


async def test_an_agent_stops_nothing_that_began_nor_what_is_anothers(house: House) -> None:
    """Too late is said as such; another agent's request is not even there."""
    windowed(house)
    request = await approved(house)
    with pytest.raises(errors.NotFound):
        await house.desk.cancel(request.id, agent="other", reason=None)
    assert request.execution is not None
    house.clock.move(seconds=31)
    assert (await house.desk.claim(request.execution.id)).order is not None
    with pytest.raises(errors.Conflict):
        await house.desk.cancel(request.id, agent="billing", reason=None)
    assert (await house.now(request)).execution != request.execution


async def test_what_its_agent_stopped_is_stopped_once_and_not_taken_back(house: House) -> None:
    """A second stop, and an undo after it, are refused and change nothing."""
    windowed(house)
    request = await approved(house)
    stopped = await house.desk.cancel(request.id, agent="billing", reason=None)
    with pytest.raises(errors.Conflict):
        await house.desk.cancel(request.id, agent="billing", reason=None)
    with pytest.raises(errors.Conflict, match="cancelled already"):
        await undo(house, request)
    assert await house.now(request) == stopped
