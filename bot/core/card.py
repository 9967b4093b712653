"""What a card says: which facts, in which order, and what of it was left out. No markup; channels draw it.

The facts come from the stored request and the admin's own words; what the agent says of itself stands apart
(`Card.claims`), so that no text of an agent can pass for the house's (threat T1). What a channel cannot show whole is
shortened by `fit` with a mark that states the true length, and then the card may not be approved there (T2).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from bot.core.model import Decision, Execution, ExecutionState, Person, Request, Route, State, Verb
from bot.core.scrutiny import visible

_STATE_LENGTH = 300
"""From how many characters on a text states its length."""
_NAMED = 5
"""How many tool calls or alternatives a card names; the page shows all."""

ELISION = "… [shortened: {shown} of {total} characters shown]"


class Line(Struct, frozen=True):
    """A labelled text, already `visible`. ``elided``: shortened, so not the whole of it."""

    label: str
    text: str
    elided: bool = False


class Asked(Struct, frozen=True):
    """Somebody who is asked: display name, person id, and on which step of the chain (0 first)."""

    name: str
    person: str
    step: int


class Verdict(Struct, frozen=True, kw_only=True):
    """How the request ended, or what one person decided: ``title`` in words, who, when, how, and the edits made."""

    title: str
    by: str | None
    at: datetime | None
    channel: str | None
    comment: str | None = None
    category: str | None = None
    edits: tuple[Line, ...] = ()


class Card(Struct, frozen=True, kw_only=True):
    """Everything a reviewer is shown. ``buttons`` are what may be pressed on it; ``marks`` are the house's warnings."""

    request: str
    revision: int
    digest: str
    state: State
    title: str
    action: str
    agent: str
    risk: str
    arguments: tuple[Line, ...]
    claims: tuple[Line, ...]
    confidence: str
    below_gate: bool
    marks: tuple[str, ...]
    asked: tuple[Asked, ...]
    stage: str
    progress: str
    escalation_level: int
    deadline: datetime | None
    expires_at: datetime
    why: str
    url: str
    undo: str
    buttons: tuple[Verb, ...]
    verdicts: tuple[Verdict, ...] = ()
    execution: Line | None = None
    fully_shown: bool = True


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
        claims=_claims(request),
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
        verdicts=tuple(_verdict(d, people) for d in request.decisions) + _ending(request),
        execution=execution_line(request.execution),
    )


def literal(value: Any) -> str:
    """An argument as it is: JSON, strings in quotes, nothing hidden, its length stated where it is long."""
    if isinstance(value, str):
        shown = visible(value)
        lines = value.count("\n") + 1
        size = f"\n({len(value)} characters, {lines} lines)" if lines > 1 or len(value) > _STATE_LENGTH else ""
        return f'"{shown}"{size}'
    return visible(
        json.dumps(value, ensure_ascii=False, indent=2 if isinstance(value, dict | list) and value else None)
    ).replace("⏎\n", "\n")


def confidence_text(confidence: float | None, gate: float | None) -> tuple[str, bool]:
    """``72% (below 85% gate)`` and whether it is below; a confidence that was not given is below every gate."""
    if confidence is None:
        return ("not given", False) if gate is None else (f"not given (gate {_percent(gate)})", True)
    if gate is None:
        return _percent(confidence), False
    below = confidence < gate
    return f"{_percent(confidence)} ({'below' if below else 'above'} {_percent(gate)} gate)", below


def why_text(route: Route) -> str:
    """A route's named reason in a sentence."""
    named, _, detail = route.why.partition(": ")
    if named == "held":
        return f"the rule {route.rule!r} holds: {detail}"
    if named == "condition_failed":
        return f"the rule {route.rule!r} could not be answered ({detail}), so its strict answer counts"
    if named == "default":
        return "no rule holds, so the default counts"
    return detail or route.why


def _percent(share: float) -> str:
    return f"{share * 100:.4g}%"


def _claims(request: Request) -> tuple[Line, ...]:
    content, context = request.content, request.content.context
    lines = [Line("Reason", visible(content.reason))] if content.reason else []
    if content.on_behalf_of:
        lines.append(Line("On behalf of", visible(content.on_behalf_of)))
    for name, label in (
        ("user_request", "Original request"),
        ("expected_outcome", "Expected outcome"),
        ("rollback", "How to undo it"),
    ):
        if context.get(name):
            lines.append(Line(label, visible(str(context[name]))))
    for item in context.get("evidence") or ():
        parts = [str(item[k]) for k in ("text", "url") if item.get(k)]
        lines.append(
            Line(
                f"Evidence: {visible(str(item.get('title') or 'untitled'))}".replace("\n", " "),
                visible("\n".join(parts)),
            )
        )
    if context.get("risks"):
        lines.append(Line("Risks", visible("\n".join(map(str, context["risks"])))))
    for check in context.get("checks") or ():
        passed = {True: "passed", False: "failed"}.get(check.get("passed"), "no verdict")
        lines.append(
            Line(
                f"Check: {visible(str(check.get('name')))}".replace("\n", " "),
                visible(f"{passed} {check.get('detail') or ''}".strip()),
            )
        )
    for label, key in (("Tool calls", "tool_calls"), ("Alternatives", "alternatives")):
        items = context.get(key) or ()
        if items:
            names = ", ".join(dict.fromkeys(visible(str(i.get("name") or i.get("action"))) for i in items[:_NAMED]))
            lines.append(
                Line(label, f"{len(items)}: {names}".replace("\n", " ") + (", …" if len(items) > _NAMED else ""))
            )
    return tuple(lines)


def _asked(request: Request, people: Mapping[str, Person]) -> tuple[Asked, ...]:
    plan = request.stage_plan
    if plan is None:
        return ()
    seen: dict[str, Asked] = {}
    for index, step in enumerate(plan.steps[: request.step + 1]):
        for person in step.people:
            seen.setdefault(person, Asked(name_of(person, people), person, index))
    return tuple(seen.values())


def name_of(person: str, people: Mapping[str, Person]) -> str:
    """A person's display name; their id where the file no longer knows them."""
    known = people.get(person)
    return known.name if known else person


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
    return request.step_at + wait if wait is not None and request.step + 1 < len(plan.steps) else None


def buttons_of(request: Request, *, editable: bool) -> tuple[Verb, ...]:
    """What may be pressed now."""
    if request.state is not State.PENDING:
        return ()
    plan = request.stage_plan
    further = plan is not None and request.step + 1 < len(plan.steps)
    offered = (
        (Verb.APPROVE, True),
        (Verb.APPROVE_WITH_EDITS, editable and bool(request.content.arguments)),
        (Verb.REJECT, True),
        (Verb.ASK, True),
        (Verb.ESCALATE, further),
    )
    return tuple(verb for verb, shown in offered if shown)


_DONE = {
    Verb.APPROVE: "Approved",
    Verb.APPROVE_WITH_EDITS: "Approved with edits",
    Verb.REJECT: "Rejected",
    Verb.ASK: "Asked for more information",
    Verb.ESCALATE: "Escalated by hand",
}


def _verdict(decision: Decision, people: Mapping[str, Person]) -> Verdict:
    return Verdict(
        title=_DONE[decision.decision],
        by=name_of(decision.by, people),
        at=decision.at,
        channel=decision.channel,
        comment=visible(decision.comment) if decision.comment else None,
        category=decision.category,
        edits=tuple(
            Line(
                visible(e.pointer),
                f"{literal(e.before) if e.kind != 'added' else '(absent)'} → "
                f"{literal(e.after) if e.kind != 'removed' else '(taken away)'}",
            )
            for e in decision.edits
        ),
    )


def _ending(request: Request) -> tuple[Verdict, ...]:
    """The last word where it was not a person's."""
    by_rule = {
        State.APPROVED: "Approved by rule",
        State.BLOCKED: "Blocked by rule",
        State.EXPIRED: "Expired without a decision",
        State.CANCELLED: "Withdrawn by the agent",
        State.REJECTED: "Rejected because nobody decided in time",
    }
    if request.state.open or any(d.decision.is_vote and d.at == request.decided_at for d in request.decisions):
        return ()
    title = by_rule.get(request.state)
    if title is None:
        return ()
    if request.state in (State.APPROVED, State.BLOCKED):
        title += f" {request.route.rule!r}"
    return (Verdict(title=title, by=None, at=request.decided_at, channel=None),)


_EXECUTION = {
    ExecutionState.WAITING: "Waiting to run",
    ExecutionState.EXECUTING: "Running",
    ExecutionState.EXECUTED: "Executed",
    ExecutionState.FAILED: "Failed",
    ExecutionState.UNKNOWN: "Outcome unknown: it may have happened, and somebody has to find out",
    ExecutionState.ROLLING_BACK: "Being rolled back",
    ExecutionState.ROLLED_BACK: "Rolled back",
    ExecutionState.CANCELLED: "Cancelled before it ran",
}


def execution_line(execution: Execution | None) -> Line | None:
    """How the replay stands, and what came of it."""
    if execution is None:
        return None
    label = _EXECUTION.get(execution.state, str(execution.state))
    if execution.state is ExecutionState.EXECUTING and execution.by_agent:
        label = "Handed to the agent, which has not reported yet"
    text = execution.error or ("" if execution.result is None else literal(execution.result))
    return Line(label, visible(text) if execution.error else text)


def shorten(text: str, limit: int) -> tuple[str, bool]:
    """The text within ``limit`` characters, the elision stated; and whether anything was left out."""
    if len(text) <= limit:
        return text, False
    mark = ELISION.format(shown=limit, total=len(text))
    keep = max(limit - len(mark), 0)
    return text[:keep] + ELISION.format(shown=keep, total=len(text)), True


def fit(card: Card, *, line: int, lines: int, total: int) -> Card:
    """The card within a channel's limits: ``line`` characters a text, ``lines`` lines, ``total`` characters in all.

    Arguments are served first, then the agent's claims. Where anything was left out the card is not fully shown
    and offers no Approve (nor Edit, which approves too).
    """
    arguments, room, left, cut = _fit_lines(card.arguments, line, lines, total)
    claims, _, _, cut_claims = _fit_lines(card.claims, line, max(left, 0), max(room, 0))
    title, cut_title = shorten(card.title, min(line, 150))
    if not (cut or cut_claims or cut_title):
        return card
    kept = tuple(b for b in card.buttons if b not in (Verb.APPROVE, Verb.APPROVE_WITH_EDITS))
    changes = {"arguments": arguments, "claims": claims, "title": title, "buttons": kept, "fully_shown": False}
    return Card(**{f: getattr(card, f) for f in card.__struct_fields__} | changes)


def _fit_lines(texts: tuple[Line, ...], line: int, lines: int, total: int) -> tuple[tuple[Line, ...], int, int, bool]:
    kept: list[Line] = []
    cut = False
    for index, item in enumerate(texts):
        if len(kept) >= lines or total < len(ELISION) * 2:
            missing = len(texts) - index
            kept = kept[: max(lines - 1, 0)]
            kept.append(Line("…", f"[{missing} more not shown here]", elided=True))
            return tuple(kept), 0, 0, True
        label, cut_label = shorten(item.label, 150)
        text, cut_text = shorten(item.text, min(line, max(total - len(label), len(ELISION) * 2)))
        elided = cut_label or cut_text
        cut = cut or elided
        kept.append(Line(label, text, elided=elided))
        total -= len(label) + len(text)
    return tuple(kept), total, lines - len(kept), cut
