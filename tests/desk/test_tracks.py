"""Stages and chains at the desk: side by side, by quorum, distinct groups, repeats, ends, clock jumps."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from bot.core import errors
from bot.core.model import Request, State, Verb
from tests.desk.filed import DEFAULT, SENT, chain, enforce, stages
from tests.desk.house import House, at

CHAINS = """
chains:
  finance: [{notify: [finance], via: [slack], wait: 15m, remind: 5m}, {notify: [eva], via: [slack]}]
  legal: [{notify: [legal], via: [slack], wait: 40m, remind: 10m}, {notify: [eva], via: [slack]}]
  board: [{notify: [eva], via: [slack]}]
  mixed: [{notify: [finance, both], via: [slack]}]
"""


PAIR = "{parallel: [{name: finance, chain: finance}, {name: legal, chain: legal}]}"
BOARD = "{name: board, chain: board}"


async def wait(house: House, request: Request, **by: float) -> Request:
    """Time passes, with the courier at work or without."""
    await house.later(**by)
    return await house.now(request)


async def test_two_stages_run_side_by_side(house: House) -> None:
    """Both are asked at once, each has reminders and a clock of its own; what follows is asked once both are full."""
    enforce(house, SENT, CHAINS, stages(PAIR, BOARD))
    request = await house.submit()
    await house.work()
    await house.rest()
    slack = house.channels["slack"]
    assert sorted(slack.sent()) == ["ana", "ben", "kim", "lea"]
    await house.later(minutes=5)
    assert sorted(slack.sent("remind")) == ["ana", "ben"]
    await house.later(minutes=5)
    assert Counter(slack.sent("remind")) == {"ana": 2, "ben": 2, "kim": 1, "lea": 1}
    after = await wait(house, request, minutes=5)
    assert ([track.step for track in after.tracks], after.escalation_level) == ([1, 0], 1)
    assert slack.sent()[4:] == ["eva"]
    one = await house.decide(after, "lea")
    assert (one.state, one.assignees) == (State.PENDING, ("ana", "ben", "eva"))
    # Legal is done: its clock has stopped.
    after = await wait(house, request, hours=2)
    assert [track.step for track in after.tracks] == [1, 0]
    two = await house.decide(after, "ana")
    assert (two.state, [track.stage for track in two.tracks], two.assignees) == (State.PENDING, [2], ("eva",))
    assert (await house.decide(two, "eva")).state is State.APPROVED


async def test_p03_one_person_never_fills_two_stages(house: House) -> None:
    """Ana is asked in both: her vote counts in one, and somebody else has to fill the other."""
    both = "{parallel: [{name: one, chain: mixed}, {name: two, chain: finance}]}"
    enforce(house, SENT, CHAINS, stages(both))
    request = await house.submit()
    voted = await house.decide(request, "ana")
    assert voted.state is State.PENDING
    assert "ana" not in voted.assignees
    with pytest.raises(errors.AlreadyVoted):
        await house.decide(voted, "ana")
    done = await house.decide(voted, "ben")
    assert (done.state, len({vote.stage for vote in done.votes})) == (State.APPROVED, 2)


async def test_t06_everybody_clicks_at_once(house: House) -> None:
    """Four people, ten times each, over two stages side by side: one vote a stage, by two people, one end."""
    enforce(house, SENT, CHAINS, stages(PAIR))
    for _ in range(5):
        request = await house.submit()
        clicks = [house.decide(request, by) for by in ("ana", "kim", "lea", "ben") for _ in range(10)]
        told = await asyncio.gather(*clicks, return_exceptions=True)
        assert all(isinstance(t, Request | errors.SaysoError) for t in told)
        after = await house.now(request)
        assert (after.state, sorted(vote.stage for vote in after.votes)) == (State.APPROVED, [0, 1])
        assert len({vote.by for vote in after.votes}) == 2
        assert (await house.events(request)).count("request.decided") == 1
    assert len(house.sql("select * from executions")) == 5


async def test_a_quorum(house: House) -> None:
    """Two of the four have to agree, each once."""
    enforce(house, SENT, CHAINS, stages("{name: mixed, chain: mixed, approvals: 2}"))
    request = await house.submit()
    assert (await house.decide(request, "lea")).state is State.PENDING
    assert (await house.decide(request, "ben")).state is State.APPROVED


async def test_distinct_groups(house: House) -> None:
    """Two of finance are one voice; somebody of another group is the second."""
    distinct = "{name: mixed, chain: mixed, approvals: 2, distinct_groups: true}"
    enforce(house, SENT, CHAINS, stages(distinct))
    first = await house.submit()
    # Ana stands in both groups, and Ben in finance alone: each can be a voice of their own.
    assert (await house.decide(first, "ben")).state is State.PENDING
    done = await house.decide(first, "ana")
    assert (done.state, [v.names for v in done.votes]) == (State.APPROVED, [("finance",), ("finance", "both")])
    # Ana and Lea of both, one of whom has to stand for finance: only Ana can.
    second = await house.submit()
    await house.decide(second, "lea")
    assert (await house.decide(second, "ana")).state is State.APPROVED
    enforce(house, SENT, CHAINS.replace("[finance, both]", "[finance, legal]"), stages(distinct))
    third = await house.submit()
    await house.decide(third, "ana")
    after = await house.decide(third, "ben")
    assert (after.state, after.assignees) == (State.PENDING, ("ana", "ben", "lea", "kim"))
    assert (await house.decide(after, "kim")).state is State.APPROVED


async def test_it_takes_two_rejections(house: House) -> None:
    """One is on record, told on the cards, and may be outvoted; the second ends it."""
    enforce(house, SENT, CHAINS, stages("{name: mixed, chain: mixed, approvals: 2, rejections: 2}"))
    request = await house.submit()
    await house.work()
    await house.rest()
    one = await house.decide(request, "ana", Verb.REJECT, comment="I doubt it")
    assert (one.state, one.execution) == (State.PENDING, None)
    with pytest.raises(errors.AlreadyVoted):
        await house.decide(one, "ana")
    two = await house.decide(one, "lea", Verb.REJECT)
    assert (two.state, [v.by for v in two.votes]) == (State.REJECTED, ["ana", "lea"])
    other = await house.submit(arguments={"order": "2", "amount": 1})
    await house.decide(other, "ana", Verb.REJECT)
    await house.decide(other, "ben")
    assert (await house.decide(other, "lea")).state is State.APPROVED


async def test_a_chain_repeats(house: House) -> None:
    """At its end it begins again, as often as it says: cards stand, so their readers get a word; then it is over."""
    steps = ("{notify: [ana], via: [slack], wait: 10m}", "{notify: [lea], via: [slack], wait: 20m}")
    enforce(house, SENT, chain(*steps, repeat="1", exhausted="{then: reject, notify: [eva]}"), DEFAULT)
    request = await house.submit()
    await house.work()
    await house.rest()
    slack = house.channels["slack"]
    await house.later(minutes=10)
    assert slack.sent() == ["ana", "lea"]
    after = await wait(house, request, minutes=20)
    assert (at(after).round, at(after).step, after.escalation_level) == (1, 0, 2)
    assert (slack.sent(), slack.sent("remind")) == (["ana", "lea"], ["ana"])
    await house.later(minutes=10)
    assert slack.sent("remind") == ["ana", "lea"]
    after = await wait(house, request, minutes=20)
    assert after.state is State.REJECTED
    assert ("send", "eva", "rejected", 1) in slack.said
    assert (await house.events(request))[-4:].count("request.exhausted") == 1


@pytest.mark.parametrize(("then", "state"), [("expire", State.EXPIRED), ("reject", State.REJECTED)])
async def test_p07_a_chains_end_after_six_hours_away(house: House, then: str, state: State) -> None:
    """All of it happened in order, once, though nobody was there: both rounds, the end, and who is told."""
    steps = ("{notify: [ana], wait: 10m, remind: 1m}", "{notify: [lea], wait: 20m}")
    enforce(house, SENT, chain(*steps, repeat="1", exhausted=f"{{then: {then}, notify: [eva]}}"), DEFAULT)
    request = await house.submit()
    house.clock.move(hours=6)
    assert await house.desk.wake() == 1
    after = await house.now(request)
    assert (after.state, after.escalation_level) == (state, 3)
    assert await house.events(request) == ["request.submitted", *["request.escalated"] * 3, "request.exhausted"]
    assert {d.to for d in await house.store.deliveries(request.id)} == {"ana", "lea", "eva"}
    assert await house.desk.wake() == 0


async def test_it_waits_on_where_the_end_only_notifies(house: House) -> None:
    """Whoever is told at the end may decide, too."""
    steps = ("{notify: [ana], via: [slack], wait: 10m}",)
    enforce(house, SENT, chain(*steps, exhausted="{notify: [eva]}"), DEFAULT)
    request = await house.submit()
    house.clock.move(hours=6)
    await house.desk.wake()
    after = await house.now(request)
    assert (after.state, after.assignees) == (State.PENDING, ("ana", "eva"))
    assert (await house.decide(after, "eva")).state is State.APPROVED


async def test_who_decided_before_is_told_of_an_edit(house: House) -> None:
    """Ana approved, Lea of the second stage edits: it begins anew, and Ana is told at her card to look again."""
    enforce(house, SENT, CHAINS, stages("{name: finance, chain: finance}", "{name: legal, chain: legal}"))
    request = await house.submit()
    await house.work()
    await house.rest()
    first = await house.decide(request)
    await house.rest()
    edited = await house.decide(first, "lea", Verb.APPROVE_WITH_EDITS, arguments={"order": "10428", "amount": 100})
    await house.rest()
    slack = house.channels["slack"]
    assert (edited.state, edited.revision, edited.votes, edited.assignees) == (State.PENDING, 2, (), ("ana", "ben"))
    assert sorted(slack.sent("remind")) == ["ana", "ben"]
    assert set(slack.notes) == {"It was edited, and earlier votes no longer count. Please look again."}
    shown: dict[str, int] = {to: revision for verb, to, _, revision in slack.said if verb in ("update", "remind")}
    assert shown == {"ana": 2, "ben": 2, "lea": 2, "kim": 2}
    with pytest.raises(errors.Stale):
        await house.decide(first, "ben")
    again = await house.decide(edited)
    done = await house.decide(again, "lea")
    assert (done.state, [d.decision for d in done.votes]) == (State.APPROVED_WITH_EDITS, [Verb.APPROVE] * 2)


@pytest.mark.parametrize("jump", [{"hours": 1}, {"hours": -1}, {"days": 1}, {"days": -1}], ids=str)
async def test_p12_clock_jumps(house: House, jump: dict[str, int]) -> None:
    """Set forward or back in the middle: each step of each stage is taken once, and each card stands once."""
    chains = """
chains:
  finance: {steps: [{notify: [ana], wait: 30m, remind: 7m}, {notify: [ben], wait: 30m}], repeat: 1}
  legal: [{notify: [lea], wait: 2h}, {notify: [kim]}]
"""
    enforce(house, SENT, chains, stages(PAIR, expires="60h"))
    request = await house.submit()
    await house.work()
    await house.rest()
    await house.later(minutes=10)
    await house.later(**jump)
    for _ in range(28):
        await house.later(hours=1)
    events = Counter(await house.events(request))
    assert (events["request.escalated"], events["request.exhausted"], events["request.expired"]) == (4, 1, 0)
    for wire in house.channels.values():
        assert Counter(wire.sent()) == {"ana": 1, "ben": 1, "lea": 1, "kim": 1}
    after = await house.now(request)
    assert ([track.step for track in after.tracks], after.escalation_level) == ([1, 1], 4)
    assert (await house.decide(await house.decide(after, "ben"), "kim")).state is State.APPROVED
