"""Questions, choices and exceptions: what is answered, what runs, and what the digest binds."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.core import errors
from bot.core.digest import digest_of
from bot.core.model import Kind, Option, Request, State, Verb
from tests.desk.filed import SENT, enforce
from tests.desk.house import SECRET, House, ballot
from tests.fakes.receiver import Receiver

CHAINS = """
chains:
  finance: [{notify: [finance]}]
  legal: [{notify: [legal]}]
  odd: [{notify: [eva]}]
"""
ONE = """
default: {stages: [{name: finance, chain: finance}]}
"""
TWO = """
default: {stages: [{name: finance, chain: finance}, {name: legal, chain: legal}]}
"""
BOTH = """
default: {stages: [{name: finance, chain: finance, approvals: 2}]}
"""
EXCEPTIONS = """
exceptions: {stages: [{name: odd, chain: odd}]}
"""
OPTIONS = (
    Option("full", "All of it", {"order": "1", "amount": 240}),
    Option("half", "Half of it", {"order": "1", "amount": 120}),
)
YES_NO = (Option("yes", "Yes"), Option("no", "No"))


async def ask(house: House, kind: Kind, **more: Any) -> Request:
    """A request of this kind."""
    return await house.submit(kind=kind, **({"arguments": {}} | more))


def field_of(refusal: Any) -> list[str]:
    """Which fields a refusal names."""
    return [fault.pointer for fault in refusal.value.faults]


@pytest.fixture(autouse=True)
def one(house: House) -> None:
    """One approval of finance."""
    enforce(house, SENT, CHAINS, ONE)


async def test_a_question_is_answered_in_words(house: House) -> None:
    """The answer is the result: nothing runs, and the agent gets it."""
    request = await ask(house, Kind.QUESTION, reason="Which order did they mean?")
    done = await house.decide(request, answer="10428", comment="the newer one")
    assert (done.state, done.answer, done.execution) == (State.APPROVED, "10428", None)
    assert house.sql("select count(*) from executions") == [(0,)]
    kept = await house.now(request)
    assert (kept.answer, kept.decisions[0].answer, kept.decisions[0].comment) == ("10428", "10428", "the newer one")
    card = await house.desk.card(request.id)
    assert card is not None
    assert (card.answer, card.undo, card.buttons) == ("10428", "", ())


@pytest.mark.parametrize("answer", [None, "", "  \n"], ids=repr)
async def test_a_question_needs_words(house: House, answer: str | None) -> None:
    """Approving without an answer names the field, and it still waits."""
    request = await ask(house, Kind.QUESTION)
    with pytest.raises(errors.Invalid) as refusal:
        await house.decide(request, answer=answer)
    assert field_of(refusal) == ["/answer"]
    assert (await house.now(request)).state is State.PENDING


@pytest.mark.parametrize("answer", [None, "maybe", "Yes", ""], ids=repr)
async def test_a_question_with_options_takes_one_of_them(house: House, answer: str | None) -> None:
    """By its id, and nothing else; the refusal says which there are."""
    request = await ask(house, Kind.QUESTION, options=YES_NO)
    with pytest.raises(errors.Invalid, match="yes, no") as refusal:
        await house.decide(request, answer=answer)
    assert field_of(refusal) == ["/answer"]
    done = await house.decide(request, answer="no")
    assert (done.state, done.answer, done.revision, done.execution) == (State.APPROVED, "no", 1, None)


@pytest.mark.parametrize("kind", [Kind.QUESTION, Kind.CHOICE, Kind.EXCEPTION])
async def test_each_may_be_declined(house: House, kind: Kind) -> None:
    """A rejection ends it; nothing is answered, and nothing runs."""
    enforce(house, SENT, CHAINS, ONE, EXCEPTIONS)
    request = await ask(house, kind, options=OPTIONS if kind is Kind.CHOICE else ())
    done = await house.decide(request, request.assignees[0], Verb.REJECT, comment="not now")
    assert (done.state, done.answer, done.execution) == (State.REJECTED, None, None)


@pytest.mark.parametrize("kind", [Kind.QUESTION, Kind.CHOICE, Kind.EXCEPTION])
async def test_none_is_edited(house: House, kind: Kind) -> None:
    """It is answered, and its card offers no Edit."""
    request = await ask(house, kind, options=OPTIONS if kind is Kind.CHOICE else ())
    with pytest.raises(errors.Invalid) as refusal:
        await house.decide(request, verb=Verb.APPROVE_WITH_EDITS, arguments={"amount": 1})
    assert field_of(refusal) == ["/decision"]
    card = await house.desk.card(request.id)
    assert card is not None
    assert Verb.APPROVE_WITH_EDITS not in card.buttons


async def test_an_exception_goes_to_its_chain(house: House) -> None:
    """Whatever a rule would say; with or without words the person takes it over, and nothing runs."""
    rules = "rules: [{name: all, then: approve}]"
    enforce(house, SENT, CHAINS, rules, ONE, EXCEPTIONS)
    for answer in (None, "I will write to them"):
        request = await ask(house, Kind.EXCEPTION, reason="They want to sue us", arguments={"amount": 1})
        assert (request.route.rule, request.assignees) == ("exceptions", ("eva",))
        done = await house.decide(request, "eva", answer=answer)
        assert (done.state, done.answer, done.execution) == (State.APPROVED, answer, None)


async def test_an_exception_is_blocked_where_a_rule_blocks(house: House) -> None:
    """Calling it an exception gets nothing past a rule that blocks; a rule that names the kind has its say."""
    rules = """
rules:
  - {name: never, when: action == "records.delete", then: block}
  - {name: mine, when: 'kind == "exception" && action == "refund.issue"', stages: [{chain: legal}]}
"""
    enforce(house, SENT, CHAINS, rules, ONE, EXCEPTIONS)
    assert (await house.submit("records.delete", kind=Kind.EXCEPTION)).state is State.BLOCKED
    assert (await ask(house, Kind.EXCEPTION)).assignees == ("lea", "kim")
    assert (await house.submit("other.thing", kind=Kind.EXCEPTION)).assignees == ("eva",)


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


@pytest.mark.parametrize("kind", [Kind.QUESTION, Kind.CHOICE, Kind.EXCEPTION])
async def test_one_vote_of_two_is_no_answer(house: House, kind: Kind) -> None:
    """The agent gets none before it is approved, and none that was rejected, withdrawn or left to expire."""
    enforce(house, SENT, CHAINS, TWO)
    for end in ("rejected", "cancelled", "expired"):
        request = await ask(house, kind, options=OPTIONS)
        first = await house.decide(request, answer="half")
        assert (first.state, first.answer, first.votes[0].answer) == (State.PENDING, None, "half")
        if end == "rejected":
            await house.decide(first, "lea", Verb.REJECT)
        elif end == "cancelled":
            await house.desk.cancel(first.id, agent="billing", reason=None)
        else:
            house.clock.move(days=2)
            await house.desk.wake()
        after = await house.now(request)
        assert (str(after.state), after.answer) == (end, None)


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


async def test_an_answer_to_what_asks_nothing(house: House) -> None:
    """An approval is no answer."""
    request = await house.submit()
    with pytest.raises(errors.Invalid) as refusal:
        await house.decide(request, answer="yes")
    assert field_of(refusal) == ["/answer"]


async def test_a_long_text_is_edited_in_place(house: House) -> None:
    """Content review: what was changed is kept beside the proposal, and the revised text is what is approved."""
    text = "Dear all,\n" + "we moved. " * 200
    request = await house.submit("note.write", arguments={"text": text})
    done = await house.decide(request, verb=Verb.APPROVE_WITH_EDITS, arguments={"text": text.replace("we", "We")})
    assert (done.state, done.content.proposed) == (State.APPROVED_WITH_EDITS, {"text": text})
    assert [edit.pointer for edit in done.decisions[0].edits] == ["/text"]
    assert ballot(done).digest == done.digest


async def test_what_a_new_proposal_changed_is_shown(house: House) -> None:
    """A revision of a rejected request shows its differences; only the agent's own may be revised."""
    first = await house.submit()
    await house.decide(first, verb=Verb.REJECT, comment="too much")
    second = await house.submit(arguments={"order": "10428", "amount": 100, "note": "half"}, revises=first.id)
    card = await house.desk.card(second.id)
    assert card is not None
    labels = [line.label for line in card.notes]
    assert labels == [f"Revises {first.id}: /amount", f"Revises {first.id}: /note"]
    with pytest.raises(errors.Invalid) as refusal:
        await house.submit(agent="other", revises=first.id)
    assert field_of(refusal) == ["/revises"]


SCHEMA = """
actions:
  refund.issue: {schema: {type: object, required: [order], properties: {order: {type: string}, amount: {}}}}
"""


@pytest.mark.parametrize(
    ("kind", "options"), [(Kind.CHOICE, OPTIONS), (Kind.QUESTION, YES_NO), (Kind.EXCEPTION, ())], ids=str
)
async def test_an_agent_answers_about_what_has_no_arguments_of_its_own(
    house: House, kind: Kind, options: tuple[Option, ...]
) -> None:
    """The action's schema asks for an order: what was taken without one is not stuck once a person asks."""
    enforce(house, SCHEMA, CHAINS, ONE)
    request = await house.decide(await ask(house, kind, options=options), "ana", Verb.ASK, comment="Which of them?")
    told = await house.desk.inform(request.id, agent="billing", text="the newer one")
    assert (told.state, told.revision, told.content.arguments) == (State.PENDING, 2, {})
