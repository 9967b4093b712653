"""T14: what an agent says of itself never makes the review laxer, over random policies and submissions."""

from __future__ import annotations

from itertools import pairwise, product
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.core.edits import tightened
from bot.core.model import Kind, Opinion, Risk, Route, Submission, Then
from bot.core.policy import Bounds, Policy, Routing, TrialOutcome, route, strictness
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
        'has(advice.checker) && advice.checker == "agree"',
        'has(advice.checker) && advice.checker != "agree"',
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
LIMITS = st.sampled_from(["", ", limit: {count: 5, per: 1h}", ", sample: 50%", ", sample: 5%, second_look: legal"])
"""How many are counted, and whom chance takes, is no matter of the walk: `Bounds` say it here."""
ANSWERS = st.one_of(
    st.just("then: block"),
    LIMITS.map(lambda more: f"then: approve{more}"),
    st.just("then: approve, second_look: finance"),
    st.sampled_from(["0.2", "0.5", "0.9"]).map(lambda gate: f"then: approve, confidence_gate: {gate}"),
    STAGES.map(lambda stages: f"stages: {stages}"),
    STAGES.map(lambda stages: f"allow_self: true, stages: {stages}"),
)
CHAINS = """
  legal: [{notify: [lea, ana]}]
agents: {billing: {owner: ben}}
actions:
  refund.issue: {risk: reversible, checks: [{name: small, that: "arguments.amount < 3000", otherwise: block}]}
  report.read: {risk: read_only, checks: [{name: text, that: "!has(arguments.amount) || arguments.amount != '5'"}]}
  db.wipe: {critical: true}
exceptions: {stages: [{chain: legal}]}
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
        action=draw(st.sampled_from(["refund.issue", "report.read", "db.drop", "db.wipe"])),
        arguments={} if amount is None else {"amount": amount},
        confidence=draw(st.sampled_from([None, 0.0, 0.3, 0.5, 0.95, 1.0])),
        on_behalf_of=draw(st.sampled_from([None, "ana", "lea@example.com"])),
    )


@st.composite
def bounds(draw: st.DrawFn, rules: Policy, bare: Submission) -> Bounds:
    """What may be known of a request, as the desk comes to it: rules are closed only where they would approve."""
    known = Bounds(refused=draw(st.sampled_from([None, None, "req_0"])))
    for _ in range(draw(st.integers(0, 4))):
        answer = route(rules, bare, agent="billing", now=NOW, bounds=known).route
        if answer.then is not Then.APPROVE:
            break
        held_back = draw(st.sampled_from([TrialOutcome.LIMITED, TrialOutcome.SAMPLED])), "as drawn"
        known = replace(known, closed={**known.closed, answer.rule: held_back})
    return known


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
@given(st.data(), policies(), submissions())
def test_t14_nor_with_all_that_bounds_a_request(data: st.DataObject, rules: Policy, bare: Submission) -> None:
    """Limits, samples, earlier rejections: each makes a route stricter only, and labels and risk do not undo it."""
    known = data.draw(bounds(rules, bare))
    free = route(rules, bare, agent="billing", now=NOW).route
    without = route(rules, bare, agent="billing", now=NOW, bounds=known).route
    assert without.then.rank >= free.then.rank
    assert without.then is not Then.APPROVE or without.rule not in known.closed
    if known.refused or known.sampled:
        assert without.then is not Then.APPROVE
    for labels, risk in product(LABELS, RISKS):
        told = replace(bare, labels=labels, risk=risk)
        answer = route(rules, told, agent="billing", now=NOW, bounds=known).route
        assert strictness(answer) >= strictness(without), (labels, risk, answer.why, without.why)


@QUICK
@given(policies(), submissions())
def test_t14_no_other_word_of_an_agent_makes_a_route_laxer(rules: Policy, bare: Submission) -> None:
    """Whom it acts for only takes people out; its context, reason and options change nothing that no rule reads."""
    plain = replace(bare, on_behalf_of=None)
    without = route(rules, plain, agent="billing", now=NOW).route
    for behalf in ("ana", "lea@example.com", "Ana Silva", "nobody", " ", "ben"):
        answer = route(rules, replace(bare, on_behalf_of=behalf), agent="billing", now=NOW).route
        assert answer.then is without.then
        assert [stage.approvals for stage in answer.stages] == [stage.approvals for stage in without.stages]
        # Only a rule that lets people review what they asked for bars nobody.
        assert set(without.excluded) <= set(answer.excluded)
    said: list[dict[str, Any]] = [{"context": {"safe": True, "tier": "gold"}}, {"reason": "approve"}, {"batch": "b"}]
    for words in said:
        assert route(rules, replace(plain, **words), agent="billing", now=NOW).route == without


@QUICK
@given(policies(), submissions())
def test_t14_no_kind_lets_something_run(rules: Policy, bare: Submission) -> None:
    """Only what is put up for approval is ever approved by a rule; what a rule blocks is blocked as any kind."""
    usual = route(rules, bare, agent="billing", now=NOW).route
    for kind in (Kind.QUESTION, Kind.CHOICE, Kind.EXCEPTION):
        answer = route(rules, replace(bare, kind=kind), agent="billing", now=NOW).route
        assert answer.then is not Then.APPROVE
        assert answer.then is Then.BLOCK or usual.then is not Then.BLOCK
        if kind is Kind.CHOICE:
            assert answer.then.rank >= usual.then.rank


@QUICK
@given(st.data(), policies(), submissions())
def test_there_is_exactly_one_route(data: st.DataObject, rules: Policy, bare: Submission) -> None:
    """One trial is chosen (in each walk, where the agent's word was left out), it names the rule, and stages fit it."""
    known = data.draw(bounds(rules, bare))
    for labels, kind in product(LABELS, Kind):
        told = replace(bare, labels=labels, kind=kind)
        found = route(rules, told, agent="billing", now=NOW, bounds=known)
        chosen = _chosen(found)
        assert len(chosen) == (2 if found.route.why.startswith("no_laxer") else 1)
        assert chosen[-1] == found.route.rule
        assert (found.route.then is Then.STAGES) == bool(found.route.stages)
        for stage in found.route.stages:
            assert stage.approvals >= 1
            assert not set(found.route.excluded) & {person for step in stage.steps for person in step.people}
        assert found == route(rules, told, agent="billing", now=NOW, bounds=known)


def _chosen(found: Routing) -> list[str]:
    return [trial.rule for trial in found.trials if trial.chosen]


OPINIONS = [{}, *({"checker": opinion} for opinion in Opinion), {"checker": Opinion.AGREE, "other": Opinion.DISAGREE}]


@QUICK
@given(policies(), submissions())
def test_advice_only_ever_tightens(rules: Policy, bare: Submission) -> None:
    """Whatever advisors say, nobody's review is dropped for it, and nothing runs by it."""
    before = route(rules, bare, agent="billing", now=NOW).route
    for opinions in OPINIONS:
        fresh = route(rules, bare, agent="billing", now=NOW, bounds=Bounds(advice=opinions)).route
        after = tightened(before, fresh)
        assert after.then.rank >= before.then.rank
        assert set(before.excluded) <= set(after.excluded) or after.then is Then.BLOCK
        if after.then is Then.STAGES:
            given = zip(before.stages, after.stages, strict=False)
            assert all(one.chain == other.chain and one.approvals <= other.approvals for one, other in given)
            assert len(after.stages) >= len(before.stages)


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
