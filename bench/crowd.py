"""A database with many open requests, made once and kept under ``.bench/``: 1,000,000 take a minute or two to write.

One request is written by the store's own writer; the others are that one's rows with ids and times of their own, and
a hash chain of their own over them. A step waits for ten years, so that nothing is due before somebody says so.
"""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from bench.peers.install import CACHE
from bench.store_floor import ROUTE, proposal
from bot.core.chain import chained
from bot.core.digest import new_id
from bot.core.model import Event, Request
from bot.core.ports import Change, Tx
from store import migrations, open_store

WAIT = timedelta(days=3650)
APART = timedelta(milliseconds=1)
"""How far apart the requests were made, and so how far apart they are due."""

_MADE = datetime(2026, 11, 1, 9, 0, 0, 1, tzinfo=UTC)
FIRST_DUE = _MADE + WAIT
"""When the first of a new crowd is due."""

_TABLES = ("requests", "revisions", "assignments")
_AT_ONCE = 5_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_TIMES = frozenset({"created_at", "expires_at", "due_at", "deadline", "at"})

Row = dict[str, Any]


def _first() -> Request:
    route = replace(
        ROUTE,
        stages=tuple(
            replace(stage, steps=tuple(replace(step, wait=WAIT, via=()) for step in stage.steps))
            for stage in ROUTE.stages
        ),
    )
    made = proposal(_MADE)
    made = replace(made, content=replace(made.content, context={}))
    return replace(made, route=route, due_at=_MADE + WAIT, expires_at=_MADE + 3 * WAIT)


async def _begin(path: Path) -> Request:
    """A new database with the first request."""
    store = await open_store(f"sqlite+aiosqlite:///{path}", exclusive=True)
    request = _first()

    def write(tx: Tx) -> None:
        event = Event(type="request.created", at=_MADE, actor="agent:billing", via="api", request=request.id)
        tx.record(Change(event=event, after=request))

    await store.write(write)
    await store.close()
    return request


def _written(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S.%f}Z"


_WRITTEN = _written(_MADE)


class _Copies:
    """The first request's rows, with other ids and times."""

    def __init__(self, driver: sqlite3.Connection, request: Request) -> None:
        driver.row_factory = sqlite3.Row
        self._rows = {table: [dict(row) for row in driver.execute(f"SELECT * FROM {table}")] for table in _TABLES}  # noqa: S608  # our tables
        (self._event,) = (dict(row) for row in driver.execute("SELECT * FROM events"))
        self._id, self._head = request.id, str(self._event["hash"])

    def row(self, row: Row, number: int, request_id: str) -> Row:
        """One row of request ``number``."""
        later = number * APART
        moved, made = later // timedelta(microseconds=1), _written(_MADE + later)
        changed = row.copy()
        for name, value in row.items():
            if isinstance(value, str):
                if len(value) >= len(self._id):
                    changed[name] = value.replace(self._id, request_id).replace(_WRITTEN, made)
            elif name in _TIMES:
                changed[name] = value + moved
        return changed

    def all(self, count: int) -> Iterator[tuple[dict[str, list[Row]], Row]]:
        """The rows of every request but the first, and its line of the audit."""
        for number in range(1, count):
            request_id = new_id("req", _MADE + number * APART, number.to_bytes(10, "big"))
            rows = {table: [self.row(row, number, request_id) for row in rows] for table, rows in self._rows.items()}
            line = self.row(self._event, number, request_id)
            line["seq"] = number + 1
            line["body"] = line["body"].replace('{"seq":1,', f'{{"seq":{number + 1},', 1)
            line["previous"], self._head = self._head, chained(self._head, line["body"])
            line["hash"] = self._head
            yield rows, line


def _multiply(path: Path, request: Request, count: int) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as driver:
        driver.execute("PRAGMA synchronous=OFF")
        driver.execute("PRAGMA journal_mode=OFF")
        copies = _Copies(driver, request)
        made = copies.all(count)
        head = ""
        while some := list(islice(made, _AT_ONCE)):
            driver.execute("BEGIN")
            for table in _TABLES:
                _insert(driver, table, [row for rows, _ in some for row in rows[table]])
            _insert(driver, "events", [line for _, line in some])
            driver.execute("COMMIT")
            head = some[-1][1]["hash"]
        if head:
            driver.execute("UPDATE chain SET seq = ?, hash = ?", (count, head))
        driver.execute("PRAGMA journal_mode=WAL")
        driver.execute("ANALYZE")


def _insert(driver: sqlite3.Connection, table: str, rows: list[Row]) -> None:
    places = ", ".join(f":{name}" for name in rows[0])
    driver.executemany(f"INSERT INTO {table} ({', '.join(rows[0])}) VALUES ({places})", rows)  # noqa: S608  # our tables


def _schema() -> str:
    """What the tables are made by, in eight letters: another schema is another file."""
    made_by = sorted((Path(migrations.__file__).parent / "versions").glob("*.py"))
    return sha256(b"".join(path.read_bytes() for path in made_by)).hexdigest()[:8]


async def crowd(count: int, to: Path | None = None) -> Path:
    """The database with ``count`` open requests, made where it is not there yet; with ``to`` a copy there.

    The large one is used in place, for writing gigabytes would slow every sync for a while after; what a run changes
    in it (some steps more, some requests more) is little of so many.
    """
    kept = CACHE / f"open-{_schema()}-{count}.db"
    if not kept.exists():
        CACHE.mkdir(exist_ok=True)
        sys.stdout.write(f"writing {count:,} open requests to {kept}, once\n")
        sys.stdout.flush()
        half = kept.with_suffix(".half")
        half.unlink(missing_ok=True)
        request = await _begin(half)
        await asyncio.to_thread(_multiply, half, request, count)
        half.rename(kept)
    if to is None:
        return kept
    to.parent.mkdir(parents=True, exist_ok=True)
    await asyncio.to_thread(shutil.copyfile, kept, to)
    return to
