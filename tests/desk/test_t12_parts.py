"""T12: what people said no to does not run by a grant in other clothes, and their looks at it are not burnt."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from bot.core.insight.making import fact_of
from bot.core.model import Request, State, Verb
from bot.core.trust.grants import Ending
from tests.desk import trusted
from tests.desk.house import House, edits
from tests.desk.trusted import granted, put, refund, trusting


@pytest.fixture(autouse=True)
def file(house: House) -> None:
    """The file with trust, in force."""
    trusting(house)


async def ordered(house: House, order: str, amount: float, **content: Any) -> Request:
    """A refund for an order, an hour after the one before."""
    house.clock.move(hours=1)
    return await house.submit(arguments={"order": order, "amount": amount, "currency": "EUR"}, **content)


async def test_t12_what_was_rejected_does_not_run_in_parts(house: House) -> None:
    """Fifty and 49.90 for the same order go to people however it is written, and their no ends the grant."""
    made = await granted(house, sample=0.1)
    first = await ordered(house, "10428", 100)
    await house.decide(first, "ana", Verb.REJECT, comment="no")
    # Whatever they are about, the next five are looked at.
    for number in range(5):
        request = await refund(house, 7 * number)
        assert (request.state, request.route.grant) == (State.PENDING, made.id)
        await house.decide(request, "ana")
    ran = [await ordered(house, f"2042{n}", 5 * n) for n in range(8)]
    assert State.APPROVED in [one.state for one in ran]
    parts = [
        await ordered(house, "10428", 30),
        await ordered(house, "# 1 0 4 2 8", 19.9),
        await ordered(house, "order 010428 (part 2)", 19.9),
        await ordered(house, "the rest", 10, revises=first.id),
    ]
    for part in parts:
        assert (part.state, part.route.grant) == (State.PENDING, made.id)
        assert part.route.sampled or any(first.id in text for _, text in part.route.notes)
    assert not all(part.route.sampled for part in parts)
    # What names nothing at all may be it as well.
    assert (await house.submit(arguments={"amount": 19.8, "currency": "EUR"})).state is State.PENDING
    await house.decide(parts[1], "ana", Verb.REJECT, comment="that is the same")
    assert (await trusted.now(house, made)).ending is Ending.SAMPLE


async def test_t15_the_looks_after_a_doubt_are_not_burnt_with_cents(house: House) -> None:
    """Five refunds of a cent leave those of 40 before people; in figures what was sure to be seen stands for itself."""
    made = await granted(house, sample=0.01)
    await house.decide(await refund(house, 100), "ana", Verb.REJECT, comment="no")
    for amount, runs in [(0.01, False)] * 5 + [(0.01, True)] + [(40, False)] * 5 + [(40, True)]:
        request = await refund(house, amount)
        assert request.state is (State.APPROVED if runs else State.PENDING)
        assert request.route.sampled == (0.0 if runs else 1.0)
    assert (await trusted.now(house, made)).looked == ()


async def test_t12_a_no_to_what_names_nothing_puts_no_other_agents_before_people(house: House) -> None:
    """One agent's empty request would stop all others; who names the same, or hides names in a crowd, is looked at."""
    other = trusted.grant_for(house, id="grt_2", agent="other")
    await put(house, other)
    mine = await granted(house)
    nameless = await house.submit(arguments={"amount": 100, "currency": "EUR"})
    await house.decide(nameless, "ana", Verb.REJECT, comment="for what?")
    named = await ordered(house, "10428", 100)
    await house.decide(named, "ana", Verb.REJECT, comment="no")
    # Its own wait for people whatever they name, and beyond the looks that are owed.
    await put(house, mine)
    for order, like in (("20428", nameless), ("EUR", named)):
        assert like.id in str((await ordered(house, order, 7)).route.notes)
    of_the_other = partial(ordered, house, agent="other")
    assert [(await of_the_other(order, 7)).route.grant for order in ("20428", "EUR")] == [other.id] * 2
    assert [(await of_the_other(order, 7)).state for order in ("20429", "EU")] == [State.APPROVED] * 2
    assert named.id in str((await of_the_other("no. 10428", 7)).route.notes)
    crowd = " ".join(f"{n:04}" for n in range(70, 140))
    assert (await of_the_other(f"10428 {crowd}", 7.5)).state is State.PENDING


async def test_t12_what_was_withdrawn_once_asked_about_does_not_run_in_parts(house: House) -> None:
    """Its agent heard the doubt, withdrew it above the ceiling, and asks for less of the same: people see that, too."""
    made = await granted(house)
    first = await refund(house, 100)
    await house.decide(first, "ana", Verb.ASK, comment="why?")
    await house.desk.cancel(first.id, agent="billing", reason="never mind")
    again = await house.submit(arguments={**first.content.arguments, "amount": 50})
    assert again.state is State.PENDING
    assert first.id in str(again.route.notes)
    assert (await trusted.now(house, made)).owed > 0


async def test_t12_what_its_agent_changed_once_asked_does_not_run_as_another(house: House) -> None:
    """Asked about an order, it answers with another one: the first still goes to people, whatever they say of that."""
    await granted(house)
    first = await ordered(house, "10428", 100)
    await house.decide(first, "ana", Verb.ASK, comment="why?")
    answer = {**first.content.arguments, "order": "20428"}
    again = await house.desk.inform(first.id, agent="billing", text="I meant another", arguments=answer)
    await house.decide(again, "ana")
    assert first.id in str((await ordered(house, "10428", 30)).route.notes)


async def test_t15_a_failure_is_of_the_rule_that_it_came_by(house: House) -> None:
    """Asked about 40 it answers with 4,000, which another rule takes and people reject: its fact names both."""
    large = """rules:
  - name: large
    when: action == "refund.issue" && arguments.amount > 1000.0
    stages: [{chain: finance}, {chain: admins}]
"""
    trusting(house, trusted.RULES.replace("rules:\n", large, 1))
    request = await refund(house, 40)
    await house.decide(request, "ana", Verb.ASK, comment="why?")
    answer = {**request.content.arguments, "amount": 4000}
    raised = await house.desk.inform(request.id, agent="billing", text="it is more", arguments=answer)
    await house.decide(raised, "ana", Verb.REJECT, comment="no")
    (rows,) = await house.store.measured([request.id])
    made = fact_of(rows)
    assert made is not None
    assert (made.rule, made.first, made.state) == ("large", "refunds", State.REJECTED)


async def test_t12_a_rejection_is_forgotten_after_the_cool_down(house: House) -> None:
    """For seven days, unless the action says otherwise; what people cut down leaves as much behind as a no."""
    await granted(house)
    request = await house.submit(arguments={"order": "10428", "amount": 100})
    await house.decide(request, "ana", Verb.APPROVE_WITH_EDITS, arguments=edits(request, amount=60))
    house.clock.move(days=7, seconds=-2)
    assert (await house.submit(arguments={"order": "10428", "amount": 40})).state is State.PENDING
    house.clock.move(seconds=3)
    assert (await house.submit(arguments={"order": "10428", "amount": 40.5})).state is State.APPROVED
