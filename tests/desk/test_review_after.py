"""Review afterwards: what ran by rule is put before people, who confirm it or report an incident."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest

from bot.core import errors
from bot.core.model import ExecutionState, Severity, State, Verb
from bot.core.ports import Filter, OutcomeKind
from tests.desk.filed import DEFAULT, enforce
from tests.desk.house import House
from tests.desk.remedied import (
    ACTIONS,
    CHAINS,
    approved,
    concluded,
    executed,
    furnish,
    reviews,
    run_of,
    state_of,
)

S = ExecutionState


@pytest.fixture(autouse=True)
def rules(house: House) -> None:
    """Small refunds run by rule, and all of them are looked at; a fifth of the somewhat larger."""
    furnish(house)


async def test_what_ran_by_rule_is_asked_about(house: House) -> None:
    """The chain is asked, but for whoever may not review the first one; the card has what ran and what came of it."""
    first = await executed(house, amount=2.5)
    (review,) = await reviews(house)
    assert (review.state, review.assignees) == (State.PENDING, ("lea",)), "dan owns the agent"
    given = review.content.arguments
    assert (given["request"], given["arguments"]["amount"]) == (first.id, 2.5)
    assert "re_77" in given["result"]
    assert (await run_of(house, first)).review == review.id
    notes = dict(review.route.notes)
    assert notes["Ran by the rule"] == "small"
    assert first.id in notes["To take it back"]
    assert review.expires_at == house.clock.now() + timedelta(days=7)


async def test_approving_it_confirms_what_ran(house: House) -> None:
    """Confirmed: said in the trail of the first one, which is as it was, and nothing runs."""
    first = await executed(house, amount=2.5)
    (review,) = await reviews(house)
    done = await house.decide(review, "lea")
    assert (done.state, done.execution) == (State.APPROVED, None)
    assert (await house.events(first))[-1] == "review.confirmed"
    assert (await run_of(house, first)).incidents == ()


@pytest.mark.parametrize(
    ("category", "severity"),
    [("critical", Severity.CRITICAL), ("wrong_amount", Severity.MEDIUM), (None, Severity.MEDIUM)],
)
async def test_rejecting_it_is_an_incident(house: House, category: str | None, severity: Severity) -> None:
    """In the same transaction, as bad as the category says; from its page it can be rolled back."""
    first = await executed(house, amount=2.5)
    (review,) = await reviews(house)
    page = house.desk.live.watch("ana", "a session")
    await house.decide(review, "lea", Verb.REJECT, category=category, comment="Paid twice")
    assert {moved.request for moved in await page.next(60)} == {review.id, first.id}, "open pages of both hear of it"
    house.desk.live.leave(page)
    (found,) = (await run_of(house, first)).incidents
    assert (found.severity, found.note, found.by) == (severity, "Paid twice", "person:lea")
    rollback, created = await house.desk.roll_back(first.id, by="person:lea", via="inbox")
    assert (created, rollback.content.takes_back) == (True, first.id)


async def test_a_rejection_in_hindsight_is_never_refused(house: House) -> None:
    """However much is reported already; and of what turned out never to have happened it ends without an incident."""
    first = await executed(house, amount=2.5)
    for _ in range(50):
        await house.desk.report_incident(first.id, by="person:kim", via="api", severity=Severity.LOW, note="x")
    await house.decide((await reviews(house))[0], "lea", Verb.REJECT, category="critical", comment="All of it")
    assert (await run_of(house, first)).incidents[-1].severity is Severity.CRITICAL
    never = await concluded(house, await approved(house, amount=2.5, order="2"), OutcomeKind.UNKNOWN)
    await house.desk.settle(never.id, by="admin:ops", state=ExecutionState.FAILED, note="never arrived")
    (review,) = [one for one in await reviews(house) if one.state.open]
    assert (await house.decide(review, "lea", Verb.REJECT, comment="No")).state is State.REJECTED
    assert (await run_of(house, never)).incidents == ()


@pytest.mark.parametrize("kind", [OutcomeKind.UNKNOWN, OutcomeKind.FAILED])
async def test_what_may_have_run_is_asked_about_and_what_failed_is_not(house: House, kind: OutcomeKind) -> None:
    """Once: settling it later asks nobody again."""
    first = await concluded(house, await approved(house, amount=2.5), kind)
    found = await reviews(house)
    assert len(found) == (kind is OutcomeKind.UNKNOWN)
    if found:
        assert dict(found[0].route.notes)["Careful"]
        await house.desk.settle(first.id, by="admin:ops", state=ExecutionState.EXECUTED, note="seen")
        assert await reviews(house) == found


async def test_an_agents_word_that_it_failed_escapes_nothing(house: House) -> None:
    """It is drawn for a review, its card says so; a person settles that it happened, once, and it is taken back.

    Of a rollback that the agent says failed, too: settled as executed, the first one is taken back after all.
    """
    when = """when: 'action.startsWith("deploy.")'"""
    by_rule = f"rules: [{{name: deploys, {when}, then: approve, review_after: {{share: 100%, chain: audit}}}}]"
    enforce(house, ACTIONS, CHAINS, by_rule, DEFAULT)
    settled: dict[str, str] = {"by": "person:kim", "note": "it is live"}
    first = await approved(house, "deploy.start", version="v2")
    await house.desk.report(first.id, agent="billing", state=S.FAILED, error="no")
    (review,) = await reviews(house)
    assert "agent's word alone" in dict(review.route.notes)["Careful"]
    with pytest.raises(errors.Conflict):
        await house.desk.settle(first.id, state=S.FAILED, **settled)
    await house.desk.settle(first.id, state=S.EXECUTED, **settled)
    with pytest.raises(errors.Conflict):
        await house.desk.settle(first.id, state=S.FAILED, **settled)
    back, _ = await house.desk.roll_back(first.id, by="person:kim", via="api")
    assert await state_of(house, first) is S.EXECUTED
    await house.desk.claim((await run_of(house, back)).id)
    await house.desk.report(back.id, agent="billing", state=S.FAILED, error="no")
    assert (await state_of(house, back), await state_of(house, first)) == (S.FAILED, S.EXECUTED)
    await house.desk.settle(back.id, state=S.EXECUTED, **settled)
    assert (await state_of(house, back), await state_of(house, first)) == (S.EXECUTED, S.ROLLED_BACK)


async def test_what_people_decided_is_not_asked_about_again(house: House) -> None:
    """Only a rule's approvals are looked at later."""
    await executed(house, amount=240.0)
    assert await reviews(house) == ()


def _drawn(lot: bytes, entropy: Callable[[int], bytes], size: int) -> bytes:
    return lot if size == len(lot) else entropy(size)


async def test_a_share_is_a_share_and_is_drawn_as_the_run_ends(house: House) -> None:
    """Of 50 lots spread evenly the lowest fifth is asked about; before the run ends nothing says which these are."""
    entropy = house.ledger.entropy
    for number in range(50):
        first = await approved(house, amount=5.5, order=str(number))
        assert first.route.review_after == "audit"
        lot = (number * 2**32 // 50 + 1).to_bytes(4, "big")
        house.ledger.entropy = partial(_drawn, lot, entropy)
        await concluded(house, first)
        house.ledger.entropy = entropy
    assert len(await house.store.requests(Filter(action="sayso.review_after", limit=500))) == 10


async def test_silence_confirms_nothing(house: House) -> None:
    """Nobody looked in time: it expires, and the first one is neither confirmed nor harmed."""
    first = await executed(house, amount=2.5)
    await house.later(days=8)
    (review,) = await reviews(house)
    assert review.state is State.EXPIRED
    assert "review.confirmed" not in await house.events(first)


async def test_no_agent_touches_it(house: House) -> None:
    """It is the house's own: the agent neither finds nor cancels nor answers it."""
    await executed(house, amount=2.5)
    (review,) = await reviews(house)
    for agent in ("billing", "sayso"):
        with pytest.raises(errors.NotFound):
            await house.desk.cancel(review.id, agent=agent, reason=None)


async def test_a_chain_that_the_file_has_lost_is_replaced_by_the_default(house: House) -> None:
    """What ran is looked at all the same; the outcome is kept whatever the file says by now."""
    first = await approved(house, amount=2.5)
    enforce(house, ACTIONS, "chains:\n  finance: [{notify: [ana, ben, kim], via: [slack]}]", DEFAULT)
    await concluded(house, first)
    (review,) = await reviews(house)
    assert review.assignees == ("ana", "ben", "kim")
