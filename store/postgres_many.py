"""Writes that gather until something has to see them, and go out together: one statement for many rows of many tables.

Rows of one statement travel as arrays, a column each, so that its text is the same for one row and for a thousand, and
is prepared once. Parts of one statement do not see each other, so none may touch a row that another touches: the key of
every row is known here, and one that comes again waits for the next statement.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import chain
from typing import Any

from store import postgres_wire
from store.postgres import PgCursor, taken_row
from store.prepared import Prepared, Row

KEYS: Mapping[str, tuple[str, ...]] = {
    "requests": ("id",),
    "revisions": ("request", "number"),
    "decisions": ("id",),
    "executions": ("id",),
    "deliveries": ("id",),
    "assignments": ("person", "created_at", "request"),
    "effects": ("id",),
    "idempotency": ("agent", "key"),
    "events": ("seq",),
    "chain": (),
}
"""Whose writes gather: tables whose every write by a unit says by these values which one row it is for.

Where a value is changed and looked for in one statement, the one that is looked for has ``_`` at its end.
"""

_MOST = 2_000
"""Rows that gather; their arrays are held in memory on both sides."""

_TEXTS = 64
"""Different joined texts; a server keeps the plan of each, and what would be one more goes out by its parts."""

_END = "1 / ({0})::int OFFSET 1"
_TELL = "1 / ({0})::int, pg_notify(${1}::text, ${2}::text) OFFSET 1"
"""How a statement ends that is run ahead of COMMIT and may answer no row: its one row is made, and passed over."""

_INSERT = re.compile(r"INSERT INTO (\w+) \(([^)]*)\) VALUES \((.*?)\)( ON CONFLICT [^$]*)?")
_CHANGE = re.compile(r"(UPDATE (\w+) SET .*?|DELETE FROM (\w+))\s+WHERE (.*)", re.DOTALL)
_TYPED = re.compile(r"\$(\d+)::(\w+)")
_ANY = re.compile(r"\$(\d+)")
_UNNEST = re.compile(r"unnest\((.*?)\)")
_TABLE = re.compile(r"\s*(?:INSERT INTO|UPDATE|DELETE FROM) (\w+)")
_READ = re.compile(r"\b(?:FROM|JOIN)\s+(\w+)")


class Presumed(Exception):
    """A write that was presumed to touch one row touched none."""


@cache
def table_of(sql: str) -> str:
    """Which table a write is to; nothing where that cannot be told."""
    found = _TABLE.match(sql)
    return found[1] if found else ""


@cache
def tables_in(sql: str) -> frozenset[str]:
    """Which tables a query reads."""
    return frozenset(_READ.findall(sql))


@cache
def many(sql: str) -> str | None:
    """A write of one row as one of many, given as an array for each parameter; None where it has no such form."""
    types = dict(_TYPED.findall(sql))
    numbers = sorted(map(int, types))
    if not numbers or set(types) != set(_ANY.findall(sql)) or numbers != list(range(1, len(numbers) + 1)):
        return None
    given = f"unnest({', '.join(f'${n}::{types[str(n)]}[]' for n in numbers)})"
    insert = _INSERT.fullmatch(sql)
    if insert is not None:
        if [int(n) for n, _ in _TYPED.findall(insert[3])] != numbers:
            return None
        return f"INSERT INTO {insert[1]} ({insert[2]}) SELECT * FROM {given}{insert[4] or ''}"  # noqa: S608 - ours
    change = _CHANGE.fullmatch(sql)
    if change is None:
        return None
    # What was a parameter is now the row's own value; what is said of its collation stays.
    set_, where = _TYPED.sub(r"given.p\1", change[1]), _TYPED.sub(r"given.p\1", change[4])
    named = f"{given} AS given({', '.join(f'p{n}' for n in numbers)})"
    return f"{set_} {'FROM' if change[2] else 'USING'} {named} WHERE {where}"


@cache
def kinds(text: str) -> tuple[str, ...]:
    """The types of the columns that `many` makes the parameters of."""
    found = _UNNEST.search(text)
    return tuple(kind for _, kind in _TYPED.findall(found[1])) if found else ()


def key_of(table: str, values: Mapping[str, Any]) -> Row | None:
    """Which row of its table a write is for; None where its values do not say."""
    names = KEYS.get(table)
    if names is None:
        return None
    try:
        return tuple([values[f"{name}_"] if f"{name}_" in values else values[name] for name in names])
    except KeyError:
        return None


def apart(table: str, values: Sequence[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """Writes in parts, none of which touches a row twice: those of one row stay in order, one a part."""
    parts: list[list[Mapping[str, Any]]] = []
    turns: Counter[Row | None] = Counter()
    for row in values:
        key = key_of(table, row)
        if turns[key] == len(parts):
            parts.append([])
        parts[turns[key]].append(row)
        turns[key] += 1
    return parts


class _Group:
    """Rows of one statement."""

    __slots__ = ("counted", "rows", "statement", "text")

    def __init__(self, statement: Prepared, text: str, *, counted: bool) -> None:
        self.statement = statement
        self.text = text
        self.counted = counted
        self.rows: list[Row] = []

    def check(self, count: int) -> None:
        if self.counted and count != len(self.rows):
            raise Presumed(self.statement.sql)

    def arrays(self) -> list[list[Any]]:
        return [list(column) for column in zip(*self.rows, strict=True)]

    def encoded(self) -> list[bytes]:
        columns = zip(kinds(self.text), map(taken_row, self.arrays()), strict=True)
        return [postgres_wire.COLUMNS[kind](column) for kind, column in columns]


class Gathering:
    """What has gathered on one connection."""

    __slots__ = ("_count", "_driver", "_groups", "_joined", "_tables", "_touched")

    def __init__(self, driver: PgCursor) -> None:
        self._driver = driver
        self._joined: dict[tuple[str, ...], str] = {}
        self.forget()

    def forget(self) -> None:
        """Forget what has gathered."""
        self._groups: dict[tuple[str, bool], _Group] = {}
        self._touched: set[tuple[str, Row]] = set()
        self._tables: set[str] = set()
        self._count = 0

    def concerns(self, sql: str) -> bool:
        """Whether a query reads a table to which something has gathered."""
        return bool(self._tables) and not self._tables.isdisjoint(tables_in(sql))

    def add(self, statement: Prepared, values: Sequence[Mapping[str, Any]], *, counted: bool) -> bool:
        """Let rows gather; False where they cannot. ``counted``: each has to be touched. Raises `Presumed`."""
        table, text = table_of(statement.sql), many(statement.sql)
        keys = [key_of(table, row) for row in values]
        if text is None or None in keys or len(set(keys)) < len(keys):
            return False
        touched = {(table, key) for key in keys if key is not None}
        if self._count + len(values) > _MOST or not self._touched.isdisjoint(touched):
            self.settle()
        group = self._groups.get((statement.sql, counted))
        if group is None:
            group = self._groups[statement.sql, counted] = _Group(statement, text, counted=counted)
        group.rows += [statement.pick(row) for row in values]
        self._touched |= touched
        self._tables.add(table)
        self._count += len(values)
        return True

    def settle(self) -> None:
        """Write what has gathered, to be seen by what comes next. Raises `Presumed`."""
        groups = self._taken()
        sql = self._text(groups, "") if len(groups) > 1 else None
        if sql is None:
            for group in groups:
                self._alone(group)
            return
        self._driver.execute(sql, [*chain.from_iterable(group.arrays() for group in groups)])
        (counts,) = self._driver.fetchall()
        for group, count in zip(groups, counts, strict=True):
            group.check(count)

    def part(self, word: tuple[str, str] | None) -> bool:
        """Have what has gathered written right before the COMMIT that is to follow, in one trip with it.

        What was presumed wrongly fails there, for a division by zero. ``word``: the channel and what to tell there once
        that is committed. False where it was written already, or nothing had gathered, and nobody is told. Raises
        `Presumed`, and what `store.postgres_wire.COLUMNS` raise.
        """
        groups = self._taken()
        known = groups and all(kind in postgres_wire.COLUMNS for group in groups for kind in kinds(group.text))
        sql = self._text(groups, _TELL if word else _END) if known else None
        if sql is None:
            for group in groups:
                self._alone(group)
            return False
        given = [part for group in groups for part in group.encoded()]
        self._driver.ahead(sql, [*given, *map(postgres_wire.text, word or ())])
        return True

    def _taken(self) -> list[_Group]:
        groups = [self._groups[key] for key in sorted(self._groups)]
        self.forget()
        return groups

    def _text(self, groups: Sequence[_Group], end: str) -> str | None:
        """The groups as one statement; None where there are too many of these."""
        key = (*(group.statement.sql for group in groups), *(str(group.counted) for group in groups), end)
        sql = self._joined.get(key)
        if sql is None and len(self._joined) < _TEXTS:
            sql = self._joined[key] = _join(groups, end)
        return sql

    def _alone(self, group: _Group) -> None:
        if len(group.rows) == 1:
            self._driver.execute(group.statement.sql, group.rows[0])
        else:
            self._driver.execute(group.text, group.arrays())
        group.check(self._driver.rowcount)


def _join(groups: Sequence[_Group], end: str) -> str:
    """The groups as one statement: with an end it answers nothing, without one how many rows each touched."""
    parts, counts, sure, before = [], [], ["true"], 0
    for number, group in enumerate(groups):
        text = _ANY.sub(lambda found, by=before: f"${int(found[1]) + by}", group.text)  # type: ignore[misc]
        parts.append(f"w{number} AS ({text} RETURNING 1)")
        counts.append(f"(SELECT count(*) FROM w{number})")  # noqa: S608 - ours
        if group.counted:
            sure.append(f"{counts[-1]} = cardinality(${before + 1}::{kinds(group.text)[0]}[])")
        before += len(group.rows[0])
    told = end.format(" AND ".join(sure), before + 1, before + 2) if end else ", ".join(counts)
    return f"WITH {', '.join(parts)} SELECT {told}"
