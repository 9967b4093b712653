"""T15: the first doubt of what a grant let run ends it, in the transaction that has the reason."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from msgspec.structs import replace

from bot.core.model import Request, Severity, State, Verb
from bot.core.policy import TRUST_ENDED
from bot.core.trust.grants import Ending, GrantState
from tests.desk import trusted
from tests.desk.filed import enforce
from tests.desk.house import House, edits
from tests.desk.trusted import asked_about, granted, put, refund, trusting


@pytest.fixture(autouse=True)
def file(house: House) -> None:
    """The file with trust, in force."""
    trusting(house)


async def sampled(house: House) -> Request:
    """A request that is among the sample of a grant."""
    await granted(house, sample=0.5)
    for _ in range(50):
        request = await refund(house, 1)
        if request.state is State.PENDING:
            return request
    raise AssertionError("of a half none was sampled")


async def _rejected(house: House) -> Request:
    request = await sampled(house)
    await house.decide(request, "ana", Verb.REJECT, comment="no")
    return request


async def _rejected_by_the_first_of_two(house: House) -> Request:
    trusting(house, trusted.RULES.replace("{chain: finance}", "{chain: finance, rejections: 2}"))
    request = await sampled(house)
    assert (await house.decide(request, "ana", Verb.REJECT, comment="no")).state is State.PENDING
    return request


async def _edited(house: House) -> Request:
    request = await sampled(house)
    await house.decide(request, "ana", Verb.APPROVE_WITH_EDITS, arguments=edits(request, amount=2))
    return request


async def _taken_back(house: House) -> Request:
    request = await sampled(house)
    await house.decide(request, "ana")
    await house.desk.undo(request.id, by="ana", via="inbox", revision=1)
    return request


async def _dodged(house: House) -> Request:
    request = await sampled(house)
    await house.decide(request, "ana", Verb.ASK, comment="why?")
    await house.desk.cancel(request.id, agent="billing", reason="never mind")
    return request


async def _corrected(house: House) -> Request:
    request = await sampled(house)
    await house.decide(request, "ana", Verb.ASK, comment="why?")
    now = {**request.content.arguments, "amount": 0.5}
    return await house.desk.inform(request.id, agent="billing", text="it is 0.5", arguments=now)


async def _never_answered(house: House) -> Request:
    request = await sampled(house)
    await house.decide(request, "ana", Verb.ASK, comment="why?")
    house.clock.move(days=2)
    await house.desk.wake()
    return request


async def _harmed(house: House) -> Request:
    await granted(house)
    request = await refund(house, 1)
    assert request.execution is not None
    house.sql("update executions set state = 'executed', body = replace(body, 'waiting', 'executed')")
    await house.desk.report_incident(request.id, by="person:ana", via="inbox", severity=Severity.LOW, note="twice")
    return request


async def _harmed_by_people(house: House) -> Request:
    request = await refund(house, 150)
    await house.decide(request, "ana")
    house.clock.move(minutes=1)
    await granted(house)
    house.sql("update executions set state = 'executed', body = replace(body, 'waiting', 'executed')")
    await house.desk.report_incident(request.id, by="person:ana", via="inbox", severity=Severity.LOW, note="twice")
    return request


async def _rolled_back(house: House) -> Request:
    way_back = """undo_window: 30s
    rollback: {action: refund.reverse, arguments: {amount: "{{ amount }}"}}
  refund.reverse: {execute: {webhook: RECEIVER/reversals}}
"""
    text = trusted.ACTIONS.replace("undo_window: 30s\n", way_back)
    enforce(house, trusted.PEOPLE, text, trusted.CHAINS, trusted.RULES, trusted.DEFAULT)
    await granted(house)
    request = await refund(house, 1)
    house.sql("update executions set state = 'executed', body = replace(body, 'waiting', 'executed')")
    # Its agent may put right what it did; a person who does so doubts it.
    await house.desk.roll_back(request.id, by="person:ana", via="inbox")
    return request


async def _drifted(house: House) -> Request:
    await granted(house)
    for _ in range(40):
        request = await refund(house, 49)
        if request.state is State.PENDING:
            return request
    raise AssertionError("it drifts, and nobody saw it")


REASONS: dict[Ending, tuple[tuple[Callable[[House], Awaitable[Request]], str], ...]] = {
    Ending.SAMPLE: (
        (_rejected, "was rejected"),
        (_rejected_by_the_first_of_two, "was rejected"),
        (_edited, "was changed"),
        (_taken_back, "was taken back"),
        (_dodged, "was withdrawn once somebody asked"),
        (_corrected, "was changed by its agent once somebody asked"),
        (_never_answered, "expired once somebody had asked"),
    ),
    Ending.INCIDENT: (
        (_harmed, "which ran under it"),
        (_harmed_by_people, "which did not run under it"),
        (_rolled_back, "is to be rolled back, as a person asked"),
    ),
    Ending.DRIFT: ((_drifted, "its /amount is larger than it was"),),
}


@pytest.mark.parametrize(
    ("ending", "happens", "why"), [(ending, *each) for ending, every in REASONS.items() for each in every]
)
async def test_t15_the_first_doubt_ends_it_in_the_same_transaction(
    house: House, ending: Ending, happens: Callable[[House], Awaitable[Request]], why: str
) -> None:
    """The very request that gives the reason ends it: the next one asks people, it is on record, admins are told."""
    request = await happens(house)
    ended = (await house.store.grants())[0]
    assert (ended.state, ended.ending, ended.ended_at) == (GrantState.ENDED, ending, house.clock.now())
    assert why in str(ended.why)
    assert (await refund(house, 1)).state is State.PENDING
    (told,) = await trusted.trail(house, "trust.ended")
    assert (told["grant"], told["ending"], told["by_request"]) == (ended.id, str(ending), request.id)
    card = await asked_about(house, TRUST_ENDED)
    assert (card.state, card.assignees) == (State.PENDING, ("lea",))
    assert ended.why in card.content.arguments.values()
    # What was shown before counts no more, and the card is there to be seen.
    assert ending.tightens
    assert await trusted.decided(house, card, by="lea") is State.APPROVED


@pytest.mark.parametrize("hurried", [False, True])
async def test_t15_who_takes_its_sample_from_people_runs_nothing_more(house: House, *, hurried: bool) -> None:
    """It would show them the good ones alone: withdrawn, or given no time, the first is owed, the second ends it."""
    made = await granted(house, sample=0.5)
    for n in range(30):
        request = await refund(house, 1 + n, expires_in=timedelta(minutes=5) if hurried else None)
        if request.state is not State.PENDING:
            continue
        held = (await trusted.now(house, made)).taken
        if hurried:
            house.clock.move(minutes=6)
            await house.desk.wake()
        else:
            await house.desk.cancel(request.id, agent="billing", reason=None)
        after = await trusted.now(house, made)
        if held:
            assert (after.ending, after.state) == (Ending.SAMPLE, GrantState.ENDED)
            assert "took from people" in str(after.why)
            break
        assert (after.taken, after.owed, after.state) == (1, 1, GrantState.IN_FORCE)
    else:
        raise AssertionError("nothing ended it")


async def test_t15_what_nobody_looked_at_is_owed(house: House) -> None:
    """What of the sample people let run out is owed, in whatever content comes next, until somebody looked."""
    await sampled(house)
    for amount in range(1, 5):
        house.clock.move(days=2)
        await house.desk.wake()
        assert (await refund(house, amount)).state is State.PENDING
    await house.decide(await refund(house, 12), "ana")
    # Paid: by lot again, so that of several one runs.
    assert State.APPROVED in [(await refund(house, 13 + n)).state for n in range(12)]


async def test_t15_late_doubt_ends_what_is_in_force_in_its_place(house: House) -> None:
    """A sampled request is rejected once a wider grant replaced the one that sampled it."""
    request = await sampled(house)
    old = await trusted.now(house, trusted.grant_for(house))
    await put(house, replace(old, state=GrantState.ENDED, ending=Ending.REPLACED))
    wider = await granted(house, id="grt_2", ceilings={"/amount": 200.0}, level=1)
    await house.decide(request, "ana", Verb.REJECT, comment="no")
    ended = await trusted.now(house, wider)
    assert (ended.state, ended.ending) == (GrantState.ENDED, Ending.SAMPLE)


async def test_an_approval_in_the_sample_ends_nothing(house: House) -> None:
    """A sample that people approve as it is leaves the grant in force."""
    request = await sampled(house)
    await house.decide(request, "ana")
    assert [grant.state for grant in await house.store.grants()] == [GrantState.IN_FORCE]
