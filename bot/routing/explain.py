"""Why a request would get its route, and who would be asked when: pure, from the policy and the request alone."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec.structs import replace

from bot.core.model import Route, Stage, Step, Submission, Then
from bot.core.policy import Policy, excluded, route
from bot.core.replying import replies_by
from bot.routing.explanation import Excluded, Explanation, Moment, StageView
from bot.routing.lint import reachable
from bot.routing.people import CHANNELS
from bot.routing.spans import span_text

_MOST_REMINDERS = 3
"""Reminders told one by one in a step; the rest are counted."""


def explain(policy: Policy, submission: Submission, agent: str, now: datetime) -> Explanation:
    """What would become of this submission by this agent at ``now`` (aware)."""
    routing = route(policy, submission, agent=agent, now=now)
    answer = routing.route
    unsaid = Route(then=answer.then, rule=answer.rule, why=answer.why, risk=answer.risk)
    spec = policy.action(submission.action)
    faults = spec.schema.faults(submission.arguments) if spec.schema else ()
    return Explanation(
        action=submission.action,
        agent=agent,
        title=policy.title(submission.action, submission.arguments),
        at=now,
        then=answer.then,
        rule=answer.rule,
        why=answer.why,
        risk=answer.risk,
        risk_why=_risk_why(policy, submission),
        replies=replies_by(answer, answer.risk),
        replies_usual=replies_by(unsaid, answer.risk),
        gate=answer.gate,
        confidence=submission.confidence,
        trials=routing.trials,
        excluded=_exclusions(policy, submission, agent, answer),
        stages=tuple(_stage(policy, answer, index, now) for index in range(len(answer.stages))),
        expires_at=now + answer.expires if answer.then is Then.STAGES else None,
        on_expiry=answer.on_expiry,
        suspicions=answer.warnings,
        faults=tuple(f"/arguments{fault.pointer}: {fault.detail}" for fault in faults),
        policy=policy.hash,
    )


def _risk_why(policy: Policy, submission: Submission) -> str:
    declared = policy.action(submission.action).risk
    if submission.risk is not None and submission.risk.rank > declared.rank:
        return f"the agent raised it from {declared}"
    said = ""
    if submission.risk is not None and submission.risk.rank < declared.rank:
        said = f"; the agent's {submission.risk} cannot lower it"
    listed = submission.action in policy.actions
    return ("as `actions` says" if listed else "the action is not listed, and such are irreversible") + said


def _exclusions(policy: Policy, submission: Submission, agent: str, answer: Route) -> tuple[Excluded, ...]:
    barred = excluded(policy, submission, agent)
    spec = policy.agents.get(agent)
    found = []
    for person in barred:
        if spec is not None and person == spec.owner:
            why = f"owns the agent {agent}"
        elif person == agent:
            why = "is who asks"
        else:
            why = "is whom the agent acts for"
        if person not in answer.excluded:
            why += ", but the rule says allow_self"
        found.append(Excluded(person, why))
    return tuple(found)


def _stage(policy: Policy, answer: Route, index: int, now: datetime) -> StageView:
    stage = answer.stages[index]
    start = now if index == 0 else None
    people = {person for step in stage.steps for person in step.people}
    return StageView(
        name=stage.name,
        chain=stage.chain,
        approvals=stage.approvals,
        reachable=len(people),
        moments=_moments(policy, stage, answer.expires, start),
    )


def _moments(policy: Policy, stage: Stage, expires: timedelta, start: datetime | None) -> tuple[Moment, ...]:
    """The stage's clock, as `bot.core.lifecycle` runs it: steps that ask nobody anew are passed over."""
    found: list[Moment] = []
    after: timedelta | None = timedelta(0)
    current = next((i for i, step in enumerate(stage.steps) if step.people), len(stage.steps) - 1)
    while after is not None and after < expires:
        step = stage.steps[current]
        coming = stage.following(current)
        ends = None if step.wait is None else after + step.wait
        asking = Moment(
            what="ask",
            after=after,
            at=_at(start, after),
            stage=stage.name,
            step=current + 1,
            people=step.people,
            channels=_ways(policy, step),
            detail="" if step.people else "nobody (everybody of it is excluded)",
        )
        found.append(asking)
        found += _reminders(asking, step, start, expires if ends is None or coming is None else min(ends, expires))
        if ends is not None and coming is None and ends < expires:
            found.append(replace(asking, what="chain_end", after=ends, at=_at(start, ends), people=(), channels=()))
        after, current = (None, current) if coming is None else (ends, coming)
    if start is not None:
        found.append(Moment(what="expire", after=expires, at=_at(start, expires), stage=stage.name, step=0))
    return tuple(found)


def _reminders(asking: Moment, step: Step, start: datetime | None, until: timedelta) -> list[Moment]:
    """The reminders of a step while it is the newest, the first few one by one."""
    if step.remind is None or not step.people:
        return []
    count = max(-(-(until - asking.after) // step.remind) - 1, 0)
    told = []
    for number in range(1, min(count, _MOST_REMINDERS) + 1):
        after = asking.after + step.remind * number
        told.append(replace(asking, what="remind", after=after, at=_at(start, after), channels=()))
    if count > _MOST_REMINDERS:
        more = f"and {count - _MOST_REMINDERS} more, every {span_text(step.remind)}"
        told[-1] = replace(told[-1], detail=more)
    return told


def _at(start: datetime | None, after: timedelta) -> datetime | None:
    return None if start is None else start + after


def _ways(policy: Policy, step: Step) -> tuple[str, ...]:
    """The step's channels, each with those it cannot reach."""
    found = []
    for channel in step.via or CHANNELS:
        lost = [p for p in step.people if p in policy.people and not reachable(policy, policy.people[p], channel)]
        if not step.via and len(lost) == len(step.people):
            continue
        found.append(channel + (f" (no address for {', '.join(lost)})" if lost else ""))
    return tuple(found) or ("inbox",)
