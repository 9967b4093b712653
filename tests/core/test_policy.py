"""The walk from a submission to its route: first match, strict answers, gates, and who may not review."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from bot.core.model import OnExpiry, Person, Risk, Submission, Then
from bot.core.policy import (
    ActionSpec,
    AgentSpec,
    Chain,
    ChainStep,
    ConditionFailed,
    Policy,
    Rule,
    StageSpec,
    TrialOutcome,
    excluded,
    route,
    stricter,
    strictness,
)

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


DAY = timedelta(hours=24)


class When:
    """A condition that is a plain function of the facts; a missing key fails it, as in CEL."""

    def __init__(self, source: str, answer: Callable[[Mapping[str, Any]], bool]) -> None:
        self.source = source
        self.actions: frozenset[str] | None = None
        self.reads_labels = True
        self._answer = answer

    def holds(self, facts: Mapping[str, Any]) -> bool:
        """Whether it holds."""
        try:
            return self._answer(facts)
        except KeyError as missing:
            raise ConditionFailed(f"{missing} is not there") from missing


class Named:
    """A title that names an argument."""

    def render(self, arguments: dict[str, Any]) -> str:
        """The title."""
        return f"Refund {arguments['amount']}"


SMALL = When("arguments.amount <= 5", lambda facts: facts["arguments"]["amount"] <= 5)


GOLD = When("labels.gold", lambda facts: bool(facts["labels"]["gold"]))


MILD = When("risk != irreversible", lambda facts: facts["risk"] != "irreversible")


ONE = (StageSpec(name="finance", chain="finance"),)


def policy(*rules: Rule, **more: Any) -> Policy:
    """Three people, a group, a chain of two steps, and these rules."""
    return Policy(
        hash="sha256:0",
        people={
            "ana": Person(id="ana", name="Ana", email="ana@example.com"),
            "ben": Person(id="ben", name="Ben", email="Ben@Example.com"),
            "lea": Person(id="lea", name="Lea"),
        },
        groups={"finance": ("ana", "ben")},
        agents={"billing": AgentSpec(name="billing", owner="ben"), "free": AgentSpec(name="free")},
        channels={},
        actions={"refund": ActionSpec(name="refund", title=Named(), risk=Risk.REVERSIBLE)},
        chains={"finance": Chain(steps=(ChainStep(notify=("finance", "ana"), wait=DAY), ChainStep(notify=("lea",))))},
        rules=rules,
        default=more.get("default", Rule(name="default", then=Then.STAGES, stages=ONE)),
    )


def ask(found: Policy, agent: str = "free", **fields: Any) -> Any:
    """The routing of a refund."""
    return route(found, Submission(action="refund", **fields), agent=agent, now=NOW)


def test_the_first_rule_that_holds_answers() -> None:
    """Rules are tried in order, each trial is recorded, and the route says which rule and why."""
    found = policy(
        Rule(name="small", then=Then.APPROVE, when=SMALL),
        Rule(name="rest", then=Then.BLOCK),
        Rule(name="x", then=Then.APPROVE),
    )
    small = ask(found, arguments={"amount": 3})
    assert (small.route.then, small.route.rule, small.route.why) == (
        Then.APPROVE,
        "small",
        "held: arguments.amount <= 5",
    )
    large = ask(found, arguments={"amount": 30})
    assert (large.route.then, large.route.why) == (Then.BLOCK, "held: no condition")
    assert [(t.rule, t.outcome, t.chosen) for t in large.trials] == [
        ("small", TrialOutcome.NOT_HELD, False),
        ("rest", TrialOutcome.HELD, True),
    ]
    assert large.route.policy == "sha256:0"


def test_the_default_answers_where_no_rule_holds() -> None:
    """It is the last trial, under its own name."""
    routing = ask(policy(Rule(name="small", then=Then.APPROVE, when=SMALL)), arguments={"amount": 30})
    assert (routing.route.rule, routing.route.why) == ("default", "default: no rule held")
    assert routing.trials[-1].chosen
    assert [step.people for step in routing.route.stages[0].steps] == [("ana", "ben"), ("lea",)]


@pytest.mark.parametrize(
    ("then", "stages", "rule"), [(Then.APPROVE, (), "default"), (Then.BLOCK, (), "a"), (Then.STAGES, ONE, "a")]
)
def test_a_condition_that_fails_gives_the_strict_answer(then: Then, stages: tuple[StageSpec, ...], rule: str) -> None:
    """An approval does not approve, a block blocks, stages apply."""
    routing = ask(policy(Rule(name="a", then=then, when=SMALL, stages=stages)))
    assert routing.route.rule == rule
    assert routing.trials[0].outcome is TrialOutcome.CONDITION_FAILED
    assert routing.trials[0].detail == "condition_failed: 'amount' is not there"


@pytest.mark.parametrize(("confidence", "rule"), [(None, "default"), (0.79, "default"), (0.8, "a"), (1.0, "a")])
def test_a_gate_takes_an_approval_away(confidence: float | None, rule: str) -> None:
    """Below the gate, or without a confidence, the rule does not approve; at it, it does."""
    routing = ask(policy(Rule(name="a", then=Then.APPROVE, gate=0.8)), confidence=confidence)
    assert routing.route.rule == rule
    assert routing.route.then is (Then.APPROVE if rule == "a" else Then.STAGES)
    assert (routing.trials[0].outcome is TrialOutcome.BELOW_GATE) == (rule == "default")


def test_a_gate_on_stages_is_only_shown() -> None:
    """A rule with stages applies whatever the confidence, and its route carries the gate."""
    found = policy(Rule(name="a", then=Then.STAGES, stages=ONE, gate=0.8))
    assert ask(found, confidence=0.1).route.gate == ask(found, confidence=0.9).route.gate == 0.8


@pytest.mark.parametrize("text", ["a\u202eb", "p\u0430ypal.com", "a\U000e0041"])
def test_t04_what_hides_something_is_never_approved_by_rule(text: str) -> None:
    """Invisible characters and look-alike hosts take every approval away, and the route warns."""
    routing = ask(policy(Rule(name="a", then=Then.APPROVE)), arguments={"to": text})
    assert routing.route.then is Then.STAGES
    assert routing.trials[0].outcome is TrialOutcome.SUSPICIOUS
    assert routing.route.warnings[0].startswith("/to holds")


def test_stages_apply_by_their_conditions() -> None:
    """A stage whose condition fails or holds is asked; where none holds, all are."""
    large = When("large", lambda facts: facts["arguments"]["amount"] > 5)
    two = StageSpec(name="two", chain="finance", condition=large, approvals=2)
    found = policy(Rule(name="a", then=Then.STAGES, stages=(*ONE, two)))
    assert [s.name for s in ask(found, arguments={"amount": 1}).route.stages] == ["finance"]
    assert [s.name for s in ask(found, arguments={"amount": 9}).route.stages] == ["finance", "two"]
    assert [s.approvals for s in ask(found).route.stages] == [1, 2]
    only = policy(Rule(name="a", then=Then.STAGES, stages=(two,)))
    assert [s.name for s in ask(only, arguments={"amount": 1}).route.stages] == ["two"]


@pytest.mark.parametrize(
    ("agent", "behalf", "gone"),
    [
        ("free", None, ()),
        ("billing", None, ("ben",)),
        ("ana", None, ("ana",)),
        ("free", "LEA", ("lea",)),
        ("free", "ben@example.COM", ("ben",)),
        ("billing", "ana@example.com", ("ana", "ben")),
        ("stranger", "nobody", ()),
        ("free", "", ()),
        ("free", " Lea ", ("lea",)),
        ("free", "ben+refunds@example.com", ("ben",)),
        ("free", "Somebody <ben@example.com>", ("ben",)),
        ("free", "mailto:ben@example.com", ("ben",)),
        ("free", "\uff22en@example.com", ("ben",)),
        ("free", "l\u200bea", ("lea",)),
        ("free", "@lea", ("lea",)),
        ("free", "ana@example.com, ben@example.com", ("ana", "ben")),
        ("free", "lea@elsewhere.example", ()),
        ("free", "leander", ()),
        ("free", "for Lea.", ("lea",)),
        ("free", "Write to ben@example.com.", ("ben",)),
        ("free", "Was that Lea?!", ("lea",)),
    ],
)
def test_t10_who_asks_owns_or_is_acted_for_does_not_review(
    agent: str, behalf: str | None, gone: tuple[str, ...]
) -> None:
    """They are absent from every step of the route, unless the rule says allow_self."""
    found = policy()
    assert excluded(found, Submission(action="refund", on_behalf_of=behalf), agent, NOW, NOW + DAY) == gone
    answer = ask(found, agent, on_behalf_of=behalf).route
    asked = {person for stage in answer.stages for step in stage.steps for person in step.people}
    assert asked == {"ana", "ben", "lea"} - set(gone)
    assert answer.excluded == gone
    lifted = policy(default=Rule(name="default", then=Then.STAGES, stages=ONE, allow_self=True))
    assert ask(lifted, agent, on_behalf_of=behalf).route.excluded == ()


def test_an_agent_may_shorten_the_time_only() -> None:
    """``expires_in`` is the shorter of both."""
    found = policy(default=Rule(name="default", then=Then.STAGES, stages=ONE, on_expiry=OnExpiry.REJECT))
    assert ask(found).route.expires == DAY
    assert ask(found, expires_in=timedelta(hours=1)).route.expires == timedelta(hours=1)
    assert ask(found, expires_in=timedelta(days=9)).route.expires == DAY
    assert ask(found).route.on_expiry is OnExpiry.REJECT


def test_t14_a_label_does_not_approve() -> None:
    """A rule that approves by the agent's own label does not approve."""
    found = policy(Rule(name="gold", then=Then.APPROVE, when=GOLD))
    routing = ask(found, labels={"gold": True})
    assert routing.route.then is Then.STAGES
    assert routing.route.why.startswith("no_laxer: ")
    assert [trial.rule for trial in routing.trials] == ["gold", "gold", "default"]


def test_t14_a_label_may_make_it_stricter() -> None:
    """A rule that blocks by the agent's own label blocks."""
    guarded = When("has(labels.gold)", lambda facts: "gold" in facts["labels"])
    found = policy(Rule(name="gold", then=Then.BLOCK, when=guarded))
    assert ask(found, labels={"gold": True}).route.then is Then.BLOCK
    assert ask(found, labels={"silver": True}).route.then is Then.STAGES


def test_t14_risk_only_rises() -> None:
    """The route's risk is the higher of both; a rule for higher risk that is laxer does not help."""
    found = policy(Rule(name="mild", then=Then.BLOCK, when=MILD), Rule(name="rest", then=Then.APPROVE))
    assert ask(found).route.then is Then.BLOCK
    raised = ask(found, risk=Risk.IRREVERSIBLE).route
    assert (raised.then, raised.risk) == (Then.BLOCK, Risk.IRREVERSIBLE)
    lowered = ask(found, risk=Risk.READ_ONLY).route
    assert (lowered.then, lowered.risk) == (Then.BLOCK, Risk.REVERSIBLE)


def test_strictness_orders_routes() -> None:
    """Blocking is hardest, then more approvals, then more stages; equals leave the first."""
    answer = ask(policy()).route
    twice = replace(answer, stages=(replace(answer.stages[0], approvals=2),))
    longer = replace(answer, stages=answer.stages * 2)
    block = replace(answer, then=Then.BLOCK, stages=())
    assert strictness(block) > strictness(longer) > strictness(twice) > strictness(answer)
    assert stricter(answer, block) is stricter(block, answer) is block
    other = replace(answer, rule="x")
    assert stricter(answer, other) is answer


def test_t14_a_label_chooses_no_judges() -> None:
    """Other people by as many approvals are not as strict: those who would be asked without the label are asked too."""
    friends = Rule(
        name="friends",
        then=Then.STAGES,
        when=When("friendly", lambda facts: bool(facts["labels"].get("friendly"))),
        stages=(StageSpec(name="friends", chain="lone"),),
    )
    rules = (friends, Rule(name="all", then=Then.STAGES, stages=ONE))
    ground = policy(*rules)
    found = replace(ground, chains={**ground.chains, "lone": Chain(steps=(ChainStep(notify=("lea",)),))})
    routing = ask(found, labels={"friendly": True})
    assert [stage.name for stage in routing.route.stages] == ["friends", "finance"]
    assert (routing.route.rule, "no_laxer" in routing.route.why) == ("friends", True)
    assert [stage.name for stage in ask(found, labels={"friendly": False}).route.stages] == ["finance"]
