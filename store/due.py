"""What is due, inside a write: the part of `bot.core.ports.Tx` that the tick asks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime

from bot.core.model import Delivery, Request
from store import queries, rows
from store.cursor import Cursor
from store.prepared import Row
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
        wanted = self._but(now, limit, but) if but else self._first(now, limit)
        cards = self._cards([row[0] for row in wanted])
        for request in queries.each_whole(self._cursor, wanted):
            bodies = cards.get(request.id) if cards else None
            yield request, tuple([rows.delivery_of(body) for body in bodies]) if bodies else ()

    def _first(self, now: datetime, limit: int) -> Sequence[Row]:
        return self._cursor.all(self._cursor.say.due.whole, {"now": rows.micros(now), "limit": limit})

    def _but(self, now: datetime, limit: int, but: Collection[str]) -> Sequence[Row]:
        """As `_first`, without some, of which no more is read than their ids."""
        ids = [request_id for request_id in self.due(now, limit + len(but)) if request_id not in but][:limit]
        found: list[Row] = []
        for count, values in lots(ids):
            found += self._cursor.all(self._cursor.say.due.these[count], values)
        return found

    def _cards(self, request_ids: Sequence[str]) -> Mapping[str, list[str]]:
        """The bodies of the deliveries of these requests, oldest first; one that has none is left out."""
        grouped: defaultdict[str, list[str]] = defaultdict(list)
        for count, values in lots(request_ids):
            for request_id, body in self._cursor.all(self._cursor.say.due.cards[count], values):
                grouped[request_id].append(body)
        return grouped
