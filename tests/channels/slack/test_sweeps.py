"""Approve all and Reject all: each request by itself, once, by whoever may; in both modes."""

from __future__ import annotations

import asyncio
from copy import deepcopy

import pytest

from bot.core.errors import Unavailable
from bot.core.model import Risk, State, Verb
from channels.slack import SlackChannel
from tests.channels.slack.conftest import SECRETS, Office, opened, settings_of
from tests.fakes.slack import buttons, visible_text


def states(office: Office) -> list[State]:
    """How the requests stand."""
    return [request.state for request in office.house.requests.values()]


@pytest.mark.parametrize(("button", "state"), [("approve_all", State.APPROVED), ("reject_all", State.REJECTED)])
async def test_one_press_decides_each_of_them(office: Office, button: str, state: State) -> None:
    """Committed before it is acknowledged, each bound to what was shown; the person alone is told how many."""
    message = await office.bundle(3)
    ack = await office.slack.click("U0ANA", message, button)
    assert ack.ok
    assert states(office) == [state] * 3
    assert "3 of 3" in await office.told("U0ANA")
    for request, ballot in zip(office.house.requests.values(), office.house.ballots, strict=True):
        assert (ballot.request, ballot.by, ballot.digest) == (request.id, "ana", request.digest)
    assert len({ballot.id for ballot in office.house.ballots}) == 3
    await office.house.settle()
    assert list(buttons(message)) == ["open"]


async def test_a_press_is_asked_about_first(by_http: Office) -> None:
    """Twelve decisions are not made by a slip: Slack asks before it sends the press."""
    for button in list(buttons(await by_http.bundle(12)).values())[:2]:
        assert "12 of them" in button["confirm"]["text"]["text"]


async def test_what_did_not_go_through_is_told_with_its_reason(office: Office) -> None:
    """One was decided meanwhile, one has changed: the third goes through, and both reasons are said."""
    message = await office.bundle(3)
    seen = message.as_dict()
    await office.house.decide(office.ballot("req_1"))
    office.house.revise("req_2", {"order": "2", "amount": 9_000})
    assert (await office.slack.click("U0BEN", message, "approve_all", as_seen=seen)).ok
    text = await office.told("U0BEN")
    assert text.startswith("Approved: 1 of 3.")
    assert "Not “Refund 1”: The request was already approved by ana" in text
    assert "Not “Refund 2”: The request has changed since you saw it" in text
    assert states(office) == [State.APPROVED, State.PENDING, State.APPROVED]


async def test_t05_a_press_on_an_older_screen_decides_what_it_showed(by_http: Office) -> None:
    """After the message was drawn anew with a new revision, the older screen's button does not decide that one."""
    message = await by_http.bundle(2)
    seen = message.as_dict()
    by_http.house.revise("req_2", {"order": "2", "amount": 9_000})
    await by_http.house.refresh("req_2")
    assert "9000" in visible_text(message)
    assert buttons(message)["approve_all"]["value"] != buttons(seen)["approve_all"]["value"]
    await by_http.slack.click("U0ANA", message, "approve_all", as_seen=seen)
    assert states(by_http) == [State.APPROVED, State.PENDING]
    await by_http.house.settle()
    await by_http.slack.click("U0ANA", message, "approve_all")
    assert states(by_http) == [State.APPROVED, State.APPROVED]


async def test_t02_a_forced_approve_all_is_refused_whole(by_http: Office) -> None:
    """A press that the message never offered, for what it did not show whole or what cannot be undone."""
    for changes in ({"reason": "x" * 9_000}, {"risk": Risk.IRREVERSIBLE}):
        message = await by_http.bundle(2, **changes)
        seen = deepcopy(message.as_dict())
        seen["blocks"][-1]["elements"][0]["action_id"] = "approve_all"
        await by_http.slack.click("U0ANA", message, "approve_all", as_seen=seen)
        assert "Not everything that would run was shown" in await by_http.told("U0ANA")
    assert by_http.house.ballots == []
    assert by_http.house.reasons == ["not_fully_shown"] * 2
    assert (await by_http.slack.click("U0ANA", message, "reject_all")).ok
    assert states(by_http)[2:] == [State.REJECTED] * 2


@pytest.mark.parametrize(
    ("user", "reason", "words"),
    [
        ("U0NOBODY", "unknown_person", "does not know you"),
        ("U0GUEST", "not_a_member", "full members"),
        ("U0STRANGER", "foreign_workspace", "another Slack workspace"),
    ],
)
async def test_t08_wrong_people_change_nothing_and_are_told(user: str, reason: str, words: str) -> None:
    """As for a single card: refused aloud and recorded, before any request is touched."""
    async with opened("http") as office:
        message = await office.bundle(2)
        await office.slack.click(user, message, "approve_all")
        assert words in await office.told(user)
        assert office.house.reasons == [reason]
        assert office.house.ballots == []


async def test_t08_each_request_asks_its_own_people(by_http: Office) -> None:
    """Lea is asked for one of them, by escalation: that one she decides, and is told of the other."""
    message = await by_http.bundle(2)
    await by_http.house.decide(by_http.ballot("req_2", Verb.ESCALATE))
    await by_http.house.settle()
    await by_http.slack.click("U0LEA", message, "reject_all")
    text = await by_http.told("U0LEA")
    assert "Rejected: 1 of 2." in text
    assert "Not “Refund 1”: You are not asked to review this request" in text
    assert states(by_http) == [State.PENDING, State.REJECTED]
    assert by_http.house.reasons == ["not_assigned"]


async def test_a_forged_token_is_refused(by_http: Office) -> None:
    """Neither a value of nobody's nor one of a single card's button decides."""
    single = await by_http.card()
    message = await by_http.bundle(2)
    for value in ("xx", buttons(single)["approve"]["value"]):
        seen = deepcopy(message.as_dict())
        seen["blocks"][-1]["elements"][0]["value"] = value
        await by_http.slack.click("U0ANA", message, "approve_all", as_seen=seen)
    await by_http.slack.wait_for(lambda: len(by_http.slack.ephemerals("U0ANA")) == 2)
    assert by_http.house.reasons == ["bad_token"] * 2
    assert by_http.house.ballots == []


async def test_t06_one_press_delivered_fifty_times_counts_once(by_http: Office) -> None:
    """In this process and in another: the same press is the same decisions, and nobody is told that they failed."""
    message = await by_http.bundle(3)
    await by_http.slack.click("U0ANA", message, "approve_all")
    recorded = by_http.slack.deliveries[-1]
    await asyncio.gather(*(by_http.slack.redeliver(recorded) for _ in range(50)))
    assert len(by_http.house.ballots) == 3
    other = SlackChannel(
        settings_of(by_http.slack, "http"), by_http.house, clock=by_http.house.clock, post_to="#approvals",
        secrets=SECRETS,
    )  # fmt: skip
    await other.start()
    await other.handle(recorded.headers, recorded.body, by_http.house.clock.now())
    await other.stop()
    assert [len(r.decisions) for r in by_http.house.requests.values()] == [1, 1, 1]
    assert by_http.house.refusals == []
    assert {str(m.blocks[0]["text"]["text"]) for m in by_http.slack.ephemerals("U0ANA")} == {"Approved: 3 of 3."}


async def test_t06_two_people_at_once_decide_each_once(office: Office) -> None:
    """Approve all and Reject all at the same moment: each request has one decision, and each person the whole count."""
    message = await office.bundle(4)
    await asyncio.gather(
        office.slack.click("U0ANA", message, "approve_all"), office.slack.click("U0BEN", message, "reject_all")
    )
    assert [len(r.decisions) for r in office.house.requests.values()] == [1] * 4
    through = [int((await office.told(user)).split(": ")[1][0]) for user in ("U0ANA", "U0BEN")]
    assert sum(through) == 4


async def test_p09_a_press_that_takes_too_long_is_told_twice(by_http: Office) -> None:
    """After 2.5 s that it is not decided yet, and what came of it once it has."""
    by_http.house.slow = 1.5
    message = await by_http.bundle(2)
    ack = await by_http.slack.click("U0ANA", message, "approve_all")
    assert not ack.ok
    assert "not decided yet" in await by_http.told("U0ANA")
    await by_http.slack.wait_for(lambda: len(by_http.slack.ephemerals("U0ANA")) == 2)
    assert "2 of 2" in await by_http.told("U0ANA")


@pytest.mark.parametrize("broken", [Unavailable(), RuntimeError("a bug")])
async def test_p10_what_could_not_be_written_is_said(by_http: Office, broken: Exception) -> None:
    """None went through, the person reads why, and the press is not acknowledged as done."""
    message = await by_http.bundle(2)
    by_http.house.broken = broken
    ack = await by_http.slack.click("U0ANA", message, "approve_all")
    assert not ack.ok
    assert "Approved: 0 of 2." in await by_http.told("U0ANA")
    assert states(by_http) == [State.PENDING] * 2


async def test_what_waits_for_its_agent_is_not_pressed_for(by_http: Office) -> None:
    """A request with an open question stays out of it, and the line says so."""
    message = await by_http.bundle(2)
    await by_http.house.decide(by_http.ballot("req_1", Verb.ASK))
    await by_http.house.settle()
    assert "Waits for the agent's answer" in visible_text(message)
    await by_http.slack.click("U0BEN", message, "approve_all")
    assert "Approved: 1 of 1." in await by_http.told("U0BEN")
    assert states(by_http) == [State.NEEDS_INFO, State.APPROVED]
