"""Gathered mail in any weather: outages, refusals, bounces and restarts in every order, and nobody is left unasked."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from bot.core.errors import SaysoError, SendFailed
from bot.core.model import DeliveryState, Request, State, Verb
from bot.core.ports import KeyItem, ReplyKey
from tests.courier.gathering import mail, owed, page, rules
from tests.desk.house import START, House, MovableClock, at, open_house
from tests.desk.replayed import prove

FAULTS = (
    SendFailed("451 later", temporary=True),
    SendFailed("451 later", temporary=True, retry_after=45),
    TimeoutError(),
    ConnectionResetError("reset"),
    SendFailed("554 no", temporary=False),
    SendFailed("550 no such user", temporary=False, unreachable=True),
)


async def _bounce(house: House, request: Request) -> None:
    """Whatever was sent of it by mail comes back."""
    for sent in await house.store.deliveries(request.id):
        if sent.channel == "email":
            item = KeyItem(request=request.id, revision=1, digest="sha256:0", delivery=sent.id, fully_shown=True)
            mark: dict[str, Any] = {"hash": sent.id, "letter": sent.id, "channel": "email", "person": sent.to}
            await house.desk.returned(ReplyKey(**mark, items=(item,), at=START, expires_at=START), "550 no such user")


async def _decide(house: House, request: Request, luck: Random) -> None:
    """Somebody who is asked does something, or the agent answers or withdraws it."""
    now = await house.now(request)
    try:
        if not now.state.open:
            return
        if now.state == "needs_info":
            await house.desk.inform(request.id, agent="eva", text="so")
        elif luck.random() < 0.2:
            await house.desk.cancel(request.id, agent="eva", reason=None)
        else:
            verb = luck.choice((Verb.REJECT, Verb.ASK, Verb.ESCALATE, Verb.APPROVE))
            await house.decide(now, luck.choice(now.assignees), verb, comment="why?")
    except SaysoError:
        return


async def _step(house: House, known: list[Request], luck: Random) -> None:
    happens = luck.random()
    if happens < 0.35 or not known:
        known.append(await page(house, luck.choice(("page.me", "hurry.me", "all.of"))))
    elif happens < 0.5:
        await _decide(house, luck.choice(known), luck)
    elif happens < 0.6:
        house.channels["email"].faults.append(luck.choice(FAULTS))
    elif happens < 0.65:
        await _bounce(house, luck.choice(known))
    elif happens < 0.75:
        assert house.courier is not None
        await house.courier.stop(0)
        await house.work()
    else:
        await house.later(seconds=luck.choice((1, 30, 60, 120, 400)))


@pytest.mark.parametrize("seed", range(15))
async def test_whatever_happens_everything_owed_is_done_and_nobody_is_left_unasked(tmp_path: Path, seed: int) -> None:
    """After the storm no card waits, none was sent for what had ended, and each open request reached all it asks.

    Whom it could not reach it has given up on record, and then the chain went on where it could.
    """
    luck = Random(seed)  # noqa: S311  # the same weather each time
    known: list[Request] = []
    async with open_house(tmp_path / "sayso.db", channels=mail(), clock=MovableClock()) as house:
        # No step gives way to the next by itself: only what could not be delivered, and people, move a chain on.
        house.rule(lambda text: rules(text).replace(", wait: 45m", ""))
        house.channels["email"].tells_after = luck.choice((None, timedelta(minutes=5)))
        await house.work()
        for _ in range(60):
            await _step(house, known, luck)
        house.channels["email"].faults.clear()
        for _ in range(12):
            await house.later(minutes=5)
        assert owed(house) == []
        for request in known:
            await _reached(house, await house.now(request))
        assert house.courier is not None
        await house.courier.stop(2)
        assert await prove(house.store) == len(known)


async def _reached(house: House, request: Request) -> None:
    deliveries = await house.store.deliveries(request.id)
    assert DeliveryState.QUEUED not in {sent.state for sent in deliveries}
    assert all(sent.handle for sent in deliveries if sent.state is DeliveryState.SENT)
    plan = request.stage_plan
    if not request.state.open or plan is None:
        return
    assert DeliveryState.SKIPPED not in {sent.state for sent in deliveries}
    if request.state is State.NEEDS_INFO:
        return  # Nobody is waited for; once the agent answers, whoever has no letter is written to again.
    alive = {sent.person for sent in deliveries if sent.state is DeliveryState.SENT}
    newest = set(plan.steps[at(request).step].people)
    assert newest & alive or plan.following(at(request).step) is None
