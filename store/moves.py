"""Many changes in one go: requests that only moved along their chains, as a tick leaves them by the hundred.

Such a change writes few columns, and what one request needs is what all of them need: one statement for each kind of
row, run once for all of them. Every row is guarded as it is by itself, and every change has its own line of the audit.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from operator import attrgetter
from typing import Any

import msgspec

from bot.core.model import Event, Request
from bot.core.ports import Change, Effect, Overtaken
from store import asked, rows
from store.chain import Chain
from store.changes import own_data, seen
from store.erasing import ErasingTx
from store.shapes import MOVING

_REST = attrgetter(*(name for name in Request.__struct_fields__ if name not in MOVING))


def is_move(change: Change) -> bool:
    """Whether a change is one of a request along its chain alone, with its new cards and what is to be done outside."""
    before, after = change.before, change.after
    if before is None or after is None or change.decision is not None or change.execution is not None or change.done:
        return False
    # Nearly all are the very same, which is seen before what they say is compared.
    return bool(_REST(before) == _REST(after))


class MovesTx(ErasingTx):
    """See `bot.core.ports.Tx`."""

    _chain: Chain
    _effects: list[Effect]

    @abstractmethod
    def record(self, change: Change) -> None:
        """See `Tx.record`."""

    def record_all(self, changes: Sequence[Change]) -> None:
        """See `Tx.record_all`."""
        moves: list[tuple[Change, Request, Request]] = []
        for change in changes:
            before, after = change.before, change.after
            if before is not None and after is not None and is_move(change):
                moves.append((change, before, after))
            else:
                self._record_moves(moves)
                moves = []
                self.record(change)
        self._record_moves(moves)

    def _record_moves(self, moves: Sequence[tuple[Change, Request, Request]]) -> None:
        """Write the rows first, all that may be overtaken before anything else; then the lines."""
        if not moves:
            return
        texts = [_texts(before, after) for _, before, after in moves]
        put = [_row(before, after, *text) for (_, before, after), text in zip(moves, texts, strict=True)]
        if not self._cursor.presume_many(self._say.move_request, put):
            raise Overtaken(", ".join(after.id for _, _, after in moves))
        people = [row for _, before, after in moves for row in asked.moved(before, after)]
        self._cursor.change_many(self._say.queue.assign, people)
        cards: list[dict[str, Any]] = []
        lines: list[tuple[Event, dict[str, Any], str | None]] = []
        for (change, before, after), text in zip(moves, texts, strict=True):
            data = _told(change.event, before, after, *text)
            if change.deliveries:
                cards += self._sent(change, data)
            self._effects.extend(change.effects)
            lines.append((change.event, self.for_all(change, data, after.id), after.id))
        self._chain.extend(lines)
        self._cursor.change_many(self._say.put_delivery, cards)

    def _sent(self, change: Change, data: dict[str, Any]) -> list[dict[str, Any]]:
        """The rows of a change's cards; ``data``, which its line tells, takes what they say."""
        if not change.deliveries:
            return []
        kept = self.late(change.deliveries)
        bodies = [rows.encoder.encode(delivery) for delivery in kept]
        data["deliveries"] = [msgspec.Raw(body) for body in bodies]
        return [rows.delivery_row(delivery, body.decode()) for delivery, body in zip(kept, bodies, strict=True)]


def _texts(before: Request, after: Request) -> tuple[bytes, bytes]:
    """The tracks before and after as the tables and the line have them, made once for both; the same where they are."""
    was = rows.encoder.encode(before.tracks)
    return was, was if before.tracks is after.tracks else rows.encoder.encode(after.tracks)


def _told(event: Event, before: Request, after: Request, was: bytes, now: bytes) -> dict[str, Any]:
    """An event's data with what changed, as `store.changes.difference` has it: nothing else of the request can have."""
    new: dict[str, Any] = {}
    old: dict[str, Any] = {}
    # In the order of the request's own fields.
    if was != now:
        new["tracks"], old["tracks"] = msgspec.Raw(now), msgspec.Raw(was)
    if before.due_at != after.due_at:
        new["due_at"], old["due_at"] = after.due_at, before.due_at
    if before.escalation_level != after.escalation_level:
        new["escalation_level"], old["escalation_level"] = after.escalation_level, before.escalation_level
    data = own_data(event)
    data["request"], data["before"] = new, old
    return data


def _row(before: Request, after: Request, was: bytes, now: bytes) -> dict[str, Any]:
    row = seen(before, was.decode())
    row["id_"] = after.id
    row["tracks"] = now.decode()
    row["escalation_level"] = after.escalation_level
    row["due_at"] = rows.micros_or_none(after.due_at)
    row["deadline"] = asked.deadline(after)
    return row
