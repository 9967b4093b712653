"""What an agent tries with its own words so that a rule lets run what it should not (threats T11, T12, T14)."""

from __future__ import annotations

from datetime import UTC, datetime
from textwrap import dedent
from typing import Any

import pytest

from bot.core.counting import Counted, counted
from bot.core.model import Kind, Option, Risk, Submission, Then
from bot.core.policy import UNBOUND, TrialOutcome, route
from bot.routing import parse

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HEAD = """\
version: 1
people: {ana: {email: ana@example.com}}
agents: {checker: {}}
chains: {c: [{notify: ana}]}
actions: {pay: {risk: reversible}}
"""
TAIL = """
default: {stages: [{chain: c}]}
"""
LABELLED = """
rules:
  - {name: gold, when: 'action == "pay" && has(labels.gold)', then: approve}
  - {name: small, when: action == "pay", then: approve, BOUND}
"""


def _counted(bound: str, *, used: int, **more: Any) -> Counted:
    policy = parse(HEAD + LABELLED.replace("BOUND", bound) + TAIL, "routing.yaml")
    given = Submission(action="pay", arguments={"amount": 1}, **more)
    return counted(policy, given, agent="x", now=NOW, bounds=UNBOUND, chance=0.5, spent=lambda *_: (used, 0))


def test_t14_a_label_does_not_move_a_request_out_of_a_full_account() -> None:
    """Without the label the account is full and people decide; with it another rule would approve without limit."""
    bound = "limit: {count: 3, per: 1h}"
    assert _counted(bound, used=3).routing.route.then is Then.STAGES
    found = _counted(bound, used=3, labels={"gold": True})
    assert (found.routing.route.then, found.routing.route.rule) == (Then.STAGES, "default")
    assert TrialOutcome.LIMITED in {trial.outcome for trial in found.routing.trials}


def test_t11_what_a_labelled_rule_approves_is_charged_to_the_other_too() -> None:
    """Else the label would be a second account."""
    found = _counted("limit: {count: 3, per: 1h}", used=2, labels={"gold": True})
    assert (found.routing.route.then, found.routing.route.rule) == (Then.APPROVE, "gold")
    assert [rule.name for rule, _ in found.charges] == ["small"]


def test_t14_a_label_does_not_take_a_request_out_of_the_sample() -> None:
    """The other rule's share goes to a person whatever the agent says of itself."""
    assert _counted("sample: 60%, second_look: c", used=0, labels={"gold": True}).routing.route.then is Then.STAGES
    assert _counted("sample: 40%, second_look: c", used=0, labels={"gold": True}).routing.route.then is Then.APPROVE


ADVISED = """
rules:
  - name: big
    when: action == "pay" && arguments.amount > 10
    stages: [{chain: c}]
    advice: {from: checker, within: 1m}
    expires: 1h
"""


@pytest.mark.parametrize("amounts", [(1, 100), (100, 1)])
def test_t14_no_order_of_options_sheds_the_advisors_of_one(amounts: tuple[int, int]) -> None:
    """A choice waits for every opinion that one of its options needs, and no longer than any of them may."""
    policy = parse(HEAD + ADVISED + TAIL, "routing.yaml")
    options = tuple([Option(id=f"o{a}", title="one", arguments={"amount": a}) for a in amounts])
    given = Submission(action="pay", kind=Kind.CHOICE, options=options)
    found = route(policy, given, agent="x", now=NOW).route
    alone = route(policy, Submission(action="pay", arguments={"amount": 100}), agent="x", now=NOW).route
    assert found.advisors == alone.advisors == ("checker",)
    assert (found.advice_within, found.expires) == (alone.advice_within, alone.expires)


def test_t22_rows_without_end_are_not_all_called_sensitive() -> None:
    """Each would be a warning on the route and on every card; a person is asked all the same."""
    schema = "actions: {pay: {risk: reversible, schema: {additionalProperties: {items: {x-sensitive: true}}}}}"
    rules = "\nrules:\n  - {name: all, when: 'true', then: approve}\n"
    head = HEAD.replace("actions: {pay: {risk: reversible}}", schema)
    policy = parse(head + rules + TAIL, "routing.yaml")
    rows = {"k" * 10_000: list(range(5_000))}
    found = route(policy, Submission(action="pay", arguments=rows), agent="x", now=NOW).route
    assert found.then is Then.STAGES
    assert 0 < len(found.warnings) <= 20
    assert max(map(len, found.warnings)) < 400


@pytest.mark.parametrize(
    ("used", "word", "then"),
    [(5, None, Then.BLOCK), (5, Risk.IRREVERSIBLE, Then.BLOCK), (0, Risk.IRREVERSIBLE, Then.STAGES)],
)
def test_t14_a_word_asks_nobody_about_what_is_blocked_beyond_its_limit(
    used: int, word: Risk | None, then: Then
) -> None:
    """Without it the account is full and the next rule blocks; with it people were asked before that was looked at."""
    rules = """
    rules:
      - {name: low, when: 'action == "pay" && risk != "irreversible"', then: approve, limit: {count: 2, per: 1h}}
      - {name: none more, when: 'risk != "irreversible"', then: block}
    """
    policy = parse(HEAD + dedent(rules) + TAIL, "routing.yaml")
    given = Submission(action="pay", arguments={}, risk=word)
    found = counted(policy, given, agent="x", now=NOW, bounds=UNBOUND, chance=0.5, spent=lambda *_: (used, 0))
    assert (found.routing.route.then, bool(found.charges)) == (then, word is None)
