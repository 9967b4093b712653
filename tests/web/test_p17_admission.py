"""The gate: so many agents' calls inside, the rest in line, each agent behind itself; and the brake on refusals."""

from __future__ import annotations

import asyncio
import time
from collections import Counter

import pytest

from bot.core.errors import Overloaded
from bot.web import brake
from bot.web.admission import A_PLACE, Gate
from bot.web.brake import Brake
from bot.web.exchange import announced
from bot.web.line import Line, Slot
from bot.web.strict_json import MAX_BYTES


async def _settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_p17_agents_are_let_in_by_turns() -> None:
    """One that has many in line does not keep another waiting behind all of them."""
    gate = Gate(inside=1, in_line=100)
    first = await gate.enter("wild")
    order: list[str] = []

    async def call(agent: str) -> None:
        slot = await gate.enter(agent)
        order.append(agent)
        slot.leave()

    calls = [asyncio.create_task(call("wild")) for _ in range(20)]
    await _settled()
    calls.append(asyncio.create_task(call("tame")))
    await _settled()
    first.leave()
    await asyncio.gather(*calls)
    assert order.index("tame") <= 1
    assert len(order) == 21


async def test_p17_a_full_line_refuses_its_own_agent_alone() -> None:
    """It is told when to come again, and counted; another agent still finds a place."""
    gate = Gate(inside=1, in_line=8)
    first = await gate.enter("wild")

    async def call(agent: str) -> str:
        (await gate.enter(agent)).leave()
        return agent

    calls = [asyncio.create_task(call("wild")) for _ in range(6)]
    await _settled()
    with pytest.raises(Overloaded) as refused:
        await gate.enter("wild")
    assert 1 <= refused.value.extra["retry_after"] <= 60
    assert gate.refused == {"agent": 1}
    calls.append(asyncio.create_task(call("tame")))
    await _settled()
    first.leave()
    async with asyncio.timeout(5):
        assert await asyncio.gather(*calls) == ["wild"] * 6 + ["tame"]


async def test_p17_who_hangs_up_in_line_leaves_no_place_taken() -> None:
    """A call that is cancelled before or as its turn comes gives its place to the next."""
    gate = Gate(inside=1, in_line=8)
    first = await gate.enter("wild")
    leaving = asyncio.create_task(gate.enter("wild"))
    staying = asyncio.create_task(gate.enter("wild"))
    await _settled()
    leaving.cancel()
    first.leave()
    async with asyncio.timeout(5):
        slot = await staying
    slot.leave()
    slot.leave()
    again = [await gate.enter("wild")]
    late = asyncio.create_task(gate.enter("wild"))
    await _settled()
    assert not late.done()
    again[0].leave()
    async with asyncio.timeout(5):
        (await late).leave()


async def test_p17_a_large_body_takes_more_places() -> None:
    """So few are written at once; nobody overtakes one that waits, and one that is too large for all comes in alone."""
    gate = Gate(inside=10)
    large = await gate.enter("wild", 8 * A_PLACE)
    small = await gate.enter("tame", 900)
    waiting = asyncio.create_task(gate.enter("wild", 8 * A_PLACE))
    behind = asyncio.create_task(gate.enter("tame", 900))
    await _settled()
    assert not waiting.done()
    small.leave()
    await _settled()
    assert not behind.done()
    large.leave()
    async with asyncio.timeout(5):
        (await waiting).leave()
        (await behind).leave()
        (await gate.enter("wild", 100 * A_PLACE)).leave()


@pytest.mark.parametrize(
    ("head", "size"),
    [
        ([], 0),
        ([(b"content-length", b"900")], 900),
        ([(b"content-length", b"99999999999999999999")], MAX_BYTES),
        ([(b"content-length", b"-1")], MAX_BYTES),
        ([(b"transfer-encoding", b"chunked")], MAX_BYTES),
    ],
)
def test_p17_a_body_whose_size_is_not_told_counts_as_the_largest(head: list[tuple[bytes, bytes]], size: int) -> None:
    """Who says nothing of it, or nonsense, takes no fewer places for it."""
    assert announced({"type": "http", "headers": head}) == size


async def test_t13_nobody_holds_more_of_a_shared_room_than_is_free() -> None:
    """One key has half of it, two a third each; the next with none always finds room; what is left lets more in."""
    room = Line(24, 100, Counter(), shared=True)
    held: dict[str, list[Slot]] = {"evil": [], "worse": []}
    asked: list[asyncio.Task[None]] = []

    async def hold(agent: str) -> None:
        held[agent].append(await room.enter(agent, 2))

    for agent in held:
        asked += [asyncio.create_task(hold(agent)) for _ in range(12)]
        await _settled()
    assert [len(slots) for slots in held.values()] == [6, 3]
    async with asyncio.timeout(5):
        (await room.enter("tame", 2)).leave()
    for slot in held["evil"]:
        slot.leave()
    held["evil"].clear()
    await _settled()
    assert min(len(slots) for slots in held.values()) >= 3
    assert room.inside <= 18
    for task in asked:
        task.cancel()


async def test_p17_waits_are_counted_each_and_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond its share a name is told to ask without waiting; who has gone makes room."""
    monkeypatch.setattr("bot.web.admission.WAITS_EACH", 1)
    gate = Gate()
    with gate.waits("billing"):
        with gate.waits("other"):
            pass
        with pytest.raises(Overloaded), gate.waits("billing"):
            pass
    with gate.waits("billing"):
        pass


async def test_p17_few_refusals_are_told_at_once_and_many_slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond a number a second they are held back; never longer than it says."""
    monkeypatch.setattr(brake, "FREE", 5)
    it = Brake()
    began = time.monotonic()
    for _ in range(5):
        await it.hold()
    assert it.holding == 0
    await asyncio.gather(*(it.hold() for _ in range(40)))
    assert time.monotonic() - began >= 0.05
    assert it.holding == 0
