"""Why a request would get its route, and who would be asked when: pure, from the policy and the request alone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec.structs import replace

from bot.core.model import Absence, Route, Stage, Submission, Then
from bot.core.policy import LONGEST_VIEW, Limit, Policy, absences, excluded, route
from bot.core.replying import replies_by
from bot.routing.explanation import Excluded, Explanation, Moment, StageView
from bot.routing.spans import span_text
from bot.routing.timeline import begun, timelines


def explain(policy: Policy, submission: Submission, agent: str, now: datetime) -> Explanation:
    """What would become of this submission by this agent at ``now`` (aware)."""
    routing = route(policy, submission, agent=agent, now=now)
    answer = routing.route
    unsaid = Route(then=answer.then, rule=answer.rule, why=answer.why, risk=answer.risk)
    spec = policy.action(submission.action)
    faults = spec.schema.faults(submission.arguments) if spec.schema else ()
    ruled = next((rule for rule in policy.rules if rule.name == answer.rule), policy.default)
    return Explanation(
        action=submission.action,
        agent=agent,
        title=policy.title(submission.action, submission.arguments),
        at=now,
        then=answer.then,
        rule=answer.rule,
        why=answer.why,
        risk=answer.risk,
        risk_why=_risk_why(policy, submission, answer),
        replies=replies_by(answer, answer.risk),
        replies_usual=replies_by(unsaid, answer.risk),
        gate=answer.gate,
        confidence=submission.confidence,
        trials=routing.trials,
        excluded=_exclusions(policy, submission, agent, answer, now),
        stages=_stages(policy, submission, agent, answer, now),
        expires_at=now + answer.expires if answer.then is Then.STAGES else None,
        on_expiry=answer.on_expiry,
        suspicions=answer.warnings,
        faults=tuple(f"/arguments{fault.pointer}: {fault.detail}" for fault in faults),
        policy=policy.hash,
        critical=spec.critical,
        checks=answer.checks,
        advisors=answer.advisors,
        advice_within=answer.advice_within,
        limit=limit_text(ruled.limit),
        sample=ruled.sample,
        second_look=ruled.second_look,
        review_after=ruled.review_after,
        review_chain=ruled.review_chain or ruled.second_look,
    )


def limit_text(limit: Limit | None) -> str | None:
    """A limit in a line; None where there is none."""
    if limit is None:
        return None
    bounds = [f"a sum of {limit.max:g} ({limit.sum.source})"] if limit.sum is not None and limit.max is not None else []
    bounds += [f"{limit.count} requests"] if limit.count is not None else []
    kept = f", for each {', '.join(limit.by)}" if limit.by else ""
    return f"at most {' and '.join(bounds)} in {span_text(limit.per)}{kept}"


def _risk_why(policy: Policy, submission: Submission, answer: Route) -> str:
    declared = policy.action(submission.action).risk
    told = max(declared, submission.risk or declared, key=lambda risk: risk.rank)
    if answer.risk.rank > told.rank:
        found = "the arguments" if answer.warnings else "a check that did not pass"
        return f"raised from {told} because of {found}"
    if submission.risk is not None and submission.risk.rank > declared.rank:
        return f"the agent raised it from {declared}"
    said = ""
    if submission.risk is not None and submission.risk.rank < declared.rank:
        said = f"; the agent's {submission.risk} cannot lower it"
    listed = submission.action in policy.actions
    return ("as `actions` says" if listed else "the action is not listed, and such are irreversible") + said


def _exclusions(
    policy: Policy, submission: Submission, agent: str, answer: Route, now: datetime
) -> tuple[Excluded, ...]:
    until = now + min(answer.expires, LONGEST_VIEW)
    themselves = excluded(replace(policy, away={}), submission, agent, now, until)
    spec = policy.agents.get(agent)
    found = []
    for person in excluded(policy, submission, agent, now, until):
        if spec is not None and person == spec.owner:
            why = f"owns the agent {agent}"
        elif person == agent:
            why = "is who asks"
        elif person in themselves:
            why = "is whom the agent acts for"
        else:
            why = _delegated(absences(policy, themselves, now, until), person)
        if person not in answer.excluded:
            why += ", but the rule says allow_self"
        found.append(Excluded(person, why))
    return tuple(found)


def _delegated(known: Mapping[str, tuple[Absence, ...]], person: str) -> str:
    away = [who for who, times in known.items() if any(absence.delegate == person for absence in times)]
    return f"stands in for {', '.join(away)} meanwhile"


def _stages(policy: Policy, submission: Submission, agent: str, answer: Route, now: datetime) -> tuple[StageView, ...]:
    told = timelines(policy, begun(policy, submission, agent, answer, now))
    pairs = zip(answer.stages, told, strict=False)
    return tuple(_view(answer, stage, index, moments) for index, (stage, moments) in enumerate(pairs))


def _view(answer: Route, stage: Stage, index: int, moments: tuple[Moment, ...]) -> StageView:
    return StageView(
        name=stage.name,
        chain=stage.chain,
        approvals=stage.approvals,
        rejections=stage.rejections,
        distinct_groups=stage.distinct_groups,
        parallel=stage.parallel,
        begins=index in answer.beside(0),
        reachable=_reachable(answer, stage),
        moments=moments,
    )


def _reachable(answer: Route, stage: Stage) -> int:
    """How many may vote in it; where each has to vote for another name, as many as there are names at most."""
    people = set(stage.people)
    for person in stage.people:
        people |= {absence.delegate for absence in answer.absences.get(person, ()) if absence.delegate is not None}
    there = people - set(answer.excluded)
    if not stage.distinct_groups:
        return len(there)
    return min(len(there), len({name for step in stage.steps for name in step.notify}))
