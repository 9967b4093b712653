"""Conditions: what they answer, what they refuse to answer, and from many threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from time import process_time
from typing import Any

import pytest

from bot.core.model import Risk, Submission
from bot.core.policy import Condition, ConditionFailed, Facts, facts_of
from bot.routing.conditions import actions_in, names_in
from tests.routing.cases import NOW, policy


def condition(source: str) -> Condition:
    """One compiled condition."""
    quoted = source.replace("'", "''")
    found = policy(rules=f"  - {{name: a, when: '{quoted}', then: block}}").rules[0].when
    assert found is not None
    return found


def facts(arguments: dict[str, Any], **more: Any) -> Facts:
    """The facts of a request."""
    submission = Submission(action="refund.issue", arguments=arguments, **more)
    return facts_of(submission, agent="billing", risk=Risk.IRREVERSIBLE, now=NOW)


@pytest.mark.parametrize(
    ("source", "arguments", "answer"),
    [
        ("arguments.n == 9007199254740991", {"n": 2**53 - 1}, True),
        ("arguments.n > 9007199254740990", {"n": 2**53 - 1}, True),
        ("arguments.n == 2", {"n": 2.0}, True),
        ("arguments.n > 1.5", {"n": 2}, True),
        ("arguments.n <= 5", {"n": 5.000001}, False),
        ("arguments.n == null", {"n": None}, True),
        ("has(arguments.n)", {}, False),
        ("has(arguments.n) && arguments.n > 5", {}, False),
        ('arguments.l[1][0] == "日本é"', {"l": [1, ["日本é"]]}, True),
        ("arguments.l.exists(x, x == true)", {"l": [False, True]}, True),
        ("arguments.o.a.b == 1", {"o": {"a": {"b": 1}}}, True),
        ("arguments.flag", {"flag": True}, True),
        ("arguments.said != \"duration('1d')\" // timestamp('soon')", {"said": ""}, True),
        ('now - duration("36h") < timestamp("2027-01-01T00:00:00+01:00") && "a1".matches(r"^a\\d$")', {}, True),
        ('"n" in arguments', {"n": 0}, True),
        ('action.startsWith("refund.") && agent == "billing" && kind == "approval"', {}, True),
        ('risk == "irreversible" && on_behalf_of == ""', {}, True),
        ('now.getHours("Europe/Lisbon") == 9 && now < timestamp("2027-01-01T00:00:00Z")', {}, True),
        ("labels.size() == 0 && context.size() == 0", {}, True),
        ('arguments.amount > 5 || action == "refund.issue"', {}, True),
        ("false && arguments.amount > 5", {}, False),
    ],
)
def test_what_a_condition_answers(source: str, arguments: dict[str, Any], answer: bool) -> None:  # noqa: FBT001 - a table
    """JSON values compare as JSON does: whole and decimal numbers with each other, nested values, null.

    And as often as the same facts are asked, of which more is kept from the second time on.
    """
    known = facts(arguments)
    assert [condition(source).holds(known) for _ in range(3)] == [answer] * 3
    assert condition(source).source == source


@pytest.mark.parametrize(
    ("source", "arguments", "why"),
    [
        ("arguments.amount > 5", {}, '"amount" is not there'),
        ("!(arguments.amount == 1)", {}, '"amount" is not there'),
        ("arguments.amount > 5", {"amount": "12"}, "overload"),
        ("arguments.amount > 5", {"amount": None}, "overload"),
        ("confidence > 0.5", {}, "the confidence was not given"),
        ("arguments.n", {"n": 1}, "it gives int, not true or false"),
        ("arguments.n == 1", {"n": 2**70}, "out of range"),
        ('arguments.n == "x"', {"n": "\ud800"}, "string"),
        ("arguments.l.all(x, arguments.l.all(y, arguments.l.all(z, x == x)))", {"l": [0] * 400}, "too many steps"),
        ("1 / arguments.n == 1", {"n": 0}, "divide by zero"),
    ],
)
def test_what_cannot_be_answered_fails(source: str, arguments: dict[str, Any], why: str) -> None:
    """A missing key, a wrong type, an absent confidence or no boolean is a failed condition, never false."""
    known = facts(arguments)
    for _ in range(3):
        with pytest.raises(ConditionFailed, match=why.replace("(", r"\(")):
            condition(source).holds(known)


def test_the_confidence_counts_where_it_is_given() -> None:
    """A confidence of 1 is a decimal to the engine although JSON may say 1."""
    assert condition("confidence >= 1.0").holds(facts({}, confidence=1))
    assert condition("confidence == 1.0").holds(facts({}, confidence=1.0))


def test_conditions_answer_from_many_threads() -> None:
    """One compiled condition serves all threads, each with its own facts."""
    compiled = condition('arguments.n > 5 && action == "refund.issue"')

    def run(n: int) -> bool:
        return all(compiled.holds(facts({"n": n})) is (n > 5) for _ in range(500))

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(run, range(12)))


def test_t13_large_arguments_are_converted_once_for_all_rules() -> None:
    """A hundred conditions over 200 KB cost what a few did; one that builds lists leaves nothing with the facts."""
    known = facts({"n": 1, "rows": [{"k": i, "u": {"a": 1.5}} for i in range(4000)]})
    looks, builds = condition("arguments.n > 5"), condition("arguments.rows.map(r, r.k).size() < 5")
    began = process_time()
    assert not looks.holds(known)
    once = process_time() - began
    assert not builds.holds(known)
    assert known.prepared is None
    began = process_time()
    assert not any(looks.holds(known) for _ in range(100))
    assert process_time() - began < 20 * once
    assert known.prepared is not None


def test_names_and_actions_are_read_off_a_condition() -> None:
    """Text and comments do not count; members do not count as names."""
    source = 'action == "labels" && arguments.risk > 1 // confidence\n || "x.y" == action || action in ["a", \'b\']'
    assert names_in(source) == {"action", "arguments"}
    assert actions_in(source) == ("labels", "x.y", "a", "b")
