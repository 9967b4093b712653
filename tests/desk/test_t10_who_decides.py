"""Who may decide: strangers change nothing (T8), and nobody decides on what is their own (T10)."""

from __future__ import annotations

import json

import pytest

from bot.core import errors
from bot.core.model import State, Verb
from tests.desk.house import House, at, ballot, edits

STRANGERS = [
    ("nobody we know", "mallory", "not_assigned"),
    ("a later step's person", "lea", "not_assigned"),
    ("the agent by its own name", "billing", "not_assigned"),
    ("the agent's owner", "dan", "self_review"),
]


@pytest.mark.parametrize(("who", "by", "code"), STRANGERS, ids=[s[0] for s in STRANGERS])
@pytest.mark.parametrize("verb", Verb)
async def test_t08_the_wrong_person_changes_nothing(house: House, who: str, by: str, code: str, verb: Verb) -> None:
    """Whatever they press, it is refused, recorded with their name, and the request is as it was."""
    del who
    request = await house.submit()
    with pytest.raises(errors.SaysoError) as told:
        await house.desk.decide(ballot(request, by, verb, comment="let me", arguments=dict(edits(request, amount=1))))
    assert told.value.code == code
    assert await house.now(request) == request
    line = json.loads((await house.store.audit(request.id))[-1].body)
    assert (line["type"], line["actor"], line["via"]) == ("refusal", f"person:{by}", "slack")
    assert line["data"]["reason"] == code


ACTS_FOR = [
    ("the owner", "billing", None, "dan"),
    ("by id", "quiet", "ana", "ana"),
    ("by mail address", "quiet", "ana@example.com", "ana"),
    ("by mail address in capitals", "quiet", "ANA@Example.COM", "ana"),
    ("an agent called like a person", "eva", None, "eva"),
]


@pytest.mark.parametrize(("case", "agent", "acts_for", "barred"), ACTS_FOR, ids=[a[0] for a in ACTS_FOR])
async def test_t10_nobody_reviews_their_own(
    house: House, case: str, agent: str, acts_for: str | None, barred: str
) -> None:
    """Owner, namesake and whoever it acts for are out of every step, get no card, and are refused."""
    del case
    request = await house.submit(agent=agent, on_behalf_of=acts_for)
    assert barred in request.route.excluded
    people = [p for stage in request.route.stages for step in stage.steps for p in step.people]
    assert barred not in people
    assert all(d.person != barred for d in await house.store.deliveries(request.id))
    with pytest.raises(errors.SelfReview):
        await house.decide(request, barred)


async def test_t10_a_later_step_of_ones_own_is_no_way_in(house: House) -> None:
    """Escalating down to one's own step does not help: it is passed over where it holds nobody else."""
    request = await house.submit(agent="eva")
    request = await house.decide(request, "ana", Verb.ESCALATE)
    assert at(request).step == 1
    with pytest.raises(errors.ChainEnded):
        await house.decide(request, "lea", Verb.ESCALATE)
    with pytest.raises(errors.SelfReview):
        await house.decide(request, "eva")


async def test_a_chain_of_the_excluded_alone_is_decided_by_nobody(house: House) -> None:
    """No cards, no reminders, no step; at its end it is rejected as its rule says, and never approved."""
    request = await house.submit("own.thing")
    assert (request.assignees, await house.store.deliveries(request.id)) == ((), ())
    with pytest.raises(errors.SelfReview):
        await house.decide(request, "dan")
    house.clock.move(hours=2)
    await house.desk.wake()
    after = await house.now(request)
    assert (after.state, after.escalation_level) == (State.REJECTED, 0)
    with pytest.raises(errors.NotAssigned):
        await house.decide(request, "dan")
