"""Values to rows and back. A row is a plain dict or tuple of what the columns take; see `store.tables`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import msgspec

from bot.core.model import Assessment, Decision, Delivery, Execution, Kind, Request, Revision, Risk, Route, State, Track
from bot.core.ports import AuditLine, Effect, EffectKind

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

HANDLE_ENTRIES = ("channel", "ts")
"""The entries of a delivery's handle that `handle_key` joins; they name a card's place in a chat."""

encoder = msgspec.json.Encoder()
"""The one form of JSON in the tables and the audit; an agent's arguments keep the order that it gave them."""

_STATES = {s.value: s for s in State}
_KINDS = {k.value: k for k in Kind}
_RISKS = {r.value: r for r in Risk}
_content = msgspec.json.Decoder(Revision)
_decision = msgspec.json.Decoder(Decision)
_execution = msgspec.json.Decoder(Execution)
_delivery = msgspec.json.Decoder(Delivery)
_route = msgspec.json.Decoder(Route)
_tracks = msgspec.json.Decoder(tuple[Track, ...])
_advice = msgspec.json.Decoder(tuple[Assessment, ...])


def micros(at: datetime) -> int:
    """Microseconds since the epoch. Raises ``TypeError`` on a naive time."""
    return (at - EPOCH) // _MICROSECOND


def micros_or_none(at: datetime | None) -> int | None:
    """As `micros`, where there may be no time."""
    return None if at is None else micros(at)


def moment(value: int) -> datetime:
    """The time that a column holds, aware, UTC."""
    return EPOCH + _MICROSECOND * value


def moment_or_none(value: int | None) -> datetime | None:
    """As `moment`, where there may be no time."""
    return None if value is None else EPOCH + _MICROSECOND * value


def json_text(value: Any) -> str:
    """A value as the tables hold it."""
    return encoder.encode(value).decode()


def request_row(request: Request, route: str) -> dict[str, Any]:
    """The row of ``requests``, without the columns that only `store.tx` keeps; ``route`` is its JSON."""
    return {
        "id": request.id,
        "state": request.state.value,
        "kind": request.kind.value,
        "agent": request.agent,
        "action": request.action,
        "title": request.title,
        "risk": request.risk.value,
        "rule": request.route.rule,
        "route": route,
        "batch": request.batch,
        "revises": request.revises,
        "answer": request.answer,
        "revision": request.content.number,
        "tracks": json_text(request.tracks),
        "advice": advice_text(request.advice),
        "escalation_level": request.escalation_level,
        "created_at": micros(request.created_at),
        "expires_at": micros(request.expires_at),
        "due_at": micros_or_none(request.due_at),
        "decided_at": micros_or_none(request.decided_at),
        "open": int(request.state.open),
    }


_SHORT = 16 * 1024
"""Characters up to which a content is kept in memory; 256 of the longest would be 100 MB."""


@lru_cache(maxsize=256)
def _short_content(text: str) -> Revision:
    return _content.decode(text)


def content_of(text: str) -> Revision:
    """The content that a text says; a request is read several times while it is decided and run, and it is frozen."""
    return _short_content(text) if len(text) <= _SHORT else _content.decode(text)


@lru_cache(maxsize=512)
def route_of(text: str) -> Route:
    """The route that a text says; requests of one rule mostly share it, and it is frozen."""
    return _route.decode(text)


@lru_cache(maxsize=1024)
def tracks_of(text: str) -> tuple[Track, ...]:
    """The tracks that a text says; encoded again they are the same text, which the store's guard compares."""
    return _tracks.decode(text)


@lru_cache(maxsize=256)
def _advice_of(text: str) -> tuple[Assessment, ...]:
    return _advice.decode(text)


def advice_text(advice: tuple[Assessment, ...]) -> str | None:
    """What advisors said, as the tables hold it: None where nobody did."""
    return json_text(advice) if advice else None


REQUEST_COLUMNS = (
    *("id", "state", "kind", "agent", "action", "title", "risk", "route", "batch", "revises", "answer"),
    *("tracks", "advice", "escalation_level", "created_at", "expires_at", "due_at", "decided_at", "decisions"),
)
"""What `request_of` reads, in this order; the revision's content and the execution's body follow."""


def request_of(row: Sequence[Any], decisions: tuple[Decision, ...], *, once: bool = False) -> Request:
    """The request that a row of `REQUEST_COLUMNS`, ``content`` and the newest execution's ``body`` says.

    ``once``: it is one of many that are looked at once, which would push out of memory what is read again and again.
    """
    return Request(
        id=row[0],
        state=_STATES[row[1]],
        kind=_KINDS[row[2]],
        agent=row[3],
        action=row[4],
        title=row[5],
        risk=_RISKS[row[6]],
        route=route_of(row[7]),
        batch=row[8],
        revises=row[9],
        answer=row[10],
        tracks=_tracks.decode(row[11]) if once else tracks_of(row[11]),
        advice=() if row[12] is None else _advice_of(row[12]),
        escalation_level=row[13],
        created_at=moment(row[14]),
        expires_at=moment(row[15]),
        due_at=moment_or_none(row[16]),
        decided_at=moment_or_none(row[17]),
        content=_content.decode(row[19]) if once else content_of(row[19]),
        execution=None if row[20] is None else _execution.decode(row[20]),
        decisions=decisions,
    )


def revision_row(revision: Revision, content: str) -> dict[str, Any]:
    """The row of ``revisions``; ``content`` is the revision's JSON."""
    return {
        "request": revision.request,
        "number": revision.number,
        "digest": revision.digest,
        "content": content,
    }


def decision_row(decision: Decision, body: str) -> dict[str, Any]:
    """The row of ``decisions``; ``body`` is the decision's JSON."""
    return {
        "id": decision.id,
        "request": decision.request,
        "person": decision.by,
        "verb": decision.decision.value,
        "revision": decision.revision,
        "stage": decision.stage,
        "at": micros(decision.at),
        "vote": int(decision.decision.is_vote),
        "body": body,
    }


def decision_of(body: str) -> Decision:
    """The decision that a body says."""
    return _decision.decode(body)


def execution_row(execution: Execution, body: str, holder: str | None) -> dict[str, Any]:
    """The row of ``executions``; ``body`` is the execution's JSON, ``holder`` as of `effect_row`."""
    return {
        "id": execution.id,
        "request": execution.request,
        "revision": execution.revision,
        "state": execution.state.value,
        "attempts": execution.attempts,
        "due_at": micros_or_none(execution.due_at),
        "body": body,
        "holder": holder,
    }


def execution_of(body: str) -> Execution:
    """The execution that a body says."""
    return _execution.decode(body)


def handle_key(handle: Mapping[str, Any] | None) -> str | None:
    """What ``deliveries_handle`` indexes: the handle's ``channel`` and ``ts``, as sorted JSON; None without both."""
    if handle is None or any(name not in handle for name in HANDLE_ENTRIES):
        return None
    return json_text([str(handle[name]) for name in HANDLE_ENTRIES])


def delivery_row(delivery: Delivery, body: str) -> dict[str, Any]:
    """The row of ``deliveries``; ``body`` is the delivery's JSON."""
    return {
        "id": delivery.id,
        "request": delivery.request,
        "channel": delivery.channel,
        "state": delivery.state.value,
        "body": body,
        "handle_key": handle_key(delivery.handle),
    }


def delivery_of(body: str) -> Delivery:
    """The delivery that a body says."""
    return _delivery.decode(body)


EFFECT_COLUMNS = ("id", "kind", "request", "ref", "due_at", "attempts", "note")


def effect_row(effect: Effect, holder: str | None) -> dict[str, Any]:
    """The row of ``effects``; ``holder`` is the replica that is to see to it, where there are several."""
    return {
        "id": effect.id,
        "kind": effect.kind.value,
        "request": effect.request,
        "ref": effect.ref,
        "due_at": micros(effect.due_at),
        "attempts": effect.attempts,
        "note": effect.note,
        "lane": effect.lane,
        "holder": holder,
    }


def effect_of(row: Sequence[Any]) -> Effect:
    """The effect that a row of `EFFECT_COLUMNS` says."""
    return Effect(
        id=row[0],
        kind=EffectKind(row[1]),
        request=row[2],
        ref=row[3],
        due_at=moment(row[4]),
        attempts=row[5],
        note=row[6],
    )


def line_of(row: Sequence[Any]) -> AuditLine:
    """The audit line that a row of ``events`` (seq, previous, hash, body) says."""
    return AuditLine(seq=row[0], previous=row[1], hash=row[2], body=row[3])
