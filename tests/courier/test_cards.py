"""Cards go out from committed rows, in order, and end up showing what is so."""

from __future__ import annotations

import asyncio

import pytest

from bot.core.errors import SendFailed
from bot.core.model import DeliveryState, Verb
from tests.desk.house import House, at

TEMPORARY = SendFailed("not now", temporary=True)


def owed(house: House, *, cards: bool = True) -> list[tuple[str, int]]:
    """Effects still in the file, by kind and tries; those at cards, or the agent's webhooks."""
    sign = "!=" if cards else "="
    found = house.sql(f"select kind, attempts from effects where kind {sign} 'webhook' order by n")  # noqa: S608  # a sign of ours
    return [(kind, attempts) for kind, attempts in found]


async def test_a_card_is_sent_then_updated(house: House) -> None:
    """What is owed is gone from the file once it stands, and each delivery knows where its card is."""
    request = await house.submit()
    await house.work()
    await house.rest()
    await house.decide(request)
    await house.rest()
    wire = house.channels["slack"]
    for person in ("ana", "ben"):
        mine = [(what, state) for what, to, state, _ in wire.said if to == person]
        assert mine[0] == ("send", "pending")
        assert mine[-1] == ("update", "approved")
    assert owed(house) == []
    deliveries = await house.store.deliveries(request.id)
    assert {d.state for d in deliveries} == {DeliveryState.SENT}
    assert all(d.handle and d.handle["channel"] == d.to for d in deliveries)


async def test_decided_while_its_card_is_on_its_way(house: House) -> None:
    """The card lands after the decision: it is brought up to date at once, so nobody is left with open buttons."""
    wire = house.channels["slack"]
    wire.gate = asyncio.Event()
    await house.work()
    request = await house.submit()
    await wire.everybody(2)
    await house.decide(request, verb=Verb.REJECT)
    wire.gate.set()
    await house.rest()
    for person in ("ana", "ben"):
        mine = [(what, state) for what, to, state, _ in wire.said if to == person]
        assert mine[0] == ("send", "pending")
        assert mine[-1] == ("update", "rejected")
    assert owed(house) == []


async def test_changed_twice_while_its_card_is_on_its_way(house: House) -> None:
    """Everything that was asked of the card meanwhile is one update, which shows the last of it."""
    wire = house.channels["slack"]
    wire.gate = asyncio.Event()
    await house.work()
    request = await house.submit("two.of")
    await wire.everybody(2)
    after = await house.decide(request, "ana")
    await house.decide(after, "ben", Verb.ASK, comment="why?")
    after = await house.desk.inform(request.id, agent="billing", text="so")
    wire.gate.set()
    await house.rest()
    mine = [(what, revision) for what, to, _, revision in wire.said if to == "ana"]
    assert mine[:3] == [("send", 1), ("update", 2), ("remind", 2)]
    assert mine[3:] in ([], [("update", 2)])
    assert [d.revision for d in await house.store.deliveries(request.id)] == [2, 2, 2]


async def test_an_ended_request_sends_no_card(house: House) -> None:
    """Decided before the card went out: it is skipped, and on record as skipped."""
    request = await house.submit()
    await house.decide(request)
    await house.work()
    await house.rest()
    assert house.channels["slack"].said == []
    assert {d.state for d in await house.store.deliveries(request.id)} == {DeliveryState.SKIPPED}
    assert owed(house) == []


async def test_p08_a_card_that_stands_although_nobody_said_so_is_not_forgotten(house: House) -> None:
    """Posted by a process that was killed before it could say so, and decided since: drawn as it ended, on record."""
    request = await house.submit()
    await house.decide(request)
    wire = house.channels["slack"]
    mine = next(d for d in await house.store.deliveries(request.id) if d.to == "ana")
    wire.standing = {mine.id: {"channel": "ana", "ts": "77"}}
    await house.work()
    await house.rest()
    assert {(what, to, state) for what, to, state, _ in wire.said} == {("update", "ana", "approved")}
    kept = {d.to: (d.state, d.handle) for d in await house.store.deliveries(request.id)}
    assert kept["ana"] == (DeliveryState.SENT, {"channel": "ana", "ts": "77"})
    assert kept["ben"] == (DeliveryState.SKIPPED, None)
    assert owed(house) == []


async def test_p08_a_temporary_failure_is_tried_again_when_told(house: House) -> None:
    """After the seconds that the service named, else after a growing pause; its next try is in the file meanwhile."""
    wire = house.channels["slack"]
    wire.faults = [SendFailed("429", temporary=True, retry_after=30), TEMPORARY]
    await house.work()
    request = await house.submit("page.me", agent="quiet")
    await house.rest()
    assert owed(house) == [("card", 1)]
    await house.later(seconds=29)
    assert (wire.sent(), owed(house)) == ([], [("card", 1)])
    await house.later(seconds=1)
    assert owed(house) == [("card", 2)]
    await house.later(seconds=2)
    assert (wire.sent(), owed(house)) == (["ana"], [])
    assert [d.state for d in await house.store.deliveries(request.id)] == [DeliveryState.SENT]


@pytest.mark.parametrize("fault", [TimeoutError(), ConnectionResetError("reset"), KeyError("template")], ids=repr)
async def test_p08_whatever_a_channel_does_is_a_failure_for_now(house: House, fault: Exception) -> None:
    """A hang, a reset, a bug: the lane goes on from there, and nothing is lost."""
    wire = house.channels["slack"]
    wire.faults = [fault]
    await house.work()
    await house.submit("page.me", agent="quiet")
    await house.rest()
    assert owed(house) == [("card", 1)]
    await house.later(seconds=2)
    assert (wire.sent(), owed(house)) == (["ana"], [])


async def test_a_hanging_channel_is_cut(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A send that does not end is given up on, and tried again."""
    monkeypatch.setattr("bot.courier.errands._SEND_TIMEOUT", 0.05)
    wire = house.channels["slack"]
    wire.gate = asyncio.Event()
    await house.work()
    await house.submit("page.me", agent="quiet")
    await house.rest()
    assert owed(house) == [("card", 1)]
    wire.gate = None
    await house.later(seconds=2)
    assert wire.sent() == ["ana"]


async def test_p08_given_up_in_the_end(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """Twenty tries in about an hour, then it is undeliverable: said aloud, on record, and the chain moves on."""
    wire = house.channels["slack"]
    wire.faults = [SendFailed("not now", temporary=True) for _ in range(20)]
    house.rule(
        lambda text: text.replace("{notify: [ana], via: [slack], wait: 15m}", "{notify: [ana], via: [slack]}", 1)
    )
    await house.work()
    request = await house.submit("page.me", agent="quiet")
    await house.rest()
    begun = house.clock.at
    while owed(house) and not house.channels["email"].said:
        await house.later(minutes=1)
    assert 55 <= (house.clock.at - begun).total_seconds() / 60 <= 75
    assert "given up" in caplog.text
    assert [d.state for d in await house.store.deliveries(request.id)] == [DeliveryState.FAILED, DeliveryState.SENT]
    assert house.channels["email"].sent() == ["ana"]
    assert "delivery.failed" in await house.events(request)


async def test_p08_a_channel_that_was_switched_off(house: House) -> None:
    """A card for a channel that is off by now is undeliverable, so the chain moves on rather than wait in silence."""
    request = await house.submit()
    del house.channels["slack"]
    await house.work()
    await house.rest()
    after = await house.now(request)
    assert {d.state for d in (await house.store.deliveries(request.id)) if d.channel == "slack"} == {
        DeliveryState.FAILED
    }
    assert after.escalation_level > 0


async def test_updates_and_words_that_fail_for_good_are_let_go(house: House) -> None:
    """A card that was deleted moves no chain; reminders of a card that never arrived are dropped."""
    wire = house.channels["slack"]
    await house.work()
    request = await house.submit()
    await house.rest()
    wire.faults = [SendFailed("message_not_found", temporary=False) for _ in range(2)]
    await house.later(minutes=5)
    assert (owed(house), at(await house.now(request)).step) == ([], 0)
    await house.decide(request)
    await house.rest()
    assert set(wire.sent("update")) == {"ana", "ben"}


async def test_p08_a_card_that_was_deleted_stands_again(house: House) -> None:
    """Somebody deletes the message on which others are still to decide: what is said next comes as a new card."""
    wire = house.channels["slack"]
    await house.work()
    request = await house.submit()
    await house.rest()
    wire.faults = [SendFailed("message_not_found", temporary=False, gone=True) for _ in range(2)]
    await house.later(minutes=5)
    assert (owed(house), at(await house.now(request)).step) == ([], 0)
    deliveries = await house.store.deliveries(request.id)
    assert sorted((d.to, d.state, d.error) for d in deliveries if d.channel == "slack") == [
        (name, state, error)
        for name in ("ana", "ben")
        for state, error in ((DeliveryState.FAILED, "message_not_found"), (DeliveryState.SENT, None))
    ]
    wire.faults = [SendFailed("message_not_found", temporary=False, gone=True) for _ in range(2)]
    await house.decide(request)
    await house.rest()
    assert wire.sent("send") == ["ana", "ben"] * 2
    assert (await house.now(request)).escalation_level == 0


async def test_a_late_reminder_of_an_ended_request_is_not_said(house: House) -> None:
    """Put off, and decided meanwhile."""
    wire = house.channels["slack"]
    await house.work()
    request = await house.submit("page.me", agent="quiet")
    house.rule(lambda text: text)
    await house.rest()
    wire.faults = [TEMPORARY]
    await house.decide(request, verb=Verb.ASK, comment="why?")
    await house.desk.inform(request.id, agent="quiet", text="so")
    await house.desk.cancel(request.id, agent="quiet", reason=None)
    await house.rest()
    await house.later(seconds=5)
    assert wire.sent("remind") == []
    assert wire.said[-1][2] == "cancelled"
    assert owed(house) == []
