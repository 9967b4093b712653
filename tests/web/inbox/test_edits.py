"""Editing: typed values out of a form, faults beside their fields, untouched values untouched."""

from __future__ import annotations

import re

import pytest

from bot.core.forms import fields_of
from bot.core.model import State
from bot.web.inbox.edits import boxes, edited, key_of
from tests.web.inbox.conftest import Visit
from tests.web.inbox.house import Standing

AWKWARD = (
    "a\rb", "a\r\nb", "a\nb", "\nleading", "trailing\n\n", "nul\0nul", "\tx", " ", "", "\u202ebidi", "é\u0301",
    "\ud800", "</textarea>", "&amp;", "a" * 500,
)  # fmt: skip
"""Texts that a browser does not give back as it got them, or that a careless page would break on."""


def browser(text: str, *, area: bool) -> str:
    """What a browser sends for a value (HTML, "form control value" and the form-data set's newline rule)."""
    text = "".join("\ufffd" if c == "\0" or "\ud800" <= c <= "\udfff" else c for c in text)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.replace("\n", "\r\n" if area else "")


@pytest.mark.parametrize("value", AWKWARD)
def test_an_untouched_value_keeps_every_bit(value: str) -> None:
    """What a browser makes of a text on its way is no edit."""
    arguments = {"text": value, "n": 1}
    fields = fields_of(None, arguments, None)
    form = {box.key: browser(box.value, area=box.area) for box in boxes(fields)}
    assert edited(fields, form, arguments) == (arguments, ())


def test_numbers_choices_and_truth_values_come_back_typed() -> None:
    """Text becomes what the schema says; a field that was not sent keeps its value."""
    schema = {
        "properties": {
            "n": {"type": "integer"},
            "x": {"type": "number"},
            "b": {"type": "boolean"},
            "c": {"enum": [1, "1"]},
        }
    }
    arguments = {"n": 1, "x": 1.5, "b": False, "c": 1, "kept": [1]}
    fields = fields_of(schema, arguments, None)
    form = {"arg:n": "2", "arg:x": "2", "arg:b": "true", "arg:c": "1"}
    result, faults = edited(fields, form, arguments)
    assert (result, faults) == ({"n": 2, "x": 2, "b": True, "c": 1, "kept": [1]}, ())
    assert result["b"] is True


@pytest.mark.parametrize("text", ['{"a": 1, "a": 2}', "NaN", "[9007199254740993]", "[" * 40 + "]" * 40, "{", "1e999"])
def test_t05_json_that_the_intake_would_refuse_is_refused_here(text: str) -> None:
    """Doubled keys, NaN, large integers, great depth and what is no JSON are faults of their field."""
    arguments = {"data": {"a": 1}}
    fields = fields_of(None, arguments, None)
    _, faults = edited(fields, {"arg:data": text}, arguments)
    assert faults
    assert {f.pointer for f in faults} == {"/data"}


def test_odd_names_make_distinct_keys() -> None:
    """A name that would not survive a form is sent under its hash."""
    names = ["a", "a\n", "a\r\n", "é", "x" * 65, ""]
    keys = [key_of(field) for field in fields_of(None, dict.fromkeys(names, "v"), None)]
    assert keys[0] == "arg:a"
    assert len(set(keys)) == len(names)
    assert all(re.fullmatch(r"arg:(a|sha256-[0-9a-f]{24})", key) for key in keys)


async def test_a_fault_stands_beside_its_field_and_keeps_what_was_typed(house: Standing, visit: Visit) -> None:
    """A number that is none, a value that the schema refuses, and nothing changed at all: 422, nothing decided."""
    request = await house.submit()
    reader = await visit("ana")
    answer = await reader.decide(request.id, "approve_with_edits", arg__amount="24O", arg__currency="EUR")
    assert answer.status == 422
    assert "Amount must be a number, such as 100" in answer.words
    assert 'value="24O"' in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert '<option value="EUR" selected>' in answer.text
    answer = await reader.decide(request.id, "approve_with_edits", arg__amount="5000")
    assert (answer.status, "Amount must be at most 1000" in answer.words) == (422, True)
    answer = await reader.decide(request.id, "approve_with_edits", arg__amount="240.0", arg__currency="USD")
    assert (answer.status, "You changed nothing." in answer.words) == (422, True)
    assert (await house.now(request.id)).state is State.PENDING


async def test_an_edit_is_what_runs(house: Standing, visit: Visit) -> None:
    """The edited arguments are the approved ones, typed, what may not be edited is as it was; sent twice is once."""
    request = await house.submit()
    reader = await visit("ana")
    page = await reader.get(f"/requests/{request.id}")
    form = {"arg__amount": "60", "arg__notify": "false", "arg__note": "a\r\nb", "arg__order": "1"}
    for sent, status in ((form, 303), (form, 303), (form | {"arg__amount": "61"}, 409), (form | {"comment": "x"}, 409)):
        answer = await reader.decide_on(page, request.id, "approve_with_edits", **sent)
        assert answer.status == status
    stored = await house.now(request.id)
    assert stored.state is State.APPROVED_WITH_EDITS
    assert stored.content.arguments == {
        "order": "10428", "amount": 60, "currency": "USD", "notify": False, "note": "a\nb",
    }  # fmt: skip
    assert stored.content.proposed == request.content.arguments


async def test_a_taken_away_argument_is_gone(house: Standing, visit: Visit) -> None:
    """An emptied choice that is optional takes the argument away."""
    request = await house.submit()
    assert (await (await visit("ana")).decide(request.id, "approve_with_edits", arg__notify="")).status == 303
    assert "notify" not in (await house.now(request.id)).content.arguments
