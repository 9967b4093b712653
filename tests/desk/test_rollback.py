"""Rollback: what ran is taken back by a linked request, with its own review, in the transactions of its own run."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.core import errors
from bot.core.card import card_of
from bot.core.model import ExecutionState, Request, State, Verb
from bot.core.ports import Filter, Outcome, OutcomeKind
from bot.desk import pause
from tests.desk.house import House, open_house
from tests.desk.remedied import approved, concluded, executed, furnish, order_of, run_of, state_of
from tests.fakes.receiver import Call, Receiver, answering

S = ExecutionState
K = OutcomeKind


@pytest.fixture(autouse=True)
def rules(house: House) -> None:
    """Refunds that can be reversed."""
    furnish(house)


async def back(house: House, first: Request, by: str = "agent:billing", **more: Any) -> Request:
    """The rollback that somebody proposes."""
    rollback, _ = await house.desk.roll_back(first.id, by=by, via="api", **more)
    return rollback


def notes(request: Request) -> dict[str, str]:
    """What the house says on its card."""
    return {line.label: line.text for line in card_of(request, people={}, url=f"https://sayso.test/{request.id}").notes}


async def test_the_whole_way_with_a_real_receiver(house: House) -> None:
    """Executed, rolled back with the id that the first one gave, the agent told of each, both on record."""
    events: list[tuple[str, str]] = []

    def answer(call: Call) -> Any:
        if call.path.endswith("/events"):
            events.append((call.json["type"], call.json["data"]["id"]))
        gives = {"id": "re_4242", "fee": 2} if call.path.endswith("/refunds") else {}
        return answering(gives)(call)

    async with Receiver(answer) as receiver:
        house.receiver = receiver.url
        furnish(house, "agents:\n  billing: {owner: dan, webhook: RECEIVER/events}")
        await house.work()
        first = await approved(house)
        await house.rest()
        assert await state_of(house, first) is S.EXECUTED
        rollback = await back(house, first, reason="the customer kept it")
        assert (rollback.state, rollback.content.takes_back, rollback.agent) == (State.PENDING, first.id, "billing")
        assert (await run_of(house, first)).rollback == rollback.id
        await house.decide(rollback, "ben")
        await house.rest()
        (call,) = [call for call in receiver.calls if call.path.endswith("/reversals")]
        want = {"refund": "re_4242", "amount": 240.5, "why": "order 10428 is off", "card": "none"}
        assert call.json["data"]["arguments"] == want
        assert type(call.json["data"]["arguments"]["amount"]) is float
        assert await state_of(house, first) is S.ROLLED_BACK
        assert await state_of(house, rollback) is S.EXECUTED
        await house.rest()
        assert ("request.rolled_back", first.id) in events
    told = await house.events(first)
    at = [told.index(f"{kind}") for kind in ("rollback.proposed", "execution.rolling_back", "execution.rolled_back")]
    assert at == sorted(at)
    with pytest.raises(errors.Conflict, match="rolled back already"):
        await back(house, first)


async def test_its_card_says_what_it_takes_back(house: House) -> None:
    """The first one's title, page, end and result stand there as the house's words; the asker's as a person's."""
    first = await executed(house)
    rollback = await back(house, first, "person:kim", reason="Wrong customer")
    said = notes(rollback)
    assert said["Takes back"] == f"Refund 240.5 on order 10428, see https://sayso.test/{first.id}"
    assert "re_77" in said["It gave"]
    assert said["Asked for by"] == "Kim Tran: Wrong customer"
    assert rollback.content.reason is None
    assert "Careful" not in said
    assert rollback.title == "Reverse re_77 of none"


async def test_whoever_asks_for_it_does_not_review_it(house: House) -> None:
    """It is routed like any other: four eyes, so the person who asked is barred, as is the agent's owner."""
    rollback = await back(house, await executed(house), "person:kim")
    assert rollback.assignees == ("ana", "ben")
    with pytest.raises(errors.SelfReview):
        await house.decide(rollback, "kim")


async def test_t10_an_agent_takes_back_only_its_own_and_keeps_nothing_from_being_taken_back(house: House) -> None:
    """Another's request is not there for it; what a person asked for it can neither withdraw nor rewrite."""
    first = await executed(house)
    with pytest.raises(errors.NotFound):
        await back(house, first, "agent:other")
    assert (await house.events(first))[-1] == "refusal:not_found"
    rollback = await back(house, first, "person:kim")
    with pytest.raises(errors.Forbidden, match="A person asked"):
        await house.desk.cancel(rollback.id, agent="billing", reason="no")
    await house.decide(rollback, "ben", Verb.ASK, comment="Which one?")
    with pytest.raises(errors.Invalid, match="made of what it takes back"):
        await house.desk.inform(rollback.id, agent="billing", text="this", arguments={"refund": "re_1", "amount": 0})
    answered = await house.desk.inform(rollback.id, agent="billing", text="The one of today")
    assert (answered.content.arguments["refund"], answered.content.takes_back) == ("re_77", first.id)
    with pytest.raises(errors.Forbidden):
        await house.desk.cancel(rollback.id, agent="billing", reason="no")
    own = await back(house, await executed(house, order="2"))
    assert (await house.desk.cancel(own.id, agent="billing", reason="after all")).state is State.CANCELLED


async def test_t10_an_agent_that_asks_first_does_not_withdraw_what_a_person_wants_too(house: House) -> None:
    """The agent's own rollback, joined by a person: it stays, and its card says who wants it and why."""
    first = await executed(house)
    own = await back(house, first)
    joined = await back(house, first, "person:kim", reason="Wrong customer")
    assert (joined.id, notes(joined)["Asked for by"]) == (own.id, "Kim Tran: Wrong customer")
    assert await back(house, first, "person:ana") == joined
    with pytest.raises(errors.Forbidden, match="A person asked"):
        await house.desk.cancel(own.id, agent="billing", reason="after all")
    assert (await house.events(own)).count("rollback.joined") == 1
    assert (await house.decide(joined, "ben")).state is State.APPROVED


@pytest.mark.parametrize("how", [K.EXECUTED, K.UNKNOWN])
async def test_what_a_rollbacks_rollback_puts_back_is_in_force_again(house: House, how: K) -> None:
    """And may be taken back anew; three deep it is rolled back again; nothing stays rolling back for ever."""
    first = await concluded(house, await approved(house, "flag.on", flag="x"))
    off = await house.decide(await back(house, first), "ben")
    await concluded(house, off, how)
    on = await house.decide(await back(house, off), "ben")
    await concluded(house, on)
    assert [await state_of(house, one) for one in (first, off, on)] == [S.EXECUTED, S.ROLLED_BACK, S.EXECUTED]
    assert "execution.restored" in await house.events(first)
    again = await house.decide(await back(house, on), "ben")
    await concluded(house, again)
    states = [await state_of(house, one) for one in (first, off, on, again)]
    was = S.EXECUTED if how is K.EXECUTED else S.UNKNOWN
    assert states == [S.ROLLED_BACK, was, S.ROLLED_BACK, S.EXECUTED]


async def test_one_at_a_time(house: House) -> None:
    """Ten at once make one; asked again while it is under way, it is the same; once it is rejected, another."""
    first = await executed(house)
    found = await asyncio.gather(*(house.desk.roll_back(first.id, by="agent:billing", via="api") for _ in range(10)))
    assert len({rollback.id for rollback, _ in found}) == 1
    assert [created for _, created in found].count(True) == 1
    rollback = found[0][0]
    assert (await back(house, first, "person:kim")).id == rollback.id
    await house.decide(rollback, "ben", Verb.REJECT, comment="No")
    again, created = await house.desk.roll_back(first.id, by="agent:billing", via="api")
    assert created
    assert again.id != rollback.id
    assert (await run_of(house, first)).rollback == again.id
    assert len(await house.store.requests(Filter(action="refund.reverse"))) == 2


@pytest.mark.parametrize("before", [K.EXECUTED, K.UNKNOWN])
async def test_it_is_what_it_was_where_the_rollback_fails(house: House, before: K) -> None:
    """Rolling back from the claim on, and through a retry; failed, the first one is executed (or unknown) again."""
    first = await concluded(house, await approved(house), before, result={"id": "re_1"})
    was = await state_of(house, first)
    rollback = await back(house, first)
    assert ("Careful" in notes(rollback)) is (before is K.UNKNOWN)
    await house.decide(rollback, "ben")
    assert await state_of(house, first) is was
    order = await order_of(house, rollback)
    assert await state_of(house, first) is S.ROLLING_BACK
    await house.desk.conclude(order, Outcome(kind=K.NOT_STARTED, error="refused"))
    assert (await state_of(house, first), await state_of(house, rollback)) == (S.ROLLING_BACK, S.WAITING)
    house.clock.move(minutes=10)
    await concluded(house, rollback, K.FAILED)
    assert (await state_of(house, first), (await run_of(house, first)).was) == (was, None)
    assert (await run_of(house, first)).result == {"id": "re_1"}


async def test_an_unknown_rollback_leaves_it_rolling_back_until_somebody_settles_it(house: House) -> None:
    """Nothing is guessed: it stays, no other is proposed, it cannot run again, and an admin's word ends both."""
    first = await executed(house)
    rollback = await back(house, first)
    await house.decide(rollback, "ben")
    order = await order_of(house, rollback)
    await house.desk.lost(order.execution)
    house.clock.move(minutes=10)
    await concluded(house, rollback, K.UNKNOWN)
    assert (await state_of(house, first), await state_of(house, rollback)) == (S.ROLLING_BACK, S.UNKNOWN)
    assert await back(house, first) == await house.now(rollback)
    assert (await house.desk.claim((await run_of(house, first)).id)).order is None
    await house.desk.settle(rollback.id, by="admin:ops", state=S.EXECUTED, note="seen at the bank")
    assert await state_of(house, first) is S.ROLLED_BACK


async def test_what_needs_no_taking_back_any_more_is_not_taken_back(house: House) -> None:
    """The first one turned out never to have happened: its approved rollback is refused at the claim, aloud."""
    first = await concluded(house, await approved(house), K.UNKNOWN, result={"id": "re_1"})
    rollback = await house.decide(await back(house, first), "ben")
    await house.desk.settle(first.id, by="admin:ops", state=S.FAILED, note="never arrived")
    assert rollback.execution is not None
    assert (await house.desk.claim(rollback.execution.id)).order is None
    run = await run_of(house, rollback)
    assert run.state is S.FAILED
    assert "nothing_to_take_back" in str(run.error)
    assert await state_of(house, first) is S.FAILED


@pytest.mark.parametrize(
    ("result", "code"),
    [({}, "conflict"), (None, "conflict"), ({"id": {"deep": 1}}, "invalid"), ({"id": 7}, "invalid")],
)
async def test_what_cannot_be_filled_is_refused(house: House, result: Any, code: str) -> None:
    """Without the result that it needs, or with one of another type than its schema takes, nothing is proposed."""
    first = await concluded(house, await approved(house), result=result)
    with pytest.raises(errors.SaysoError) as refused:
        await back(house, first)
    assert refused.value.code == code
    assert (await run_of(house, first)).rollback is None


async def test_there_has_to_be_something_to_take_back(house: House) -> None:
    """Nothing that is open, waits, failed, or has no declared way back; a rollback itself has none here."""
    waiting = await house.submit(arguments={"order": "1", "amount": 10})
    failed = await concluded(house, await approved(house, order="2"), K.FAILED)
    for first in (waiting, failed):
        with pytest.raises(errors.Conflict, match="Nothing of it ran"):
            await back(house, first)
    rollback = await house.decide(await back(house, await executed(house, order="4")), "ben")
    await concluded(house, rollback)
    with pytest.raises(errors.Conflict, match="No way back is declared"):
        await back(house, rollback)


async def test_t22_what_an_agent_sends_is_never_compiled(house: House) -> None:
    """Blanks in arguments and results stay text, and an argument called result takes the place of none."""
    evil = "{{ result.id }}{{ 7*7 }}{% for x in (1).__class__.__mro__ %}"
    first = await executed(house, result={"id": "{{ amount }}"}, order=evil)
    rollback = await back(house, first)
    assert rollback.content.arguments["refund"] == "{{ amount }}"
    assert rollback.content.arguments["why"] == f"order {evil} is off"
    other = await executed(house, order="2")
    assert (await back(house, other)).content.arguments["refund"] == "re_77"
    shadow = await concluded(house, await approved(house, result={"id": "mine"}), result={"id": "theirs"})
    assert (await back(house, shadow)).content.arguments["refund"] == "theirs"


async def test_what_its_agent_runs_is_handed_over_by_the_claim(house: House) -> None:
    """The agent runs both: the first is rolling back from the moment that the rollback is in the agent's hands."""
    first = await approved(house, "deploy.start", version="v7")
    await house.desk.report(first.id, agent="billing", state=S.EXECUTED)
    rollback = await house.decide(await back(house, first), "ben")
    run = await run_of(house, rollback)
    assert (run.state, rollback.content.arguments) == (S.WAITING, {"was": "v7"})
    await house.desk.claim(run.id)
    assert (await state_of(house, first), await state_of(house, rollback)) == (S.ROLLING_BACK, S.EXECUTING)
    await house.desk.report(rollback.id, agent="billing", state=S.EXECUTED)
    assert await state_of(house, first) is S.ROLLED_BACK


async def test_p01_a_stop_between_begin_and_end_loses_neither(house: House) -> None:
    """Killed while the rollback runs: the next start tries it again, as it is declared safe, and both end together."""
    first = await executed(house)
    rollback = await house.decide(await back(house, first), "ben")
    await order_of(house, rollback)
    path = house.path
    await house.store.close()
    async with open_house(path, clock=house.clock) as again:
        furnish(again)
        await again.desk.recover()
        assert (await state_of(again, first), await state_of(again, rollback)) == (S.ROLLING_BACK, S.WAITING)
        again.clock.move(minutes=10)
        await concluded(again, rollback)
        assert await state_of(again, first) is S.ROLLED_BACK
        again_told = await again.events(first)
    assert again_told.count("execution.rolled_back") == 1


async def test_what_the_rules_block_is_blocked(house: House) -> None:
    """The rules have the last word of a rollback, too; the first one stays as it was, and says which was tried."""
    first = await executed(house, amount=6000.0)
    rollback = await back(house, first)
    assert rollback.state is State.BLOCKED
    assert await state_of(house, first) is S.EXECUTED


async def test_while_replays_are_stopped_nothing_is_taken_back(house: House) -> None:
    """The switch holds a rollback like any other run."""
    first = await executed(house)
    rollback = await house.decide(await back(house, first), "ben")
    await pause(house.ledger, on=True, by="admin:ops", via="cli")
    assert rollback.execution is not None
    assert (await house.desk.claim(rollback.execution.id)).paused
    assert await state_of(house, first) is S.EXECUTED
