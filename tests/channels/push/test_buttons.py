"""Where there are buttons at all, and what pressing one comes to."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from bot.core.errors import Unavailable
from bot.core.model import Delivery, Kind, PushWay, Request, Risk, State, Verb
from bot.core.ports import Ballot
from bot.core.token import Tokens
from tests.channels.push.house import LOW, SECRETS, Phone

PLAIN: list[tuple[str, dict[str, Any], bool]] = [
    ("reversible", {}, True),
    ("read only", {"risk": Risk.READ_ONLY}, True),
    ("irreversible", {"risk": Risk.IRREVERSIBLE}, False),
    ("a warning of the house", {"warnings": ("Look closely: /body holds a hidden character.",)}, False),
    ("below its gate", {"confidence": 0.5}, False),
    ("no confidence where there is a gate", {"confidence": None}, False),
    ("a question", {"kind": Kind.QUESTION}, False),
    ("an exception", {"kind": Kind.EXCEPTION}, False),
    ("a page full", {"arguments": {"body": "x" * 2_800}}, True),
    ("something at character 3,001", {"arguments": {"body": "x" * 3_000 + "!"}}, False),
    ("3,001 characters in several", {"arguments": {f"a{n}": "x" * 600 for n in range(6)}}, False),
    ("more lines than a page shows", {"arguments": {f"a{n:02}": n for n in range(21)}}, False),
    ("a long reason", {"reason": "y" * 3_001}, False),
    ("a long title", {"title": "z" * 151}, False),
]


@pytest.mark.parametrize(("case", "changes", "plain"), PLAIN, ids=[case for case, *_ in PLAIN])
async def test_t02_only_what_needs_no_long_look_has_buttons(
    phone: Phone, *, case: str, changes: dict[str, Any], plain: bool
) -> None:
    """Low risk, sure enough, no warning, and shown whole on a phone's page; everything else opens the page."""
    del case
    browser = await phone.browser("ana")
    request = phone.house.submit(**LOW | changes)
    await phone.house.send(request)
    actions = [action["action"] for action in browser.shown[request.id]["actions"]]
    assert actions == (["approve", "reject"] if plain else [])
    assert browser.shown[request.id]["url"].endswith(f"/requests/{request.id}")


@pytest.mark.parametrize("off", [False, "off"])
async def test_buttons_can_be_turned_off(phone: Phone, off: Any) -> None:
    """``channels: push: buttons: off``, also for what stands on a screen already."""
    browser = await phone.browser("ana")
    first, _ = await phone.asked()
    phone.section["buttons"] = off
    request, _ = await phone.asked()
    assert browser.shown[request.id]["actions"] == []
    assert "not decided from a notification" in (await phone.press(token(browser.shown[first.id]), "ana") or "")
    assert phone.house.reasons == ["needs_page"]


async def test_who_is_not_asked_sees_no_buttons(phone: Phone) -> None:
    """Lea is asked later; and whoever has voted is not asked twice."""
    browser = await phone.browser("lea")
    request, _ = await phone.asked("lea")
    assert browser.shown[request.id]["actions"] == []


def token(payload: dict[str, Any], verb: str = "approve") -> str:
    """The token of a button."""
    return next(str(action["token"]) for action in payload["actions"] if action["action"] == verb)


async def pressed(phone: Phone) -> tuple[Request, Delivery, str, str]:
    """A request of low risk, and the tokens of its two buttons in Ana's browser."""
    browser = await phone.browser("ana")
    request, delivery = await phone.asked()
    shown = browser.shown[request.id]
    return request, delivery, token(shown), token(shown, "reject")


async def test_a_press_decides_once_however_often_it_comes(phone: Phone) -> None:
    """The second use returns what the first recorded; the sibling is worth nothing then."""
    request, _, approve, reject = await pressed(phone)
    first = await phone.channel.act(approve, person="ana")
    second = await phone.channel.act(approve, person="ana")
    assert first.state is second.state is State.APPROVED
    (decision,) = phone.house.requests[request.id].decisions
    assert (decision.by, decision.channel, decision.decision) == ("ana", "push", Verb.APPROVE)
    assert len(phone.house.ballots) == 1
    assert "already" in (await phone.press(reject, "ana") or "")
    assert phone.house.requests[request.id].state is State.APPROVED


async def test_reject_rejects(phone: Phone) -> None:
    """The other button does the other thing."""
    request, _, _, reject = await pressed(phone)
    await phone.channel.act(reject, person="ana")
    assert phone.house.requests[request.id].state is State.REJECTED


async def test_t17_a_browsers_button_is_its_readers_alone(phone: Phone) -> None:
    """Nobody signed in: sign in first. Somebody else: refused. Both on record, and nothing is decided."""
    request, _, approve, _ = await pressed(phone)
    assert "not signed in" in (await phone.press(approve, None) or "")
    assert "somebody else" in (await phone.press(approve, "ben") or "")
    assert phone.house.refusals == [
        (request.id, "person:ana", "push", "unauthorized"),
        (request.id, "person:ben", "push", "somebody_elses"),
    ]
    assert phone.house.requests[request.id].state is State.PENDING


async def test_an_ntfy_button_needs_no_session_and_no_other_persons(phone: Phone) -> None:
    """The app posts by itself; who is signed in as somebody else is refused all the same."""
    request, delivery = await phone.asked("ben")
    (message,) = phone.ntfy.published
    approve, reject, opens = message["actions"]
    assert (approve["label"], reject["label"], opens["action"]) == ("Approve", "Reject", "view")
    assert approve["url"].startswith("https://sayso.example/push/act/")
    held = approve["url"].rpartition("/")[2]
    assert "somebody else" in (await phone.press(held, "ana") or "")
    await phone.channel.act(held, person=None)
    assert phone.house.requests[request.id].votes[0].by == delivery.person == "ben"


async def test_ways_are_not_each_others(phone: Phone) -> None:
    """A browser's token is no ntfy token: without a session it is worth nothing, whatever it is posted through."""
    phone.house.change("ana", ntfy="ana-topic")
    browser = await phone.browser("ana")
    request, _ = await phone.asked()
    mine, posted = token(browser.shown[request.id]), phone.ntfy.published[0]["actions"][0]["url"].rpartition("/")[2]
    assert mine != posted
    assert await phone.press(mine, None)
    assert await phone.press(posted, None) is None
    assert "already" in (await phone.press(mine, "ana") or "")


STALE: list[tuple[str, str]] = [
    ("revised", "has changed since"),
    ("riskier", "not decided from a notification"),
    ("expired", "expired before"),
    ("gone", "no such thing"),
    ("left", "do not come to you"),
    ("no topic", "do not come to you"),
    ("another topic", "do not come to you"),
    ("another way", "do not come to you"),
]


@pytest.mark.parametrize(("case", "told"), STALE)
async def test_what_changed_meanwhile_is_refused_in_words(phone: Phone, case: str, told: str) -> None:
    """The press is judged as things stand, not as they stood; each refusal is recorded."""
    request, _ = await phone.asked("ben")
    held = phone.ntfy.published[0]["actions"][0]["url"].rpartition("/")[2]
    house = phone.house
    if case == "revised":
        house.revise(request.id, {"order": "10428", "amount": 999.0})
    elif case == "riskier":
        house.requests[request.id] = replace(request, risk=Risk.IRREVERSIBLE)
    elif case == "expired":
        house.clock.ahead = timedelta(hours=25)
    elif case == "gone":
        del house.requests[request.id]
    elif case == "left":
        del house.people["ben"]
    elif case == "another topic":
        house.change("ben", ntfy="one-that-nobody-else-reads")
    elif case == "no topic":
        house.change("ben", ntfy=None)
    else:
        house.change("ben", push=(PushWay.WEB,))
    assert told in (await phone.press(held, None) or "").lower()
    assert len(house.reasons) == 1
    assert request.id not in house.requests or house.requests[request.id].state is State.PENDING


async def test_who_decided_elsewhere_is_told_so(phone: Phone) -> None:
    """Two people race; the slower one reads that it is decided."""
    request, _, approve, _ = await pressed(phone)
    await phone.house.decide(
        Ballot(request=request.id, decision=Verb.APPROVE, by="ben", channel="slack", revision=1, digest=request.digest)
    )
    await phone.house.settle()
    assert "already approved by ben" in (await phone.press(approve, "ana") or "")


@pytest.mark.parametrize("forged", ["", "x", "a.b.c", "é", "W10.x", "\0", "a" * 5_000])
async def test_t17_a_forged_token_decides_nothing(phone: Phone, forged: str) -> None:
    """It is refused in words; on record where somebody is signed in, and not at all where anybody could fill it."""
    assert "not made by this Sayso" in (await phone.press(forged, None) or "")
    assert phone.house.refusals == []
    assert await phone.press(forged, "ana")
    assert phone.house.refusals == [(None, "person:ana", "push", "bad_token")]


async def test_t17_tokens_of_other_purposes_and_secrets_are_forged(phone: Phone) -> None:
    """What a Slack card carries, or an old secret of another house signed, is no press; our older secret's is."""
    request, _, approve, _ = await pressed(phone)
    value = Tokens(SECRETS, "push.act").read(approve)
    for other in (Tokens(SECRETS, "slack.card"), Tokens(("another",), "push.act")):
        assert "not made by this Sayso" in (await phone.press(other.sign(value), "ana") or "")
    wrong_shape = Tokens(SECRETS, "push.act").sign(value[:-1])
    assert "not made by this Sayso" in (await phone.press(wrong_shape, "ana") or "")
    assert await phone.press(Tokens(SECRETS[1:], "push.act").sign(value), "ana") is None
    assert phone.house.requests[request.id].state is State.APPROVED


async def test_an_outage_of_the_house_is_said_and_not_counted(phone: Phone) -> None:
    """The press may be tried again."""
    request, _, approve, _ = await pressed(phone)
    phone.house.broken = Unavailable()
    assert "Try again" in (await phone.press(approve, "ana") or "")
    phone.house.broken = None
    await phone.channel.act(approve, person="ana")
    assert phone.house.requests[request.id].state is State.APPROVED
