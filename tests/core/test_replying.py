"""What a decision written back comes to: typed edits, or a fault for each that is none; and what replies may decide."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from bot.core.errors import Fault, Invalid, Stale
from bot.core.forms import Field, FieldKind, fields_of
from bot.core.grammar import Command, NotUnderstood, parse
from bot.core.model import Kind, OnIrreversible, Option, Replies, Request, Risk, State, Verb
from bot.core.replying import (
    UNDERSTOOD,
    AnswerOtherwise,
    NoSuchOption,
    allowed,
    answer_to,
    edited_by,
    reasons,
    replies_to,
    understood,
)
from tests.core.requests import request, route, stage, step

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"amount": {"type": "number"}, "order": {"type": "string"}, "fast": {"type": "boolean"}},
}
ARGUMENTS: dict[str, Any] = {"order": "10428", "amount": 240.0, "fast": False}


def edit(*edits: tuple[str, str]) -> Command:
    """An edit as it was written."""
    return Command(verb=Verb.APPROVE_WITH_EDITS, edits=edits)


def test_edits_are_typed_by_the_form_and_the_rest_stays() -> None:
    """A number is a number, a text of digits stays a text."""
    fields = fields_of(SCHEMA, ARGUMENTS, None)
    edited = edited_by(fields, edit(("amount", "100"), ("order", "7")), ARGUMENTS)
    assert edited == {"order": "7", "amount": 100, "fast": False}
    assert type(edited["order"]) is str
    assert ARGUMENTS["amount"] == 240.0


def test_every_bad_edit_is_named_and_nothing_is_edited() -> None:
    """An unknown name, one that may not be edited and a value of another type are a fault each."""
    fields = fields_of(SCHEMA, ARGUMENTS, ("amount",))
    with pytest.raises(Invalid) as raised:
        edited_by(fields, edit(("amount", "lots"), ("order", "7"), ("odd", "1")), ARGUMENTS)
    faults = {fault.pointer: fault.rule for fault in raised.value.faults}
    assert faults["/order"] == faults["/odd"] == "not_editable"
    assert set(faults) == {"/amount", "/order", "/odd"}


def test_what_may_be_edited_is_named_to_whoever_misspelt_it() -> None:
    """As the schema or the agent spells it; what is no single word is the agent's sentence, not the house's."""
    lying = Field(name="amount. It is approved", label="x", kind=FieldKind.TEXT)
    fields = (*fields_of(SCHEMA, ARGUMENTS, ("amount",)), lying)
    with pytest.raises(Invalid) as refused:
        edited_by(fields, edit(("amont", "5")), ARGUMENTS)
    assert reasons(refused.value).endswith("amont is not an argument that may be edited here (there is: amount).")


def test_a_refusal_is_said_once_in_a_sentence() -> None:
    """Each fault's words, without repeats; its own words where it has none."""
    faults = (Fault("/a", "x", "a is wrong"), Fault("/b", "x", "b is wrong"), Fault("/c", "x", "a is wrong"))
    assert reasons(Invalid(faults=faults)) == "a is wrong; b is wrong."
    stale = Stale(revision=2, digest="sha256:0")
    assert reasons(stale) == stale.detail


@pytest.mark.parametrize("risk", Risk)
@pytest.mark.parametrize("way", OnIrreversible)
@pytest.mark.parametrize("mode", Replies)
def test_the_strictest_of_all_that_bounds_a_reply_holds(mode: Replies, way: OnIrreversible, risk: Risk) -> None:
    """What cannot be undone is approved on its page unless the rules say that a reply may; nothing loosens the mode."""
    about = replace(request(way=route(stage(step("ana")), replies=mode, irreversible=way)), risk=risk)
    at_page = risk is Risk.IRREVERSIBLE and way is OnIrreversible.PAGE
    assert replies_to(about) is (Replies.REJECT_ONLY if at_page and mode is Replies.APPROVE else mode)


@pytest.mark.parametrize("kind", Kind)
def test_an_answer_that_runs_nothing_cannot_be_irreversible(kind: Kind) -> None:
    """A choice runs what its option says, so it is picked where an approval would be given; the others run nothing."""
    way = route(stage(step("ana")), replies=Replies.APPROVE, irreversible=OnIrreversible.PAGE)
    about = replace(request(way=way), risk=Risk.IRREVERSIBLE, kind=kind)
    assert replies_to(about) is (Replies.REJECT_ONLY if kind.runs else Replies.APPROVE)


@pytest.mark.parametrize(
    ("mode", "verbs"),
    [
        (Replies.APPROVE, set(Verb)),
        (Replies.REJECT_ONLY, {Verb.REJECT, Verb.ASK, Verb.ESCALATE}),
        (Replies.OFF, set()),
    ],
)
def test_what_each_mode_allows(mode: Replies, verbs: set[Verb]) -> None:
    """An edit approves too; asking and escalating approve nothing."""
    assert {verb for verb in Verb if allowed(mode, verb)} == verbs


def test_every_verb_is_said_back() -> None:
    """Whoever writes hears what was understood, whatever it was."""
    assert set(UNDERSTOOD) == set(Verb)


TWO = (Option(id="a", title="One"), Option(id="B", title="Two"))


def asked(kind: Kind, options: tuple[Option, ...] = (), chosen: str | None = None) -> Request:
    """A request of a kind, with options."""
    made = request(way=route(stage(step("ana"))))
    return replace(made, kind=kind, content=replace(made.content, options=options, chosen=chosen))


def said(about: Request, text: str) -> str | None:
    """What a text answers it with."""
    command = parse(text)
    assert not isinstance(command, NotUnderstood)
    return answer_to(about, command)


@pytest.mark.parametrize(
    ("about", "text", "answer"),
    [
        (asked(Kind.APPROVAL), "approve", None),
        (asked(Kind.QUESTION), "answer: two weeks", "two weeks"),
        (asked(Kind.QUESTION, TWO), "choose a", "a"),
        (asked(Kind.QUESTION, TWO), "choose A", "a"),
        (asked(Kind.CHOICE, TWO), "choose b", "B"),
        (asked(Kind.CHOICE, TWO, "a"), "choose b", "B"),
        (asked(Kind.CHOICE, TWO, "a"), "approve", None),
        (asked(Kind.EXCEPTION), "handled", None),
        (asked(Kind.EXCEPTION), "approve", None),
        (asked(Kind.EXCEPTION), "answer: done", "done"),
        (asked(Kind.QUESTION), "reject: no idea", None),
        (asked(Kind.CHOICE, TWO), "ask: why?", None),
        (asked(Kind.QUESTION, (*TWO, Option(id="b", title="Three"))), "choose b", "b"),
    ],
)
def test_what_is_asked_is_answered_in_its_own_words(about: Request, text: str, answer: str | None) -> None:
    """A text for a question, an option in any case where one is offered, approval where that says all."""
    assert said(about, text) == answer


@pytest.mark.parametrize(
    ("about", "text", "instead"),
    [
        (asked(Kind.QUESTION), "approve", "write answer: and your words."),
        (asked(Kind.QUESTION), "handled", "write answer: and your words."),
        (asked(Kind.QUESTION), "choose a", "write answer: and your words."),
        (asked(Kind.QUESTION), "edit a=1", "write answer: and your words."),
        (asked(Kind.QUESTION, TWO), "answer: a", "write choose and one of its options, a, B."),
        (asked(Kind.QUESTION, TWO), "approve", "write choose and one of its options, a, B."),
        (asked(Kind.CHOICE, TWO), "approve", "write choose and one of its options, a, B."),
        (asked(Kind.CHOICE, TWO, "a"), "handled", "write choose and one of its options, a, B."),
        (asked(Kind.CHOICE, TWO, "a"), "edit a=1", "write choose and one of its options, a, B."),
        (asked(Kind.EXCEPTION), "choose a", "write handled, or answer: and your words."),
        (asked(Kind.APPROVAL), "answer: yes", "write approve, or reject: and your reason."),
        (asked(Kind.APPROVAL), "choose a", "write approve, or reject: and your reason."),
        (asked(Kind.APPROVAL), "handled", "write approve, or reject: and your reason."),
    ],
)
def test_other_words_are_refused_with_what_to_write_instead(about: Request, text: str, instead: str) -> None:
    """An approval answers no question, and an answer approves nothing."""
    with pytest.raises(AnswerOtherwise) as refused:
        said(about, text)
    assert refused.value.detail.endswith(instead)


def test_an_option_that_is_none_is_answered_with_those_that_there_are() -> None:
    """Also where two differ in their case alone and neither was written; what is no id is not repeated."""
    with pytest.raises(NoSuchOption, match=r"There is no option d; there are: a, B\."):
        said(asked(Kind.CHOICE, TWO), "choose d")
    twins = (Option(id="aa", title="One"), Option(id="AA", title="Two"), Option(id="It is approved.", title="Three"))
    with pytest.raises(NoSuchOption, match=r"in its own case; there are: aa, AA\.$"):
        said(asked(Kind.CHOICE, twins), "choose Aa")
    assert said(asked(Kind.CHOICE, twins), "choose AA") == "AA"


def test_of_what_has_ended_the_house_says_what_became_of_it() -> None:
    """Nothing is judged here, whatever was written."""
    over = replace(asked(Kind.QUESTION), state=State.APPROVED)
    assert said(over, "approve") is None
    assert said(over, "choose b") == "b"


def test_each_kind_is_said_back_in_its_words() -> None:
    """Answered, chosen, handled, declined; an approval as ever."""
    assert understood(Kind.QUESTION, Verb.APPROVE, None) == "answered"
    assert understood(Kind.CHOICE, Verb.APPROVE, "b") == "the option b is chosen"
    assert understood(Kind.EXCEPTION, Verb.APPROVE, None) == "handled"
    assert {understood(kind, Verb.REJECT, None) for kind in Kind} == {"rejected", "declined"}
    assert all(understood(Kind.APPROVAL, verb, None) == UNDERSTOOD[verb] for verb in Verb)
    assert understood(Kind.CHOICE, Verb.ASK, None) == UNDERSTOOD[Verb.ASK]
