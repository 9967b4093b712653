"""The explanation of one request, and its words for the terminal."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from msgspec import Struct

from bot.core.model import Check, OnExpiry, Replies, Risk, Then
from bot.core.policy import Trial, TrialOutcome
from bot.core.scrutiny import visible
from bot.routing.spans import span_text


class Excluded(Struct, frozen=True):
    """Somebody who may not review this request, and why."""

    person: str
    why: str


class Moment(Struct, frozen=True, kw_only=True):
    """Something that will happen if nobody decides.

    ``after`` counts from where its stage begins; ``at`` is None in a later stage, whose beginning is not known.
    ``what`` is ``advice`` (advisors are heard first), ``hold`` (nobody is there to be asked yet), ``ask``, ``repeat``
    (the chain begins again), ``remind``, ``chain_end``, ``ending`` (the end of its chain ends the request) or
    ``expire``; ``step`` counts from 1 (0: of no step). ``people`` are those who are asked anew; ``stands_for`` says for
    whom some of them do, ``told`` when those learn of it who are outside their hours (counted as ``after`` is).
    """

    what: str
    after: timedelta
    at: datetime | None
    stage: str
    step: int
    people: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    detail: str = ""
    stands_for: dict[str, str] = {}
    told: dict[str, timedelta] = {}


class StageView(Struct, frozen=True, kw_only=True):
    """One stage as it will be asked; ``reachable`` is how many approvals it could ever get.

    ``parallel`` 0: alone; else those next to each other with the same number are asked together. ``begins`` False: it
    is asked once the stage before is approved.
    """

    name: str
    chain: str
    approvals: int
    rejections: int
    distinct_groups: bool
    parallel: int
    begins: bool
    reachable: int
    moments: tuple[Moment, ...]


class Explanation(Struct, frozen=True, kw_only=True):
    """The whole path from a submission to its route. Times are UTC; ``faults`` are what the intake would refuse.

    ``replies`` is what a reply by mail may decide, ``replies_usual`` what it may where the file says nothing of it.
    ``limit`` and ``sample`` (a share) bound the rule that answered; ``second_look`` is the chain asked beyond them, and
    ``review_chain`` the one that looks at the share ``review_after`` once it ran.
    """

    action: str
    agent: str
    title: str
    at: datetime
    then: Then
    rule: str
    why: str
    risk: Risk
    risk_why: str
    replies: Replies
    replies_usual: Replies
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
    critical: bool = False
    checks: tuple[Check, ...] = ()
    limit: str | None = None
    sample: float = 0.0
    second_look: str | None = None
    review_after: float = 0.0
    review_chain: str | None = None
    advisors: tuple[str, ...] = ()
    advice_within: timedelta | None = None

    def text(self) -> str:
        """For the terminal."""
        return "\n".join([*_head(self), *_tried(self), *_review(self)])

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values; times RFC 3339, durations in seconds."""
        document: dict[str, Any] = as_json(self)
        return document


_MARKS = {
    TrialOutcome.HELD: "held",
    TrialOutcome.NOT_HELD: "did not hold",
    TrialOutcome.CONDITION_FAILED: "could not be answered",
    TrialOutcome.BELOW_GATE: "held, but the confidence is below its gate",
    TrialOutcome.SUSPICIOUS: "held, but the arguments hide something",
    TrialOutcome.CHECK_FAILED: "held, but a check of the action did not pass",
    TrialOutcome.NEEDS_PERSON: "held, but a person has to decide this",
    TrialOutcome.LIMITED: "held, but its limit is reached",
    TrialOutcome.SAMPLED: "held, but this one is among its sample",
}

_REPLIES = {
    Replies.APPROVE: "a reply by mail may approve, edit, reject, ask and escalate",
    Replies.REJECT_ONLY: "a reply by mail may reject, ask and escalate; it is approved elsewhere, as on its page",
    Replies.OFF: "a reply by mail decides nothing",
}


def _head(it: Explanation) -> list[str]:
    lines = [one_line(it.title), f"  {it.action} by {it.agent}, risk {it.risk} ({it.risk_why})"]
    lines += ["  critical: no rule approves it, a person always decides"] if it.critical else []
    lines += [f"  the intake would refuse {visible(fault)}" for fault in it.faults]
    lines += [f"  suspicious: {mark}" for mark in it.suspicions]
    for check in it.checks:
        passed = {True: "passed", False: "did not pass", None: "could not be answered"}[check.passed]
        lines.append(f"  check {check.name!r} {passed} ({one_line(check.detail)})")
    return lines


def one_line(text: str) -> str:
    """A text `visible`, and on one line."""
    return visible(text).replace("\n", " ")


def _tried(it: Explanation) -> list[str]:
    tried = [f"{'→' if t.chosen else ' '} {t.rule}: {_MARKS[t.outcome]} ({one_line(t.detail)})" for t in it.trials]
    answer = {Then.APPROVE: "approved by rule", Then.BLOCK: "blocked by rule", Then.STAGES: "people decide"}[it.then]
    lines = [f"  {line}" for line in tried]
    return ["", "Rules tried", *lines, "", f"Answer: {answer} {it.rule!r}", *_bounds(it)]


def _bounds(it: Explanation) -> list[str]:
    """What may take the approval away again at submission."""
    if it.then is Then.STAGES and it.second_look:
        return [f"  second look: the rule held and does not approve this, so the chain {it.second_look!r} is asked"]
    if it.then is not Then.APPROVE:
        return []
    beyond = f"the chain {it.second_look!r} is asked" if it.second_look else "the walk goes on to the next rule"
    lines = []
    if it.limit:
        lines.append(f"  limit: {it.limit}; what there is room for is counted at submission, and beyond it {beyond}")
    if it.sample:
        lines.append(f"  sample: {it.sample * 100:.4g}% of these go to a person by chance: {beyond}")
    if it.review_after:
        share = "all" if it.review_after >= 1 else f"{it.review_after * 100:.4g}%, by chance,"
        lines.append(f"  review afterwards: of what ran, {share} goes to the chain {it.review_chain!r}")
    return lines


def _review(it: Explanation) -> list[str]:
    lines = [f"  not asked: {gone.person}, who {gone.why}" for gone in it.excluded]
    if it.gate is not None:
        given = "none given" if it.confidence is None else f"{it.confidence * 100:.4g}%"
        lines.append(f"  confidence gate {it.gate * 100:.4g}%, {given}")
    if it.advisors:
        within = span_text(it.advice_within or timedelta(0))
        lines.append(f"  advisors: {', '.join(it.advisors)}, heard for {within} at most before people are asked")
    ways = [way for stage in it.stages for moment in stage.moments for way in moment.channels]
    if it.stages and (it.replies is not it.replies_usual or any(way.startswith("email") for way in ways)):
        lines.append(f"  {_REPLIES[it.replies]}")
    for number, stage in enumerate(it.stages, start=1):
        lines += ["", f"Stage {number} of {len(it.stages)}: {stage.name} ({_needed(stage)})"]
        beside = [other.name for other in it.stages if other is not stage and other.parallel == stage.parallel]
        if stage.parallel and beside:
            lines.append(f"  asked together with {', '.join(beside)}")
        if stage.approvals > stage.reachable:
            lines.append("  it can never be approved: too few people are left to ask")
        if not stage.begins:
            lines.append("  begins once the stage before is approved; times count from then, as if that were at once")
        lines += [_told(moment, it.on_expiry) for moment in stage.moments]
    return lines


def _needed(stage: StageView) -> str:
    people = "person" if stage.reachable == 1 else "people"
    each = ", each for another of the names it asks" if stage.distinct_groups else ""
    said = f"{stage.approvals} approval{'s' * (stage.approvals > 1)}{each}, {stage.reachable} {people} to ask"
    return said if stage.rejections == 1 else f"{said}, {stage.rejections} rejections end it"


_ENDS = {OnExpiry.EXPIRE: "expire: nothing runs", OnExpiry.REJECT: "reject: nobody decided in time"}


def _told(moment: Moment, on_expiry: OnExpiry) -> str:
    at = f"{moment.at:%Y-%m-%d %H:%M:%S} UTC" if moment.at else ""
    people = ", ".join(f"{p} (for {moment.stands_for[p]})" if p in moment.stands_for else p for p in moment.people)
    through = f"through {', '.join(moment.channels)}"
    words = {
        "advice": f"hear {moment.detail} first",
        "hold": f"wait until somebody is there to be asked: {moment.detail}",
        "ask": f"ask {people or moment.detail} {through}",
        "repeat": f"ask {people} again, from the chain's beginning, {through}",
        "remind": f"remind {people} {moment.detail}".rstrip(),
        "chain_end": "the chain ends: everybody was asked, and nobody further is",
        "ending": f"the chain ends{', and ' + people + ' told' if people else ''}: {moment.detail}",
        "expire": _ENDS[on_expiry],
    }[moment.what]
    late = [f"{person} at {_late(moment, after)}" for person, after in moment.told.items()]
    outside = f"; outside their hours, and told later: {', '.join(late)}" if late else ""
    return "  " + " ".join(part for part in (f"+{span_text(moment.after)}".ljust(8), at, words + outside) if part)


def _late(moment: Moment, after: timedelta) -> str:
    if moment.at is None:
        return f"+{span_text(after)}"
    return f"{moment.at + (after - moment.after):%Y-%m-%d %H:%M:%S} UTC"


def as_json(value: Any) -> Any:
    """A value of ours as JSON values: structs as objects, times RFC 3339, durations in seconds."""
    if isinstance(value, Struct):
        return {name: as_json(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, tuple | list):
        return [as_json(item) for item in value]
    if isinstance(value, dict):
        return {str(key): as_json(item) for key, item in value.items()}
    if isinstance(value, date):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, timedelta):
        return value.total_seconds()
    return str(value) if isinstance(value, StrEnum) else value
