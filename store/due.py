"""What is due, inside a write: the part of `bot.core.ports.Tx` that the tick asks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime

from bot.core.model import Delivery, Request
from store import queries, rows
from store.cursor import Cursor
from store.shapes import lots


class DueTx:
    """See `bot.core.ports.Tx`."""

    _cursor: Cursor

    def due(self, now: datetime, limit: int) -> tuple[str, ...]:
        """See `Tx.due`."""
        found = self._cursor.all(self._cursor.say.due.ids, {"now": rows.micros(now), "limit": limit})
        return tuple([request_id for (request_id,) in found])

    def due_whole(
        self, now: datetime, limit: int, but: Collection[str] = ()
    ) -> Iterator[tuple[Request, tuple[Delivery, ...]]]:
        """See `Tx.due_whole`."""
        found = self._cursor.all(self._cursor.say.due.whole, {"now": rows.micros(now), "limit": limit})
        wanted = [row for row in found if row[0] not in but] if but else found
        cards = self._cards([row[0] for row in wanted])
        for request in queries.each_whole(self._cursor, wanted):
            bodies = cards.get(request.id)
            yield request, tuple([rows.delivery_of(body) for body in bodies]) if bodies else ()

    def _cards(self, request_ids: Sequence[str]) -> Mapping[str, list[str]]:
        """The bodies of the deliveries of these requests, oldest first; one that has none is left out."""
        grouped: defaultdict[str, list[str]] = defaultdict(list)
        for count, values in lots(request_ids):
            for request_id, body in self._cursor.all(self._cursor.say.due.cards[count], values):
                grouped[request_id].append(body)
        return grouped
