"""What was rejected comes back in other clothes, and goes to a person who is told of the rejection (threat T12)."""

from __future__ import annotations

from typing import Any

import pytest

from bot.core.model import Kind, Option, Request, State, Verb
from tests.desk.filed import DEFAULT, FINANCE, SENT, enforce
from tests.desk.house import House

GATED = """
rules:
  - {name: sure, when: 'confidence >= 0.9', then: approve}
"""
"""An agent that is sure enough of itself needs nobody: what it was refused unsure it could simply claim again."""
REFUSED: dict[str, Any] = {"order": "10428", "amount": 240.0, "to": "Dana Reyes"}


@pytest.fixture(autouse=True)
def gated(house: House) -> None:
    """What is sure runs by rule."""
    enforce(house, SENT, FINANCE, GATED, DEFAULT)


async def rejected(house: House, **more: Any) -> Request:
    """A request that a person looked at and rejected."""
    given: dict[str, Any] = {"arguments": REFUSED, "confidence": 0.2} | more
    request = await house.submit(**given)
    assert request.state is State.PENDING
    return await house.decide(request, verb=Verb.REJECT, comment="wrong order")


async def again(house: House, action: str = "refund.issue", agent: str = "billing", **arguments: Any) -> Request:
    """The agent tries once more, and is sure now."""
    return await house.submit(action, agent, arguments=REFUSED | arguments, confidence=1.0)


CLOTHES: dict[str, dict[str, Any]] = {
    "as it was": {},
    "spaces": {"to": " Dana   Reyes\n"},
    "case": {"to": "DANA reyes"},
    "width": {"to": "\uff24ana Reyes"},
    "zero width": {"to": "Dana\u200b Reyes"},
    "a whole number": {"amount": 240},
    "text for a number": {"amount": "240.0"},
    "number for a text": {"order": 10428},
    "null members": {"note": None, "more": {"deep": None}},
    "empty members": {"note": "", "list": [], "map": {}},
}


@pytest.mark.parametrize("agent", ["billing", "other"])
async def test_t12_the_same_in_other_clothes(house: House, agent: str) -> None:
    """Not by rule, from whichever agent; its route names the rejection and its card links it."""
    first = await rejected(house)
    for name, clothes in CLOTHES.items():
        turned = dict(reversed((REFUSED | clothes).items()))
        request = await house.submit(agent=agent, arguments=turned, confidence=1.0)
        assert (request.state, request.route.refused) == (State.PENDING, first.id), name
        card = await house.desk.card(request.id)
        assert card is not None
        notes = {line.label: line.text for line in card.notes}
        assert notes["The same was rejected before"] == f"See https://sayso.test/{first.id}"


async def test_t12_an_answer_that_brings_it_back(house: House) -> None:
    """Proposed as something else, and made the rejected thing once a person asks: the card says so all the same."""
    first = await rejected(house)
    request = await house.submit(arguments=REFUSED | {"order": "7"}, confidence=0.2)
    asked = await house.decide(request, verb=Verb.ASK, comment="Which order?")
    told = await house.desk.inform(asked.id, agent="billing", text="this one", arguments=REFUSED | {"amount": "240"})
    assert (request.route.refused, told.route.refused, told.state) == (None, first.id, State.PENDING)
    card = await house.desk.card(request.id)
    assert card is not None
    assert "The same was rejected before" in {line.label for line in card.notes}


async def test_t12_a_new_key_is_no_new_proposal(house: House) -> None:
    """Nor is linking the rejected one, other claims, a batch or a shorter life."""
    first = await rejected(house)
    for more in ({"revises": first.id}, {"reason": "really"}, {"batch": "b"}, {"labels": {"by": "rule"}}):
        request = await house.submit(arguments=REFUSED, confidence=1.0, **more)
        assert (request.state, request.route.refused) == (State.PENDING, first.id), more


@pytest.mark.parametrize("other", [{"amount": 241}, {"order": "10429"}, {"note": "x"}], ids=str)
async def test_other_content_is_another_proposal(house: House, other: dict[str, Any]) -> None:
    """A rejection says nothing about it."""
    await rejected(house)
    request = await again(house, **other)
    assert (request.state, request.route.refused) == (State.APPROVED, None)


async def test_another_action_or_target_is_another_proposal(house: House) -> None:
    """Even with the same arguments; and one whose address changed in the file since."""
    await rejected(house)
    assert (await again(house, "refund.reverse")).state is State.APPROVED
    enforce(house, SENT.replace("/refunds", "/elsewhere"), FINANCE, GATED, DEFAULT)
    assert (await again(house)).state is State.APPROVED


async def test_the_cool_down_ends(house: House) -> None:
    """After seven days where nothing else is said, to the moment; and each rejection begins it anew."""
    await rejected(house)
    house.clock.move(days=7)
    request = await again(house)
    assert request.state is State.PENDING
    house.clock.move(milliseconds=1)
    assert (await again(house)).state is State.APPROVED
    await house.decide(request, verb=Verb.REJECT, comment="still no")
    house.clock.move(days=6)
    assert (await again(house)).route.refused == request.id


@pytest.mark.parametrize(
    ("said", "hours", "state"), [("2h", 1, "pending"), ("2h", 3, "approved"), ("0s", 0, "approved")]
)
async def test_an_action_has_its_own(house: House, said: str, hours: int, state: str) -> None:
    """As it says; 0s is none at all."""
    enforce(house, SENT.replace("{risk", f"{{cooldown: {said}, risk"), FINANCE, GATED, DEFAULT)
    await rejected(house)
    house.clock.move(hours=hours)
    assert str((await again(house)).state) == state


async def test_only_a_rejection_leaves_a_trace(house: House) -> None:
    """What expired, was withdrawn or was approved may come again."""
    left = [await house.submit(arguments=REFUSED, confidence=0.2) for _ in range(3)]
    await house.desk.cancel(left[0].id, agent="billing", reason=None)
    await house.decide(left[1])
    house.clock.move(hours=25)
    await house.desk.wake()
    assert [(await house.now(request)).state for request in left] == [State.CANCELLED, State.APPROVED, State.EXPIRED]
    assert (await again(house)).state is State.APPROVED


async def test_t12_what_was_proposed_counts_though_it_was_edited(house: House) -> None:
    """One person edited it, another rejected that: neither the edited content nor the agent's own may come again."""
    two = "default: {stages: [{chain: finance, approvals: 2}]}"
    enforce(house, SENT, FINANCE, GATED, two)
    request = await house.submit(arguments=REFUSED, confidence=0.2)
    edited = await house.decide(request, verb=Verb.APPROVE_WITH_EDITS, arguments=REFUSED | {"amount": 100})
    assert (await house.decide(edited, "ben", Verb.REJECT, comment="no")).state is State.REJECTED
    assert (await again(house, amount=100)).route.refused == request.id
    assert (await again(house)).route.refused == request.id
    assert (await again(house, amount=170)).state is State.APPROVED


OPTIONS = (Option("a", "All of it", {"amount": 240}), Option("b", "Half", {"amount": 120}))


async def test_t12_the_options_of_a_rejected_choice(house: House) -> None:
    """Who declines a choice declines each of its options; what was in none of them is another proposal."""
    first = await rejected(house, kind=Kind.CHOICE, arguments={}, options=OPTIONS)
    for amount, refused in ((240, first.id), ("120.00", first.id), (60, None)):
        request = await house.submit(arguments={"amount": amount}, confidence=1.0)
        assert request.route.refused == refused
    other = (Option("a", "A", {"amount": 1}), Option("b", "B", {"amount": 2}))
    assert (await house.submit(kind=Kind.CHOICE, options=other)).route.refused is None
    assert (await house.submit(kind=Kind.CHOICE, options=(other[0], OPTIONS[1]))).route.refused == first.id


async def test_a_question_that_was_declined_may_be_asked_again(house: House) -> None:
    """Nothing would have run: there is nothing to remember."""
    question = await house.submit(kind=Kind.QUESTION, arguments=REFUSED)
    await house.decide(question, verb=Verb.REJECT)
    assert (await again(house)).state is State.APPROVED


async def test_t12_an_answer_does_not_shed_the_rejection(house: House) -> None:
    """The agent is asked, and answers with other arguments: the route keeps what it knows."""
    first = await rejected(house)
    request = await again(house)
    await house.decide(request, verb=Verb.ASK, comment="why again?")
    after = await house.desk.inform(request.id, agent="billing", text="so", arguments=REFUSED | {"amount": 5})
    assert (after.state, after.route.refused) == (State.PENDING, first.id)


async def test_t12_the_second_look_is_asked(house: House) -> None:
    """Where the rule that would have approved names one."""
    chains = FINANCE + "  careful: [{notify: [lea]}]\n"
    enforce(house, SENT, chains, GATED.replace("approve}", "approve, second_look: careful}"), DEFAULT)
    request = await house.submit(arguments=REFUSED, confidence=0.2)
    assert request.assignees == ("ana", "ben")
    await house.decide(request, verb=Verb.REJECT)
    assert (await again(house)).assignees == ("lea",)
