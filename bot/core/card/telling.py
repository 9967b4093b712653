"""The card of a request as it stands."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from bot.core.card.claims import claims_of
from bot.core.card.endings import execution_line, verdicts_of
from bot.core.card.texts import confidence_text, literal, name_of, why_text
from bot.core.card.values import Asked, Card, Line
from bot.core.model import Person, Request, State, Verb
from bot.core.replying import replies_to
from bot.core.scrutiny import visible


def card_of(request: Request, *, people: Mapping[str, Person], url: str, undo: str = "", editable: bool = True) -> Card:
    """The card of a request as it stands. ``undo`` says how the action is taken back; ``editable`` offers Edit."""
    content = request.content
    confidence, below = confidence_text(content.confidence, request.route.gate)
    plan = request.stage_plan
    return Card(
        request=request.id,
        revision=content.number,
        digest=content.digest,
        state=request.state,
        title=visible(request.title).replace("\n", " "),
        action=visible(content.action),
        agent=visible(request.agent),
        risk=str(request.risk),
        arguments=tuple(Line(visible(name), literal(value)) for name, value in content.arguments.items()),
        claims=claims_of(request.content),
        confidence=confidence,
        below_gate=below,
        marks=request.route.warnings,
        asked=_asked(request, people),
        stage=plan.name if plan else "",
        progress=_progress(request),
        escalation_level=request.escalation_level,
        deadline=next_step_at(request),
        expires_at=request.expires_at,
        why=why_text(request.route),
        url=url,
        undo=undo,
        buttons=buttons_of(request, editable=editable),
        verdicts=verdicts_of(request, people),
        execution=execution_line(request.execution),
        run=request.execution.state if request.execution else None,
        replies=replies_to(request),
    )


def _asked(request: Request, people: Mapping[str, Person]) -> tuple[Asked, ...]:
    plan = request.stage_plan
    if plan is None:
        return ()
    seen: dict[str, Asked] = {}
    for index, step in enumerate(plan.steps[: request.step + 1]):
        for person in step.people:
            seen.setdefault(person, Asked(name_of(person, people), person, index))
    return tuple(seen.values())


def _progress(request: Request) -> str:
    plan = request.stage_plan
    if plan is None or (plan.approvals == 1 and len(request.route.stages) == 1):
        return ""
    given = sum(v.stage == request.stage and v.decision is not Verb.REJECT for v in request.votes)
    return (
        f"{plan.name}: {given} of {plan.approvals} approvals (stage {request.stage + 1} of {len(request.route.stages)})"
    )


def next_step_at(request: Request) -> datetime | None:
    """When the next step of the chain is asked too, or None."""
    plan = request.stage_plan
    if plan is None or request.state is not State.PENDING or request.exhausted or request.step_at is None:
        return None
    wait = plan.steps[request.step].wait
    return None if wait is None or plan.following(request.step) is None else request.step_at + wait


def buttons_of(request: Request, *, editable: bool) -> tuple[Verb, ...]:
    """What may be pressed now."""
    if request.state is not State.PENDING:
        return ()
    offered = (
        (Verb.APPROVE, True),
        (Verb.APPROVE_WITH_EDITS, editable and bool(request.content.arguments)),
        (Verb.REJECT, True),
        (Verb.ASK, True),
        # Also where nobody is further: the refusal then says so, which a missing button would not.
        (Verb.ESCALATE, True),
    )
    return tuple(verb for verb, shown in offered if shown)
