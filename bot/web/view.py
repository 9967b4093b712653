"""The request as every call returns it (contract, "HTTP API"): structs that encode fast and draw their own schema."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct, json

from bot.core.card import held_until, next_step_at
from bot.core.model import (
    Arguments,
    Decision,
    Delivery,
    DeliveryState,
    Edit,
    Execution,
    ExecutionState,
    Kind,
    Opinion,
    Option,
    Request,
    Risk,
    Severity,
    State,
    Verb,
)
from bot.core.redaction import shown
from bot.web.house import page_url
from bot.web.stages import StageProgress, StageView, stage_of, stages_of


class DecisionView(Struct, frozen=True):
    """What one person decided. ``by`` is a person's id, ``stage`` the stage's name; ``edits`` are what they changed.

    ``answer`` is what they answered or picked, ``instead_of`` for whom they stood in; ``broke_glass``: they approved in
    an emergency, past the review that was due.
    """

    decision: Verb
    by: str
    at: datetime
    channel: str
    stage: str
    revision: int
    comment: str | None
    category: str | None
    edits: tuple[Edit, ...]
    answer: str | None
    instead_of: str | None
    broke_glass: bool


class CheckView(Struct, frozen=True):
    """One of the house's own checks; ``passed`` null: it could not be answered."""

    name: str
    passed: bool | None
    detail: str


class AdviceView(Struct, frozen=True):
    """What another agent thinks of a revision. It is no vote."""

    by: str
    opinion: Opinion
    note: str | None
    at: datetime
    revision: int


class IncidentView(Struct, frozen=True):
    """That what ran did harm; ``by`` is ``person:…``, ``admin:…`` or ``agent:…``."""

    id: str
    severity: Severity
    note: str
    by: str
    at: datetime


class ExecutionView(Struct, frozen=True):
    """The one run of the approved action. ``by_agent``: it is the agent that runs it and reports the outcome.

    ``rollback`` is the newest request that is to take it back, ``review`` the one that asks people about it afterwards.
    """

    id: str | None = None
    state: ExecutionState = ExecutionState.NONE
    attempts: int = 0
    result: Any = None
    error: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    by_agent: bool = False
    incidents: tuple[IncidentView, ...] = ()
    rollback: str | None = None
    review: str | None = None


class DeliveryView(Struct, frozen=True):
    """One card sent to one place; ``person`` is the id of whoever lives there, null where it is shared."""

    channel: str
    to: str
    state: DeliveryState
    at: datetime
    error: str | None
    person: str | None


class RequestView(Struct, frozen=True, kw_only=True):
    """One action put to people. Times are RFC 3339 UTC.

    ``arguments`` are as the agent proposed them; ``effective_arguments`` as approved or edited, null before that.
    ``stage`` is the one to speak of: the first that waits for somebody, or where it ended; ``stages`` are all of them.
    ``deadline`` is when the next step of that stage's chain is asked too; nobody is asked before ``held_until``.
    ``chosen`` is the id of the option whose arguments these are. ``advisors`` are asked for their ``advice``.
    ``refused`` is an earlier request of the same content that was rejected. ``takes_back`` is the executed request
    that this one is to roll back. ``deliveries`` are listed by GET; a POST answers before the cards go out, with an
    empty list.
    """

    id: str
    state: State
    escalated: bool
    kind: Kind
    revision: int
    digest: str
    agent: str
    action: str
    title: str
    arguments: Arguments
    effective_arguments: Arguments | None
    reason: str | None
    confidence: float | None
    risk: Risk
    labels: dict[str, Any]
    on_behalf_of: str | None
    context: dict[str, Any]
    rule: str
    why: str
    stage: StageView | None
    escalation_level: int
    assignees: tuple[str, ...]
    deadline: datetime | None
    expires_at: datetime
    decisions: tuple[DecisionView, ...]
    answer: str | None
    execution: ExecutionView
    deliveries: tuple[DeliveryView, ...]
    batch: str | None
    revises: str | None
    created_at: datetime
    decided_at: datetime | None
    url: str
    options: tuple[Option, ...]
    chosen: str | None
    stages: tuple[StageProgress, ...]
    checks: tuple[CheckView, ...]
    advice: tuple[AdviceView, ...]
    advisors: tuple[str, ...]
    refused: str | None
    held_until: datetime | None
    takes_back: str | None


class Page(Struct, frozen=True):
    """A page of requests, newest first. ``next_cursor`` is null on the last one."""

    requests: tuple[RequestView, ...]
    next_cursor: str | None


class EventView(Struct, frozen=True):
    """Who did what, through what, and exactly what changed; ``hash`` and ``previous`` place it in the chain."""

    seq: int
    type: str
    at: datetime
    actor: str
    via: str
    request: str | None
    data: dict[str, Any]
    previous: str
    hash: str


class Trail(Struct, frozen=True):
    """A request's audit events, oldest first."""

    events: tuple[EventView, ...]


_NOT_RUN = ExecutionView()
_ENCODER = json.Encoder()


def encoded(value: Struct) -> bytes:
    """The view as JSON."""
    return _ENCODER.encode(value)


def request_view(
    request: Request, deliveries: Sequence[Delivery], public_url: str, *, own: bool = False
) -> RequestView:
    """The request as every call returns it; ``own``: to its own agent, who is shown what it sent."""
    request = request if own else shown(request)
    content = request.content
    return RequestView(
        id=request.id,
        state=request.state,
        escalated=request.escalation_level > 0,
        kind=request.kind,
        revision=content.number,
        digest=content.digest,
        agent=request.agent,
        action=request.action,
        title=request.title,
        arguments=content.arguments if content.proposed is None else content.proposed,
        effective_arguments=_effective(request),
        reason=content.reason,
        confidence=content.confidence,
        risk=request.risk,
        labels=content.labels,
        on_behalf_of=content.on_behalf_of,
        context=content.context,
        rule=request.route.rule,
        why=request.route.why,
        stage=stage_of(request),
        escalation_level=request.escalation_level,
        assignees=request.assignees,
        deadline=next_step_at(request),
        expires_at=request.expires_at,
        decisions=tuple(map(_decision, request.decisions)),
        answer=request.answer,
        execution=_execution(request.execution),
        deliveries=tuple([DeliveryView(d.channel, d.to, d.state, d.at, d.error, d.person) for d in deliveries]),
        batch=request.batch,
        revises=request.revises,
        created_at=request.created_at,
        decided_at=request.decided_at,
        url=page_url(public_url, request.id),
        options=content.options,
        chosen=content.chosen,
        stages=stages_of(request),
        checks=tuple([CheckView(c.name, c.passed, c.detail) for c in request.route.checks]),
        advice=tuple([AdviceView(a.by, a.opinion, a.note, a.at, a.revision) for a in request.advice]),
        advisors=request.route.advisors,
        refused=request.route.refused,
        held_until=held_until(request),
        takes_back=content.takes_back,
    )


def _effective(request: Request) -> Arguments | None:
    settled = request.state.approved or request.content.proposed is not None
    return request.content.arguments if settled else None


def _decision(made: Decision) -> DecisionView:
    return DecisionView(
        made.decision,
        made.by,
        made.at,
        made.channel,
        made.stage_name,
        made.revision,
        made.comment,
        made.category,
        made.edits,
        made.answer,
        made.instead_of,
        made.broke_glass,
    )


def _execution(run: Execution | None) -> ExecutionView:
    if run is None:
        return _NOT_RUN
    incidents = tuple([IncidentView(one.id, one.severity, one.note, one.by, one.at) for one in run.incidents])
    return ExecutionView(
        run.id,
        run.state,
        run.attempts,
        run.result,
        run.error,
        run.started_at,
        run.ended_at,
        run.by_agent,
        incidents,
        run.rollback,
        run.review,
    )
