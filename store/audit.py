"""What state the audit tells: the rows of a replay, to be held against the tables. `store.chain` verifies the lines."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from bot.core.model import Decision, Delivery, Execution, Revision, Route, State
from bot.core.ports import AuditLine
from store import rows

Row = dict[str, Any]

_TIMES = ("created_at", "expires_at", "step_at", "remind_at", "due_at", "decided_at")


class Rebuilt(msgspec.Struct):
    """What a trail tells: rows by key, columns as the tables have them, without the counter ``n``."""

    requests: dict[str, Row] = {}
    revisions: dict[tuple[str, int], Row] = {}
    decisions: dict[str, Row] = {}
    executions: dict[str, Row] = {}
    deliveries: dict[str, Row] = {}


class _Told(msgspec.Struct):
    request: dict[str, Any] | None = None
    revision: Revision | None = None
    decision: Decision | None = None
    execution: Execution | None = None
    deliveries: list[Delivery] = []


class _Line(msgspec.Struct):
    data: Any
    request: str | None = None


def replay(lines: Iterable[AuditLine]) -> Rebuilt:
    """The rows of requests, revisions, decisions, executions and deliveries after the last line, from nothing."""
    rebuilt = Rebuilt()
    for line in lines:
        event = msgspec.json.decode(line.body, type=_Line)
        if isinstance(event.data, dict):
            _take(rebuilt, event.request, event.data)
    return rebuilt


def _take(rebuilt: Rebuilt, request_id: str | None, data: dict[str, Any]) -> None:
    known = {name: value for name, value in data.items() if name in _Told.__struct_fields__}
    told = msgspec.convert(known, _Told)
    if told.request is not None and request_id is not None:
        row = rebuilt.requests.setdefault(request_id, {"decisions": 0, "execution": None})
        row.update(_columns(told.request))
    if told.revision is not None:
        row = rows.revision_row(told.revision, rows.json_text(told.revision))
        rebuilt.revisions[told.revision.request, told.revision.number] = row
    if told.decision is not None:
        rebuilt.decisions[told.decision.id] = rows.decision_row(told.decision, rows.json_text(told.decision))
        rebuilt.requests[told.decision.request]["decisions"] += 1
    if told.execution is not None:
        if told.execution.id not in rebuilt.executions:
            rebuilt.requests[told.execution.request]["execution"] = told.execution.id
        rebuilt.executions[told.execution.id] = rows.execution_row(told.execution, rows.json_text(told.execution))
    for delivery in told.deliveries:
        rebuilt.deliveries[delivery.id] = rows.delivery_row(delivery, rows.json_text(delivery))


def _columns(told: dict[str, Any]) -> Row:
    """A request's fields, as an event tells them, as columns."""
    row = dict(told)
    for name in _TIMES:
        if row.get(name) is not None:
            row[name] = rows.micros(msgspec.convert(row[name], datetime))
    if "route" in row:
        route = msgspec.convert(row["route"], Route)
        row |= {"route": rows.json_text(route), "rule": route.rule}
    if "exhausted" in row:
        row["exhausted"] = int(row["exhausted"])
    if "state" in row:
        row["open"] = int(State(row["state"]).open)
    return row
