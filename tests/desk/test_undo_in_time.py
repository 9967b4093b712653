"""An undo is for what has not begun: what runs, ran or is in an agent's hand stands; of both at once, one wins."""

from __future__ import annotations

import asyncio

import pytest

from bot.core import errors
from bot.core.model import ExecutionState, Request, State
from bot.desk.runs import Claim
from tests.desk.house import House
from tests.desk.test_undo import approved, undo, windowed
from tests.fakes.receiver import Receiver


async def test_what_runs_or_ran_is_not_taken_back(house: House) -> None:
    """Once the call is under way it is too late, and so it is afterwards; the refusal says where it stands."""
    async with Receiver() as receiver:
        house.receiver = receiver.url
        windowed(house)
        await house.work()
        request = await approved(house)
        await house.later(seconds=31)
        with pytest.raises(errors.Conflict, match="executed already"):
            await undo(house, request)
        assert len(receiver.calls) == 1
    assert (await house.now(request)).state is State.APPROVED


async def test_what_is_tried_again_is_not_taken_back(house: House) -> None:
    """A first attempt that came to nothing may not be the only one that was made."""
    windowed(house)
    await house.work()
    request = await approved(house)
    await house.later(seconds=31)
    stored = await house.now(request)
    assert stored.execution is not None
    assert (stored.execution.state, stored.execution.attempts) == (ExecutionState.WAITING, 1)
    with pytest.raises(errors.Conflict):
        await undo(house, request)


async def test_what_the_agent_has_in_hand_is_not_taken_back(house: House) -> None:
    """An action that its agent runs at once is in its hands; with a window it is not, until that is over."""
    windowed(house)
    at_once = await approved(house, action="own.now")
    with pytest.raises(errors.Conflict, match="executing already"):
        await undo(house, at_once)
    later = await approved(house, action="own.run")
    assert (await undo(house, later)).state is State.PENDING


async def test_while_replays_are_stopped_it_is_taken_back_after_the_window_too(house: House) -> None:
    """Nothing has begun, so nothing is too late."""
    windowed(house)
    await house.work()
    await house.desk.pause(on=True, by="admin:ops", via="api")
    request = await approved(house)
    await house.later(seconds=600)
    assert (await undo(house, request)).state is State.PENDING
    await house.desk.pause(on=False, by="admin:ops", via="api")
    await house.later(seconds=600)
    assert (await house.now(request)).state is State.PENDING


async def test_taking_back_and_beginning_at_one_moment_gives_one_of_both(house: House) -> None:
    """Many claims and undos at once: it either runs, and every undo is refused, or it waits and never runs."""
    windowed(house)
    for _ in range(10):
        request = await approved(house)
        assert request.execution is not None
        house.clock.move(seconds=31)
        claims = [house.desk.claim(request.execution.id) for _ in range(4)]
        undos = [undo(house, request) for _ in range(4)]
        mixed = [one for pair in zip(undos, claims, strict=True) for one in pair]
        answers = await asyncio.gather(*mixed, return_exceptions=True)
        taken = [a for a in answers[::2] if isinstance(a, Request)]
        orders = [a.order for a in answers[1::2] if isinstance(a, Claim) and a.order]
        assert len(taken) + len(orders) == 1
        stored = await house.now(request)
        assert stored.state is (State.PENDING if taken else State.APPROVED)
