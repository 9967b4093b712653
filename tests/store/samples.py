"""Values to store: small, valid, and different from each other where it matters."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from bot.core.digest import digest_of
from bot.core.model import (
    Assessment,
    Decision,
    Delivery,
    DeliveryState,
    Edit,
    Event,
    Execution,
    ExecutionState,
    Kind,
    Opinion,
    Request,
    Revision,
    Risk,
    Route,
    Stage,
    State,
    Step,
    Then,
    Track,
    Verb,
)
from bot.core.ports import Change, Effect, EffectKind, Tx

NOW = datetime(2026, 11, 21, 9, 0, 0, 123456, tzinfo=UTC)
_count = itertools.count(1)


def new(prefix: str) -> str:
    """An id that sorts after every earlier one."""
    return f"{prefix}_{next(_count):012d}"


def step(*people: str, minutes: int = 15) -> Step:
    """One step of a chain."""
    return Step(notify=people, people=people, via=("slack",), wait=timedelta(minutes=minutes))


ROUTE = Route(
    then=Then.STAGES,
    rule="refunds",
    why="refunds go to finance",
    stages=(
        Stage(name="finance", chain="finance", steps=(step("ana", "ben"), step("lea"))),
        Stage(name="legal", chain="legal", steps=(step("lea", "max"),), approvals=2),
    ),
    gate=0.85,
    warnings=("mixed scripts in “pаypal.com”",),
)


def revision(request_id: str, number: int = 1, **arguments: Any) -> Revision:
    """A request's content."""
    given = {"order": "10428", "amount": 240.0, "note": 'é ⟦ \u2028 \\ "', **arguments}
    target = "https://billing.example.com/refunds"
    return Revision(
        request=request_id,
        number=number,
        digest=digest_of(
            request=request_id, revision=number, agent="billing", action="refund.issue", arguments=given, target=target
        ),
        author="agent:billing",
        created_at=NOW,
        action="refund.issue",
        arguments=given,
        target=target,
        confidence=0.72,
        labels={"tier": "gold"},
        context={"evidence": [{"title": "Ledger", "text": "charged twice", "url": None}]},
    )


def track(stage: int = 0, **changes: Any) -> Track:
    """A stage under way, at its first step."""
    return replace(Track(stage=stage, step_at=NOW), **changes)


def request(**changes: Any) -> Request:
    """A request that waits at the first step of the first stage."""
    request_id = changes.pop("id", None) or new("req")
    base = Request(
        id=request_id,
        state=State.PENDING,
        kind=Kind.APPROVAL,
        agent="billing",
        action="refund.issue",
        title="Refund 240.0 USD on order 10428",
        risk=Risk.IRREVERSIBLE,
        route=ROUTE,
        content=revision(request_id),
        created_at=NOW,
        expires_at=NOW + timedelta(hours=24),
        tracks=(track(),),
        due_at=NOW + timedelta(minutes=15),
    )
    return replace(base, **changes)


def event(kind: str, request_id: str | None = None, **data: Any) -> Event:
    """An audit event."""
    return Event(type=kind, at=NOW, actor="person:ana", via="slack", request=request_id, data=data)


def decision(on: Request, by: str = "ana", verb: Verb = Verb.APPROVE, **changes: Any) -> Decision:
    """What somebody decided on the request as it stands."""
    base = Decision(
        id=new("dec"),
        request=on.id,
        decision=verb,
        by=by,
        at=NOW,
        channel="slack",
        stage=on.track.stage if on.track else 0,
        stage_name="finance",
        revision=on.revision,
        digest=on.digest,
        comment="fine by me",
        edits=(Edit("/amount", 240.0, 200),),
    )
    return replace(base, **changes)


def assessment(on: Request, **changes: Any) -> Assessment:
    """What another agent thinks of the request's revision."""
    base = Assessment(
        id=new("asm"), request=on.id, by="critic", at=NOW, revision=on.revision, opinion=Opinion.DOUBT, note="é \u2028"
    )
    return replace(base, **changes)


def execution(of: Request, **changes: Any) -> Execution:
    """The run of the request's revision, not begun."""
    base = Execution(
        id=new("exe"),
        request=of.id,
        revision=of.revision,
        digest=of.digest,
        state=ExecutionState.WAITING,
        due_at=NOW,
        attempts_allowed=5,
    )
    return replace(base, **changes)


def delivery(of: Request, **changes: Any) -> Delivery:
    """A card that is still to be sent."""
    base = Delivery(
        id=new("dlv"),
        request=of.id,
        channel="slack",
        to="C1",
        person=None,
        stage=0,
        step=0,
        state=DeliveryState.QUEUED,
        at=NOW,
    )
    return replace(base, **changes)


def effect(of: Request, **changes: Any) -> Effect:
    """Something to do outside."""
    return replace(Effect(id=new("eff"), kind=EffectKind.CARD, request=of.id, ref="", due_at=NOW), **changes)


def submit(tx: Tx, value: Request, *effects: Effect) -> Request:
    """Store a new request."""
    tx.record(Change(event=event("request.submitted", value.id), after=value, effects=effects))
    return value


def approve(tx: Tx, request_id: str, by: str = "ana", **ids: str) -> Request:
    """Approve a request, as it is read here, and make its execution; ``ids`` may name ``vote`` and ``run``."""
    before = found(tx, request_id)
    vote = decision(before, by, id=ids.get("vote") or new("dec"))
    run = execution(before, id=ids.get("run") or new("exe"))
    after = replace(before, state=State.APPROVED, due_at=None, decided_at=NOW)
    tx.record(
        Change(event=event("request.decided", request_id), before=before, after=after, decision=vote, execution=run)
    )
    return replace(after, decisions=(*before.decisions, vote), execution=run)


def found(tx: Tx, request_id: str) -> Request:
    """A request that must be there."""
    value = tx.request(request_id)
    assert value is not None
    return value
