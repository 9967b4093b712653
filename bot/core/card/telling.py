"""The card of a request as it stands."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from bot.core.card.claims import claims_of
from bot.core.card.endings import execution_line, verdicts_of
from bot.core.card.notes import notes_of, options_of
from bot.core.card.texts import confidence_text, literal, name_of, why_text
from bot.core.card.values import Asked, Card, Line, Offer
from bot.core.model import Arguments, Kind, Person, Request, State, Verb
from bot.core.redaction import shown
from bot.core.replying import replies_to
from bot.core.scrutiny import visible
from bot.core.tracks import next_step_at


def card_of(request: Request, *, people: Mapping[str, Person], url: str, undo: str = "", editable: bool = True) -> Card:
    """The card of a request as it stands. ``undo`` says how the action is taken back; ``editable`` offers Edit."""
    request = shown(request)
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
        arguments=(*_arguments(content.arguments), *options_of(request)),
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
        undo=undo if request.kind.runs else "",
        buttons=buttons_of(request, editable=editable),
        verdicts=verdicts_of(request, people),
        execution=execution_line(request.execution),
        run=request.execution.state if request.execution else None,
        replies=replies_to(request),
        kind=request.kind,
        notes=notes_of(request, url, people),
        offers=tuple([Offer(o.id, visible(o.title), o.id == content.chosen) for o in content.options]),
        answer=None if request.answer is None else visible(request.answer),
        batch=None if request.batch is None else visible(request.batch),
        held_until=held_until(request),
        needs_reason=request.route.needs_reason,
    )


def _arguments(arguments: Arguments) -> tuple[Line, ...]:
    """Every argument, as it is."""
    return tuple([Line(visible(name), literal(value)) for name, value in arguments.items()])


def held_until(request: Request) -> datetime | None:
    """Until when nobody is asked, where that is so."""
    waiting = [track.held_until for track in request.open_tracks]
    moments = [moment for moment in waiting if moment is not None]
    return min(moments) if moments and len(moments) == len(waiting) and not request.assignees else None


def _asked(request: Request, people: Mapping[str, Person]) -> tuple[Asked, ...]:
    seen: dict[str, Asked] = {}
    for track in request.open_tracks or request.tracks[-1:]:
        asked = set(request.asked(track))
        for index, step in enumerate(request.route.stages[track.stage].steps):
            for person in step.people if asked else ():
                holder = step.stands_for.get(person)
                told = Asked(name_of(person, people), person, index, name_of(holder, people) if holder else None)
                if person in asked:
                    seen.setdefault(person, told)
    return tuple(seen.values())


def _progress(request: Request) -> str:
    stages = request.route.stages
    if not request.tracks or (len(stages) == 1 and stages[0].approvals == 1):
        return ""
    parts = [
        f"{stages[t.stage].name}: {request.given(t.stage)} of {stages[t.stage].approvals} approvals"
        for t in request.tracks
    ]
    numbers = [str(track.stage + 1) for track in request.tracks]
    which = f"stage {numbers[0]}" if len(numbers) == 1 else f"stages {', '.join(numbers[:-1])} and {numbers[-1]}"
    return f"{'; '.join(parts)} ({which} of {len(stages)})"


def buttons_of(request: Request, *, editable: bool) -> tuple[Verb, ...]:
    """What may be pressed now."""
    if request.state is not State.PENDING:
        return ()
    offered = (
        (Verb.APPROVE, True),
        (Verb.APPROVE_WITH_EDITS, editable and request.kind is Kind.APPROVAL and bool(request.content.arguments)),
        (Verb.REJECT, True),
        (Verb.ASK, True),
        # Also where nobody is further: the refusal then says so, which a missing button would not.
        (Verb.ESCALATE, True),
    )
    return tuple(verb for verb, shown in offered if shown)
