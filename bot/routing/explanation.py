"""The explanation of one request, and its words for the terminal."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from bot.core.model import OnExpiry, Replies, Risk, Then
from bot.core.policy import Trial, TrialOutcome
from bot.core.scrutiny import visible
from bot.routing.spans import span_text


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
    """The whole path from a submission to its route. Times are UTC; ``faults`` are what the intake would refuse.

    ``replies`` is what a reply by mail may decide, ``replies_usual`` what it may where the file says nothing of it.
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

    def text(self) -> str:
        """For the terminal."""
        return "\n".join([*_head(self), *_tried(self), *_review(self)])

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values; times RFC 3339, durations in seconds."""
        return {name: _json(getattr(self, name)) for name in self.__struct_fields__}


_MARKS = {
    TrialOutcome.HELD: "held",
    TrialOutcome.NOT_HELD: "did not hold",
    TrialOutcome.CONDITION_FAILED: "could not be answered",
    TrialOutcome.BELOW_GATE: "held, but the confidence is below its gate",
    TrialOutcome.SUSPICIOUS: "held, but the arguments hide something",
}


_REPLIES = {
    Replies.APPROVE: "a reply by mail may approve, edit, reject, ask and escalate",
    Replies.REJECT_ONLY: "a reply by mail may reject, ask and escalate; it is approved elsewhere, as on its page",
    Replies.OFF: "a reply by mail decides nothing",
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
    ways = [way for stage in it.stages for moment in stage.moments for way in moment.channels]
    if it.stages and (it.replies is not it.replies_usual or any(way.startswith("email") for way in ways)):
        lines.append(f"  {_REPLIES[it.replies]}")
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
    return "  " + " ".join(part for part in (f"+{span_text(moment.after)}".ljust(8), at, words) if part)


def _json(value: Any) -> Any:
    if isinstance(value, Struct):
        return {name: _json(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, tuple):
        return [_json(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, timedelta):
        return value.total_seconds()
    return str(value) if isinstance(value, Then | Risk | OnExpiry | Replies | TrialOutcome) else value
