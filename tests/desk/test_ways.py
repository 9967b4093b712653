"""By which way people are reached: what they prefer, the next where one fails, and only then the chain (promise P8)."""

from __future__ import annotations

import pytest

from bot.core.errors import SendFailed
from bot.core.model import DeliveryState
from tests.desk.filed import DEFAULT, SENT, chain, enforce, other_people, stages
from tests.desk.house import House, at


async def test_nobody_is_reached_and_it_waits(house: House) -> None:
    """`on_undeliverable: wait`: the step keeps its time, though no card arrived."""
    steps = ("{notify: [ana], via: [slack], wait: 15m, on_undeliverable: wait}", "{notify: [lea], via: [slack]}")
    enforce(house, SENT, chain(*steps), DEFAULT)
    house.channels["slack"].closed = {"ana"}
    request = await house.submit()
    await house.work()
    await house.rest()
    assert at(await house.now(request)).step == 0
    assert [d.state for d in await house.store.deliveries(request.id)] == [DeliveryState.FAILED]
    await house.later(minutes=15)
    assert at(await house.now(request)).step == 1


PREFERS = """
ana: {name: Ana Silva, email: ana@example.com, slack: U0ANA, channels: [email, slack]}
ben: {name: Ben Okafor, email: ben@example.com, slack: U0BEN}
"""


async def test_whoever_prefers_a_channel_is_asked_there(house: House) -> None:
    """Ana by mail alone, Ben through all there are; where the step names one, it is that one."""
    enforce(house, other_people(PREFERS), SENT, chain("{notify: [finance]}"), DEFAULT)
    await house.work()
    await house.submit()
    await house.rest()
    assert (sorted(house.channels["email"].sent()), house.channels["slack"].sent()) == (["ana", "ben"], ["ben"])
    enforce(house, other_people(PREFERS), SENT, chain("{notify: [ana], via: [slack]}"), DEFAULT)
    await house.submit()
    await house.rest()
    assert house.channels["slack"].sent() == ["ben", "ana"]


@pytest.mark.parametrize("others", [True, False])
async def test_p08_the_next_channel_where_one_fails(house: House, *, others: bool) -> None:
    """Her mail comes back: she is asked in Slack, whether others of the step were reached or not."""
    notify = "[finance]" if others else "[ana]"
    enforce(house, other_people(PREFERS), SENT, chain(f"{{notify: {notify}, wait: 1h}}", "{notify: [lea]}"), DEFAULT)
    house.channels["email"].lost = {"ana"}
    request = await house.submit()
    await house.work()
    await house.rest()
    after = await house.now(request)
    assert "ana" in house.channels["slack"].sent()
    assert (at(after).step, after.escalation_level) == (0, 0)
    assert "request.escalated" not in await house.events(request)


async def test_p08_only_then_the_chain(house: House) -> None:
    """Neither way reaches her, and she is the only one: the next step is asked at once."""
    enforce(house, other_people(PREFERS), SENT, chain("{notify: [ana], wait: 1h}", "{notify: [lea]}"), DEFAULT)
    house.channels["email"].lost = {"ana"}
    house.channels["slack"].closed = {"ana"}
    request = await house.submit()
    await house.work()
    await house.rest()
    after = await house.now(request)
    assert (at(after).step, after.assignees) == (1, ("ana", "lea"))
    assert (await house.events(request)).count("request.escalated") == 1
    assert sorted(house.channels["slack"].sent()) == ["lea"]


async def test_p08_a_room_that_fails_is_no_way_either(house: House) -> None:
    """Her first wish is Slack, which here is a room that is gone: she is asked by mail."""
    wish = "ana: {name: Ana, email: ana@example.com, slack: U0ANA, channels: [slack, email]}"
    enforce(house, other_people(wish), SENT, chain("{notify: [ana], wait: 1h}", "{notify: [lea]}"), DEFAULT)
    slack = house.channels["slack"]
    slack.room = "C0GONE"
    slack.faults = [SendFailed("channel_not_found", temporary=False)]
    request = await house.submit()
    await house.work()
    await house.rest()
    assert house.channels["email"].sent() == ["ana"]
    assert at(await house.now(request)).step == 0


async def test_p08_two_stages_lose_one_card(house: House) -> None:
    """Kim's card fails in both of the stages that asked her: one had somebody else, and the other moves on."""
    chains = """
chains:
  one: [{notify: [ana, kim], via: [slack], wait: 1h}, {notify: [eva], via: [slack]}]
  two: [{notify: [kim], via: [slack], wait: 1h}, {notify: [lea], via: [slack]}]
"""
    pair = "{parallel: [{name: one, chain: one}, {name: two, chain: two}]}"
    enforce(house, SENT, chains, stages(pair))
    house.channels["slack"].closed = {"kim"}
    request = await house.submit()
    await house.work()
    await house.rest()
    after = await house.now(request)
    assert [track.step for track in after.tracks] == [0, 1]
    assert sorted(house.channels["slack"].sent()) == ["ana", "lea"]
