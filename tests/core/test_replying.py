"""What a decision written back comes to: typed edits, or a fault for each that is none; and what replies may decide."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from bot.core.errors import Fault, Invalid, Stale
from bot.core.forms import Field, FieldKind, fields_of
from bot.core.grammar import Command
from bot.core.model import OnIrreversible, Replies, Risk, Verb
from bot.core.replying import UNDERSTOOD, allowed, edited_by, reasons, replies_to
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
