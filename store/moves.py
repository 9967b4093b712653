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

from bot.core.model import Request
from bot.core.ports import Change, Effect, Overtaken
from store import asked, rows
from store.chain import Chain
from store.changes import differing, own_data, seen
from store.erasing import ErasingTx
from store.shapes import MOVING

_MOVED = tuple([name for name in Request.__struct_fields__ if name in MOVING])
_VALUES = attrgetter(*_MOVED)
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
        put = [_row(before, after) for _, before, after in moves]
        if not self._cursor.presume_many(self._say.move_request, put):
            raise Overtaken(", ".join(after.id for _, _, after in moves))
        people = [row for _, before, after in moves for row in asked.moved(before, after)]
        self._cursor.change_many(self._say.queue.assign, people)
        cards: list[dict[str, Any]] = []
        for change, before, after in moves:
            # Nothing else of the request can have changed.
            now, was = differing(before, after, _MOVED, _VALUES)
            data = own_data(change.event) | {"request": now, "before": was}
            cards += self._sent(change, data)
            self._effects.extend(change.effects)
            self._chain.append(change.event, self.for_all(change, data, after.id), after.id)
        self._cursor.change_many(self._say.put_delivery, cards)

    def _sent(self, change: Change, data: dict[str, Any]) -> list[dict[str, Any]]:
        """The rows of a change's cards; ``data``, which its line tells, takes what they say."""
        if not change.deliveries:
            return []
        kept = self.late(change.deliveries)
        bodies = [rows.encoder.encode(delivery) for delivery in kept]
        data["deliveries"] = [msgspec.Raw(body) for body in bodies]
        return [rows.delivery_row(delivery, body.decode()) for delivery, body in zip(kept, bodies, strict=True)]


def _row(before: Request, after: Request) -> dict[str, Any]:
    tracks = rows.json_text(after.tracks)
    return {
        "id_": after.id,
        "tracks": tracks,
        "escalation_level": after.escalation_level,
        "due_at": rows.micros_or_none(after.due_at),
        "deadline": asked.deadline(after),
        "added": 0,
        "execution": None,
        **seen(before, tracks if before.tracks is after.tracks else rows.json_text(before.tracks)),
    }
