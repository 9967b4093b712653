"""Copying a store row by row between databases of any kind: every table in the order of its references, in pages.

Rows are the same tuples everywhere (see `store.tables`), so nothing is converted but the NULs that PostgreSQL's text
cannot hold (`store.postgres.taken`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Sequence
from typing import Any, Protocol

import asyncpg
from sqlalchemy import Table

from store.contents import tables
from store.parts import Told
from store.postgres import given_row, taken_row

PAGE = 2000
"""Rows a page: some megabytes at most."""

Rows = Sequence[Sequence[Any]]


class Source(Protocol):
    """Where rows come from: one snapshot."""

    def pages(self, table: Table) -> AsyncIterator[Rows]:
        """The table's rows, columns in the order of `names`."""


class Target(Protocol):
    """Where rows go: one transaction that somebody else begins and commits."""

    async def put(self, table: Table, rows: Rows) -> None:
        """Add rows, columns in the order of `names`."""


def names(table: Table) -> list[str]:
    """The table's columns in the order in which they travel."""
    return [column.name for column in table.columns]


def _selected(table: Table) -> str:
    # Whoever held it is no process of the copy.
    columns = ", ".join("NULL" if name == "holder" else f'"{name}"' for name in names(table))
    return f"SELECT {columns} FROM {table.name}"  # noqa: S608  # a table of ours


async def copy_rows(source: Source, target: Target, told: Told, rows: dict[str, int]) -> dict[str, int]:
    """Copy every table; how many rows each had. ``rows`` are how many are to be expected."""
    whole, done = sum(rows.values()), 0
    copied: dict[str, int] = {}
    for table in tables():
        copied[table.name] = 0
        async for page in source.pages(table):
            await target.put(table, page)
            copied[table.name] += len(page)
            done += len(page)
            told("rows", done, whole)
    return copied


class SqliteRows:
    """A SQLite connection as both."""

    def __init__(self, driver: sqlite3.Connection) -> None:
        """``driver`` is inside a transaction."""
        self._driver = driver

    async def pages(self, table: Table) -> AsyncIterator[Rows]:
        """See `Source.pages`."""
        cursor = self._driver.execute(_selected(table))
        while page := cursor.fetchmany(PAGE):
            yield page

    async def put(self, table: Table, rows: Rows) -> None:
        """See `Target.put`."""
        columns = names(table)
        listed, marks = ", ".join(f'"{name}"' for name in columns), ", ".join("?" * len(columns))
        self._driver.executemany(f"INSERT INTO {table.name} ({listed}) VALUES ({marks})", rows)  # noqa: S608  # ours


class PostgresRows:
    """A PostgreSQL connection as both."""

    def __init__(self, driver: asyncpg.Connection) -> None:
        """``driver`` is inside a transaction."""
        self._driver = driver

    async def pages(self, table: Table) -> AsyncIterator[Rows]:
        """See `Source.pages`."""
        cursor = await self._driver.cursor(_selected(table))
        while page := [given_row(row) for row in await cursor.fetch(PAGE)]:
            yield page

    async def put(self, table: Table, rows: Rows) -> None:
        """See `Target.put`."""
        taken = [taken_row(row) for row in rows]
        await self._driver.copy_records_to_table(table.name, columns=names(table), records=taken)

    async def count_on(self) -> None:
        """Let the counters go on after the highest number that was copied."""
        for table in tables():
            counter = table.autoincrement_column
            if counter is None:
                continue
            sequence = await self._driver.fetchval("SELECT pg_get_serial_sequence($1, $2)", table.name, counter.name)
            if sequence is not None:
                highest = await self._driver.fetchval(f'SELECT max("{counter.name}") FROM {table.name}')  # noqa: S608
                await self._driver.execute("SELECT setval($1::regclass, $2, $3)", sequence, highest or 1, bool(highest))
