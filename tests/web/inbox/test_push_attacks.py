"""What a button that was used already is worth, and what push alone can bring about."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from bot.core.model import PushWay, Request, State
from tests.web.inbox.conftest import Visit
from tests.web.inbox.data import CANARIES, EARNED
from tests.web.inbox.house import Standing
from tests.web.inbox.pushing import Pushing, csrf, post, pushing, subscribed, subscription, turn_on


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


async def test_t15_what_was_approved_by_push_earns_nothing(pushed: Pushing) -> None:
    """500 approvals of 1 from a lock screen; the 1,000 that follows waits for a person, and so does another 1."""
    times, little, much = EARNED

    async def asked(amount: int, order: int) -> Request:
        return await pushed.house.submit(action="refund.reverse", arguments={"order": str(order), "amount": amount})

    for order in range(times):
        request = await asked(little, order)
        assert request.state is State.PENDING
        decided = await pushed.push.act(pushed.token(request, "ana"), person="ana")
        assert (decided.state, decided.decisions[-1].channel) == (State.APPROVED, "push")
    for amount in (much, little):
        last = await asked(amount, times)
        assert (last.state, last.assignees, last.execution) == (State.PENDING, ("ana", "ben"), None)


async def test_t23_nothing_that_agents_write_and_no_secret_is_logged_or_streamed(
    pushed: Pushing, visit: Visit, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Signed in, looked at, streamed, pressed, refused, broken: 50 canaries and every secret of it, 0 hits."""
    caplog.set_level(logging.DEBUG)
    house, ana, told = pushed.house, await visit("ana"), subscribed("https://push.example.com/secret-endpoint")
    left = iter(CANARIES)
    async with ana.client.get(f"{house.url}/inbox/live") as stream:
        request = await house.submit(
            action="refund.reverse",
            arguments={next(left): next(left) for _ in range(20)},
            labels={next(left): next(left)},
            reason=next(left),
            batch=next(left),
            context={next(left): next(left) for _ in range(3)} | {"more": list(left)},
        )
        plain = await pushed.submit()
        cookie = next(c.value for c in ana.client.cookie_jar if c.key == "sayso")
        secrets = [cookie, await csrf(ana), pushed.token(plain, "ana"), "secret-endpoint", told["keys"]["auth"]]
        await turn_on(ana, told)
        link = await house.link("ben")
        secrets.append(link.rpartition("/")[2])
        nobody = await visit(None)
        for path in (link.removeprefix(house.url), f"/push/act/{secrets[2]}", "/inbox/together", "/push/decisions"):
            await nobody.post(path, person="ana")
        for path in ("/inbox", f"/requests/{request.id}", f"/inbox/together?pick={request.id}", "/account"):
            assert (await ana.get(path)).status == 200
        assert (await ana.decide(request.id, "reject", csrf="forged", comment=CANARIES[0])).status == 403
        assert (await post(ana, "/push/decisions", {"token": pushed.token(request, "ana")})).status == 409
        assert (await post(ana, "/push/decisions", {"token": secrets[2]})).status == 200
        with monkeypatch.context() as broken:
            broken.setattr("bot.web.inbox.review.view_of", lambda *_, **given: given["nothing of this name"])
            assert (await ana.get(f"/requests/{request.id}")).status == 500
        await asyncio.sleep(0.3)
        streamed = (await stream.content.read(64 * 1024)).decode()
    assert request.id in streamed
    # As `sayso up` has it: of ours all, of others what is a warning; uvicorn writes down no calls there.
    rooms = ("bot", "channels", "store")
    records = [r for r in caplog.records if r.levelno >= logging.WARNING or r.name.partition(".")[0] in rooms]
    logged = "\n".join(logging.Formatter().format(record) for record in records)
    assert "KeyError: 'nothing of this name'" in logged, "the traceback of what broke is there to be looked at"
    assert [found for found in (*CANARIES, *secrets) if found in logged + streamed] == []
