"""The route that stands once limits and samples are counted, whoever keeps the accounts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from bot.core.accounts import MICRO, Charge
from bot.core.counting import Counted, counted, prints_of
from bot.core.model import Kind, Option, Submission, Then
from bot.core.policy import UNBOUND, Policy, Rule, TrialOutcome
from bot.routing import parse

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
RULES = """\
version: 1
people: {ana: {email: ana@example.com}}
chains: {c: [{notify: ana}]}
actions: {pay: {risk: reversible}, note: {risk: reversible, cooldown: 0s}}
rules:
  - {name: small, when: action == "pay", then: approve, limit: {sum: arguments.amount, max: 100, per: 1h}, sample: 10%}
  - {name: also, when: action == "pay" && arguments.amount < 5, then: approve, limit: {count: 3, per: 1h}}
default: {stages: [{chain: c}]}
"""


def _counted(spent: dict[str, tuple[int, int]] | None = None, *, chance: float = 0.5, **arguments: Any) -> Counted:
    policy: Policy = parse(RULES, "routing.yaml")

    def held(rule: Rule, charge: Charge) -> tuple[int, int]:
        assert charge.key == '{"action":"pay","agent":"x","target":"agent"}'
        return (spent or {}).get(rule.name, (0, 0))

    given = Submission(action="pay", arguments=arguments)
    return counted(policy, given, agent="x", now=NOW, bounds=UNBOUND, chance=chance, spent=held)


def _named(found: Counted) -> list[tuple[str, int]]:
    return [(rule.name, charge.amount) for rule, charge in found.charges]


def test_what_fits_runs_by_the_rule_and_is_charged_to_it() -> None:
    """One account, by the amount in millionths."""
    found = _counted(amount=60.5)
    assert (found.routing.route.then, found.routing.route.rule) == (Then.APPROVE, "small")
    assert _named(found) == [("small", 60_500_000)]


def test_what_does_not_fit_is_tried_by_the_rules_further_on() -> None:
    """Both accounts are charged where the second rule lets it run; where that is full too, people decide."""
    full = {"small": (4, 98 * MICRO)}
    found = _counted(full, amount=3.0)
    assert (found.routing.route.rule, _named(found)) == ("also", [("small", 3_000_000), ("also", 0)])
    both = _counted(full | {"also": (3, 0)}, amount=3.0)
    assert both.routing.route.then is Then.STAGES
    assert [trial.outcome for trial in both.routing.trials[:2]] == [TrialOutcome.LIMITED, TrialOutcome.LIMITED]


def test_what_cannot_be_counted_is_not_approved() -> None:
    """An amount that is missing or below nothing: no charge, and people decide."""
    for found in (_counted(), _counted(amount=-1.0)):
        outcome = found.routing.trials[0].outcome
        assert (outcome, "small" in dict(_named(found))) == (TrialOutcome.LIMITED, False)


def test_a_sample_goes_to_a_person_whatever_rules_follow() -> None:
    """By its lot; it is charged all the same, since it may yet run."""
    found = _counted(chance=0.09, amount=3.0)
    assert (found.routing.route.then, _named(found)) == (Then.STAGES, [("small", 3_000_000)])
    assert found.routing.trials[0].outcome is TrialOutcome.SAMPLED
    assert _counted(chance=0.1, amount=3.0).routing.route.then is Then.APPROVE


def test_every_alternative_has_its_fingerprint() -> None:
    """Each option of a choice; nothing where a rejection is not remembered, or nothing would run."""
    policy = parse(RULES, "routing.yaml")
    options = tuple(Option(id=name, title=name, arguments={"to": name}) for name in ("a", "b"))
    assert len(set(prints_of(policy, Submission(action="pay", kind=Kind.CHOICE, options=options)))) == 2
    assert len(prints_of(policy, Submission(action="pay"))) == 1
    assert prints_of(policy, Submission(action="note")) == ()
    assert prints_of(policy, Submission(action="pay", kind=Kind.QUESTION)) == ()
