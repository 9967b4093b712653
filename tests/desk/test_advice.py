"""Second opinions: shown as that, never a vote, and they only ever ask for more."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.core import errors
from bot.core.model import Opinion, Request, State, Verb
from tests.desk.filed import SENT, enforce
from tests.desk.house import House, MovableClock, at, open_house
from tests.desk.replayed import prove

CHAINS = """
chains:
  finance: [{notify: [finance], wait: 15m}, {notify: [eva]}]
  legal: [{notify: [legal]}]
"""
RULES = """
rules:
  - {name: no, when: 'has(advice.checker) && advice.checker == "disagree" && arguments.amount > 1000', then: block}
  - name: doubted
    when: has(advice.checker) && advice.checker != "agree"
    stages: [{name: finance, chain: finance}, {name: legal, chain: legal}]
  - {name: fine, when: 'has(advice.checker) && arguments.amount < 10', then: approve}
  - {name: asked, when: 'true', stages: [{name: finance, chain: finance}], advice: {from: [checker, third], within: 1m}}
"""
ONE = """
default: {stages: [{name: finance, chain: finance}]}
"""


@pytest.fixture(autouse=True)
def advised(house: House) -> None:
    """Two advisors are asked first, for a minute."""
    enforce(house, SENT, CHAINS, RULES, ONE)


async def assess(
    house: House, request: Request, opinion: Opinion = Opinion.AGREE, by: str = "checker", **more: Any
) -> Request:
    """An opinion of the request as it was shown."""
    shown: dict[str, Any] = {"revision": request.revision, "digest": request.digest, "note": None} | more
    return await house.desk.assess(request.id, by=by, opinion=opinion, **shown)


async def test_people_are_asked_once_advisors_have_spoken(house: House) -> None:
    """Nobody is asked before; then both opinions stand on the first card."""
    await house.work()
    request = await house.submit()
    await house.rest()
    slack = house.channels["slack"]
    assert (request.state, request.assignees, slack.said) == (State.PENDING, (), [])
    assert request.due_at == request.created_at + timedelta(minutes=1)
    card = await house.desk.card(request.id)
    assert card is not None
    assert card.held_until == request.due_at
    first = await assess(house, request, note="the ledger says so")
    assert first.assignees == ()
    second = await assess(house, request, Opinion.AGREE, "third")
    await house.rest()
    assert second.assignees == ("ana", "ben")
    assert sorted(slack.sent()) == ["ana", "ben"]
    card = await house.desk.card(request.id)
    assert card is not None
    notes = {line.label: line.text for line in card.notes}
    assert notes == {
        "Second opinion by checker": "agrees: the ledger says so",
        "Second opinion by third": "agrees",
    }
    assert at(second).step_at == house.clock.at


async def test_or_once_their_time_is_over(house: House) -> None:
    """After a minute people are asked without; the card says who has not spoken; the step counts from then."""
    await house.work()
    request = await house.submit()
    await assess(house, request)
    await house.later(seconds=59)
    assert house.channels["slack"].said == []
    await house.later(seconds=1)
    after = await house.now(request)
    assert (after.assignees, at(after).step_at) == (("ana", "ben"), request.created_at + timedelta(minutes=1))
    assert sorted(house.channels["slack"].sent()) == ["ana", "ben"]
    card = await house.desk.card(request.id)
    assert card is not None
    assert ("Second opinion", "not given yet by third") in [(line.label, line.text) for line in card.notes]
    assert await house.events(request) == [
        "request.submitted", "request.assessed", "request.asked", *["delivery.sent"] * 4,
    ]  # fmt: skip


async def test_p07_after_a_restart_too(tmp_path: Path) -> None:
    """Stopped while it was held, for six hours: asked once, as from the end of the minute, and escalated once."""
    clock = MovableClock()
    async with open_house(tmp_path / "held.db", clock=clock) as house:
        enforce(house, SENT, CHAINS, RULES, ONE)
        request = await house.submit()
    clock.move(hours=6)
    async with open_house(tmp_path / "held.db", clock=clock) as house:
        enforce(house, SENT, CHAINS, RULES, ONE)
        await house.work()
        assert await house.desk.wake() == 1
        await house.rest()
        after = await house.now(request)
        assert await house.events(request) == [
            "request.submitted", "request.asked", "request.escalated", *["delivery.sent"] * 6,
        ]  # fmt: skip
        assert at(after).step_at == request.created_at + timedelta(minutes=16)
        await prove(house.store)


async def test_it_is_no_vote(house: House) -> None:
    """However many agree, nothing is decided; and nobody may decide while it is held."""
    request = await house.submit()
    with pytest.raises(errors.NotAssigned):
        await house.decide(request)
    for by in ("checker", "third", "another"):
        after = await assess(house, request, by=by)
    assert (after.state, after.votes, len(after.advice)) == (State.PENDING, (), 3)
    assert (await house.decide(after)).state is State.APPROVED


@pytest.mark.parametrize(
    ("opinion", "amount", "state", "stages"),
    [
        (Opinion.AGREE, 240, State.PENDING, ["finance"]),
        (Opinion.AGREE, 5, State.PENDING, ["finance"]),
        (Opinion.DOUBT, 240, State.PENDING, ["finance", "legal"]),
        (Opinion.DISAGREE, 240, State.PENDING, ["finance", "legal"]),
        (Opinion.DISAGREE, 2400, State.BLOCKED, []),
    ],
)
async def test_t14_it_is_only_ever_stricter(
    house: House, opinion: Opinion, amount: int, state: State, stages: list[str]
) -> None:
    """A rule that conditions on it adds a stage or blocks; one that would approve for it changes nothing."""
    request = await house.submit(arguments={"amount": amount})
    assert [stage.name for stage in request.route.stages] == ["finance"]
    after = await assess(house, request, opinion)
    assert after.state is state
    if state is State.PENDING:
        assert [stage.name for stage in after.route.stages] == stages
    else:
        assert (await house.events(request))[-1] == "request.assessed"
        with pytest.raises(errors.SaysoError):
            await house.decide(after)


async def test_a_later_agreement_takes_nothing_back(house: House) -> None:
    """What one doubt has added stays, whoever agrees then; whoever spoke of an earlier revision is waited for."""
    request = await house.submit()
    await assess(house, request, Opinion.DOUBT)
    asked = await house.decide(await assess(house, request, by="third"), verb=Verb.ASK, comment="why?")
    answered = await house.desk.inform(asked.id, agent="billing", text="because")
    after = await assess(house, answered, Opinion.AGREE)
    assert [stage.name for stage in after.route.stages] == ["finance", "legal"]
    card = await house.desk.card(request.id)
    assert card is not None
    told = {line.label: line.text for line in card.notes}
    assert told["Second opinion of revision 1 by checker"] == "doubts it"
    # What was said of the revision before is no opinion of this one.
    assert told["Second opinion"] == "not given yet by third"


async def test_a_stage_that_is_added_late_is_asked(house: House) -> None:
    """Finance is being asked already; a doubt brings legal in after them, and Ana's vote stands."""
    enforce(house, SENT, CHAINS, RULES, ONE.replace("}]}", "}], expires: 24h}"))
    request = await house.submit()
    house.clock.move(minutes=1)
    await house.desk.wake()
    doubted = await assess(house, await house.now(request), Opinion.DOUBT)
    voted = await house.decide(doubted)
    assert (voted.state, voted.assignees) == (State.PENDING, ("lea", "kim"))
    assert (await house.decide(voted, "kim")).state is State.APPROVED


async def refused(house: House, request: Request, **more: Any) -> str:
    """The code with which an opinion is refused."""
    with pytest.raises(errors.SaysoError) as refusal:
        await assess(house, request, **more)
    return refusal.value.code


async def test_what_is_no_opinion(house: House) -> None:
    """A second one, one of one's own request, one of what was not shown, and one that comes too late."""
    request = await house.submit()
    await assess(house, request)
    assert await refused(house, request, opinion=Opinion.DISAGREE) == "already_assessed"
    assert await refused(house, request, by="billing") == "forbidden"
    assert await refused(house, request, by="third", revision=2) == "stale"
    assert await refused(house, request, by="third", digest="sha256:0") == "stale"
    await assess(house, request, by="third")
    done = await house.decide(await house.now(request))
    assert await refused(house, done, by="another") == "already_decided"
    with pytest.raises(errors.NotFound):
        await house.desk.assess("req_x", by="checker", opinion=Opinion.AGREE, note=None, revision=1, digest="")
    assert len((await house.now(request)).advice) == 2


async def test_t07_after_expiry_it_is_too_late(house: House) -> None:
    """Whether a tick has said so or not: nobody is asked any more because of it."""
    request = await house.submit(expires_in=timedelta(seconds=30))
    house.clock.move(seconds=30)
    assert await refused(house, request) == "expired"
    await house.desk.wake()
    assert await refused(house, request) == "expired"
    assert await house.store.deliveries(request.id) == ()


async def test_t06_the_same_opinion_many_times_at_once(house: House) -> None:
    """Counts once; and two advisors at once are both heard, people asked once."""
    request = await house.submit()
    told = await asyncio.gather(
        *(assess(house, request, by=("checker", "third")[n % 2]) for n in range(20)), return_exceptions=True
    )
    assert sum(isinstance(t, errors.AlreadyAssessed) for t in told) == 18
    assert len((await house.now(request)).advice) == 2
    assert len(await house.store.deliveries(request.id)) == 4


async def test_the_agent_is_asked_and_advisors_may_still_speak(house: House) -> None:
    """While a question is open an opinion is kept, and stricter is stricter."""
    request = await house.submit()
    for by in ("checker", "third"):
        await assess(house, request, by=by)
    waiting = await house.decide(await house.now(request), verb=Verb.ASK, comment="why?")
    after = await assess(house, waiting, Opinion.DOUBT, "another")
    assert (after.state, len(after.advice)) == (State.NEEDS_INFO, 3)


async def test_while_it_is_held_the_agent_may_withdraw_it(house: House) -> None:
    """And nobody ever hears of it."""
    request = await house.submit()
    await house.desk.cancel(request.id, agent="billing", reason=None)
    house.clock.move(hours=1)
    assert await house.desk.wake() == 0
    assert await house.store.deliveries(request.id) == ()


async def test_advisors_are_told_at_their_webhook(house: House) -> None:
    """Those who have one."""
    agents = "agents: {billing: {owner: dan}, checker: {webhook: RECEIVER/advice}, third: {}}"
    enforce(house, agents, SENT, CHAINS, RULES, ONE)
    request = await house.submit()
    assert house.sql("select kind, ref, note, request from effects") == [
        ("webhook", "request.needs_advice", "checker", request.id)
    ]


async def test_t10_who_is_barred_after_they_voted_counts_no_more(house: House) -> None:
    """An opinion brings a rule of two days, in which ana stands in for the owner: ben is asked instead."""
    people = """
    people:
      ana: {email: ana@example.com}
      ben: {email: ben@example.com}
      lea: {email: lea@example.com}
      dan: {email: dan@example.com, away: [{from: 2026-03-03, until: 2026-03-05, delegate: ana}]}
    """
    chains = """
    chains:
      finance: [{notify: [ana, ben]}]
      legal: [{notify: lea}]
    """
    both = "stages: [{name: finance, chain: finance}, {name: legal, chain: legal}]"
    rules = f"""
    rules:
      - {{name: doubted, when: 'has(advice.checker) && advice.checker != "agree"', {both}, expires: 2d}}
      - {{name: asked, when: 'true', {both}, expires: 1h}}
    """
    enforce(house, "groups: {}", people, SENT, chains, rules, ONE)
    request = await house.decide(await house.submit(), "ana")
    assert request.given(0) == 1
    await assess(house, request, Opinion.DOUBT)
    request = await house.decide(await house.now(request), "lea")
    assert (request.state, request.given(0), request.assignees) == (State.PENDING, 0, ("ben",))
    assert (await house.decide(request, "ben")).state is State.APPROVED
