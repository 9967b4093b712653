"""Warnings of comparisons that come out the same for everything, and of rules that another one answers for."""

from __future__ import annotations

import pytest

from bot.routing import warnings
from tests.routing.cases import policy
from tests.routing.test_lint import told

ACTIONS = """
actions:
  a.b:
    schema:
      properties:
        place: {enum: [staging, production]}
        amount: {type: number}
        account: {type: string}
        said: {type: [string, integer]}
        version: {const: 5}
        any: {}
agents: {checker: {owner: ben}}
exceptions: {stages: [{chain: finance}]}
"""


@pytest.mark.parametrize(
    ("when", "words"),
    [
        ('risk == "high"', 'risk with "high", which it never is; it is one of read_only, reversible and irreversible'),
        ('risk in ["reversible", "irreversable"]', 'did you mean "irreversible"?'),
        ('risk >= "reversible"', 'goes by the alphabet; name what is meant: risk in ["reversible", "irreversible"]'),
        ('"refund" != kind', 'kind with "refund"'),
        ('agent in ["checkr", "another"]', 'names the agent "checkr", which is not listed; did you mean "checker"?'),
        ('advice["checker"] == "no"', 'advice["checker"] with "no"'),
        ("85.0 <= confidence", "confidence with 85, and that goes from 0 to 1: 85% is 0.85"),
        ("now.getMonth() == 12", "goes from 0 to 11: January is 0"),
        ('now.getDayOfWeek("Europe/Lisbon") in [6, 7]', "goes from 0 to 6: Sunday is 0"),
        ('action == "a.b" && arguments.place == "prodction"', 'did you mean "production"?'),
        ('action == "a.b" && arguments["place"] in ["staging", "test"]', "never lets it be; it is one of staging and"),
        ('action == "a.b" && arguments.account != 12345', "with 12345, which the schema of a.b never lets it be"),
        ('action == "a.b" && arguments.amount > "5"', 'with "5", which the schema of a.b never lets it be'),
        ('action == "a.b" && arguments.said == true', "with true, which"),
        ('action == "a.b" && arguments.version == 6', "it is one of 5"),
    ],
)
def test_what_is_never_equal_is_told(when: str, words: str) -> None:
    """Such a rule blocks nothing, or everything; where it stands in an `if` or a check, that is told as well."""
    assert told(policy(rules=f"  - {{name: a, when: '{when}', then: block}}", more=ACTIONS), words)
    stages = f"[{{chain: finance, if: '{when}'}}, {{name: two, chain: finance}}]"
    assert told(policy(rules=f'  - {{name: a, when: action == "a.b", stages: {stages}}}', more=ACTIONS), words)


@pytest.mark.parametrize(
    ("that", "words"),
    [
        ("context.fine == true", "reads context, which is the agent's own word: an agent that wants it passed says"),
        ("has(labels.fine)", "reads labels, which are the agent's own word and never make a review laxer"),
        ('arguments.place == "test"', 'compares arguments.place with "test"'),
    ],
)
def test_a_check_that_may_not_be_meant_is_told(that: str, words: str) -> None:
    """What an agent says of itself is no check of it, and a value that never comes is none either."""
    checked = ACTIONS.replace("    schema:", f"    checks: [{{name: fine, that: '{that}'}}]\n    schema:")
    assert told(policy(more=checked), f'the check "fine" of a.b {words}')


@pytest.mark.parametrize(
    "when",
    [
        'agent == "another" && risk != "read_only" && kind == "approval" && confidence >= 1.0 && 0.0 < confidence',
        'now.getHours("UTC") < 24 && 24 > now.getHours("UTC") && now.getFullYear() == 2026 && now.getMonth() == 11',
        'action == "a.b" && arguments.place != "staging" && arguments.amount <= 5 && arguments.said == 5',
        'action == "a.b" && arguments.account == "5" && arguments.any == 5 && arguments.place > "a"',
        'action == "a.b" && (arguments.account + "x" == "risk == high" || size(arguments.account) < 07)',
        'action in ["a.b", "c.d"] && arguments.place == "test" // confidence > 5.0',
    ],
)
def test_what_may_be_equal_is_not_told(when: str) -> None:
    """Nor what stands in a text or a comment, is reckoned with, or is about an action without a schema."""
    found = warnings(policy(rules=f"  - {{name: a, when: '{when}', then: block}}", more=ACTIONS))
    assert [line for line in found if "compares" in line or "the agent" in line] == []


@pytest.mark.parametrize(
    ("first", "then", "second", "dead"),
    [
        ('action.startsWith("a.")', "block", 'action == "a.b" && arguments.amount > 5', True),
        ('action in ["a.b", "c.d"]', "stages: [{chain: finance}]", 'action == "a.b"', True),
        ('action in ["a.b", "c.d"]', "block", 'action == "a.b" && kind == "exception"', True),
        ('action in ["a.b", "c.d"]', "stages: [{chain: finance}]", 'kind == "exception" && action == "a.b"', False),
        ('action == "a.b"', "block", 'action in ["a.b", "c.d"]', False),
        ('action == "a.b" && arguments.amount > 5', "block", 'action == "a.b"', False),
        ('action.startsWith("a.")', "approve", 'action == "a.b"', False),
        ('action.startsWith("a.")', "block", 'action == "a.b" || arguments.amount > 5', False),
    ],
)
def test_a_rule_that_another_answers_for_is_told(first: str, then: str, second: str, *, dead: bool) -> None:
    """Whatever it asks of an action that a rule above it answers for; an exception goes past some of those."""
    answer = then if then.startswith("stages") else f"then: {then}"
    rules = f"  - {{name: a, when: '{first}', {answer}}}\n  - {{name: b, when: '{second}', then: block}}"
    assert told(policy(rules=rules, more=ACTIONS), 'the rule "b" is never reached: "a" above it answers') is dead
