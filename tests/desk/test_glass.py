"""Breaking the glass: by whom, over what, who hears of it, and the review that is due."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import Any

import pytest

from bot.core import errors
from bot.core.consent import consented
from bot.core.model import Kind, Option, Request, State, Verb
from bot.core.policy import GLASS_REVIEW
from bot.core.ports import Filter
from bot.desk import pause
from tests.desk.filed import SENT, enforce
from tests.desk.house import House

CHAINS = """
chains:
  finance: [{notify: [ana, kim], via: [slack], wait: 15m}, {notify: [lea], via: [slack]}]
  afterwards: [{notify: [lea, ben, dan, eva], via: [slack]}]
"""


TWO = """
default: {stages: [{name: finance, chain: finance, approvals: 2}], expires: 2h}
"""


GLASS = """
break_glass: {people: [ben, dan, ana], review: afterwards, notify: [eva], within: 48h}
"""


WHY = "The customer is at the airport, and nobody answers"


@pytest.fixture(autouse=True)
def glass(house: House) -> None:
    """Two approvals of finance; Ben, Ana and Dan (who owns the agent) may break the glass."""
    enforce(house, SENT, CHAINS, TWO, GLASS)


async def broken(house: House, request: Request, by: str = "ben", **more: Any) -> Request:
    """Somebody breaks the glass, with a reason unless told otherwise."""
    given: dict[str, Any] = {"break_glass": True, "comment": WHY} | more
    return await house.decide(request, by, **given)


async def review_of(house: House) -> Request:
    """The one review that is due."""
    (found,) = await house.store.requests(Filter(action=GLASS_REVIEW))
    return found


@pytest.mark.parametrize("by", ["ben", "dan", "ana"])
async def test_whoever_is_listed_may(house: House, by: str) -> None:
    """Asked or not, and even the agent's owner: it is approved at once, says so for ever, and runs."""
    request = await house.submit()
    assert house.desk.may_break_glass(by)
    done = await broken(house, request, by)
    assert (done.state, [d.broke_glass for d in done.decisions], done.decisions[0].comment) == (
        State.APPROVED,
        [True],
        WHY,
    )
    assert done.execution is not None
    assert consented(await house.now(request))
    claim = await house.desk.claim(done.execution.id)
    assert claim.order is not None
    assert claim.order.approved_by == (by,)


async def test_the_claim_holds_only_for_what_was_broken(house: House) -> None:
    """Where the rows no longer say that it was broken, one vote is not the two that it takes: nothing runs."""
    request = await house.submit()
    done = await broken(house, request)
    change = "update decisions set body = replace(body, ?, ?) where request = ?"
    said, denied = '"broke_glass":true', '"broke_glass":false'
    house.sql(change, said, denied, request.id)
    assert done.execution is not None
    assert (await house.desk.claim(done.execution.id)).order is None
    assert "not_approved" in str((await house.now(request)).execution)
    house.sql(change, denied, said, request.id)


async def test_t08_nobody_else_may(house: House) -> None:
    """Neither who is asked, nor who is told of it, nor an agent, an advisor or a stranger; each is on record."""
    request = await house.submit()
    others = ("lea", "kim", "eva", "mallory", "billing", "checker", "sayso")
    for by in others:
        assert not house.desk.may_break_glass(by)
        with pytest.raises(errors.NotAssigned):
            await broken(house, request, by)
    assert (await house.now(request)).state is State.PENDING
    assert (await house.events(request))[1:] == ["refusal:not_assigned"] * len(others)


async def test_without_the_section_nobody_may(house: House) -> None:
    """The file says who; where it says nothing, nobody."""
    enforce(house, SENT, CHAINS, TWO)
    request = await house.submit()
    assert not house.desk.may_break_glass("ben")
    with pytest.raises(errors.NotAssigned):
        await broken(house, request)


async def test_what_it_takes(house: House) -> None:
    """A reason, and a plain approval: anything else names the field and leaves the request as it was."""
    request = await house.submit()
    wrong: list[tuple[dict[str, Any], str]] = [({"comment": None}, "/comment"), ({"comment": " \n"}, "/comment")]
    wrong += [({"verb": verb, "arguments": {}}, "/decision") for verb in Verb if verb is not Verb.APPROVE]
    for changes, pointer in wrong:
        with pytest.raises(errors.Invalid) as refusal:
            await broken(house, request, **changes)
        assert [fault.pointer for fault in refusal.value.faults] == [pointer]
    assert await house.now(request) == request


async def test_t01_only_what_was_shown(house: House) -> None:
    """Whole, as it stands now."""
    request = await house.submit()
    for changes, refusal in (
        ({"fully_shown": False}, errors.NotFullyShown),
        ({"revision": 2}, errors.Stale),
        ({"digest": "sha256:0"}, errors.Stale),
    ):
        with pytest.raises(refusal):
            await broken(house, request, **changes)
    house.sql("update revisions set content = replace(content, '240.0', '241.0') where request = ?", request.id)
    with pytest.raises(errors.DigestMismatch):
        await broken(house, request)
    house.sql("update revisions set content = replace(content, '241.0', '240.0') where request = ?", request.id)


async def test_t06_a_second_click_loses(house: House) -> None:
    """Many at once, of one person and of two: one breaks it, one review is due, the rest hear who it was."""
    request = await house.submit()
    told = await asyncio.gather(
        *(broken(house, request, ("ben", "dan")[n % 2]) for n in range(20)), return_exceptions=True
    )
    assert Counter(type(t).__name__ for t in told) == {"Request": 1, "AlreadyDecided": 19}
    assert len(await house.store.requests(Filter(action=GLASS_REVIEW))) == 1
    assert len(house.sql("select * from executions")) == 1


async def test_t06_the_same_act_again_is_the_same(house: House) -> None:
    """Delivered twice by its channel, with the same id: it counts once and is not refused."""
    request = await house.submit()
    first = await broken(house, request, id="dec_ben")
    second = await broken(house, request, id="dec_ben")
    assert (first.state, second.state, len(second.decisions)) == (State.APPROVED, State.APPROVED, 1)
    assert len(await house.store.requests(Filter(action=GLASS_REVIEW))) == 1


async def test_t07_after_the_end_there_is_no_glass(house: House) -> None:
    """Expired (a tick or not), withdrawn or rejected: nothing is brought back."""
    late, gone, no = [await house.submit() for _ in range(3)]
    await house.desk.cancel(gone.id, agent="billing", reason=None)
    await house.decide(no, verb=Verb.REJECT)
    house.clock.move(hours=2)
    for request, refusal in ((late, errors.Expired), (gone, errors.AlreadyDecided), (no, errors.AlreadyDecided)):
        with pytest.raises(refusal):
            await broken(house, request)
    await house.desk.wake()
    with pytest.raises(errors.Expired):
        await broken(house, late)
    assert await house.store.requests(Filter(action=GLASS_REVIEW)) == ()


async def test_while_the_agent_is_asked_it_may_be_broken(house: House) -> None:
    """An open question holds nobody up in an emergency; nor do votes that are missing."""
    request = await house.submit()
    await house.decide(request, "kim")
    waiting = await house.decide(request, "ana", Verb.ASK, comment="really?")
    done = await broken(house, waiting)
    assert (done.state, [d.by for d in done.votes]) == (State.APPROVED, ["kim", "ben"])


async def test_while_advisors_are_awaited_it_may_be_broken(house: House) -> None:
    """Nobody is asked yet, and in an emergency nobody has to be; what they were to be asked never goes out."""
    rules = "rules: [{name: advised, when: 'true', stages: [{chain: finance}], advice: {from: [checker], within: 1h}}]"
    enforce(house, SENT, CHAINS, rules, TWO, GLASS)
    request = await house.submit()
    done = await broken(house, request)
    assert (done.state, consented(done)) == (State.APPROVED, True)
    house.clock.move(hours=2)
    await house.desk.wake()
    assert {d.person for d in await house.store.deliveries(request.id)} == {"eva"}


async def test_t06_broken_and_decided_at_once(house: House) -> None:
    """The last approval, a rejection and a broken glass: one of them counts, and it runs once or not at all."""
    for _ in range(10):
        request = await house.submit()
        await house.decide(request, "kim")
        told = await asyncio.gather(
            house.decide(request, "ana"),
            house.decide(request, "ana", Verb.REJECT),
            broken(house, request),
            return_exceptions=True,
        )
        assert sum(isinstance(t, Request) for t in told) == 1
        after = await house.now(request)
        assert len(after.decisions) == 2
        assert (after.execution is None) == (after.state is State.REJECTED)


async def test_who_voted_already_does_not_break_it_too(house: House) -> None:
    """One person has one say on a revision."""
    request = await house.submit()
    await house.decide(request, "ana")
    with pytest.raises(errors.AlreadyVoted):
        await broken(house, request, "ana")


@pytest.mark.parametrize("kind", [Kind.QUESTION, Kind.CHOICE, Kind.EXCEPTION])
async def test_there_is_no_glass_before_an_answer(house: House, kind: Kind) -> None:
    """What nobody has answered cannot be approved past the review."""
    options = (Option("a", "A", {"n": 1}), Option("b", "B", {"n": 2}))
    request = await house.submit(kind=kind, options=options if kind is Kind.CHOICE else ())
    with pytest.raises(errors.Invalid):
        await broken(house, request)
    if kind is Kind.CHOICE:
        picked = await house.decide(request, answer="b")
        done = await broken(house, picked)
        assert (done.state, done.content.arguments, done.answer) == (State.APPROVED, {"n": 2}, "b")


async def test_an_approval_with_options_beside_it_is_an_approval(house: House) -> None:
    """An agent does not take the glass away by adding options that nobody picks from."""
    request = await house.submit(options=(Option("a", "A"), Option("b", "B")))
    assert (await broken(house, request)).state is State.APPROVED


async def test_while_replays_are_stopped_nothing_runs(house: House) -> None:
    """The switch is stronger: what was broken waits, too."""
    await pause(house.ledger, on=True, by="admin", via="cli")
    done = await broken(house, await house.submit())
    assert done.execution is not None
    assert (await house.desk.claim(done.execution.id)).paused


async def test_the_trail_names_it(house: House) -> None:
    """Who, through what, why, and what they had before them; and the review's own line."""
    request = await house.submit()
    await broken(house, request)
    lines = [json.loads(line.body) for line in await house.store.audit(request.id)]
    assert [line["type"] for line in lines] == ["request.submitted", "request.glass_broken"]
    data = lines[1]["data"]
    assert (lines[1]["actor"], data["decision"]["comment"], data["decision"]["broke_glass"]) == (
        "person:ben",
        WHY,
        True,
    )
    assert data["shown"] == {"revision": 1, "digest": request.digest}
    review = [json.loads(line.body) for line in await house.store.audit((await review_of(house)).id)]
    assert (review[0]["type"], review[0]["actor"]) == ("request.submitted", "person:ben")
