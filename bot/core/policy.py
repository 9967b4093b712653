"""What routing.yaml means: people, actions, chains and rules, and the walk from a submission to its route.

The walk is pure and short: first match wins, every step of it is recorded (`Trial`), and what an agent says of
itself (risk, labels) can only make the answer stricter: the rules are walked with its word and without it, and
the stricter answer holds (threat T14). A condition that fails as it runs gives the rule's *strict* answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from msgspec import Struct
from msgspec.structs import replace

from bot.core.errors import Fault
from bot.core.model import Arguments, OnExpiry, Person, Risk, Route, Stage, Step, Submission, Then
from bot.core.scrutiny import findings

DEFAULT_EXPIRES = timedelta(hours=24)


class ConditionFailed(Exception):
    """A condition could not be answered for this submission, as when it reads a field that is not there."""


class Condition(Protocol):
    """A compiled, type-checked condition."""

    @property
    def source(self) -> str:
        """As written."""

    def holds(self, facts: Mapping[str, Any]) -> bool:
        """Whether it holds; raises `ConditionFailed`."""


class ArgumentSchema(Protocol):
    """A compiled JSON Schema of an action's arguments."""

    @property
    def document(self) -> Mapping[str, Any]:
        """The schema as written."""

    def faults(self, arguments: Arguments) -> tuple[Fault, ...]:
        """Every fault, pointers relative to the arguments (`/amount`)."""


class Title(Protocol):
    """A compiled title template; the template is the admin's, the agent only fills its blanks."""

    def render(self, arguments: Arguments) -> str:
        """One line of plain text; the action's name where the template cannot be filled."""


class Execute(Struct, frozen=True, kw_only=True):
    """How an approved action runs: exactly one of ``webhook`` (URL), ``python`` (``module:name``) or ``agent``.

    ``timeout`` bounds one attempt (for ``agent``: how long its report may take before the outcome is unknown).
    ``attempts`` bounds tries that never started, and, where ``idempotent``, all tries.
    """

    webhook: str | None = None
    python: str | None = None
    agent: bool = False
    timeout: timedelta = timedelta(seconds=10)
    idempotent: bool = False
    attempts: int = 5

    @property
    def target(self) -> str:
        """What the digest binds."""
        return self.webhook or self.python or "agent"


BY_AGENT = Execute(agent=True, timeout=timedelta(hours=24))


class Rollback(Struct, frozen=True, kw_only=True):
    """The declared way back: another action and its arguments (templates over the original's)."""

    action: str
    arguments: Mapping[str, Any]


class ActionSpec(Struct, frozen=True, kw_only=True):
    """One entry of ``actions:``. ``editable`` None: every argument may be edited; empty: none."""

    name: str
    title: Title | None = None
    risk: Risk = Risk.IRREVERSIBLE
    schema: ArgumentSchema | None = None
    editable: tuple[str, ...] | None = None
    undo_window: timedelta = timedelta(0)
    execute: Execute = BY_AGENT
    rollback: Rollback | None = None


class AgentSpec(Struct, frozen=True, kw_only=True):
    """One entry of ``agents:``. ``per_minute`` and ``pending`` cap its submissions and its open requests."""

    name: str
    owner: str | None = None
    per_minute: int | None = None
    pending: int | None = None
    webhook: str | None = None


class ChainStep(Struct, frozen=True, kw_only=True):
    """One step as written: whom (people or groups), through which channels (empty: all), and for how long."""

    notify: tuple[str, ...]
    via: tuple[str, ...] = ()
    wait: timedelta | None = None
    remind: timedelta | None = None


class StageSpec(Struct, frozen=True, kw_only=True):
    """One stage of a rule; with ``condition`` it is asked only where that holds, or cannot be answered."""

    name: str
    chain: str
    approvals: int = 1
    condition: Condition | None = None


class Rule(Struct, frozen=True, kw_only=True):
    """One rule; ``when`` None holds always. ``gate`` is the confidence below which a rule does not approve."""

    name: str
    then: Then
    when: Condition | None = None
    stages: tuple[StageSpec, ...] = ()
    gate: float | None = None
    expires: timedelta = DEFAULT_EXPIRES
    on_expiry: OnExpiry = OnExpiry.EXPIRE
    allow_self: bool = False


class Expectation(Struct, frozen=True, kw_only=True):
    """One entry of ``tests:``: a submission and what must come of it (None: not checked)."""

    name: str
    given: Submission
    agent: str
    rule: str | None = None
    then: Then | None = None
    stages: tuple[str, ...] | None = None


class Policy(Struct, frozen=True, kw_only=True):
    """A whole routing.yaml, checked. ``hash`` is ``sha256:`` + hex of the file, which the audit trail names.

    ``channels`` holds each channel's own section as read (the channel knows what it means); ``allow_private`` lists
    the networks (CIDR) that replays may reach though they are not global.
    """

    hash: str
    people: Mapping[str, Person]
    groups: Mapping[str, tuple[str, ...]]
    agents: Mapping[str, AgentSpec]
    channels: Mapping[str, Mapping[str, Any]]
    actions: Mapping[str, ActionSpec]
    chains: Mapping[str, tuple[ChainStep, ...]]
    rules: tuple[Rule, ...]
    default: Rule
    allow_private: tuple[str, ...] = ()
    tests: tuple[Expectation, ...] = ()

    def action(self, name: str) -> ActionSpec:
        """The action's entry; one that is not listed is irreversible and run by its agent."""
        return self.actions.get(name) or ActionSpec(name=name)

    def members(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """People and groups as written, resolved to people, in order, each once."""
        return tuple(dict.fromkeys([p for name in names for p in self.groups.get(name, (name,))]))

    def title(self, action: str, arguments: Arguments) -> str:
        """The request's title, of the admin's making alone."""
        template = self.action(action).title
        return template.render(arguments) if template else action


class TrialOutcome(StrEnum):
    """How one rule fared."""

    HELD = "held"
    NOT_HELD = "did_not_hold"
    CONDITION_FAILED = "condition_failed"
    BELOW_GATE = "below_gate"
    SUSPICIOUS = "suspicious"


class Trial(Struct, frozen=True):
    """One rule that was tried, how it fared, and in a sentence why; ``chosen`` marks the one that answered."""

    rule: str
    outcome: TrialOutcome
    detail: str
    chosen: bool = False


class Routing(Struct, frozen=True):
    """A route and the whole path to it."""

    route: Route
    trials: tuple[Trial, ...]


def facts_of(submission: Submission, *, agent: str, risk: Risk, now: datetime) -> dict[str, Any]:
    """The names that conditions may use. A confidence that was not given is absent, so that reading it fails."""
    facts: dict[str, Any] = {
        "action": submission.action,
        "agent": agent,
        "arguments": submission.arguments,
        "risk": str(risk),
        "labels": submission.labels,
        "context": submission.context,
        "kind": str(submission.kind),
        "on_behalf_of": submission.on_behalf_of or "",
        "now": now,
    }
    if submission.confidence is not None:
        facts["confidence"] = float(submission.confidence)
    return facts


def excluded(policy: Policy, submission: Submission, agent: str) -> tuple[str, ...]:
    """Who may not review: the agent itself, its owner, and the person it acts for (by id or mail address)."""
    names = {agent}
    spec = policy.agents.get(agent)
    if spec and spec.owner:
        names.add(spec.owner)
    if submission.on_behalf_of:
        wanted = submission.on_behalf_of.casefold()
        names |= {p.id for p in policy.people.values() if wanted in (p.id.casefold(), (p.email or "").casefold())}
    return tuple(sorted(names & policy.people.keys()))


def strictness(route: Route) -> tuple[int, int, int, int]:
    """How hard a route is to pass: its answer, how many approvals, in how many stages, with how many people barred."""
    return (route.then.rank, sum(stage.approvals for stage in route.stages), len(route.stages), len(route.excluded))


def stricter(first: Route, second: Route) -> Route:
    """The harder of two routes; the first where they are equally hard."""
    return second if strictness(second) > strictness(first) else first


class _Case(Struct, frozen=True, kw_only=True):
    """One submission before the rules, at the risk it is taken for."""

    submission: Submission
    agent: str
    risk: Risk
    facts: Mapping[str, Any]
    suspicions: tuple[str, ...]


def route(policy: Policy, submission: Submission, *, agent: str, now: datetime) -> Routing:
    """Walk the rules for one submission (see the module's law)."""
    declared = policy.action(submission.action).risk
    told = max(declared, submission.risk or declared, key=lambda risk: risk.rank)
    case = _Case(
        submission=submission,
        agent=agent,
        risk=told,
        facts=facts_of(submission, agent=agent, risk=told, now=now),
        suspicions=findings(submission.arguments),
    )
    with_word = _walk(policy, case)
    if not submission.labels and told is declared:
        return with_word
    bare = replace(submission, labels={})
    facts = facts_of(bare, agent=agent, risk=declared, now=now)
    without = _walk(policy, replace(case, submission=bare, risk=declared, facts=facts))
    if stricter(with_word.route, without.route) is with_word.route:
        return with_word
    why = f"no_laxer: the agent's own labels or risk would have made the review laxer; {without.route.why}"
    return Routing(replace(without.route, why=why, risk=told), with_word.trials + without.trials)


def _walk(policy: Policy, case: _Case) -> Routing:
    trials: list[Trial] = []
    for rule in policy.rules:
        trial = _try(rule, case)
        trials.append(trial)
        if trial.chosen:
            return Routing(_answer(policy, rule, trial, case), tuple(trials))
    trial = Trial(policy.default.name, TrialOutcome.HELD, "default: no rule held", chosen=True)
    return Routing(_answer(policy, policy.default, trial, case), (*trials, trial))


def _try(rule: Rule, case: _Case) -> Trial:
    if rule.when is not None:
        try:
            if not rule.when.holds(case.facts):
                return Trial(rule.name, TrialOutcome.NOT_HELD, f"not_held: {rule.when.source}")
        except ConditionFailed as failure:
            strict = rule.then is not Then.APPROVE
            return Trial(rule.name, TrialOutcome.CONDITION_FAILED, f"condition_failed: {failure}", chosen=strict)
    if rule.then is Then.APPROVE:
        if case.suspicions:
            return Trial(rule.name, TrialOutcome.SUSPICIOUS, f"suspicious: {case.suspicions[0]}")
        confidence = case.submission.confidence
        if rule.gate is not None and (confidence is None or confidence < rule.gate):
            return Trial(rule.name, TrialOutcome.BELOW_GATE, "below_gate: the confidence is below the rule's gate")
    source = rule.when.source if rule.when else "no condition"
    return Trial(rule.name, TrialOutcome.HELD, f"held: {source}", chosen=True)


def _answer(policy: Policy, rule: Rule, trial: Trial, case: _Case) -> Route:
    barred = () if rule.allow_self else excluded(policy, case.submission, case.agent)
    # Where no stage's condition holds, all are asked: a rule that asks people never turns into one that asks nobody.
    asked = tuple(spec for spec in rule.stages if _applies(spec, case.facts)) or rule.stages
    return Route(
        then=rule.then,
        rule=rule.name,
        why=trial.detail,
        stages=tuple(_stage(policy, spec, barred) for spec in asked),
        gate=rule.gate,
        expires=min(rule.expires, case.submission.expires_in or rule.expires),
        on_expiry=rule.on_expiry,
        excluded=barred,
        risk=case.risk,
        warnings=case.suspicions,
        policy=policy.hash,
    )


def _applies(spec: StageSpec, facts: Mapping[str, Any]) -> bool:
    if spec.condition is None:
        return True
    try:
        return spec.condition.holds(facts)
    except ConditionFailed:
        return True


def _stage(policy: Policy, spec: StageSpec, barred: tuple[str, ...]) -> Stage:
    steps = tuple(
        Step(
            notify=step.notify,
            people=tuple([p for p in policy.members(step.notify) if p not in barred]),
            via=step.via,
            wait=step.wait,
            remind=step.remind,
        )
        for step in policy.chains[spec.chain]
    )
    return Stage(name=spec.name, chain=spec.chain, steps=steps, approvals=spec.approvals)
