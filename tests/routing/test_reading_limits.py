"""What is read of rules that approve: limits and their amounts, samples, second looks; and of advice."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.core.model import OnExpiry, Risk, Submission
from bot.core.policy import ADVICE_WITHIN, Amount, ConditionFailed, Limit, facts_of
from bot.routing import load
from tests.routing.cases import DATA, NOW, faults, policy

GOOD = DATA / "good"


def test_limits_are_read() -> None:
    """Sum, count and window; kept by agent, action and target unless the rule says otherwise."""
    small, credit, voucher = load(GOOD / "limit.yaml").rules
    assert small.limit is not None
    assert small.limit.sum is not None
    assert small.limit.sum.source == "arguments.amount"
    assert (small.limit.max, small.limit.count, small.limit.per) == (500.0, 20, timedelta(days=1))
    assert small.limit.by == ("agent", "action", "target")
    assert credit.limit == Limit(per=timedelta(hours=1), by=("action", "arguments.customer"), count=3)
    assert voucher.limit is not None
    assert voucher.limit.by == ("agent",)


def test_a_second_look_says_how_it_is_asked() -> None:
    """A rule that may ask people takes what says how people are asked; one that never does refuses it."""
    small = load(GOOD / "limit.yaml").rules[0]
    assert (small.second_look, small.expires, small.on_expiry) == ("second", timedelta(hours=2), OnExpiry.REJECT)
    rule = "  - {name: a, then: approve, expires: 2h, allow_self: true, email: {replies: off}, second_look: finance}"
    assert policy(rules=rule).rules[0].allow_self
    text = policy_text(rule.replace(", second_look: finance", ""))
    assert [fault.what.partition(" ")[0] for fault in faults(text)] == ["expires", "allow_self", "email"]


def policy_text(rules: str) -> str:
    """The common ground with these rules, unread."""
    return f"version: 1\npeople: {{ana: {{}}}}\nrules:\n{rules}\ndefault: {{then: block}}\n"


def test_samples_are_read() -> None:
    """A percentage or a share; they may be all of it."""
    rules = load(GOOD / "sample.yaml").rules
    assert [rule.sample for rule in rules] == [pytest.approx(0.05), 0.002, 1.0]
    assert [rule.second_look for rule in rules] == ["second", None, None]


def test_advice_is_read() -> None:
    """Whose, and for how long it is waited for; a rule that says nothing waits for nobody."""
    found = load(GOOD / "advice.yaml")
    assert [rule.advisors for rule in found.rules] == [("checker",), ("checker", "auditor")]
    assert [rule.advice_within for rule in found.rules] == [ADVICE_WITHIN, timedelta(minutes=2)]
    assert found.default.advisors == ("checker",)
    assert load(GOOD / "limit.yaml").default.advisors == ()


def test_conditions_read_advice() -> None:
    """What advisors said is a map of words, empty until they spoke; what is compared with them has to be a word."""
    when = load(GOOD / "advice.yaml").rules[0].when
    assert when is not None
    facts = facts_of(Submission(action="refund.issue"), agent="billing", risk=Risk.REVERSIBLE, now=NOW)
    for advice, held in (({}, False), ({"checker": "agree"}, False), ({"checker": "doubt"}, True)):
        assert when.holds({**facts, "advice": advice}) is held


def _amount(source: str) -> Amount:
    written = source.replace("'", "''")
    limit = policy(rules=f"  - {{name: a, then: approve, limit: {{sum: '{written}', max: 1, per: 1h}}}}").rules[0].limit
    assert limit is not None
    assert limit.sum is not None
    return limit.sum


def _facts(arguments: dict[str, Any]) -> dict[str, Any]:
    submission = Submission(action="refund.issue", arguments=arguments)
    return facts_of(submission, agent="billing", risk=Risk.REVERSIBLE, now=NOW)


@pytest.mark.parametrize(
    ("source", "arguments", "amount"),
    [
        ("arguments.amount", {"amount": 240.5}, 240.5),
        ("arguments.amount", {"amount": 3}, 3.0),
        ("arguments.count * 10", {"count": 4}, 40.0),
        ("has(arguments.amount) ? double(arguments.amount) : 100.0", {}, 100.0),
        ("arguments.rows.size()", {"rows": [1, 2]}, 2.0),
        ('action == "refund.issue" ? 1 : 2', {}, 1.0),
    ],
)
def test_amounts(source: str, arguments: dict[str, Any], amount: float) -> None:
    """Whole and decimal numbers both come as a number, and the source stays as written."""
    compiled = _amount(source)
    assert compiled.amount(_facts(arguments)) == amount
    assert isinstance(compiled.amount(_facts(arguments)), float)
    assert compiled.source == source


@pytest.mark.parametrize(
    ("source", "arguments", "why"),
    [
        ("arguments.amount", {}, '"amount" is not there'),
        ("arguments.amount", {"amount": "240"}, "it gives string, not a number"),
        ("arguments.amount", {"amount": True}, "it gives bool, not a number"),
        ("arguments.amount", {"amount": None}, "not a number"),
        ("double(arguments.amount)", {"amount": "inf"}, "it gives no finite number"),
        ("double(arguments.amount)", {"amount": "nan"}, "it gives no finite number"),
        ("arguments.amount / 0", {"amount": 1}, "divide by zero"),
        ("arguments.amount + 1.0", {"amount": 1}, "overload"),
    ],
)
def test_what_gives_no_amount_fails(source: str, arguments: dict[str, Any], why: str) -> None:
    """A text, a truth, nothing at all or no finite number is a failed amount, never nothing."""
    with pytest.raises(ConditionFailed, match=why):
        _amount(source).amount(_facts(arguments))


def test_an_amount_cannot_reach_the_agents_word_by_a_leading_dot() -> None:
    """CEL takes ``.labels`` for ``labels``; neither is known to an amount."""
    rule = "  - {name: a, then: approve, limit: {sum: .labels.amount, max: 1, per: 1h}}"
    found = faults(policy_text(rule))
    assert ['"labels" is not taken here' in fault.what for fault in found] == [True]


def test_a_sample_goes_to_the_second_look_where_the_default_asks_nobody() -> None:
    """With a chain of its own a sample needs no default that asks."""
    rule = "  - {name: a, then: approve, sample: 5%, second_look: finance}"
    assert policy(rules=rule, default="default: {then: block}\n").rules[0].sample == pytest.approx(0.05)
