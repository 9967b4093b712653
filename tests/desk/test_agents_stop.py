"""Second thoughts of an agent: it stops what was approved and has not begun, its own alone, and once."""

from __future__ import annotations

import pytest

from bot.core import errors
from bot.core.card import Line, card_of
from bot.core.model import ExecutionState, State
from tests.desk.house import House
from tests.desk.test_undo import approved, told, undo, windowed
from tests.fakes.receiver import Receiver

_THEIRS = "Why it was withdrawn: the agent’s own words, not checked"


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
    assert stopped == await house.now(request)
    card = card_of(stopped, people={}, url="")
    assert card.notes == (Line(_THEIRS, "The customer called"),)


async def test_why_its_agent_withdrew_it_stands_on_the_card(house: House) -> None:
    """People who were asked see why, as the agent's words with nothing hidden; silence adds nothing."""
    for reason, notes in (("Ref\u202e gold-card", (Line(_THEIRS, "Ref⟦U+202E⟧ gold-card"),)), (" ", ()), (None, ())):
        request = await house.submit()
        assert await house.desk.cancel(request.id, agent="billing", reason=reason) == await house.now(request)
        card = card_of(await house.now(request), people={}, url="")
        assert (card.state, card.notes, card.verdicts[-1].title) == (State.CANCELLED, notes, "Withdrawn by the agent")


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
