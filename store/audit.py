"""What state the audit tells: the rows of a replay, to be held against the tables. `store.chain` verifies the lines.

JSON goes from a line to its row as it stands there, never decoded and written anew: a value that an older sayso wrote
keeps the form that it had then, in the table as in the line.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from bot.core.model import Decision, Execution, Revision, State
from bot.core.ports import AuditLine
from store import rows
from store.places import Place
from store.sealing import Box, unseal

Row = dict[str, Any]

_TIMES = frozenset({"created_at", "expires_at", "due_at", "decided_at"})
_PLACES = frozenset(Place.__struct_fields__)
_moment = msgspec.json.Decoder(datetime | None)
_revision = msgspec.json.Decoder(Revision)


class Rebuilt(msgspec.Struct):
    """What a trail tells: rows by key, columns as the tables have them, without the counter ``n``."""

    requests: dict[str, Row] = {}
    revisions: dict[tuple[str, int], Row] = {}
    decisions: dict[str, Row] = {}
    executions: dict[str, Row] = {}
    deliveries: dict[str, Row] = {}


_NONE = msgspec.Raw()


class _Told(msgspec.Struct):
    request: dict[str, msgspec.Raw] = {}
    revision: msgspec.Raw = _NONE
    decision: msgspec.Raw = _NONE
    execution: msgspec.Raw = _NONE
    deliveries: list[msgspec.Raw] = []
    sealed: Box | None = None


class _Line(msgspec.Struct):
    data: msgspec.Raw
    request: str | None = None


class _Named(msgspec.Struct):
    """Of a route, what has a column of its own."""

    rule: str


_line = msgspec.json.Decoder(_Line)
_told = msgspec.json.Decoder(_Told)
_named = msgspec.json.Decoder(_Named)


def replay(lines: Iterable[AuditLine], keys: Mapping[str, str] | None = None) -> Rebuilt:
    """The rows of requests, revisions, decisions, executions and deliveries after the last line, from nothing.

    ``keys`` open sealed lines (`store.store.SqlStore.seals`); of one whose key is destroyed, what stands beside the box
    is what the tables have, too.
    """
    trail = _Trail()
    for line in lines:
        event = _line.decode(line.body)
        if bytes(event.data).startswith(b"{"):
            told = _told.decode(event.data)
            if told.sealed is not None:
                opened = unseal(told.sealed, keys or {}, event.request or "")
                told = told if opened is None else _told.decode(opened)
            trail.take(event.request, told)
    return trail.rebuilt


class _Trail:
    """What was told so far."""

    def __init__(self) -> None:
        self.rebuilt = Rebuilt()
        self._places: dict[str, Place] = {}
        self._voted: set[tuple[str, int, str]] = set()

    def take(self, request_id: str | None, told: _Told) -> None:
        """One line more."""
        if request_id is not None:
            self._request(request_id, told.request)
        if body := _text(told.revision):
            revision = _revision.decode(body)
            self.rebuilt.revisions[revision.request, revision.number] = rows.revision_row(revision, body)
        if body := _text(told.decision):
            self._decision(rows.decision_of(body), body)
        if body := _text(told.execution):
            self._execution(rows.execution_of(body), body)
        for body in map(_text, told.deliveries):
            delivery = rows.delivery_of(body)
            self.rebuilt.deliveries[delivery.id] = rows.delivery_row(delivery, body)

    def _request(self, request_id: str, told: dict[str, msgspec.Raw]) -> None:
        if not told:
            return
        row = self.rebuilt.requests.setdefault(request_id, {"decisions": 0, "execution": None, "advice": None})
        for name, value in told.items():
            if name not in _PLACES:
                row |= _columns(name, value)
        if "tracks" in told:
            self._places.pop(request_id, None)
        elif not _PLACES.isdisjoint(told) or (request_id in self._places and "route" in told):
            # Before there were tracks, a request stood at one place of its route.
            place = self._places.get(request_id, Place()).moved(told)
            self._places[request_id] = place
            row["tracks"] = place.tracks(row["route"])

    def _decision(self, decision: Decision, body: str) -> None:
        row = rows.decision_row(decision, body)
        if row["vote"]:
            # Once, one person could vote in each stage; only the first of those still counts as the vote of a person.
            vote = (decision.request, decision.revision, decision.by)
            row["vote"] = int(vote not in self._voted)
            self._voted.add(vote)
        self.rebuilt.decisions[decision.id] = row
        self.rebuilt.requests[decision.request]["decisions"] += 1

    def _execution(self, execution: Execution, body: str) -> None:
        if execution.id not in self.rebuilt.executions:
            self.rebuilt.requests[execution.request]["execution"] = execution.id
        self.rebuilt.executions[execution.id] = rows.execution_row(execution, body, None)


def _text(told: msgspec.Raw) -> str:
    return bytes(told).decode()


def _columns(name: str, told: msgspec.Raw) -> Row:
    """A request's field, as an event tells it, as columns."""
    if name in _TIMES:
        return {name: rows.micros_or_none(_moment.decode(told))}
    if name == "route":
        return {"route": _text(told), "rule": _named.decode(told).rule}
    if name == "tracks":
        return {"tracks": _text(told)}
    if name == "advice":
        return {"advice": None if bytes(told) == b"[]" else _text(told)}
    value = msgspec.json.decode(told)
    return {"state": value, "open": int(State(value).open)} if name == "state" else {name: value}
