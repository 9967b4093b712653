"""The walk from a submission to its route.

It is pure and short: first match wins, every step of it is recorded (`Trial`), and what an agent says of itself (risk,
labels) can only make the answer stricter: the rules are walked with its word and without it, and the stricter answer
holds (threat T14). A condition that fails as it runs gives the rule's *strict* answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from msgspec.structs import replace

from bot.core.edits import tightened
from bot.core.model import Check, Kind, Route, Submission, Then
from bot.core.policy.asking import staffed
from bot.core.policy.cases import Case, cases
from bot.core.policy.chains import StageSpec
from bot.core.policy.exclusion import excluded
from bot.core.policy.expressions import ConditionFailed
from bot.core.policy.people import LONGEST_VIEW
from bot.core.policy.rules import Rule
from bot.core.policy.terms import terms
from bot.core.policy.trials import CHECKS, EXCEPTIONS, UNBOUND, Bounds, Routing, Trial, TrialOutcome
from bot.core.policy.whole import Policy

_KIND = re.compile(r"\bkind\b")


def strictness(route: Route) -> tuple[int, int, int, int]:
    """How hard a route is to pass: its answer, how many approvals, in how many stages, with how many people barred."""
    return (route.then.rank, sum(stage.approvals for stage in route.stages), len(route.stages), len(route.excluded))


def stricter(first: Route, second: Route) -> Route:
    """The harder of two routes; the first where they are equally hard."""
    return second if strictness(second) > strictness(first) else first


def route(policy: Policy, submission: Submission, *, agent: str, now: datetime, bounds: Bounds = UNBOUND) -> Routing:
    """Walk the rules for one submission (see the module's law); for a choice, for all that it offers."""
    if submission.kind is not Kind.CHOICE or not submission.options:
        return _routed(policy, submission, agent, now, bounds)
    found = []
    for option in submission.options:
        picked = replace(submission, arguments=option.arguments)
        found.append(_routed(policy, picked, agent, now, bounds))
    return _strictest(submission, found)


def _strictest(submission: Submission, found: list[Routing]) -> Routing:
    """One route as strict as that of every option; picking one that a rule blocks is what the rule blocks."""
    every = list(zip(submission.options, found, strict=True))
    offered = [(option, routing) for option, routing in every if routing.route.then is not Then.BLOCK]
    if not offered:
        return found[0]
    merged = offered[0][1].route
    for _, routing in offered[1:]:
        merged = tightened(merged, routing.route)
    barred = tuple(
        f"option {option.id!r} cannot be picked: the rule {routing.route.rule!r} blocks it"
        for option, routing in every
        if routing.route.then is Then.BLOCK
    )
    checks = tuple(
        replace(check, name=f"{check.name} (option {option.id})")
        for option, routing in offered
        for check in routing.route.checks
    )
    routes = [routing.route for _, routing in offered]
    strict = replace(
        merged,
        risk=max((each.risk for each in routes), key=lambda risk: risk.rank),
        checks=checks,
        warnings=merged.warnings + barred,
        expires=min(each.expires for each in routes),
        advisors=tuple(dict.fromkeys(name for each in routes for name in each.advisors)),
        advice_within=max((each.advice_within for each in routes if each.advice_within is not None), default=None),
    )
    told = next(routing for _, routing in offered if routing.route.rule == merged.rule)
    return Routing(strict, told.trials)


def _routed(policy: Policy, submission: Submission, agent: str, now: datetime, bounds: Bounds) -> Routing:
    told, plain = cases(policy, submission, agent=agent, now=now, bounds=bounds)
    if told.barring is not None:
        return _barred(policy, told, told.barring)
    with_word = _walk(policy, told)
    if told.risk is plain.risk and not (submission.labels and _reads_labels(policy, with_word)):
        return with_word
    without = _walk(policy, plain)
    if stricter(with_word.route, without.route) is with_word.route:
        if not _covers(with_word.route, without.route):
            return _joined(with_word, without.route)
        also = without.route.then is Then.APPROVE and without.route.rule != with_word.route.rule
        return replace(with_word, also=without.route.rule) if also else with_word
    why = f"no_laxer: the agent's own labels or risk would have made the review laxer; {without.route.why}"
    return Routing(replace(without.route, why=why, risk=told.risk), with_word.trials + without.trials)


def _covers(asked: Route, needed: Route) -> bool:
    """Whether whoever is needed is among those asked, by as many approvals: an agent's word chooses no judges."""
    given = {stage.chain: stage.approvals for stage in asked.stages}
    if asked.then is Then.BLOCK or needed.then is not Then.STAGES:
        return True
    return all(given.get(stage.chain, 0) >= stage.approvals for stage in needed.stages)


def _joined(with_word: Routing, needed: Route) -> Routing:
    """The route for what the agent says of itself, and after it those who would be asked without that."""
    route = with_word.route
    why = f"{route.why}; no_laxer: and {needed.rule!r}, which holds without the agent's own labels or risk"
    joined = replace(tightened(route, needed), rule=route.rule, why=why, terms=route.terms)
    return replace(with_word, route=joined)


def _barred(policy: Policy, case: Case, check: Check) -> Routing:
    trial = Trial(CHECKS, TrialOutcome.CHECK_FAILED, f"check_failed: {check.name}: {check.detail}", chosen=True)
    rule = Rule(name=CHECKS, then=Then.BLOCK)
    return Routing(_answer(policy, rule, trial, case), (trial,))


def _walk(policy: Policy, case: Case) -> Routing:
    trials: list[Trial] = []
    exception = case.submission.kind is Kind.EXCEPTION and bool(policy.exceptions)
    for rule in policy.rules:
        trial = _try(rule, case)
        if exception and trial.chosen and rule.then is not Then.BLOCK and not _reads_kind(rule):
            trial = replace(trial, chosen=False)
        trials.append(trial)
        if trial.chosen:
            return Routing(_answer(policy, rule, trial, case), tuple(trials))
    if exception:
        trial = Trial(EXCEPTIONS, TrialOutcome.HELD, "exceptions: the agent calls this out of its scope", chosen=True)
        rule = replace(policy.default, name=EXCEPTIONS, then=Then.STAGES, stages=policy.exceptions)
        return Routing(_answer(policy, rule, trial, case), (*trials, trial))
    trial = Trial(policy.default.name, TrialOutcome.HELD, "default: no rule held", chosen=True)
    return Routing(_answer(policy, policy.default, trial, case), (*trials, trial))


def _reads_labels(policy: Policy, walked: Routing) -> bool:
    """Whether any condition that was asked on the way reads the agent's labels: else it goes alike without them."""
    tried = policy.rules[: len(walked.trials)]
    answered = tried[-1] if tried and len(tried) == len(walked.trials) else policy.default
    asked = [rule.when for rule in tried]
    asked += [stage.condition for stage in (*answered.stages, *policy.exceptions)]
    return any(condition is not None and condition.reads_labels for condition in asked)


def _reads_kind(rule: Rule) -> bool:
    return rule.when is not None and _KIND.search(rule.when.source) is not None


@lru_cache(maxsize=1 << 14)
def _not_held(rule: str, source: str) -> Trial:
    """Kept, for of a thousand rules nearly all fare so, each time."""
    return Trial(rule, TrialOutcome.NOT_HELD, f"not_held: {source}")


def _try(rule: Rule, case: Case) -> Trial:
    if rule.when is not None:
        only = rule.when.actions
        if only is not None and case.submission.action not in only:
            return _not_held(rule.name, rule.when.source)
        try:
            if not rule.when.holds(case.facts):
                return _not_held(rule.name, rule.when.source)
        except ConditionFailed as failure:
            strict = rule.then is not Then.APPROVE
            return Trial(rule.name, TrialOutcome.CONDITION_FAILED, f"condition_failed: {failure}", chosen=strict)
    if rule.then is Then.APPROVE:
        held_back = _held_back(rule, case)
        if held_back is not None:
            outcome, why = held_back
            return Trial(rule.name, outcome, f"{outcome}: {why}", chosen=rule.second_look is not None)
    if rule.then is Then.BLOCK and case.bounds.sampled:
        return Trial(rule.name, TrialOutcome.NEEDS_PERSON, "needs_person: a sample of what a rule above would approve")
    source = rule.when.source if rule.when else "no condition"
    return Trial(rule.name, TrialOutcome.HELD, f"held: {source}", chosen=True)


def _held_back(rule: Rule, case: Case) -> tuple[TrialOutcome, str] | None:
    """Why a rule that holds does not approve, if so."""
    if case.forced is not None:
        return case.forced
    confidence = case.submission.confidence
    if rule.gate is not None and (confidence is None or confidence < rule.gate):
        return TrialOutcome.BELOW_GATE, "the confidence is below the rule's gate"
    closed = case.bounds.closed.get(rule.name)
    if closed is None and case.bounds.sampled:
        return TrialOutcome.NEEDS_PERSON, "a sample of what a rule above would approve"
    return closed


def _answer(policy: Policy, rule: Rule, trial: Trial, case: Case) -> Route:
    expires = min(rule.expires, case.submission.expires_in or rule.expires)
    until = case.now + min(expires, LONGEST_VIEW)
    barred = () if rule.allow_self else excluded(policy, case.submission, case.agent, case.now, until)
    looked_at = rule.then is Then.APPROVE and trial.outcome is not TrialOutcome.HELD and rule.second_look
    specs = (StageSpec(name=looked_at, chain=looked_at),) if looked_at else rule.stages
    # Where no stage's condition holds, all are asked: a rule that asks people never turns into one that asks nobody.
    asked = tuple([spec for spec in specs if _applies(spec, case.facts)]) or specs
    answer = Route(
        then=Then.STAGES if looked_at else rule.then,
        rule=rule.name,
        why=trial.detail,
        gate=rule.gate,
        expires=expires,
        on_expiry=rule.on_expiry,
        excluded=barred,
        risk=case.risk,
        warnings=case.suspicions,
        policy=policy.hash,
        replies=rule.replies or policy.replies,
        irreversible=rule.irreversible or policy.irreversible,
        checks=case.checks,
        refused=case.bounds.refused,
        advisors=rule.advisors,
        advice_within=rule.advice_within if rule.advisors else None,
        hidden=case.hidden,
        subject=case.subject,
        review_after=(rule.review_chain or rule.second_look) if rule.review_after and not looked_at else None,
        review_share=rule.review_after or 1.0,
        grant=rule.grant,
        terms=() if rule.trust is None else terms(policy, rule, case.submission.action),
        needs_reason=case.risk in policy.attention.reason_for and case.submission.kind is Kind.APPROVAL,
    )
    return staffed(policy, answer, asked, case.now) if asked else answer


def _applies(spec: StageSpec, facts: Mapping[str, Any]) -> bool:
    if spec.condition is None:
        return True
    try:
        return spec.condition.holds(facts)
    except ConditionFailed:
        return True
