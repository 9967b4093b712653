"""Which given arguments a schema calls sensitive."""

from __future__ import annotations

import time
from typing import Any

import pytest

from bot.core.policy import ArgumentSchema
from bot.routing import load
from tests.routing.cases import DATA, faults, policy

MARK = "{x-sensitive: true}"


def _schema(written: str) -> ArgumentSchema:
    found = policy(more=f"actions: {{a: {{schema: {written}}}}}\n").action("a").schema
    assert found is not None
    return found


def test_the_sample_file_marks_nested_rows() -> None:
    """Through a reference and a list; what is not given is not told, and null is given."""
    schema = load(DATA / "good" / "checks.yaml").action("mail.send").schema
    assert schema is not None
    given = {"iban": None, "to": "x", "rows": [{"name": "a"}, {"salary": 1}]}
    assert schema.sensitive(given) == ("/iban", "/rows/1/salary")
    assert schema.sensitive({"to": "x", "rows": []}) == ()


@pytest.mark.parametrize(
    ("schema", "given", "pointers"),
    [
        (f"{{properties: {{a/b: {MARK}}}}}", {"a/b": 1}, ("/a~1b",)),
        ("{properties: {a: {x-sensitive: false}}}", {"a": 1}, ()),
        (f"{{properties: {{a: {{properties: {{b: {MARK}}}}}}}}}", {"a": {"b": 1}}, ("/a/b",)),
        (f"{{properties: {{a: {{properties: {{b: {MARK}}}}}}}}}", {"a": 1}, ()),
        (f"{{properties: {{a: {{items: {MARK}}}}}}}", {"a": [1, 2]}, ("/a/0", "/a/1")),
        (f"{{properties: {{a: {{prefixItems: [true, {MARK}], items: true}}}}}}", {"a": [1, 2, 3]}, ("/a/1",)),
        (f"{{properties: {{a: {{prefixItems: [true], items: {MARK}}}}}}}", {"a": [1, 2]}, ("/a/1",)),
        (f"{{properties: {{a: {{contains: {MARK}}}}}}}", {"a": [1]}, ("/a/0",)),
        (f"{{allOf: [{{properties: {{a: {MARK}}}}}]}}", {"a": 1}, ("/a",)),
        (f"{{anyOf: [{{properties: {{a: {MARK}}}}}, {{required: [b]}}]}}", {"a": 1}, ("/a",)),
        (f"{{if: {{required: [b]}}, then: {{properties: {{a: {MARK}}}}}}}", {"a": 1}, ("/a",)),
        (f"{{additionalProperties: {MARK}, properties: {{a: true}}}}", {"a": 1, "b": 2}, ("/b",)),
        (f"{{patternProperties: {{'^i': {MARK}}}}}", {"iban": 1, "x": 1}, ("/iban",)),
        (f"{{dependentSchemas: {{b: {{properties: {{a: {MARK}}}}}}}}}", {"a": 1}, ()),
        (f"{{dependentSchemas: {{b: {{properties: {{a: {MARK}}}}}}}}}", {"a": 1, "b": 1}, ("/a",)),
        (f"{{$defs: {{x: {MARK}}}, properties: {{a: {{$ref: '#/$defs/x'}}}}}}", {"a": 1}, ("/a",)),
        ("{$defs: {x: {$anchor: s, x-sensitive: true}}, properties: {a: {$ref: '#s'}}}", {"a": 1}, ("/a",)),
        (f"{{properties: {{x-sensitive: true, a: {MARK}}}}}", {"x-sensitive": 1}, ()),
        ("{properties: {a: {default: {x-sensitive: true}}}}", {"a": 1}, ()),
        ("{properties: {a: {x-note: kept}}}", {"a": 1}, ()),
    ],
)
def test_where_the_keyword_holds(schema: str, given: dict[str, Any], pointers: tuple[str, ...]) -> None:
    """Wherever a schema speaks of a value, also through combinations and references; each pointer once, sorted."""
    assert _schema(schema).sensitive(given) == pointers


def test_a_schema_of_itself_ends() -> None:
    """A tree is followed as deep as it is given, and a schema that refers to itself in a circle ends."""
    tree = f"{{$defs: {{n: {{properties: {{next: {{$ref: '#/$defs/n'}}, key: {MARK}}}}}}}, $ref: '#/$defs/n'}}"
    assert _schema(tree).sensitive({"next": {"key": 1, "next": {"key": 2}}}) == ("/next/key", "/next/next/key")
    circle = f"{{$defs: {{x: {{allOf: [{{$ref: '#/$defs/x'}}]}}}}, $ref: '#/$defs/x', properties: {{a: {MARK}}}}}"
    assert _schema(circle).sensitive({"a": 1}) == ("/a",)


def test_patterns_of_names_run_in_linear_time() -> None:
    """A name that the agent chose cannot make the walk slow (threat T22)."""
    schema = _schema(f"{{patternProperties: {{'^(a+)+$': {MARK}}}}}")
    started = time.process_time()
    assert schema.sensitive({"a" * 50_000 + "!": 1, "\ud800": 1, "aaa": 1}) == ("/aaa", "/\ud800")
    assert time.process_time() - started < 0.5


def test_notes_that_look_otherwise_stay_notes() -> None:
    """Any other key with x- is the admin's own; one that is nearly the keyword is a mistake."""
    assert _schema("{properties: {a: {x-sense: 1, x-private: true, x-sensor: true}}}").sensitive({"a": 1}) == ()
    text = "version: 1\nactions: {a: {schema: {properties: {a: {x-sensitiv: true}}}}}\ndefault: {then: block}\n"
    assert faults(text)[0].fix == 'did you mean "x-sensitive"?'
