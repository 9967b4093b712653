"""Why a request would get its route, and who would be asked when: pure, from the policy and the request alone."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from bot.core.model import OnExpiry, Risk, Route, Stage, Step, Submission, Then
from bot.core.policy import Policy, Trial, TrialOutcome, excluded, route
from bot.core.scrutiny import visible
from bot.routing.lint import reachable
from bot.routing.people import CHANNELS

_MOST_REMINDERS = 3
"""Reminders told one by one in a step; the rest are counted."""


class Excluded(Struct, frozen=True):
    """Somebody who may not review this request, and why."""

    person: str
    why: str


class Moment(Struct, frozen=True, kw_only=True):
    """Something that would happen if nobody decided.

    ``after`` counts from where its stage begins; ``at`` is None in a later stage, whose beginning is not known.
    ``what`` is ``ask``, ``remind``, ``chain_end`` or ``expire``; ``step`` counts from 1 (0: of no step).
    """

    what: str
    after: timedelta
    at: datetime | None
    stage: str
    step: int
    people: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    detail: str = ""


class StageView(Struct, frozen=True, kw_only=True):
    """One stage as it would be asked; ``reachable`` is how many people may vote in it."""

    name: str
    chain: str
    approvals: int
    reachable: int
    moments: tuple[Moment, ...]


class Explanation(Struct, frozen=True, kw_only=True):
    """The whole path from a submission to its route. Times are UTC; ``faults`` are what the intake would refuse."""

    action: str
    agent: str
    title: str
    at: datetime
    then: Then
    rule: str
    why: str
    risk: Risk
    risk_why: str
    gate: float | None
    confidence: float | None
    trials: tuple[Trial, ...]
    excluded: tuple[Excluded, ...]
    stages: tuple[StageView, ...]
    expires_at: datetime | None
    on_expiry: OnExpiry
    suspicions: tuple[str, ...]
    faults: tuple[str, ...]
    policy: str

    def text(self) -> str:
        """For the terminal."""
        return "\n".join([*_head(self), *_tried(self), *_review(self)])

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values; times RFC 3339, durations in seconds."""
        return {name: _json(getattr(self, name)) for name in self.__struct_fields__}


def explain(policy: Policy, submission: Submission, agent: str, now: datetime) -> Explanation:
    """What would become of this submission by this agent at ``now`` (aware)."""
    routing = route(policy, submission, agent=agent, now=now)
    answer = routing.route
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
        more = f"and {count - _MOST_REMINDERS} more, every {_span(step.remind)}"
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


_MARKS = {
    TrialOutcome.HELD: "held",
    TrialOutcome.NOT_HELD: "did not hold",
    TrialOutcome.CONDITION_FAILED: "could not be answered",
    TrialOutcome.BELOW_GATE: "held, but the confidence is below its gate",
    TrialOutcome.SUSPICIOUS: "held, but the arguments hide something",
}


def _head(it: Explanation) -> list[str]:
    lines = [visible(it.title).replace("\n", " "), f"  {it.action} by {it.agent}, risk {it.risk} ({it.risk_why})"]
    lines += [f"  the intake would refuse {visible(fault)}" for fault in it.faults]
    lines += [f"  suspicious: {mark}" for mark in it.suspicions]
    return lines


def _tried(it: Explanation) -> list[str]:
    lines = ["", "Rules tried"]
    for trial in it.trials:
        detail = visible(trial.detail).replace("\n", " ")
        lines.append(f"  {'→' if trial.chosen else ' '} {trial.rule}: {_MARKS[trial.outcome]} ({detail})")
    answer = {Then.APPROVE: "approved by rule", Then.BLOCK: "blocked by rule", Then.STAGES: "people decide"}[it.then]
    return [*lines, "", f"Answer: {answer} {it.rule!r}"]


def _review(it: Explanation) -> list[str]:
    lines = [f"  not asked: {gone.person}, who {gone.why}" for gone in it.excluded]
    if it.gate is not None:
        given = "none given" if it.confidence is None else f"{it.confidence * 100:.4g}%"
        lines.append(f"  confidence gate {it.gate * 100:.4g}%, {given}")
    for number, stage in enumerate(it.stages, start=1):
        people = "person" if stage.reachable == 1 else "people"
        needed = f"{stage.approvals} approval{'s' * (stage.approvals > 1)}, {stage.reachable} {people} to ask"
        lines += ["", f"Stage {number} of {len(it.stages)}: {stage.name} ({needed})"]
        if stage.approvals > stage.reachable:
            lines.append("  it can never be approved: too few people are left to ask")
        if number > 1:
            lines.append("  begins once the stage before is approved; times count from then")
        lines += [_told(moment, it.on_expiry) for moment in stage.moments]
    return lines


def _told(moment: Moment, on_expiry: OnExpiry) -> str:
    at = f"{moment.at:%Y-%m-%d %H:%M:%S} UTC" if moment.at else ""
    people = ", ".join(moment.people)
    words = {
        "ask": f"ask {people or moment.detail} through {', '.join(moment.channels)}",
        "remind": f"remind {people} {moment.detail}".rstrip(),
        "chain_end": "the chain ends: everybody was asked, and nobody further is",
        "expire": "expire: nothing runs" if on_expiry is OnExpiry.EXPIRE else "reject: nobody decided in time",
    }[moment.what]
    return "  " + " ".join(part for part in (f"+{_span(moment.after)}".ljust(8), at, words) if part)


def _span(length: timedelta) -> str:
    """A duration in the units of the file: ``1h30m``."""
    rest = int(length / timedelta(milliseconds=1))
    parts = []
    for name, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{name}")
    return "".join(parts) or "0s"


def _json(value: Any) -> Any:
    if isinstance(value, Struct):
        return {name: _json(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, tuple):
        return [_json(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, timedelta):
        return value.total_seconds()
    return str(value) if isinstance(value, Then | Risk | OnExpiry | TrialOutcome) else value
