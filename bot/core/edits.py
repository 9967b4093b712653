"""What a person changed in the arguments, and what that does to the route: never laxer than it was."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from bot.core.model import Arguments, Edit, Revision, Route, Submission, Then


def differences(before: Any, after: Any, pointer: str = "") -> tuple[Edit, ...]:
    """Every difference between two JSON values, objects member by member, anything else whole."""
    if isinstance(before, dict) and isinstance(after, dict):
        found: list[Edit] = []
        for name in dict.fromkeys((*before, *after)):
            below = f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"
            if name not in after:
                found.append(Edit(below, before[name], None, "removed"))
            elif name not in before:
                found.append(Edit(below, None, after[name], "added"))
            else:
                found.extend(differences(before[name], after[name], below))
        return tuple(found)
    # 1, 1.0 and true are equal in Python and three different values in JSON.
    same = type(before) is type(after) and before == after
    return () if same else (Edit(pointer or "/", before, after),)


def touched(before: Arguments, after: Arguments) -> tuple[str, ...]:
    """The names of the arguments that differ."""
    return tuple(
        n
        for n in dict.fromkeys((*before, *after))
        if differences({n: before.get(n)} if n in before else {}, {n: after.get(n)} if n in after else {})
    )


def submission_of(content: Revision, *, route: Route) -> Submission:
    """What the rules are asked about a later revision: the content as if newly proposed, at the risk it already has."""
    return Submission(
        action=content.action,
        arguments=content.arguments,
        reason=content.reason,
        confidence=content.confidence,
        risk=route.risk,
        labels=content.labels,
        on_behalf_of=content.on_behalf_of,
        context=content.context,
        options=content.options,
    )


def tightened(old: Route, new: Route) -> Route:
    """The old route with all that the new one asks beyond it; a laxer answer changes nothing.

    Every stage of either is kept, each chain once with the higher number of approvals, so that an edit can neither
    shed a reviewer nor slip past one whom the edited content needs.
    """
    if new.then is Then.BLOCK:
        return new
    asked = {stage.chain: stage for stage in new.stages}
    kept = tuple(
        replace(stage, approvals=max(stage.approvals, asked[stage.chain].approvals)) if stage.chain in asked else stage
        for stage in old.stages
    )
    chains = {stage.chain for stage in old.stages}
    stages = kept + tuple(stage for stage in new.stages if stage.chain not in chains)
    warnings = tuple(dict.fromkeys((*old.warnings, *new.warnings)))
    if stages == old.stages:
        return replace(old, warnings=warnings)
    barred = tuple(sorted({*old.excluded, *new.excluded}))
    return replace(old, stages=stages, rule=new.rule, why=new.why, excluded=barred, warnings=warnings)
