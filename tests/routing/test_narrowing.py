"""For which actions a condition can hold, read off its text: never one too few."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.model import Risk, Submission
from bot.core.policy import ConditionFailed, facts_of
from bot.routing import RoutingErrors, parse
from bot.routing.narrowing import actions_that, builds_nothing

READ = {
    'action == "a"': {"a"},
    "action=='a'": {"a"},
    '"a" == action': {"a"},
    "action in [\"a\", 'b']": {"a", "b"},
    'action == "a" && arguments.amount <= 5': {"a"},
    'arguments.amount <= 5 && (risk == "x" || kind == "y") && action == "a"': {"a"},
    'action in ["a", "b"] && action == "a"': {"a"},
    'action == "a" && action == "b"': set(),
    'action == "a && b"': {"a && b"},
    'arguments.note == "||" && action == "a"': {"a"},
}
UNREAD = (
    'action == "a" || risk == "x"',
    'action != "a"',
    '!(action == "a")',
    'action == "a" ? true : false',
    'action.startsWith("a")',
    '(action == "a" && confidence > 0.5)',
    'action == "a" // && action == "b"',
    'action == r"a"',
    'action == "\\u0061"',
    "arguments.action == 'a'",
    'action == "a" == true',
    "true",
    "",
)


@pytest.mark.parametrize("source", READ)
def test_what_can_be_read_is(source: str) -> None:
    """A term that compares the action with names bounds the whole, wherever among the terms it stands."""
    assert actions_that(source) == frozenset(READ[source])


@pytest.mark.parametrize("source", UNREAD)
def test_what_is_not_plainly_that_says_nothing(source: str) -> None:
    """Alternatives, negations, comments, escapes: such a condition is evaluated."""
    assert actions_that(source) is None


@pytest.mark.parametrize(
    ("source", "nothing"),
    [
        ('has(arguments.a) && size(arguments.a) > 3 && action.startsWith("r") && now.getHours() > 3', True),
        ("(arguments.a > 1 || arguments.b < 2) && arguments.rows[0].x in [1, 2]", True),
        ("arguments.rows.map(r, r.a)[0] == 1", False),
        ("arguments.rows.exists(r, r.a == 1)", False),
        ('arguments.a + arguments.b == "x"', False),
        ("bytes(arguments.a) == b'x'", False),
    ],
)
def test_what_builds_anything_shares_nothing(source: str, nothing: bool) -> None:  # noqa: FBT001 - a table
    """A look or a comparison may share its facts with other conditions; what makes lists or texts may not."""
    assert builds_nothing(source) is nothing


TERMS = st.sampled_from([
    *(term for term in (*READ, *UNREAD) if term),
    "arguments.amount > 1", "labels.x == 'y'", "confidence >= 0.5", "false", "arguments.missing == 1",
])  # fmt: skip
JOINED = st.lists(TERMS, min_size=1, max_size=4).flatmap(
    lambda terms: st.lists(st.sampled_from([" && ", " || ", "&&"]), min_size=len(terms), max_size=len(terms)).map(
        lambda signs: "".join(a + b for a, b in zip(terms, signs, strict=True)).rstrip("&| ")
    )
)


@settings(max_examples=300, deadline=None)
@given(JOINED, st.sampled_from(["a", "b", "c", "a && b"]), st.booleans())
def test_no_condition_holds_for_an_action_that_was_read_away(source: str, action: str, given_one: bool) -> None:  # noqa: FBT001
    """The engine itself, asked about an action that is not among those read, never says that it holds or cannot say."""
    text = f"version: 1\nrules: [{{name: x, when: {source!r}, then: block}}]\ndefault: {{then: block}}\n"
    try:
        condition = parse(text, "x").rules[0].when
    except RoutingErrors:
        return
    if condition is None or condition.actions is None or action in condition.actions:
        return
    submission = Submission(action=action, arguments={"amount": 2} if given_one else {}, confidence=0.9)
    facts = facts_of(submission, agent="agent", risk=Risk.REVERSIBLE, now=datetime(2026, 3, 2, tzinfo=UTC))
    try:
        assert condition.holds(facts) is False
    except ConditionFailed:
        pytest.fail(f"{source} could not be answered for {action}")
