"""Questions and exceptions: what is answered, and by whom; choices are in test_choices.py."""

from __future__ import annotations

from typing import Any

import pytest

from bot.core import errors
from bot.core.model import Kind, Option, Request, State, Verb
from tests.desk.filed import SENT, enforce
from tests.desk.house import House, ballot

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
