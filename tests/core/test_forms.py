"""Forms: typed fields out of a schema, typed values back out of text, and nothing changed that nobody touched."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.forms import Field, FieldKind, fields_of, parse_form, parse_text, text_of

SCHEMA: dict[str, Any] = {
    "required": ["order"],
    "properties": {
        "order": {"type": "string", "title": "Order number", "description": "As in the shop", "maxLength": 20},
        "amount": {"type": "number", "minimum": 0, "maximum": 500},
        "days": {"type": "integer"},
        "notify": {"type": "boolean"},
        "currency": {"enum": ["USD", "EUR", 1, None]},
        "tags": {"type": "array"},
    },
}


def one(schema: Any, value: Any = ..., *, name: str = "x") -> Field:
    """The only field of a schema with one property."""
    arguments = {} if value is ... else {name: value}
    (field,) = fields_of({"properties": {name: schema}}, arguments, None)
    return field


def test_the_schema_gives_the_fields_in_its_order_then_the_rest() -> None:
    """Titles, hints, bounds and what is required come along; arguments that no property names follow."""
    fields = fields_of(SCHEMA, {"extra": 1, "order": "7"}, None)
    assert [f.name for f in fields] == ["order", "amount", "days", "notify", "currency", "tags", "extra"]
    order, amount = fields[:2]
    assert (order.label, order.hint, order.required, order.max_length) == ("Order number", "As in the shop", True, 20)
    assert (amount.minimum, amount.maximum, amount.present, amount.value) == (0, 500, False, "")


def test_only_what_is_editable_is_a_field() -> None:
    """None means everything, an empty list nothing."""
    assert [f.name for f in fields_of(SCHEMA, {"order": "7"}, ("amount", "nosuch"))] == ["amount"]
    assert fields_of(SCHEMA, {"order": "7"}, ()) == ()


@pytest.mark.parametrize("schema", [None, {}, {"properties": "odd"}, {"properties": {"a": True}}])
def test_without_a_usable_schema_the_value_itself_says_the_kind(schema: Any) -> None:
    """Number, text, boolean; anything else is JSON."""
    values = {"a": 1, "b": 1.5, "c": "x", "d": True, "e": [1], "f": {"g": 1}, "h": None, "i": "two\nlines"}
    kinds = {f.name: f.kind for f in fields_of(schema, values, None)}
    assert kinds == {
        "a": FieldKind.INTEGER, "b": FieldKind.NUMBER, "c": FieldKind.TEXT, "d": FieldKind.BOOLEAN,
        "e": FieldKind.JSON, "f": FieldKind.JSON, "h": FieldKind.JSON, "i": FieldKind.LONG_TEXT,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("schema", "value", "kind"),
    [
        ({"type": "string"}, "x" * 81, FieldKind.LONG_TEXT),
        ({"type": "string"}, ..., FieldKind.TEXT),
        ({"type": "string"}, 5, FieldKind.JSON),
        ({"type": "number"}, 5, FieldKind.NUMBER),
        ({"type": "integer"}, 5.5, FieldKind.JSON),
        ({"type": "integer"}, True, FieldKind.JSON),
        ({"type": ["string", "null"]}, "x", FieldKind.TEXT),
        ({"type": "object"}, {"a": 1}, FieldKind.JSON),
        ({"enum": ["a", "b"]}, "a", FieldKind.CHOICE),
        ({"enum": ["a", "b"]}, ..., FieldKind.CHOICE),
        ({"enum": ["a", "b"]}, "c", FieldKind.JSON),
        ({"enum": []}, "c", FieldKind.TEXT),
        ({"enum": [["a"]]}, "c", FieldKind.TEXT),
        ({"enum": "odd"}, "c", FieldKind.TEXT),
        ({"minimum": True, "maximum": "5", "maxLength": "3"}, 5, FieldKind.INTEGER),
    ],
)
def test_the_kind_of_a_field(schema: dict[str, Any], value: Any, kind: FieldKind) -> None:
    """The schema says it where the present value agrees; where it does not, the value is edited as JSON."""
    field = one(schema, value)
    assert field.kind is kind
    assert (field.minimum, field.maximum, field.max_length) == (None, None, None)


def test_texts_come_back_typed() -> None:
    """Numbers as numbers, choices as the schema's own values, booleans, JSON."""
    fields = fields_of(SCHEMA, {"order": "7"}, None)
    texts = {"order": "8", "amount": " 12.5 ", "days": "+3", "notify": "TRUE", "currency": "1", "tags": '["a"]'}
    edited, faults = parse_form(fields, texts, {"order": "7"})
    assert faults == ()
    assert edited == {"order": "8", "amount": 12.5, "days": 3, "notify": True, "currency": 1, "tags": ["a"]}
    assert isinstance(edited["days"], int)


def test_a_null_and_a_false_can_be_chosen() -> None:
    """The words for them are JSON's."""
    assert parse_text(one(SCHEMA["properties"]["currency"]), "null") is None
    assert parse_text(one({"type": "boolean"}), "false") is False


WRONG = [
    ({"type": "number"}, "lots", "must be a number, such as 100"),
    ({"type": "number"}, "+-5", "must be a number, such as 100"),
    ({"type": "number"}, "nan", "that JSON can carry"),
    ({"type": "number"}, "1e999", "that JSON can carry"),
    ({"type": "number"}, "9007199254740992", "that JSON can carry"),
    ({"type": "number"}, "9" * 5_000, "must be a number, such as 100"),
    ({"type": "integer"}, "1.5", "must be a whole number, such as 100"),
    ({"type": "integer"}, "x", "must be a whole number, such as 100"),
    ({"type": "number", "minimum": 1}, "0.5", "must be at least 1"),
    ({"type": "number", "maximum": 5}, "6", "must be at most 5"),
    ({"type": "boolean"}, "yes", "must be true or false"),
    ({"enum": ["a", "b"]}, "c", "must be one of: a, b"),
    ({"type": "array"}, "[1", "must be JSON, for example [1, 2]"),
    ({"type": "array"}, '[{"a": 1, "a": 9000}]', "must be JSON, for example [1, 2]"),
    ({"type": "array"}, "[NaN]", "holds a number that JSON cannot carry: NaN"),
    ({"type": "array"}, "[1e400]", "holds a number that JSON cannot carry: 1e400"),
    ({"type": "array"}, "[9007199254740993]", "holds a number that JSON cannot carry: 9007199254740993"),
    ({"type": "array"}, "[" + "9" * 5000 + "]", "holds a number that JSON cannot carry: 99999999999999999999…"),
    ({"type": "number"}, "1_000", "must be a number"),
    ({"type": "integer"}, "\u0661\u0660", "must be a whole number"),
    ({"type": "array"}, "[" * 200_000, "must be JSON"),
]


@pytest.mark.parametrize(("schema", "text", "words"), WRONG)
def test_what_cannot_be_read_is_a_fault_of_its_field(schema: dict[str, Any], text: str, words: str) -> None:
    """It names the field and says what would be right; nothing of it is taken over."""
    edited, (fault,) = parse_form((one(schema, name="a/b~c"),), {"a/b~c": text}, {})
    assert edited == {}
    assert fault.pointer == "/a~1b~0c"
    assert words in fault.detail


def test_an_untouched_field_keeps_its_value_to_the_bit() -> None:
    """240.0 stays a float, line ends of any kind are no edit, and an absent field that stays empty stays absent."""
    arguments = {"amount": 240.0, "order": "a\r\nb\nc\rd"}
    fields = fields_of(SCHEMA, arguments, None)
    texts = {"amount": "240.0", "order": "a\nb\r\nc\nd", "days": "", "tags": None}
    edited, faults = parse_form(fields, texts, arguments)
    assert (edited, faults) == (arguments, ())
    assert isinstance(edited["amount"], float)
    assert parse_form(fields, {}, arguments) == (arguments, ())


def test_emptied_fields() -> None:
    """An optional one is taken away, a required one is a fault, and a text becomes the empty text."""
    schema = {"required": ["a"], "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}}
    arguments = {"a": 1, "b": 2, "c": "x"}
    edited, (fault,) = parse_form(fields_of(schema, arguments, None), {"a": " ", "b": None, "c": ""}, arguments)
    assert edited == {"a": 1, "c": ""}
    assert (fault.pointer, fault.rule) == ("/a", "required")


def test_the_arguments_handed_in_are_not_changed() -> None:
    """A form that is refused leaves no trace."""
    arguments = {"order": "7"}
    parse_form(fields_of(SCHEMA, arguments, None), {"order": "8"}, arguments)
    assert arguments == {"order": "7"}


SCALARS = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(
    SCALARS.filter(lambda v: not (isinstance(v, float) and v in (float("inf"), float("-inf")))),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.text(max_size=8), VALUES, max_size=5))
def test_a_form_sent_back_as_it_came_changes_nothing(arguments: dict[str, Any]) -> None:
    """Whatever the arguments: the texts of their own fields are no edit."""
    fields = fields_of(None, arguments, None)
    texts = {field.name: text_of(arguments[field.name]) for field in fields}
    edited, faults = parse_form(fields, texts, arguments)
    assert faults == ()
    assert edited is not arguments
    assert edited == arguments
