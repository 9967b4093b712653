"""T15: a grant lets run what it covers and no more, and ends in the transaction that has the reason."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace

from bot.core.model import Kind, Option, Request, Risk, Severity, State, Verb
from bot.core.policy import TRUST_ENDED
from bot.core.ports import Filter, Tx
from bot.core.trust.grants import Ending, Grant, GrantState
from tests.desk import trusted
from tests.desk.filed import enforce
from tests.desk.house import House, edits, open_house
from tests.desk.trusted import asked_about, granted, refund, trusting


@pytest.fixture(autouse=True)
def file(house: House) -> None:
    """The file with trust, in force."""
    trusting(house)


async def test_t15_a_grant_runs_what_it_covers_and_a_thousand_goes_to_a_person(house: House) -> None:
    """Up to its ceiling it runs by rule and says by which grant; above, of another agent, or strange: people."""
    made = await granted(house)
    small = await refund(house, 1)
    assert (small.state, small.route.grant, small.route.rule) == (State.APPROVED, made.id, made.name)
    for request in (
        await refund(house, 1000),
        await refund(house, 50.01),
        await refund(house, -1),
        await refund(house, 1, agent="other"),
        await refund(house, 1, risk=Risk.IRREVERSIBLE),
        await refund(house, 1, kind=Kind.QUESTION),
        await refund(house, 1, kind=Kind.EXCEPTION),
        await house.submit(
            kind=Kind.CHOICE, options=(Option("a", "a", {"amount": 1}), Option("b", "b", {"amount": 2}))
        ),
        await house.submit(arguments={"order": "20428", "amount": "1"}),
        await house.submit(arguments={"order": "20428", "amount": [1]}),
    ):
        assert (request.state, request.route.rule, request.route.grant) == (State.PENDING, "refunds", None)


async def test_t15_what_ended_elsewhere_has_ended_here(house: House) -> None:
    """Memory may be stale: before a grant lets anything run, its row is read in the same transaction."""
    made = await granted(house)
    await house.store.write(lambda tx: tx.put_grant(trusted.grant_for(house, state=GrantState.ENDED)))
    assert [grant.state for grant in house.desk.trust.grants] == [GrantState.IN_FORCE]
    request = await refund(house, 1)
    assert (request.state, request.route.rule) == (State.PENDING, "refunds")
    told = (await trusted.trail(house, "request.submitted"))[-1]["trials"][0]
    assert (told["rule"], told["detail"]) == (made.name, "needs_person: what was earned has ended")
    # A grant whose time is up, or that no row tells of, is as good as ended, before anybody looked.
    for gone in (trusted.grant_for(house, until=house.clock.now()), trusted.grant_for(house, id="grt_2")):
        await house.store.write(partial(_put, grant=gone))
        assert (await refund(house, 1)).state is State.PENDING


def _put(tx: Tx, grant: Grant) -> None:
    tx.put_grant(grant)


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
    await house.store.write(partial(_put, grant=replace(old, state=GrantState.ENDED, ending=Ending.REPLACED)))
    wider = await granted(house, id="grt_2", ceilings={"/amount": 200.0}, level=1)
    await house.decide(request, "ana", Verb.REJECT, comment="no")
    ended = await trusted.now(house, wider)
    assert (ended.state, ended.ending) == (GrantState.ENDED, Ending.SAMPLE)


@pytest.mark.parametrize(
    ("was", "to"),
    [
        ("RECEIVER/refunds", "RECEIVER/elsewhere"),
        ("stages: [{chain: finance}]\n    trust", "stages: [{chain: finance}, {chain: admins}]\n    trust"),
    ],
)
async def test_t15_where_it_runs_or_who_reviews_it_has_changed(house: House, was: str, to: str) -> None:
    """What was earned for another target, or beside a laxer review, is void at once."""
    await granted(house)
    text = [part.replace(was, to) for part in (trusted.ACTIONS, trusted.CHAINS, trusted.RULES)]
    enforce(house, trusted.PEOPLE, *text, trusted.DEFAULT)
    assert (await refund(house, 1)).state is State.PENDING
    house.clock.move(seconds=3)
    await house.desk.keep_trust()
    assert [grant.ending for grant in await house.store.grants()] == [Ending.CHANGED]


async def test_an_approval_in_the_sample_ends_nothing(house: House) -> None:
    """A sample that people approve as it is leaves the grant in force."""
    request = await sampled(house)
    await house.decide(request, "ana")
    assert [grant.state for grant in await house.store.grants()] == [GrantState.IN_FORCE]


async def test_its_time_a_changed_rule_and_an_admin_end_it(house: House) -> None:
    """Each is on record with its reason; a wider rule does not bring it back."""
    made = await granted(house)
    ended = await house.desk.end_trust(made.id, by="person:lea", via="inbox", why="we were too quick")
    assert ended is not None
    assert (ended.ending, ended.why) == (Ending.ADMIN, "we were too quick")
    assert await house.desk.end_trust(made.id, by="person:lea", via="inbox", why="again") is None
    await granted(house, id="grt_2")
    house.clock.move(days=30)
    await house.desk.keep_trust()
    await granted(house, id="grt_3")
    trusting(house, trusted.RULES.replace("[50, 200]", "[50, 2000]"))
    assert (await refund(house, 1)).state is State.PENDING
    house.clock.move(seconds=3)
    await house.desk.keep_trust()
    assert [grant.ending for grant in await house.store.grants()] == [Ending.ADMIN, Ending.EXPIRED, Ending.CHANGED]
    told = await trusted.trail(house, "trust.ended")
    assert [each["ending"] for each in told] == ["admin", "expired", "changed"]
    assert len(await house.store.requests(Filter(action=TRUST_ENDED))) == 3


async def test_people_who_decide_less_well_of_it_are_heard_outside_the_sample_too(house: House) -> None:
    """What people reject of the same action above the ceiling is watched: confidence against outcome."""
    made = await granted(house)
    for state in (*[GrantState.IN_FORCE] * 3, GrantState.ENDED):
        request = await refund(house, 150)
        await house.decide(request, "ana", Verb.REJECT, comment="no")
        assert (await trusted.now(house, made)).state is state
    ended = await trusted.now(house, made)
    assert ended.ending is Ending.DRIFT
    assert "approved unchanged" in str(ended.why)


async def test_t15_two_bots_one_grant(tmp_path: Path) -> None:
    """A second process that still remembers a grant asks people once the first one ended it."""
    async with open_house(tmp_path / "one.db") as first:
        trusting(first)
        made = await granted(first)
        other = first.desk.trust.__class__(first.desk.trust.file, first.clock)
        other.take((made,))
        await first.desk.end_trust(made.id, by="admin:key", via="cli", why="stop")
        assert first.desk.trust.grants == ()
        first.desk.trust.take((made,))
        assert other.current().rules[0].grant == first.desk.trust.current().rules[0].grant == made.id
        assert (await refund(first, 1)).state is State.PENDING
