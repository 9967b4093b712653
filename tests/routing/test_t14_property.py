"""T14: what an agent says of itself never makes the review laxer, over random policies and submissions."""

from __future__ import annotations

from itertools import pairwise, product
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.core.model import Risk, Route, Submission, Then
from bot.core.policy import Policy, route, strictness
from tests.routing.cases import NOW, policy

QUICK = settings(max_examples=170, deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""Each example routes 20 submissions or more: 10,000 cases in all three properties."""

CONDITIONS = st.sampled_from(
    [
        'action == "refund.issue"',
        "arguments.amount <= 5",
        "arguments.amount > 100",
        "has(arguments.amount) && arguments.amount < 50",
        'risk == "read_only"',
        'risk != "irreversible"',
        'risk == "reversible" && arguments.amount < 100',
        'labels.tier == "gold"',
        'has(labels.tier) && labels.tier == "gold"',
        '!has(labels.tier) || labels.tier != "gold"',
        "labels.external == true",
        '"safe" in labels',
        "labels.size() == 0",
        "confidence >= 0.5",
        "arguments.missing == 1",
        "true",
    ]
)
STAGES = st.sampled_from(
    [
        "[{chain: finance}]",
        "[{chain: finance, approvals: 2}]",
        '[{name: one, chain: finance}, {name: two, chain: legal, if: labels.tier == "gold"}]',
        "[{name: one, chain: finance, if: risk == 'reversible'}, {name: two, chain: legal, approvals: 2}]",
        "[{name: one, chain: legal, if: has(labels.external)}, {name: two, chain: finance, if: arguments.amount > 50}]",
    ]
)
ANSWERS = st.one_of(
    st.just("then: block"),
    st.just("then: approve"),
    st.sampled_from(["0.2", "0.5", "0.9"]).map(lambda gate: f"then: approve, confidence_gate: {gate}"),
    STAGES.map(lambda stages: f"stages: {stages}"),
    STAGES.map(lambda stages: f"allow_self: true, stages: {stages}"),
)
CHAINS = """
  legal: [{notify: [lea, ana]}]
agents: {billing: {owner: ben}}
actions: {refund.issue: {risk: reversible}, report.read: {risk: read_only}}
"""
LABELS: tuple[dict[str, Any], ...] = (
    {},
    {"tier": "gold"},
    {"tier": "silver", "external": False},
    {"external": True},
    {"safe": 1, "tier": 3},
)
RISKS = (None, *Risk)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Up to four rules, each with a condition in quotes (or none) and an answer."""
    lines = []
    for number in range(draw(st.integers(1, 4))):
        condition = draw(st.one_of(CONDITIONS, CONDITIONS, st.none()))
        when = "" if condition is None else "when: '" + condition.replace("'", '"') + "', "
        lines.append(f"  - {{name: r{number}, {when}{draw(ANSWERS)}}}")
    return policy(rules="\n".join(lines), more=CHAINS.lstrip("\n"))


@st.composite
def submissions(draw: st.DrawFn) -> Submission:
    """An action with an amount that may be absent or of another type, and a confidence."""
    amount = draw(st.sampled_from([None, 3, 60, 5000, "5", 1.5]))
    return Submission(
        action=draw(st.sampled_from(["refund.issue", "report.read", "db.drop"])),
        arguments={} if amount is None else {"amount": amount},
        confidence=draw(st.sampled_from([None, 0.0, 0.3, 0.5, 0.95, 1.0])),
        on_behalf_of=draw(st.sampled_from([None, "ana", "lea@example.com"])),
    )


def _review(answer: Route) -> tuple[Then, list[int]]:
    return answer.then, [stage.approvals for stage in answer.stages]


@QUICK
@given(policies(), submissions())
def test_t14_labels_and_risk_never_make_a_route_laxer(rules: Policy, bare: Submission) -> None:
    """Whatever labels and risk an agent adds, the route is at least as strict as for the same request without them."""
    without = route(rules, bare, agent="billing", now=NOW).route
    for labels, risk in product(LABELS, RISKS):
        told = replace(bare, labels=labels, risk=risk)
        answer = route(rules, told, agent="billing", now=NOW).route
        assert strictness(answer) >= strictness(without), (labels, risk, answer.why, without.why)
        if without.then is Then.BLOCK:
            assert answer.then is Then.BLOCK
        if answer.then is Then.APPROVE:
            assert without.then is Then.APPROVE
        assert answer.risk.rank >= without.risk.rank


@QUICK
@given(policies(), submissions())
def test_t14_self_review_cannot_be_labelled_in(rules: Policy, bare: Submission) -> None:
    """No label and no risk lets somebody review who may not review the same request without them."""
    without = route(rules, bare, agent="billing", now=NOW).route
    for labels, risk in product(LABELS, RISKS):
        answer = route(rules, replace(bare, labels=labels, risk=risk), agent="billing", now=NOW).route
        if _review(answer) == _review(without):
            assert set(without.excluded) <= set(answer.excluded), (labels, risk, answer.why, without.why)


@QUICK
@given(policies(), submissions(), st.lists(st.floats(0, 1), min_size=24, max_size=24))
def test_t14_less_confidence_is_never_laxer_at_a_gate(rules: Policy, bare: Submission, others: list[float]) -> None:
    """Where confidence matters only through gates, sinking or withholding it never makes the route laxer."""
    if any(rule.when and "confidence" in rule.when.source for rule in rules.rules):
        return
    sinking: list[float | None] = [*sorted(others, reverse=True), None]
    routes = [route(rules, replace(bare, confidence=c), agent="billing", now=NOW).route for c in sinking]
    for higher, lower in pairwise(routes):
        assert lower.then.rank >= higher.then.rank


def test_t14_a_raised_risk_does_not_lift_a_block() -> None:
    """A block whose condition fails without the agent's word blocks with it, too; so do labels that answer it."""
    by_risk = """  - {name: a, when: 'risk == "reversible" && arguments.amount < 100', then: block}"""
    rules = policy(rules=by_risk, more=CHAINS.lstrip("\n"))
    for risk in RISKS:
        asked = Submission(action="refund.issue", risk=risk)
        assert route(rules, asked, agent="billing", now=NOW).route.then is Then.BLOCK
    by_label = "  - {name: a, when: labels.external == true, then: block}\n  - {name: b, then: approve}"
    rules = policy(rules=by_label, more=CHAINS.lstrip("\n"))
    for labels in LABELS:
        asked = Submission(action="refund.issue", labels=labels)
        assert route(rules, asked, agent="billing", now=NOW).route.then is Then.BLOCK


def test_t14_a_label_does_not_choose_the_rule_that_allows_self_review() -> None:
    """Of two routes with as many approvals, the one that leaves the owner out holds."""
    lax = "  - {name: a, when: has(labels.tier), allow_self: true, stages: [{chain: finance}]}"
    rules = policy(rules=lax, more=CHAINS.lstrip("\n"))
    asked = Submission(action="refund.issue", labels={"tier": "gold"})
    assert route(rules, asked, agent="billing", now=NOW).route.excluded == ("ben",)
