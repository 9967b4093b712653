"""What the units of a batch will ask for, read at its begin in one statement, and answered from memory.

An answer is what the statement itself would have given when the transaction began, and it rests on rows: whatever
writes one of those drops it, and it is asked of the database again. Nobody else writes meanwhile, for a transaction
that writes holds the lock (`store.postgres_line`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bot.core.ports import About
from store import queries
from store.postgres import PgCursor, given, given_row
from store.prepared import Prepared, Row
from store.statements import Statements

_FEW = 256
"""Effects that replicas hold, and addresses that reach nobody, up to which all of them are read; of more, each lane
and each address is asked for."""

_SUBJECTS: Mapping[str, tuple[str, ...]] = {
    "requests": ("id",),
    "revisions": ("request",),
    "decisions": ("request",),
    "executions": ("request",),
    "deliveries": ("request",),
    "effects": ("id",),
    "idempotency": ("agent", "key"),
}
"""By which values of a write it is known which answers rest on it; a write to any other table drops all about it.

A value that is looked for has ``_`` at its end, as everywhere in the store.
"""

_REQUEST = ("requests", "revisions", "executions")
"""On which tables the answer about a whole request rests."""

OWN = "pg_current_xact_id()::text, ARRAY(SELECT id FROM replicas LIMIT 2)"
"""The transaction's number, and of the replicas that there are as many as show whether it is one."""

_LOAD = """
WITH wanted AS MATERIALIZED (
  SELECT unnest($1::text[]) AS id UNION SELECT request FROM executions WHERE executions.id = ANY($2::text[]))
SELECT
  ARRAY(SELECT id FROM wanted),
  ARRAY({request} JOIN wanted ON requests.id = wanted.id),
  ARRAY(SELECT ROW(request, body) FROM wanted JOIN decisions ON request = wanted.id ORDER BY n),
  ARRAY(SELECT ROW(request, deliveries.id, body) FROM wanted JOIN deliveries ON request = wanted.id ORDER BY n),
  ARRAY(SELECT ROW(id, request, body, n, holder) FROM executions WHERE id = ANY($2::text[])),
  ARRAY(SELECT ROW(id, n, holder) FROM effects WHERE id = ANY($3::text[])),
  ARRAY(SELECT ROW(agent, key, request, body_hash)
    FROM unnest($4::text[], $5::text[]) AS bound(by, under) JOIN idempotency ON agent = by AND key = under),
  ARRAY(SELECT fingerprint FROM rejections WHERE fingerprint = ANY($6::text[])),
  ARRAY(SELECT ROW(lane, holder) FROM
    (SELECT lane, holder, n FROM effects WHERE holder IS NOT NULL LIMIT {few}) AS held ORDER BY n),
  ARRAY(SELECT ROW(channel, address, error, at) FROM unreachable LIMIT {few}),
  ARRAY(SELECT ROW(position) FROM switches WHERE name = '{switch}'),
  ARRAY(SELECT ROW(seq, hash) FROM chain WHERE id = 1),
  {own}
"""


def _loading(statements: Statements) -> str:
    """The one statement; a request's columns are those of `Statements.request`."""
    columns, rest = statements.request.sql.removeprefix("SELECT ").split(" \nFROM ", 1)
    tables, _ = rest.split(" \nWHERE ", 1)
    request = f"SELECT ROW({columns}) FROM {tables}"  # noqa: S608 - ours
    return _LOAD.format(request=request, few=_FEW + 1, switch=queries.PAUSE, own=OWN)


class Memory:
    """Answers by statement and parameters, and on what they rest."""

    __slots__ = ("_held", "_known", "_load", "_loaded", "_lost", "_resting", "_say", "_tables", "_unrejected")

    def __init__(self, statements: Statements) -> None:
        self._say = statements
        self._load = _loading(statements)
        self.forget()

    def forget(self) -> None:
        """Know nothing."""
        self._loaded = False
        self._known: dict[tuple[str, Row], Sequence[Row]] = {}
        self._resting: dict[tuple[str, Row], list[tuple[str, Row]]] = {}
        self._tables: dict[str, list[tuple[str, Row]]] = {}
        self._unrejected: set[str] = set()
        self._held: list[Row] | None = None
        self._lost: dict[Row, Row] | None = None

    def load(self, driver: PgCursor, about: Iterable[About], me: str | None) -> Row:
        """Read all that units are about; ``me`` is the replica that writes here. What `OWN` asks for, too."""
        units = list(about)
        requests = list(dict.fromkeys(one for unit in units for one in unit.requests))
        executions = list(dict.fromkeys(one for unit in units for one in unit.executions))
        effects = list(dict.fromkeys(one for unit in units for one in unit.effects))
        keys = list(dict.fromkeys(one for unit in units for one in unit.keys))
        prints = list(dict.fromkeys(one for unit in units for one in unit.fingerprints))
        agents, texts = [agent for agent, _ in keys], [key for _, key in keys]
        driver.execute(self._load, (requests, executions, effects, agents, texts, prints))
        (found,) = driver.fetchall()
        wanted, whole, decided, sent, ran, due, bound, rejected, held, lost, switch, head, *own = found
        self._loaded = True
        self._about_requests(list(map(given, wanted)), whole, decided, sent)
        self._about_executions(executions, ran, me)
        self._about_keys(keys, bound)
        if me is not None:
            holders = {row[0]: row for row in map(given_row, due)}
            for one in effects:
                row = holders.get(one)
                kept = [(row[1],)] if row is not None and row[2] == me else []
                self._put(self._say.replicas.has_effect, {"id": one, "me": me}, kept, ("effects", (one,)))
        self._unrejected = set(prints).difference(map(given, rejected))
        self._held = list(map(given_row, held)) if len(held) <= _FEW else None
        self._lost = {row[:2]: row for row in map(given_row, lost)} if len(lost) <= _FEW else None
        self._put(self._say.switch, {"name": queries.PAUSE}, switch, "switches")
        self._put(self._say.head, {}, head, "chain")
        return tuple(own)

    def _about_keys(self, keys: Sequence[tuple[str, str]], bound: Sequence[Row]) -> None:
        remembered = {(row[0], row[1]): row[2:] for row in map(given_row, bound)}
        for agent, key in keys:
            row = remembered.get((agent, key))
            kept = [] if row is None else [row]
            self._put(self._say.remembered, {"agent": agent, "key": key}, kept, ("idempotency", (agent, key)))

    def _about_requests(self, wanted: Sequence[str], whole: Any, decided: Any, sent: Any) -> None:
        say, found = self._say, {row[0]: given_row(row) for row in whole}
        bodies: dict[str, list[Row]] = {one: [] for one in wanted}
        cards: dict[str, list[Row]] = {one: [] for one in wanted}
        for request, body in map(given_row, decided):
            bodies[request].append((body,))
        for request, delivery, body in map(given_row, sent):
            cards[request].append((body,))
            self._put(say.delivery, {"id": delivery}, [(body,)], ("deliveries", (request,)))
        for one in wanted:
            rests = [(table, (one,)) for table in _REQUEST]
            self._put(say.request, {"id": one}, [found[one]] if one in found else [], *rests)
            self._put(say.decisions, {"request": one}, bodies[one], ("decisions", (one,)))
            self._put(say.deliveries, {"request": one}, cards[one], ("deliveries", (one,)))

    def _about_executions(self, executions: Sequence[str], ran: Any, me: str | None) -> None:
        say, known = self._say, {row[0]: row for row in map(given_row, ran)}
        for one in executions:
            row = known.get(one)
            # One that is not there may be added for any request.
            rests: str | tuple[str, Row] = "executions" if row is None else ("executions", (row[1],))
            self._put(say.execution, {"id": one}, [] if row is None else [(row[2],)], rests)
            if me is not None:
                held = [(row[3],)] if row is not None and row[4] == me else []
                self._put(say.replicas.has_execution, {"id": one, "me": me}, held, rests)

    def _put(
        self, statement: Prepared, values: Mapping[str, Any], found: Sequence[Row], *rests: str | tuple[str, Row]
    ) -> None:
        """Know an answer. It rests on a whole table, or on the rows of one subject in it."""
        known = (statement.sql, statement.pick(values))
        self._known[known] = found
        for on in rests:
            if isinstance(on, str):
                self._tables.setdefault(on, []).append(known)
            else:
                self._resting.setdefault(on, []).append(known)

    def answer(self, statement: Prepared, row: Row) -> Sequence[Row] | None:
        """The rows that a query would give, None where it has to be asked."""
        if not self._loaded:
            return None
        sql = statement.sql
        found = self._known.get((sql, row))
        if found is None and sql == self._say.accounts.rejected.sql:
            return () if row[0] in self._unrejected else None
        if found is None and sql == self._say.replicas.lanes.sql and self._held is not None:
            lanes = set(row)
            return [one for one in self._held if one[0] in lanes]
        if found is None and sql == self._say.letters.unreachable_at.sql and self._lost is not None:
            return [self._lost[row]] if row in self._lost else ()
        return found

    def touch(self, table: str, values: Mapping[str, Any] | None) -> None:
        """Something is written to a table: ``values`` say what, None where that is not known."""
        if not self._loaded:
            return
        for known in self._tables.pop(table, ()):
            self._known.pop(known, None)
        if table == "rejections":
            self._unrejected = set()
        elif table == "effects":
            self._held = None
        elif table == "unreachable":
            self._lost = None
        names = _SUBJECTS.get(table)
        if names is None or values is None or not all(f"{name}_" in values or name in values for name in names):
            self._drop([on for on in self._resting if on[0] == table])
        else:
            subject = tuple([values[f"{name}_"] if f"{name}_" in values else values[name] for name in names])
            self._drop([(table, subject)])

    def _drop(self, resting: Sequence[tuple[str, Row]]) -> None:
        for on in resting:
            for known in self._resting.pop(on, ()):
                self._known.pop(known, None)
