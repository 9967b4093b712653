"""The walk from a submission to its route.

It is pure and short: first match wins, every step of it is recorded (`Trial`), and what an agent says of itself (risk,
labels) can only make the answer stricter: the rules are walked with its word and without it, and the stricter answer
holds (threat T14). A condition that fails as it runs gives the rule's *strict* answer.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from bot.core.model import Person, Risk, Route, Stage, Step, Submission, Then
from bot.core.policy.rules import ConditionFailed, Policy, Rule, StageSpec
from bot.core.scrutiny import findings, hidden


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
    """Who may not review: the agent itself, its owner, and whoever it acts for."""
    names = {agent}
    spec = policy.agents.get(agent)
    if spec and spec.owner:
        names.add(spec.owner)
    if submission.on_behalf_of:
        addresses, words = _named(submission.on_behalf_of)
        names |= {p.id for p in policy.people.values() if _is_meant(p, addresses, words)}
    return tuple(sorted(names & policy.people.keys()))


_APART = r"\s,;:<>()\[\]\"'@/|"
_ADDRESS = re.compile(rf"([^{_APART}+]+)(?:\+[^{_APART}]*)?@([^{_APART}]+)")


def _named(text: str) -> tuple[set[str], str]:
    """The mail addresses in a text, without their ``+tags``, and its other words between single spaces.

    Width, case and hidden characters make no difference.
    """
    seen = "".join(c for c in unicodedata.normalize("NFKC", text) if c.isspace() or not hidden(c)).casefold()
    addresses = {f"{local}@{host}" for local, host in _ADDRESS.findall(seen)}
    return addresses, f" {re.sub(f'[{_APART}]+', ' ', _ADDRESS.sub(' ', seen)).strip()} "


def _is_meant(person: Person, addresses: set[str], words: str) -> bool:
    """Whether a person is among those named. Barring somebody wrongly is the safe mistake, so a name is enough."""
    if person.email and _named(person.email)[0] & addresses:
        return True
    names = (_named(name)[1] for name in (person.id, person.name, person.slack) if name)
    return any(name.strip() and name in words for name in names)


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
        replies=rule.replies or policy.replies,
        irreversible=rule.irreversible or policy.irreversible,
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
            digest=step.digest,
        )
        for step in policy.chains[spec.chain]
    )
    return Stage(name=spec.name, chain=spec.chain, steps=steps, approvals=spec.approvals)
