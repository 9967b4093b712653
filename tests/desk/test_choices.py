"""Choices: one of the options is picked and runs, by all who are asked, and the digest binds which (T5)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from bot.core import errors
from bot.core.digest import digest_of
from bot.core.model import Kind, Option, State, Verb
from tests.desk.filed import SENT, enforce
from tests.desk.house import SECRET, House
from tests.desk.test_answers import CHAINS, ONE, OPTIONS, TWO, ask, field_of
from tests.fakes.receiver import Receiver

BOTH = """
default: {stages: [{name: finance, chain: finance, approvals: 2}]}
"""


@pytest.fixture(autouse=True)
def one(house: House) -> None:
    """One approval of finance."""
    enforce(house, SENT, CHAINS, ONE)


async def test_a_choice_runs_what_was_picked(house: House, receiver: Receiver) -> None:
    """Its arguments are the next revision, bound by its digest; that and nothing else is sent."""
    house.receiver = receiver.url.removesuffix("/hook")
    enforce(house, SENT, CHAINS, ONE)
    await house.work()
    request = await ask(house, Kind.CHOICE, options=OPTIONS)
    done = await house.decide(request, answer="half")
    assert (done.state, done.answer, done.revision, done.content.chosen) == (State.APPROVED, "half", 2, "half")
    bound = digest_of(
        request=request.id,
        revision=2,
        agent="billing",
        action="refund.issue",
        arguments={"order": "1", "amount": 120},
        target=done.content.target,
    )
    assert done.digest == bound == done.decisions[0].digest
    async with asyncio.timeout(5):
        while not receiver.calls:
            await asyncio.sleep(0.01)
    await house.rest()
    data = receiver.calls[0].json["data"]
    assert (data["arguments"], data["digest"], data["approved_by"]) == ({"order": "1", "amount": 120}, bound, ["ana"])
    assert sum(receiver.effects.values()) == 1


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A receiver that verifies signatures and counts effects."""
    async with Receiver(secret=SECRET) as listening:
        yield listening


@pytest.mark.parametrize("answer", [None, "third", "Half of it", ""], ids=repr)
async def test_a_choice_needs_one_of_its_options(house: House, answer: str | None) -> None:
    """None is picked for anybody."""
    request = await ask(house, Kind.CHOICE, options=OPTIONS)
    with pytest.raises(errors.Invalid, match="full, half") as refusal:
        await house.decide(request, answer=answer)
    assert field_of(refusal) == ["/answer"]
    assert (await house.now(request)).content.chosen is None


@pytest.mark.parametrize(
    ("options", "pointers"),
    [
        ((), ["/options"]),
        (OPTIONS[:1], ["/options"]),
        ((OPTIONS[0], Option("b", "B", {"amount": "much"})), ["/options/1/arguments/amount"]),
    ],
)
async def test_a_choice_that_is_none(house: House, options: tuple[Option, ...], pointers: list[str]) -> None:
    """Two options or more, each of which the action could run; the field is named."""
    schema = SENT.replace("{risk", "{schema: {type: object, properties: {amount: {type: number}}}, risk")
    enforce(house, schema, CHAINS, ONE)
    with pytest.raises(errors.Invalid) as refusal:
        await ask(house, Kind.CHOICE, options=options)
    assert field_of(refusal) == pointers


async def test_two_stages_confirm_what_was_picked(house: House) -> None:
    """Ana picks, Lea sees that and confirms it, with or without naming it."""
    enforce(house, SENT, CHAINS, TWO)
    for answer in (None, "half"):
        request = await ask(house, Kind.CHOICE, options=OPTIONS)
        picked = await house.decide(request, answer="half")
        assert (picked.state, picked.content.chosen, picked.assignees) == (State.PENDING, "half", ("lea", "kim"))
        assert picked.answer is None
        with pytest.raises(errors.Stale):
            await house.decide(request, "lea")
        done = await house.decide(picked, "lea", answer=answer)
        assert (done.state, done.answer, done.revision) == (State.APPROVED, "half", 2)
        assert done.content.arguments == OPTIONS[1].arguments
        assert [vote.answer for vote in done.votes] == ["half", "half"]


async def test_who_picks_another_begins_anew(house: House) -> None:
    """Lea prefers the other one: Ana's vote is gone, she is told, and each agrees to the same in the end."""
    enforce(house, SENT, CHAINS, TWO)
    request = await ask(house, Kind.CHOICE, options=OPTIONS)
    await house.work()
    await house.rest()
    picked = await house.decide(request, answer="half")
    await house.rest()
    other = await house.decide(picked, "lea", answer="full")
    await house.rest()
    assert (other.state, other.revision, other.content.chosen) == (State.PENDING, 3, "full")
    assert (other.votes, other.assignees) == ((), ("ana", "ben"))
    notes = house.channels["slack"].notes
    assert "It was edited, and earlier votes no longer count. Please look again." in notes
    agreed = await house.decide(other)
    done = await house.decide(agreed, "lea", answer="full")
    assert (done.state, done.content.arguments) == (State.APPROVED, OPTIONS[0].arguments)


async def test_two_of_one_stage_pick_together(house: House) -> None:
    """Both approvals stand behind one option, whoever came first; a vote for the other one is no second."""
    enforce(house, SENT, CHAINS, BOTH)
    request = await ask(house, Kind.CHOICE, options=OPTIONS)
    first = await house.decide(request, answer="half")
    second = await house.decide(first, "ben", answer="full")
    assert (second.state, [v.by for v in second.votes]) == (State.PENDING, ["ben"])
    done = await house.decide(second, "ana")
    assert (done.state, done.content.chosen, done.answer) == (State.APPROVED, "full", "full")


async def test_t06_two_pick_at_once(house: House) -> None:
    """One of the two counts, and what runs is theirs."""
    for _ in range(10):
        request = await ask(house, Kind.CHOICE, options=OPTIONS)
        told = await asyncio.gather(
            house.decide(request, "ana", answer="full"),
            house.decide(request, "ben", answer="half"),
            return_exceptions=True,
        )
        assert sorted(isinstance(t, errors.Conflict) for t in told) == [False, True]
        after = await house.now(request)
        assert len(after.decisions) == 1
        assert after.content.arguments == next(o.arguments for o in OPTIONS if o.id == after.answer)


async def test_t05_an_agents_answer_does_not_fill_a_picked_option(house: House) -> None:
    """Asked about a choice under way it may explain itself, and not put other arguments under the option's name."""
    enforce(house, SENT, CHAINS, TWO)
    request = await ask(house, Kind.CHOICE, options=OPTIONS)
    picked = await house.decide(request, answer="half")
    await house.decide(picked, "lea", Verb.ASK, comment="why half?")
    with pytest.raises(errors.Invalid) as refusal:
        await house.desk.inform(request.id, agent="billing", text="so", arguments={"order": "1", "amount": 9000})
    assert field_of(refusal) == ["/arguments"]
    after = await house.desk.inform(request.id, agent="billing", text="they agreed to it")
    assert (after.content.arguments, after.content.chosen) == (OPTIONS[1].arguments, "half")
    done = await house.decide(await house.decide(after), "kim")
    assert (done.state, done.content.arguments) == (State.APPROVED, OPTIONS[1].arguments)


@pytest.mark.parametrize("flip", ["arguments", "option"])
async def test_t05_a_flipped_byte_after_the_pick(house: House, flip: str) -> None:
    """What was picked is changed in the file: what is approved is refused, and what is claimed does not run."""
    enforce(house, SENT, CHAINS, TWO)
    request = await ask(house, Kind.CHOICE, options=OPTIONS)
    picked = await house.decide(request, answer="half")
    (text,) = house.sql("select content from revisions where request = ? and number = 2", request.id)[0]
    content = json.loads(text)
    if flip == "arguments":
        content["arguments"]["amount"] = 121
    else:
        content["target"] = content["target"].replace("refunds", "refundz")
    house.sql("update revisions set content = ? where request = ? and number = 2", json.dumps(content), request.id)
    with pytest.raises(errors.DigestMismatch):
        await house.decide(picked, "lea")
    house.sql("update revisions set content = ? where request = ? and number = 2", text, request.id)
    done = await house.decide(picked, "lea")
    house.sql("update revisions set content = ? where request = ? and number = 2", json.dumps(content), request.id)
    assert done.execution is not None
    claim = await house.desk.claim(done.execution.id)
    assert claim.order is None
    assert "digest_mismatch" in str((await house.now(request)).execution)
    house.sql("update revisions set content = ? where request = ? and number = 2", text, request.id)


async def test_a_choice_is_as_strict_as_all_that_may_be_picked(house: House) -> None:
    """Whom one of the options needs is asked whatever is picked; one that a rule blocks cannot be, and says so."""
    rules = """
rules:
  - {name: never, when: arguments.amount > 1000, then: block}
  - {name: large, when: arguments.amount > 200, stages: [{name: finance, chain: finance}, {name: legal, chain: legal}]}
"""
    enforce(house, SENT, CHAINS, rules, ONE)
    options = (*OPTIONS, Option("huge", "Ten times", {"amount": 2400}))
    request = await ask(house, Kind.CHOICE, options=options, arguments={"amount": 0})
    assert [stage.name for stage in request.route.stages] == ["finance", "legal"]
    assert request.route.warnings == ("option 'huge' cannot be picked: the rule 'never' blocks it",)
    with pytest.raises(errors.Invalid, match="would block"):
        await house.decide(request, answer="huge")
    large = await house.decide(request, answer="full")
    assert (large.state, [stage.name for stage in large.route.stages]) == (State.PENDING, ["finance", "legal"])
    assert (await house.decide(large, "kim")).state is State.APPROVED
