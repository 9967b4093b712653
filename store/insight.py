"""What is measured, inside a write and beside it; shapes in `bot.core.ports.insight`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache

import msgspec

from bot.core.insight.adding import EMPTY, difference, plus
from bot.core.insight.cell import Cell, CellKey, Grain, Sort
from bot.core.insight.fact import Fact
from bot.core.insight.making import Measured, forgotten
from bot.core.model import Delivery, State
from bot.core.ports.insight import FactQuery
from store import queries, rows
from store.cursor import Cursor
from store.patterns import within
from store.prepared import Prepared, Row
from store.shapes import ASKED_AT_ONCE, asked, measured_of
from store.visits import kept

FOLLOWED = "insight.followed"
"""Under which name the house keeps up to which line of the audit the facts are."""

_DIGITS = 17
"""Of microseconds since the epoch, so that text is in the order of time until the year 5138."""

_fact = msgspec.json.Decoder(Fact)
_cell = msgspec.json.Decoder(Cell)
_parts = msgspec.json.Decoder(tuple[str, ...])


def followed(cursor: Cursor) -> int:
    """See `InsightStore.followed`."""
    return int(kept(cursor, FOLLOWED) or 0)


def _by_key(cursor: Cursor, statement: Prepared, keys: Sequence[str]) -> Iterator[Row]:
    for first in range(0, len(keys), ASKED_AT_ONCE):
        yield from cursor.all(statement, asked(keys[first : first + ASKED_AT_ONCE]))


def measured(cursor: Cursor, request_ids: Sequence[str]) -> tuple[Measured, ...]:
    """See `InsightStore.measured`."""
    say, ids = cursor.say.insight, tuple(dict.fromkeys(request_ids))
    found = queries.whole(cursor, list(_by_key(cursor, say.requests, ids)))
    sent: dict[str, list[Delivery]] = defaultdict(list)
    for request_id, body in _by_key(cursor, say.deliveries, ids):
        sent[request_id].append(rows.delivery_of(body))
    opened: dict[str, dict[int, dict[str, datetime]]] = defaultdict(lambda: defaultdict(dict))
    for request_id, revision, person, at in _by_key(cursor, say.opened, ids):
        opened[request_id][revision][person] = rows.moment(at)
    cancelled = {request_id for (request_id,) in _by_key(cursor, say.taken_back, ids)}
    several = tuple(one.id for one in found if one.revision > 1)
    made: dict[str, dict[int, datetime]] = defaultdict(dict)
    for request_id, number, content in _by_key(cursor, say.revisions, several):
        made[request_id][number] = rows.content_of(content).created_at
    reviews = {one.id: one.execution.review for one in found if one.execution and one.execution.review}
    states: dict[str, str] = dict(_by_key(cursor, say.states, tuple(reviews.values())))
    return tuple(
        Measured(
            request=one,
            deliveries=tuple(sent.get(one.id, ())),
            opened=opened.get(one.id, {}),
            taken_back=one.id in cancelled,
            review=State(states[reviews[one.id]]) if reviews.get(one.id) in states else None,
            revisions=made.get(one.id, {}),
        )
        for one in found
    )


def facts_of(cursor: Cursor, query: FactQuery) -> tuple[Fact, ...]:
    """See `InsightStore.facts_of`. An unknown ``after`` answers nothing."""
    after_at: int | None = None
    if query.after is not None:
        row = cursor.one(cursor.say.insight.created_at, {"request": query.after})
        if row is None:
            return ()
        after_at = row[0]
    names, values = measured_of(query, after_at)
    return tuple(_fact.decode(body) for (body,) in cursor.all(cursor.say.insight.page.of(names), values))


def wanted(
    sort: Sort, grain: Grain, since: datetime, until: datetime, *, first: str, most: int
) -> dict[str, str | int]:
    """The parameters of `InsightStatements.tallies_between` for `InsightStore.cells`, whose rows `cells_of` reads."""
    # The parts as `spelt` has them, begun; nobody's text has such a begin within, for its quotes are escaped.
    parts = rows.json_text([first])[:-2]
    bounds = {"since": _spelt(sort, grain, since), "until": _spelt(sort, grain, until)}
    return {**bounds, "named": within(f" {parts}") if first else "%", "most": most}


def cells_of(found: Sequence[Row]) -> tuple[tuple[CellKey, Cell], ...]:
    """What rows of tallies say; of a year some tens of thousands, which takes some tenths of a second."""
    return tuple([(_key_of(key), _cell.decode(body)) for key, body in found])


def _spelt(sort: Sort, grain: Grain, at: datetime) -> str:
    return f"{sort.value} {grain.value} {max(0, rows.micros(at)):0{_DIGITS}d} "


def spelt(key: CellKey) -> str:
    """How a tally's row is called."""
    return _spelt(key.sort, key.grain, key.at) + rows.json_text(key.parts)


def _key_of(text: str) -> CellKey:
    sort, grain, at, parts = text.split(" ", 3)
    return CellKey(_grains[grain], _moment(at), _sorts[sort], _parts_of(parts))


_grains = {grain.value: grain for grain in Grain}
_sorts = {sort.value: sort for sort in Sort}


@lru_cache(maxsize=1 << 12)
def _moment(text: str) -> datetime:
    return rows.moment(int(text))


@lru_cache(maxsize=1 << 12)
def _parts_of(text: str) -> tuple[str, ...]:
    """Kept, for of a year's cells most are about the same few cases."""
    return _parts.decode(text)


class InsightTx(ABC):
    """See `bot.core.ports.insight.InsightTx`."""

    _cursor: Cursor

    @abstractmethod
    def keep_newer(self, name: str, value: str) -> None:
        """See `Tx.keep_newer`."""

    def follow(self, after: int, to: int) -> bool:
        """See `bot.core.ports.insight.InsightTx.follow`."""
        if followed(self._cursor) != after:
            return False
        self.keep_newer(FOLLOWED, str(to))
        return True

    def facts(self, request_ids: Sequence[str]) -> Mapping[str, Fact]:
        """See `bot.core.ports.insight.InsightTx.facts`."""
        found = [_fact.decode(body) for (body,) in _by_key(self._cursor, self._cursor.say.insight.facts, request_ids)]
        return {fact.request: fact for fact in found}

    def forgotten(self, request_ids: Sequence[str]) -> frozenset[str]:
        """See `bot.core.ports.insight.InsightTx.forgotten`."""
        found = _by_key(self._cursor, self._cursor.say.insight.forgotten, request_ids)
        return frozenset(request_id for (request_id,) in found)

    def put_facts(self, facts: Sequence[Fact]) -> None:
        """See `bot.core.ports.insight.InsightTx.put_facts`."""
        self._cursor.change_many(self._cursor.say.insight.put_fact, [row_of(fact) for fact in facts])

    def add_cells(self, added: Mapping[CellKey, Cell]) -> None:
        """See `bot.core.ports.insight.InsightTx.add_cells`."""
        say, named = self._cursor.say.insight, {spelt(key): cell for key, cell in added.items()}
        standing = {key: _cell.decode(body) for key, body in _by_key(self._cursor, say.tallies, tuple(named))}
        put, gone = [], []
        for key, cell in named.items():
            now = plus(standing[key], cell) if key in standing else cell
            if now == EMPTY:
                gone.append({"key_": key})
            else:
                put.append({"key": key, "body": rows.encoder.encode(now).decode()})
        self._cursor.change_many(say.put_tally, put)
        self._cursor.change_many(say.drop_tally, gone)

    def _forget_measured(self, request_id: str) -> None:
        """Take what anybody wrote out of a request's fact, and out of the cells that it was added to."""
        before = self.facts((request_id,)).get(request_id)
        if before is not None:
            after = forgotten(before)
            self.put_facts((after,))
            self.add_cells(difference(before, after))


def row_of(fact: Fact) -> dict[str, str | int]:
    """A fact as its row."""
    return {
        "request": fact.request,
        "agent": fact.agent,
        "action": fact.action,
        "rule": fact.rule,
        "body": rows.encoder.encode(fact).decode(),
        "created_at": rows.micros(fact.created_at),
        "decided": int(fact.by_person),
        "practice": int(fact.practice),
    }
