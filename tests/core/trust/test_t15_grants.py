"""T15: what a grant lets run lies within what the rule would have asked people about, and within its bounds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.core.counting import counted
from bot.core.model import Kind, Option, Risk, Submission, Then
from bot.core.policy import Bounds, ConditionFailed, Policy, TrialOutcome, facts_of, route
from bot.core.policy.terms import terms
from bot.core.policy.trust import Trust
from bot.core.trust.drift import UNWATCHED, noticed
from bot.core.trust.evidence import gathered
from bot.core.trust.grants import EarnedCondition, Grant, GrantState, earned, terms_of, void
from bot.core.trust.proposing import behaviour, grant_of
from bot.routing import parse
from tests.core.trust.histories import BEGAN, fact, spread

NOW = datetime(2026, 4, 1, 9, tzinfo=UTC)
FILE = """version: 1
people: {ana: {}, ben: {}, lea: {role: admin}}
agents: {billing: {owner: ben}, other: {}}
actions:
  refund.issue:
    risk: reversible
    checks: [{name: known order, that: 'arguments.order != "unknown"'}]
  refund.big: {risk: irreversible}
  refund.never: {risk: reversible, critical: true}
chains: {finance: [{notify: [ana]}], admins: [{notify: [lea]}]}
rules:
  - {name: no gifts, when: has(arguments.gift) && arguments.gift == true, then: block}
  - {name: gold, when: has(labels.tier) && labels.tier == "gold", stages: [{chain: finance}]}
  - name: refunds
    when: action in ["refund.issue", "refund.big", "refund.never"] && arguments.currency != "XXX"
    stages: [{chain: finance}]
    trust: {ask: admins, bands: {arguments.amount: [50, 200]}}
default: {then: block}
"""
POLICY = parse(FILE, "routing.yaml")
REFUNDS = POLICY.rules[2]
TRUST = REFUNDS.trust or Trust(ask="nobody")


def grant(**told: Any) -> Grant:
    """A grant in force for refunds of up to 200."""
    usual: dict[str, Any] = {
        "id": "grt_1",
        "rule": "refunds",
        "terms": terms_of(POLICY, REFUNDS, told.get("action", "refund.issue")),
        "above": terms(POLICY, REFUNDS, told.get("action", "refund.issue"))[1:],
        "agent": "billing",
        "action": "refund.issue",
        "ceilings": {"/amount": 200.0},
        "level": 1,
        "confidence": None,
        "irreversible": False,
        "sample": 0.1,
        "per_day": 10,
        "lasts": timedelta(days=30),
        "ask": "admins",
        "request": "req_1",
        "proposed_at": NOW,
        "state": GrantState.IN_FORCE,
        "until": NOW + timedelta(days=30),
    }
    return Grant(**(usual | told))


def told(policy: Policy, asked: Submission, agent: str = "billing", *, chance: float = 0.9, spent: int = 0) -> Any:
    """What a policy answers once all is counted."""
    return counted(
        policy, asked, agent=agent, now=NOW, bounds=Bounds(), chance=chance, spent=lambda *_: (spent, 0)
    ).routing


odd: st.SearchStrategy[Any] = st.sampled_from([True, "7", None, []])
amounts = st.one_of(st.integers(-50, 400), st.floats(-50, 400, allow_nan=False), odd)
arguments = st.fixed_dictionaries(
    {"currency": st.sampled_from(["EUR", "XXX"])},
    optional={
        "amount": amounts,
        "order": st.sampled_from(["10428", "unknown", "pаypal.com", "1\u200b2"]),
        "gift": st.booleans(),
    },
)
submissions = st.builds(
    Submission,
    action=st.sampled_from(["refund.issue", "refund.issue", "refund.big", "refund.never", "else"]),
    arguments=arguments,
    confidence=st.sampled_from([None, 0.5, 0.95]),
    risk=st.sampled_from([None, None, *Risk]),
    labels=st.sampled_from([{}, {"tier": "gold"}]),
    kind=st.sampled_from([Kind.APPROVAL, Kind.APPROVAL, Kind.QUESTION, Kind.EXCEPTION]),
)
grants = st.builds(
    grant,
    action=st.sampled_from(["refund.issue", "refund.big", "refund.never"]),
    ceilings=st.sampled_from([{"/amount": 50.0}, {"/amount": 200.0}, {}]),
    confidence=st.sampled_from([None, 0.9]),
    irreversible=st.booleans(),
)


@settings(max_examples=250, deadline=None)
@given(asked=submissions, held=grants, agent=st.sampled_from(["billing", "billing", "other"]))
def test_t15_a_grant_approves_only_what_its_rule_would_have_asked_about(
    asked: Submission, held: Grant, agent: str
) -> None:
    """Never what the file blocks or gives to another rule, above a ceiling, irreversible, critical or suspicious."""
    base = route(POLICY, asked, agent=agent, now=NOW).route
    found = told(earned(POLICY, (held,), NOW), asked, agent).route
    if found.then is not Then.APPROVE:
        assert (found.then, found.rule, found.stages, found.grant) == (base.then, base.rule, base.stages, None)
        return
    assert (base.then, base.rule) == (Then.STAGES, "refunds")
    assert (agent, asked.action, found.grant) == (held.agent, held.action, held.id)
    assert asked.kind is Kind.APPROVAL
    assert asked.action != "refund.never"
    assert held.irreversible or found.risk is not Risk.IRREVERSIBLE
    assert held.confidence is None or (asked.confidence or 0) >= held.confidence
    for top in held.ceilings.values():
        amount = asked.arguments["amount"]
        assert type(amount) in (int, float)
        assert 0 <= amount <= top
    assert not found.warnings


@settings(max_examples=120, deadline=None)
@given(asked=submissions, held=grants, agent=st.sampled_from(["billing", "other"]))
def test_the_rule_that_a_grant_amounts_to_can_be_written_into_the_file(
    asked: Submission, held: Grant, agent: str
) -> None:
    """What `sayso trust show` prints compiles, and holds where the grant holds; numbers alone are numbers."""
    made = EarnedCondition(
        base=REFUNDS.when,
        agent=held.agent,
        action=held.action,
        ceilings=held.ceilings,
        confidence=held.confidence,
        irreversible=held.irreversible,
    )
    written = _compiled(made.source)
    facts = facts_of(asked, agent=agent, risk=asked.risk or Risk.REVERSIBLE, now=NOW)
    assert _holds(written, facts) == _holds(made, facts)


_KEPT: dict[str, Any] = {}


def _compiled(source: str) -> Any:
    if source not in _KEPT:
        line = f"rules:\n  - {{name: a, when: '{source}', then: approve}}\n"
        _KEPT[source] = parse(FILE.partition("rules:")[0] + line + "default: {then: block}\n", "x").rules[0].when
    return _KEPT[source]


def _holds(condition: Any, facts: Any) -> bool:
    try:
        return bool(condition.holds(facts))
    except ConditionFailed:
        return False


def test_t15_what_is_granted_is_limited_and_sampled() -> None:
    """Three times the busiest day in 24 hours, and the share of its sample goes to people all the same."""
    weighed = gathered(
        TRUST,
        spread(120),
        rule="refunds",
        agent="billing",
        action="refund.issue",
        now=BEGAN + timedelta(days=21),
    )
    made = grant_of(POLICY, REFUNDS, weighed[:1], spread(120), id="grt_1", request="req_1", proposed_at=BEGAN)
    assert (made.per_day, made.ceilings, made.level) == (18, {"/amount": 1.0}, 0)
    policy = earned(POLICY, (grant(),), NOW)
    asked = Submission(action="refund.issue", arguments={"currency": "EUR", "amount": 1, "order": "1"})
    assert told(policy, asked, spent=9).route.then is Then.APPROVE
    full = told(policy, asked, spent=10)
    assert (full.route.rule, full.trials[2].outcome) == ("refunds", TrialOutcome.LIMITED)
    seen = told(policy, asked, chance=0.05)
    assert (seen.route.rule, seen.trials[2].outcome) == ("refunds", TrialOutcome.SAMPLED)
    options = (Option("a", "A", asked.arguments), Option("b", "B", asked.arguments))
    choice = replace(asked, kind=Kind.CHOICE, options=options)
    assert told(policy, choice).route.then is Then.STAGES


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('!= "XXX"', '!= "YYY"', "was changed"),
        (
            "risk: reversible\n    checks",
            "risk: reversible\n    schema: {properties: {gift: {}}}\n    checks",
            "was changed",
        ),
        ('labels.tier == "gold"', 'labels.tier == "platinum"', "so that more reaches it"),
        ('arguments.order != "unknown"', 'arguments.order != "?"', "so that more reaches it"),
        ("[50, 200]", "[50, 300]", "was changed"),
        ("name: refunds", "name: repayments", "there is no rule"),
        ("    trust: {ask: admins, bands: {arguments.amount: [50, 200]}}\n", "", "has no trust any more"),
        ("refund.issue:\n    risk: reversible", "refund.issue:\n    critical: true", "is critical"),
    ],
)
def test_t15_a_rule_that_says_something_else_voids_what_was_earned_under_it(old: str, new: str, why: str) -> None:
    """Another condition, other terms, another name: nothing of the grant is left, and it is said why."""
    assert old in FILE
    changed = parse(FILE.replace(old, new), "routing.yaml")
    asked = Submission(action="refund.issue", arguments={"currency": "EUR", "amount": 1, "order": "1"})
    assert told(earned(POLICY, (grant(),), NOW), asked).route.then is Then.APPROVE
    assert told(earned(changed, (grant(),), NOW), asked).route.then is Then.STAGES
    assert void(POLICY, grant()) is None
    assert why in str(void(changed, grant()))


def test_t15_the_limit_of_what_is_renewed_neither_shrinks_to_its_sample_nor_grows_by_what_ran() -> None:
    """People saw two a day of it, and twelve a day ran by itself: the limit stays; its own burst raises nothing."""
    weighed = gathered(
        TRUST, spread(120, days=60), rule="refunds", agent="billing", action="refund.issue", now=BEGAN + timedelta(90)
    )[:1]
    before = grant(ceilings={"/amount": 1.0}, level=0, per_day=36)
    for a_day, limit in ((12, 36), (500, 36), (5, 21)):
        ran = [fact(900 + n, BEGAN + timedelta(days=61), rule=before.name) for n in range(a_day)]
        told = {"id": "grt_2", "request": "req_2", "proposed_at": BEGAN + timedelta(days=90), "before": before}
        assert grant_of(POLICY, REFUNDS, weighed, ran, **told).per_day == limit
    other = replace(before, terms="sha256:other")
    assert grant_of(POLICY, REFUNDS, weighed, ran, **(told | {"before": other})).per_day == 6


def test_t15_a_grant_that_is_over_is_no_rule() -> None:
    """Neither what is only proposed, nor what ended, nor what is past its time makes a rule."""
    for over in (
        grant(state=GrantState.PROPOSED),
        grant(state=GrantState.ENDED),
        grant(until=NOW),
    ):
        assert earned(POLICY, (over,), NOW) is POLICY


def test_a_grant_that_is_renewed_knows_how_often_the_agent_asked_under_the_one_before() -> None:
    """People saw a sample of that alone; an agent that goes on as ever is not found to ask more often than it did."""
    amounts = [float(1 + 7 * n % 41) for n in range(600)]
    asked = [fact(n, BEGAN + timedelta(hours=n), amount=amounts[n]) for n in range(600)]
    ran = [f if n < 60 or n % 10 == 0 else replace(f, rule=grant().name) for n, f in enumerate(asked)]
    made = grant(baseline=behaviour(grant(), ran, BEGAN))
    assert len(made.baseline.gaps) == 200
    watch = UNWATCHED
    for n in range(600, 1000):
        at, numbers = BEGAN + timedelta(hours=n), {"/amount": amounts[n - 600]}
        watch, alarm = noticed(made.baseline, watch, at=at, numbers=numbers, confidence=None)
        assert alarm is None
    # What nobody looked at moves no ceiling of what it is held against.
    larger = [replace(f, numbers={"/amount": 190.0}) if f.rule == grant().name else f for f in ran]
    assert behaviour(grant(), larger, BEGAN).numbers == made.baseline.numbers
