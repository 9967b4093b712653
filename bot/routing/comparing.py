"""How two routing files differ: in their words, and in the route that a request gets under each. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from msgspec import Struct

from bot.core.model import OnExpiry, Request, Revision, Route, Stage, State, Step, Submission, Then
from bot.core.policy import Bounds, Policy, route, strictness
from bot.core.policy.exclusion import for_whom
from bot.routing.faults import listed, quoted
from bot.routing.spans import span_text


class Verdict(StrEnum):
    """How one route compares to another; later members matter less."""

    LAXER = "laxer"
    STRICTER = "stricter"
    OTHER_PEOPLE = "other people"
    OTHERWISE = "asked otherwise"
    SAME = "same"


class Difference(Struct, frozen=True, kw_only=True):
    """One request under two files: its route under each, in a line."""

    request: str
    title: str
    state: State
    created_at: datetime
    verdict: Verdict
    before: str
    after: str


def submitted(request: Request, first: Revision, policy: Policy) -> Submission:
    """What the agent submitted, from the request and its first revision.

    The risk that the agent claimed is not kept by itself: where the request's is higher than ``policy`` declares, and
    nothing suspicious made it so, it was the agent who raised it. A person who asked for a rollback was barred from it
    and is not in its content.
    """
    raised = request.risk.rank > policy.action(request.action).risk.rank and not request.route.warnings
    return Submission(
        action=first.action,
        arguments=first.arguments,
        reason=first.reason,
        confidence=first.confidence,
        kind=request.kind,
        risk=request.risk if raised else None,
        labels=first.labels,
        on_behalf_of=for_whom(first.on_behalf_of, request.route.asked or ""),
        context=first.context,
        options=first.options,
        batch=request.batch,
        revises=request.revises,
    )


def compare(old: Policy, new: Policy, request: Request, first: Revision) -> Difference:
    """How a request, as it was first submitted and at that time, is routed by the one file and by the other.

    Limits and samples are left out of both; what advisors said and an earlier rejection count under both.
    """
    given = submitted(request, first, old)
    opinions = {said.by: said.opinion for said in request.advice}
    bounds = Bounds(refused=request.route.refused, advice=opinions)
    before, after = (
        route(policy, given, agent=request.agent, now=request.created_at, bounds=bounds).route for policy in (old, new)
    )
    return Difference(
        request=request.id,
        title=request.title,
        state=request.state,
        created_at=request.created_at,
        verdict=verdict(before, after),
        before=in_words(before),
        after=in_words(after),
    )


def verdict(before: Route, after: Route) -> Verdict:
    """How the second route compares to the first; which rule answered, and why, makes no difference."""
    if before.then is not after.then:
        return Verdict.STRICTER if after.then.rank > before.then.rank else Verdict.LAXER
    if before.then is not Then.STAGES:
        return Verdict.SAME
    was, now = _needs(before), _needs(after)
    if was != now:
        return Verdict.STRICTER if now > was else Verdict.LAXER
    if _people(before) != _people(after):
        return Verdict.OTHER_PEOPLE
    return Verdict.SAME if _manner(before) == _manner(after) else Verdict.OTHERWISE


def _needs(answer: Route) -> tuple[int, ...]:
    """`strictness`, then how few rejections end it."""
    return (*strictness(answer), -sum(stage.rejections for stage in answer.stages))


def _people(answer: Route) -> list[list[frozenset[str]]]:
    return [[_askable(step) for step in stage.steps] for stage in answer.stages]


def _askable(step: Step) -> frozenset[str]:
    return frozenset((*step.people, *step.fallback, *(seat.person or seat.name for seat in step.seats)))


def _manner(answer: Route) -> Any:
    """How people are asked: order, times, channels, letters. Not what only says why."""
    steps = [
        [
            (step.via, step.wait, step.remind, step.clock, step.own_clock, step.anytime, step.if_empty, step.seats)
            for step in stage.steps
        ]
        for stage in answer.stages
    ]
    stages = [(s.parallel, s.distinct_groups, s.repeat, s.ending, s.approvals) for s in answer.stages]
    letters = (answer.replies, answer.irreversible, answer.advisors, answer.advice_within)
    return steps, stages, answer.expires, answer.on_expiry, letters


def in_words(answer: Route) -> str:
    """A route in a line: what answers, and whom it asks."""
    if answer.then is Then.APPROVE:
        return f"runs by the rule {quoted(answer.rule)}"
    if answer.then is Then.BLOCK:
        return f"blocked by the rule {quoted(answer.rule)}"
    joined = ""
    for index, stage in enumerate(answer.stages):
        beside = index > 0 and stage.parallel and stage.parallel == answer.stages[index - 1].parallel
        joined += ("" if not index else " beside " if beside else ", then ") + _stage_in_words(stage)
    ends = "rejected" if answer.on_expiry is OnExpiry.REJECT else "expires"
    heard = f"hears {listed(answer.advisors)}, then " if answer.advisors else ""
    return f"{quoted(answer.rule)} {heard}asks {joined}; {ends} after {span_text(answer.expires)}"


def _stage_in_words(stage: Stage) -> str:
    steps = []
    for step in stage.steps:
        who = ", ".join(step.people) or listed(step.notify) + " (nobody at that time)"
        steps.append(who + (f" for {span_text(step.wait)}" if step.wait else ""))
    return f"{stage.name}: {stage.approvals} of ({'; '.join(steps)})"


_PARTS: Mapping[str, str] = {
    "chains": "chain",
    "people": "person",
    "groups": "group",
    "schedules": "schedule",
    "calendars": "calendar",
    "agents": "agent",
    "actions": "action",
}
_WHOLE: Mapping[str, str] = {
    "hours": "people's hours",
    "away": "absences",
    "channels": "the channels",
    "replies": "what a reply by mail may decide",
    "irreversible": "where what cannot be undone is approved",
    "break_glass": "break_glass",
    "exceptions": "exceptions",
    "flood": "flood",
    "attention": "attention",
    "practice": "practice",
    "allow_private": "network",
}


def changes(old: Policy, new: Policy) -> tuple[str, ...]:
    """What is other in the second file, a line each: rules first, then chains, people and the rest."""
    return tuple(_changes(old, new))


def _changes(old: Policy, new: Policy) -> Iterator[str]:
    was, now = ({rule.name: rule for rule in policy.rules} for policy in (old, new))
    yield from _listed("rule", was, now)
    kept = [[name for name in rules if name in was and name in now] for rules in (was, now)]
    if kept[0] != kept[1]:
        yield f"the rules stand in another order: {listed(quoted(name) for name in kept[1])}"
    if _plain(old.default) != _plain(new.default):
        yield f"the default is changed: {_fields(old.default, new.default)}"
    for part, word in _PARTS.items():
        yield from _listed(word, getattr(old, part), getattr(new, part))
    for part, words in _WHOLE.items():
        if _plain(getattr(old, part)) != _plain(getattr(new, part)):
            yield f"{words}: changed"


def _listed(word: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for name in now:
        if name not in was:
            yield f"the {word} {quoted(name)} is new"
        elif _plain(was[name]) != _plain(now[name]):
            yield f"the {word} {quoted(name)} is changed{_which(was[name], now[name])}"
    for name in was:
        if name not in now:
            yield f"the {word} {quoted(name)} is gone"


def _which(was: Any, now: Any) -> str:
    return f": {_fields(was, now)}" if isinstance(was, Struct) and isinstance(now, Struct) else ""


def _fields(was: Struct, now: Struct) -> str:
    """Which keys differ, with both sides where they are short."""
    names = [name for name in now.__struct_fields__ if _plain(getattr(was, name)) != _plain(getattr(now, name))]
    return listed(_field(name, getattr(was, name), getattr(now, name)) for name in names)


def _field(name: str, was: Any, now: Any) -> str:
    sides = [_short(side) for side in (was, now)]
    written = "confidence_gate" if name == "gate" else name
    return f"{written} ({sides[0]} → {sides[1]})" if all(sides) else written


def _short(value: Any) -> str:
    """A value in a word or two; nothing where it takes more."""
    if value is None:
        return "none"
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, timedelta):
        return span_text(value)
    return str(value.source) if hasattr(value, "source") else ""


def _plain(value: Any) -> Any:
    """A value of the file so that equal ones are equal: what was compiled is as it was written."""
    if isinstance(value, Struct):
        return tuple(_plain(getattr(value, name)) for name in value.__struct_fields__)
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return tuple(_plain(item) for item in value)
    for written in ("source", "document"):
        if hasattr(value, written):
            return getattr(value, written)
    return value
