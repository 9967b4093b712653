"""One unit of work inside a write transaction: `bot.core.ports.Tx` over a cursor."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from bot.core.model import Decision, Delivery, Event, Execution, Request
from bot.core.ports import Change, Effect, Overtaken
from store import asked, queries, rows
from store.access import AccessTx
from store.accounts import AccountsTx
from store.acts import ActsTx
from store.chain import Chain, Mark
from store.changes import difference, own_data, seen
from store.cursor import Cursor
from store.due import DueTx
from store.insight import InsightTx
from store.letters import LettersTx
from store.limits import LimitsTx
from store.moves import MovesTx
from store.replicas import ReplicasTx
from store.switches import SwitchesTx
from store.trust import TrustTx
from store.visits import VisitsTx


class UnitTx(
    AccessTx,
    AccountsTx,
    ActsTx,
    DueTx,
    LettersTx,
    LimitsTx,
    ReplicasTx,
    VisitsTx,
    InsightTx,
    MovesTx,
    SwitchesTx,
    TrustTx,
):
    """What `bot.core.ports.Tx` says, over a connection whose transaction somebody else begins and commits.

    Audit lines and effects gather here and are written by `flush`, before anything that would read them.
    """

    def __init__(self, cursor: Cursor) -> None:
        """``cursor`` is inside a write transaction."""
        self._cursor = cursor
        self._say = cursor.say
        self._chain = Chain(cursor)
        self._effects: list[Effect] = []
        self._done: list[str] = []
        self._elsewhere: dict[str, str] = {}

    def mark(self) -> tuple[Mark, int, int, int]:
        """Where this unit begins, for `untouched` and `cut`."""
        return self._chain.mark(), len(self._effects), len(self._done), self._cursor.written

    def untouched(self, mark: tuple[Mark, int, int, int]) -> bool:
        """Whether no row was written since ``mark``, so that `cut` is all it takes to undo the unit."""
        return self._cursor.written == mark[3]

    def cut(self, mark: tuple[Mark, int, int, int]) -> None:
        """Forget what gathered since ``mark``."""
        self._chain.cut(mark[0])
        del self._effects[mark[1] :]
        del self._done[mark[2] :]

    def flush(self) -> None:
        """Write what has gathered."""
        self._flush_effects()
        self._chain.flush()
        self._cursor.settle()

    def _flush_effects(self) -> None:
        if self._effects:
            me, elsewhere = self._cursor.me, self._elsewhere
            added = [rows.effect_row(effect, elsewhere.get(effect.id, me)) for effect in self._effects]
            self._cursor.change_many(self._say.add_effect, added)
            self._effects = []
        if self._done:
            self._cursor.change_many(self._say.finish, [{"id": effect_id} for effect_id in self._done])
            self._done = []

    def request(self, request_id: str) -> Request | None:
        """See `Tx.request`."""
        return queries.request(self._cursor, request_id)

    def record(self, change: Change) -> None:
        """See `Tx.record`. What may be overtaken comes first, so that a loser has written nothing."""
        data = own_data(change.event)
        if change.after is not None:
            self._put_request(change, change.after, data)
        if change.execution is not None:
            self._put_execution(change, change.execution, data)
        if change.decision is not None:
            body = rows.encoder.encode(change.decision)
            if not self._cursor.presume(self._say.add_decision, rows.decision_row(change.decision, body.decode())):
                raise Overtaken(change.decision.request)
            data["decision"] = msgspec.Raw(body)
        if change.after is None:
            self._extend_request(change)
        if change.deliveries:
            self._cursor.change_many(self._say.put_delivery, self._sent(change, data))
        self._effects.extend(change.effects)
        self._done.extend(change.done)
        self._chain.append(change.event, self.for_all(change, data, _request_id(change)), _request_id(change))

    def _line(self, event: Event, data: dict[str, Any]) -> None:
        self._chain.append(event, data, event.request)

    def _put_request(self, change: Change, after: Request, data: dict[str, Any]) -> None:
        before = change.before
        if before is None:
            self._add_request(change, after)
        else:
            self._change_request(change, before, after)
        if before is None or before.content is not after.content:
            self._put_revision(before, after, data)
        self._cursor.change_many(self._say.queue.assign, asked.moved(before, asked.whole(change, after)))
        data |= difference(before, after)

    def _add_request(self, change: Change, after: Request) -> None:
        row = rows.request_row(after, rows.json_text(after.route))
        row["decisions"] = int(change.decision is not None)
        row["deadline"] = asked.deadline(after)
        row["execution"] = None if change.execution is None else change.execution.id
        self._cursor.presume(self._say.add_request, row)

    def _change_request(self, change: Change, before: Request, after: Request) -> None:
        rerouted = before.route is not after.route and before.route != after.route
        row = rows.request_row(after, rows.json_text(after.route) if rerouted else "")
        row["id_"] = after.id
        row["added"] = int(change.decision is not None)
        row["deadline"] = asked.deadline(asked.whole(change, after))
        row["execution"] = None if change.execution is None or change.execution_before else change.execution.id
        row |= seen(before, row["tracks"] if before.tracks is after.tracks else rows.json_text(before.tracks))
        statement = self._say.reroute_request if rerouted else self._say.change_request
        if not self._cursor.presume(statement, row):
            raise Overtaken(after.id)

    def _extend_request(self, change: Change) -> None:
        """Keep the request's own count of decisions and newest execution, where the request itself is not written."""
        added = change.execution if change.execution_before is None else None
        if change.decision is not None or added is not None:
            row = {
                "id_": _request_id(change),
                "added": int(change.decision is not None),
                "execution": None if added is None else added.id,
            }
            self._cursor.presume(self._say.extend_request, row)
        if change.decision is not None:
            self._decided_alone(change.decision)

    def _decided_alone(self, decision: Decision) -> None:
        """A decision beside its request, which is not written: it may wait for others now."""
        after = self.request(decision.request)
        if after is not None:
            before = replace(after, decisions=tuple(known for known in after.decisions if known.id != decision.id))
            self._cursor.change_many(self._say.queue.assign, asked.moved(before, after))
            self._cursor.presume(self._say.queue.move_deadline, {"id_": after.id, "deadline": asked.deadline(after)})

    def _put_revision(self, before: Request | None, after: Request, data: dict[str, Any]) -> None:
        if before is not None and before.content.number == after.content.number:
            if before.content != after.content:
                raise ValueError(f"revision {after.content.number} of {after.id} is written and cannot change")
            return
        content = rows.encoder.encode(after.content)
        if not self._cursor.presume(self._say.add_revision, rows.revision_row(after.content, content.decode())):
            raise Overtaken(after.id)
        data["revision"] = msgspec.Raw(content)

    def _put_execution(self, change: Change, execution: Execution, data: dict[str, Any]) -> None:
        body = rows.encoder.encode(execution)
        row = rows.execution_row(execution, body.decode(), self._cursor.me)
        seen = change.execution_before
        if seen is None:
            written = self._cursor.presume(self._say.add_execution, row)
        else:
            row |= {"id_": execution.id, "was_state": seen.state.value, "was_attempts": seen.attempts}
            written = self._cursor.presume(self._say.change_execution, row)
        if not written:
            raise Overtaken(execution.id)
        data["execution"] = msgspec.Raw(body)

    def remembered(self, agent: str, key: str) -> tuple[str, str] | None:
        """See `Tx.remembered`."""
        row = self._cursor.one(self._say.remembered, {"agent": agent, "key": key})
        return None if row is None else (row[0], row[1])

    def remember(self, agent: str, key: str, body_hash: str, request_id: str, at: datetime) -> None:
        """See `Tx.remember`. Raises `Overtaken` where the key is bound already."""
        row = {"agent": agent, "key": key, "body_hash": body_hash, "request": request_id, "at": rows.micros(at)}
        if not self._cursor.presume(self._say.remember, row):
            raise Overtaken(request_id)

    def deliveries(self, request_id: str) -> tuple[Delivery, ...]:
        """See `Tx.deliveries`."""
        return queries.deliveries(self._cursor, request_id)

    def delivery(self, delivery_id: str) -> Delivery | None:
        """See `Tx.delivery`."""
        return queries.delivery(self._cursor, delivery_id)

    def execution(self, execution_id: str) -> Execution | None:
        """See `Tx.execution`."""
        return queries.execution(self._cursor, execution_id)

    def unfinished(self) -> tuple[Execution, ...]:
        """See `Tx.unfinished`."""
        return tuple(rows.execution_of(body) for (body,) in self._cursor.all(self._say.unfinished))

    def effects(self) -> tuple[Effect, ...]:
        """See `Tx.effects`."""
        self._flush_effects()
        return tuple(rows.effect_of(row) for row in self._cursor.all(self._say.effects))

    def postpone(self, effect: Effect) -> None:
        """See `Tx.postpone`."""
        self._flush_effects()
        self._cursor.change_many(self._say.postpone, [{**rows.effect_row(effect, None), "id_": effect.id}])

    def finish(self, effect_ids: Sequence[str]) -> None:
        """See `Tx.finish`."""
        self._done.extend(effect_ids)

    def append(self, event: Event) -> None:
        """See `Tx.append`."""
        self._chain.append(event, own_data(event), event.request)


def _request_id(change: Change) -> str | None:
    if change.after is not None:
        return change.after.id
    if change.execution is not None:
        return change.execution.request
    if change.decision is not None:
        return change.decision.request
    return change.event.request or next((delivery.request for delivery in change.deliveries), None)
