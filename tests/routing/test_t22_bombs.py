"""T22: YAML, patterns and templates cannot be turned against the reader, and agent data is never compiled."""

from __future__ import annotations

import time
import tracemalloc
from typing import Any

import pytest

from bot.core.model import Submission
from bot.core.policy import TrialOutcome, route
from bot.routing import composing, parse
from tests.routing.cases import DATA, DEFAULT, GROUND, NOW, faults, policy

TITLED = 'actions: {refund.issue: {title: "Refund {{ amount }} on {{ order }}"}}\n'
LINEAR = """\
actions:
  refund.issue:
    schema: {properties: {note: {type: string, pattern: "^(a+)+$"}, mail: {format: email}}}
"""


def _timed(text: str) -> float:
    start = time.process_time()
    assert faults(text)
    return time.process_time() - start


@pytest.mark.parametrize("name", ["bomb-alias", "bomb-deep-1100"])
def test_t22_yaml_bombs_are_refused_cheaply(name: str) -> None:
    """An alias bomb and a list 1,100 deep are refused within 100 ms and 50 MB."""
    text = (DATA / "broken" / f"{name}.yaml").read_text(encoding="utf-8")
    tracemalloc.start()
    took = min(_timed(text) for _ in range(3))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert took < 0.1
    assert peak < 50 << 20


@pytest.mark.parametrize("opener", ["[", "{", "[{a: ", "- ", "{a: ", "? "])
def test_t22_deep_nesting_of_every_kind_is_refused(opener: str) -> None:
    """However it is written, what nests too deep is a fault and not a crash."""
    assert any("nested more than 32" in fault.what or "key must" in fault.what for fault in faults(opener * 600))


def test_t22_many_values_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file within 1 MiB that holds too many values is refused before a tree of it is built (bound lowered here)."""
    monkeypatch.setattr(composing, "MAX_NODES", 500)
    assert "more than 500 values" in faults("[" + "a," * 600 + "]")[0].what


def test_t22_patterns_run_in_linear_time() -> None:
    """A pattern that would run for ever with backtracking answers at once."""
    schema = policy(more=LINEAR).action("refund.issue").schema
    assert schema is not None
    start = time.process_time()
    assert schema.faults({"note": "a" * 50_000 + "!"})
    assert time.process_time() - start < 0.1


def test_t22_conditions_run_in_bounded_time() -> None:
    """An agent's own pattern is linear, and nested loops over its lists end in a condition that failed."""
    rules = policy(
        rules="  - {name: a, when: 'arguments.s.matches(arguments.p)', then: approve}\n"
        "  - {name: b, when: 'arguments.l.all(x, arguments.l.all(y, arguments.l.all(z, x + y + z >= 0)))', then: block}"
    )
    given = Submission(action="x", arguments={"s": "a" * 20_000, "p": "^(a+)+$!", "l": list(range(500))})
    start = time.process_time()
    routing = route(rules, given, agent="agent", now=NOW)
    assert time.process_time() - start < 0.5
    assert [trial.outcome for trial in routing.trials] == [TrialOutcome.NOT_HELD, TrialOutcome.CONDITION_FAILED]
    assert "too many steps" in routing.route.why


@pytest.mark.parametrize(
    "text",
    [
        "{{7*7}}",
        "{% for x in y %}",
        "{{ ''.__class__ }}",
        "{# gone #}",
        "${7*7}",
        "%(x)s",
        "{0.__class__}",
        "{{ amount }}",
    ],
)
def test_t22_agent_text_stays_literal_in_a_title(text: str) -> None:
    """What an agent sends is a value in a blank; no template in it is ever read."""
    assert policy(more=TITLED).title("refund.issue", {"amount": text, "order": "1"}) == f"Refund {text} on 1"


def test_t22_no_reference_is_fetched() -> None:
    """A schema that refers to the network or the disk is refused as it is read."""
    for target in ("http://127.0.0.1:1/x", "file:///etc/passwd", "//x", "x.json#/a"):
        text = f'{GROUND}actions: {{a: {{schema: {{properties: {{x: {{$ref: "{target}"}}}}}}}}}}\n{DEFAULT}'
        assert "leads outside" in faults(text)[0].what


def test_t22_a_reference_to_itself_ends() -> None:
    """A schema that refers to itself neither hangs nor crashes, at load or at a request."""
    defs = "{x: {$ref: '#/$defs/y'}, y: {anyOf: [{$ref: '#/$defs/x'}]}}"
    looped = f"actions: {{a: {{schema: {{$defs: {defs}, $ref: '#/$defs/x'}}}}}}\n"
    schema = parse(GROUND + looped + DEFAULT, "x").action("a").schema
    assert schema is not None
    schema.faults({"a": 1})


def below(levels: int) -> dict[str, Any]:
    """What does not fit, so many levels deep."""
    value: dict[str, Any] = {"on": 3}
    for _ in range(levels):
        value = {"below": value, "on": 1}
    return value


def twice(leads: str) -> str:
    """A schema of ``x`` that leads back to its one branch from two places, by a reference that is written so."""
    itself = f"{{properties: {{below: {{{leads}}}, on: {{const: 1}}}}}}"
    branch = f"{{anyOf: [{itself}, {itself}]}}"
    return f"{{$defs: {{n: {branch}, listed: {{allOf: [{branch}]}}}}, properties: {{x: {{$ref: '#/$defs/n'}}}}}}"


MANY: dict[str, tuple[str, dict[str, Any], str]] = {
    **{
        f"a schema that refers to itself twice, by {leads}": (twice(leads), {"x": below(26)}, "/x")
        for leads in ("$ref: '#/$defs/n'", "$ref: '#/$defs/listed/allOf/0'")
    },
    "names each of which is too long": (
        "{propertyNames: {maxLength: 1}}",
        {f"name{number}": number for number in range(20_000)},
        "",
    ),
    "items of which none fits": (
        "{properties: {x: {items: {anyOf: [{type: 'null'}, {type: object}]}}}}",
        {"x": [str(number) for number in range(40_000)]},
        "/x",
    ),
}
"""Schemas of an admin's, what an agent sends to them, and where the fault is told."""


@pytest.mark.parametrize(("schema", "given", "pointer"), MANY.values(), ids=MANY)
def test_t22_what_does_not_fit_is_told_in_bounded_time(schema: str, given: dict[str, Any], pointer: str) -> None:
    """A body of 600 bytes, or of 20,000 names, kept the house for minutes, for all its faults were looked for."""
    checked = parse(f"{GROUND}actions: {{a: {{schema: {schema}}}}}\n{DEFAULT}", "x").action("a").schema
    assert checked is not None
    before = time.process_time()
    found = checked.faults(given)
    assert time.process_time() - before < 0.1
    assert [fault.pointer for fault in found] == [pointer]


def test_of_little_every_fault_is_told() -> None:
    """Where each of them stands, up to so many; of much, the arguments that do not fit, and what is missing."""
    schema = "{required: [a], properties: {b: {type: array, items: {type: integer}}}}"
    checked = parse(f"{GROUND}actions: {{a: {{schema: {schema}}}}}\n{DEFAULT}", "x").action("a").schema
    assert checked is not None
    assert [fault.pointer for fault in checked.faults({"b": ["x", 1, "y"]})] == ["/a", "/b/0", "/b/2"]
    assert len(checked.faults({"b": ["x"] * 200})) == 50
    assert [fault.pointer for fault in checked.faults({"b": ["x"] * 20_000})] == ["/a", "/b"]
