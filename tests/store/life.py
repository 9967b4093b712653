"""A store with something in every corner that a copy could forget, and all of its rows to hold against another's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from bot.core.model import ExecutionState, Key, Role
from bot.core.ports import Change, EffectKind, Link, Session, Tx
from store import SqlStore
from store.contents import tables
from store.copying import names
from store.cursor import Cursor
from store.snapshots import origin_at
from tests.store import samples
from tests.store.samples import NOW

NUL = "Refund\0of 1"


def lived(tx: Tx) -> None:
    """Requests in several states, a key, a session and a link, a card to send, and a title with a NUL."""
    for number in range(3):
        value = samples.request()
        samples.submit(tx, value, samples.effect(value))
        done = samples.approve(tx, value.id)
        run = done.execution
        if number and run is not None:
            state = ExecutionState.EXECUTING if number == 1 else ExecutionState.EXECUTED
            event = samples.event("execution.started", value.id)
            tx.record(Change(event=event, execution_before=run, execution=replace(run, state=state, attempts=1)))
    other = samples.request(title=NUL)
    samples.submit(tx, other, samples.effect(other, kind=EffectKind.WEBHOOK))
    tx.remember("billing", "ticket-1", "0" * 64, other.id, NOW)
    tx.mark_seen("ana", other.id, 1, NOW)
    tx.keep("vapid", "a key of its own")


def signed_in(tx: Tx) -> None:
    """A person who is signed in, and another who was sent a link."""
    tx.add_session(Session(id="s" * 43, person="ana", created_at=NOW, expires_at=NOW.replace(year=2036)))
    tx.add_link(Link(hash="l" * 64, person="ben", expires_at=NOW.replace(year=2036)))
    key = Key(id=samples.new("key"), name="billing", role=Role.AGENT, hash="k" * 64, created_at=NOW)
    tx.add_key(key, samples.event("key.created"))


async def live(store: SqlStore) -> None:
    """All of it, in a store."""
    await store.write(lived)
    await store.write(signed_in)


def _rows(cursor: Cursor) -> dict[str, list[tuple[Any, ...]]]:
    found: dict[str, list[tuple[Any, ...]]] = {}
    for table in tables():
        columns = ", ".join(f'"{name}"' for name in names(table))
        cursor.driver.execute(f"SELECT {columns} FROM {table.name}")  # noqa: S608  # our tables
        found[table.name] = sorted((tuple(row) for row in cursor.driver.fetchall()), key=repr)
    return found


async def rows(url: str) -> Mapping[str, list[tuple[Any, ...]]]:
    """Every row of a store, table by table."""
    async with origin_at(url) as origin:
        return await origin.ask(_rows)


def files(folder: Path) -> list[str]:
    """What is in a folder, without the lock files, which stay."""
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")
