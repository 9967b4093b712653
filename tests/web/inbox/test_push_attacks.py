"""What a button that was used already is worth, and what push alone can bring about."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from bot.core.model import PushWay, State
from tests.web.inbox.conftest import Visit
from tests.web.inbox.house import Standing
from tests.web.inbox.pushing import Pushing, post, pushing, subscription


@pytest.fixture
async def pushed(tmp_path: Path) -> AsyncIterator[Pushing]:
    """A house with a push channel."""
    async with pushing(tmp_path) as opened:
        yield opened


@pytest.fixture
def visited(pushed: Pushing) -> Standing:
    """That house, for `visit`."""
    return pushed.house


@pytest.mark.parametrize("way", [PushWay.WEB, PushWay.NTFY])
async def test_t17_a_button_whose_approval_was_taken_back_is_stale(pushed: Pushing, visit: Visit, way: PushWay) -> None:
    """Approved by a button and undone: the same button again approves nothing, and nobody reads that it counted."""
    house = pushed.house
    spec = replace(house.policy.action("refund.reverse"), undo_window=timedelta(seconds=30))
    house.policy = replace(house.policy, actions={**house.policy.actions, "refund.reverse": spec})
    request, ana = await pushed.submit(), await visit("ana")
    token = pushed.token(request, "ana", way=way)

    async def press() -> tuple[int, str]:
        if way is PushWay.WEB:
            answer = await post(ana, "/push/decisions", {"token": token})
            return answer.status, json.loads(answer.text)["said"]
        answer = await (await visit(None)).send("POST", f"/push/act/{token}")
        return answer.status, answer.text

    assert (await press())[0] == 200
    assert (await house.now(request.id)).state is State.APPROVED
    await house.desk.undo(request.id, by="ana", via="inbox", revision=1)
    status, said = await press()
    assert (status, "has changed since" in said) == (409, True)
    now = await house.now(request.id)
    assert (now.state, now.votes) == (State.PENDING, ())
    assert (await house.audit_types(request.id))[-1] == "refusal:stale"


async def test_nobody_keeps_more_browsers_than_ten_however_fast(pushed: Pushing) -> None:
    """Of many that are turned on at one moment, the newest ten stay: each is a call at every request."""
    now = pushed.house.clock.now()
    many = [subscription(f"https://push.example.com/{n}", "ana", now) for n in range(60)]
    await asyncio.gather(*(pushed.house.desk.subscribe(one) for one in many))
    assert len(await pushed.devices("ana")) == 10
