"""What a person changed in the arguments, and what that does to the route: never laxer than it was."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from bot.core.model import Arguments, Edit, Kind, Revision, Route, Stage, Submission, Then
from bot.core.pointers import below

_DEEPEST = 1_000
"""Characters of a pointer below which nothing is told apart: a long name above many members would stand in each."""


def differences(before: Any, after: Any, pointer: str = "") -> tuple[Edit, ...]:
    """Every difference between two JSON values, objects member by member, anything else whole."""
    if isinstance(before, dict) and isinstance(after, dict) and len(pointer) <= _DEEPEST:
        found: list[Edit] = []
        for name in dict.fromkeys((*before, *after)):
            at = below(pointer, name)
            if name not in after:
                found.append(Edit(at, before[name], None, "removed"))
            elif name not in before:
                found.append(Edit(at, None, after[name], "added"))
            else:
                found.extend(differences(before[name], after[name], at))
        return tuple(found)
    return () if _same(before, after) else (Edit(pointer or "/", before, after),)


def _same(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same to the bit: 1, 1.0 and true are equal in Python, and here three values."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(value, other[name]) for name, value in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)


def touched(before: Arguments, after: Arguments) -> tuple[str, ...]:
    """The names of the arguments that differ."""
    return tuple(
        n
        for n in dict.fromkeys((*before, *after))
        if differences({n: before.get(n)} if n in before else {}, {n: after.get(n)} if n in after else {})
    )


def submission_of(content: Revision, *, route: Route, kind: Kind) -> Submission:
    """What the rules are asked about a later revision: the content as if newly proposed, at the risk it already has.

    Once an option was picked it is that one alone.
    """
    return Submission(
        action=content.action,
        arguments=content.arguments,
        reason=content.reason,
        confidence=content.confidence,
        kind=kind,
        risk=route.risk,
        labels=content.labels,
        on_behalf_of=content.on_behalf_of,
        context=content.context,
        options=() if content.chosen is not None else content.options,
    )


def tightened(old: Route, new: Route) -> Route:
    """The old route with all that the new one asks beyond it; a laxer answer changes nothing.

    Every stage of either is kept; where both ask the same chain, the higher number of approvals holds. Whoever
    either of them bars is barred. So an edit can neither shed a reviewer nor slip past one whom the edited content
    needs, nor be approved by somebody who may not review it.
    """
    hidden = {"hidden": tuple(sorted({*old.hidden, *new.hidden})), "subject": old.subject or new.subject}
    if new.then is Then.BLOCK:
        # What it is about stays: a rollback hides what the first request does, whatever its own action says.
        about = {"of": old.of, "unsaid": old.unsaid, "notes": old.notes, "asked": old.asked, "joined": old.joined}
        return replace(new, **hidden, **about)
    barred = tuple(sorted({*old.excluded, *new.excluded}))
    stages = tuple(_without(stage, barred) for stage in _merged(old.stages, new.stages))
    warnings = tuple(dict.fromkeys((*old.warnings, *new.warnings)))
    gate = max((gate for gate in (old.gate, new.gate) if gate is not None), default=None)
    replies = max(old.replies, new.replies, key=lambda mode: mode.rank)
    irreversible = max(old.irreversible, new.irreversible, key=lambda way: way.rank)
    letters: dict[str, Any] = {"replies": replies, "irreversible": irreversible}
    known = {"absences": {**old.absences, **new.absences}, "hours": {**old.hours, **new.hours}}
    checks = tuple({check.name: check for check in (*old.checks, *new.checks)}.values())
    letters["needs_reason"] = old.needs_reason or new.needs_reason
    kept = replace(
        old, stages=stages, gate=gate, excluded=barred, warnings=warnings, checks=checks, **letters, **known, **hidden
    )
    return kept if stages == old.stages else _moved(kept, new)


def _moved(old: Route, new: Route) -> Route:
    """The old route by the new one's name; whose rule it was at first stays known, for what becomes of it is that's."""
    first = old.first or (old.rule if new.rule != old.rule else "")
    return replace(old, rule=new.rule, why=new.why, terms=new.terms, first=first)


def _merged(old: tuple[Stage, ...], new: tuple[Stage, ...]) -> tuple[Stage, ...]:
    """The old stages, each as strict as its like in the new, then the new ones without a like."""
    groups = max((stage.parallel for stage in old), default=0)
    # Numbered on, so that a new group does not join an old one beside which it happens to stand.
    left = [replace(stage, parallel=stage.parallel and stage.parallel + groups) for stage in new]
    merged: list[Stage] = []
    for stage in old:
        like = next((other for other in left if other.chain == stage.chain), None)
        if like is None:
            merged.append(stage)
            continue
        left.remove(like)
        # Steps that were not asked by name cannot tell one group's vote from another's.
        steps = like.steps if like.distinct_groups and not stage.distinct_groups else stage.steps
        merged.append(
            replace(
                stage,
                steps=steps,
                approvals=max(stage.approvals, like.approvals),
                rejections=min(stage.rejections, like.rejections),
                distinct_groups=stage.distinct_groups or like.distinct_groups,
            )
        )
    return (*merged, *left)


def _without(stage: Stage, barred: tuple[str, ...]) -> Stage:
    # Seats are filled anew when a step is asked, and nobody who is barred gets one.
    steps = tuple(replace(step, people=tuple(p for p in step.people if p not in barred)) for step in stage.steps)
    return replace(stage, steps=steps)
