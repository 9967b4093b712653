"""Taking a store somewhere else: into a backup, back from one, and from one database to another."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from datetime import datetime
from pathlib import Path
from typing import Generic, TypeVar

import asyncpg
from msgspec import Struct
from sqlalchemy.engine import URL

from store import pages
from store.contents import Contents, NotWhole, contents, filled, hold, tables
from store.copying import PostgresRows
from store.cursor import Cursor
from store.engine import database_at, open_store
from store.lock import Lock
from store.origins import (
    Origin,
    asked,
    postgres,
    postgres_origin,
    refuse_live,
    room_for,
    sqlite_origin,
)
from store.pages import About
from store.parts import InTheWay, Part, Told, refuse_emptied, refuse_own
from store.postgres_line import LOCK
from store.tx import UnitTx

T = TypeVar("T")

_BUSY = 30.0
_SIGNED_IN = ("sessions", "links")


class Placed(Struct, Generic[T], frozen=True):
    """What was put into a database, and what the last unit of work in it answered."""

    contents: Contents
    answer: T


@asynccontextmanager
async def origin_at(url: str, *, still: bool = False) -> AsyncIterator[Origin]:
    """The store at an address; ``still`` and errors as of `store.origins.sqlite_origin`."""
    found = database_at(url)
    if isinstance(found, Path):
        async with sqlite_origin(found, still=still) as origin:
            yield origin
    else:
        async with postgres_origin(found, still=still) as other:
            yield other


async def back_up(url: str, file: Path, *, replace: bool, now: datetime, shown: str, told: Told) -> About:
    """Write a backup of the store at ``url``, whoever writes to it meanwhile: a SQLite file that says what it is.

    It is good once this returns: SQLite found it sound, and the audit chain in it holds. ``shown`` is the store's
    address as the backup is to say it. Raises `InTheWay`, also of a file that is the store's own, `NotWhole`,
    `Unavailable`, ``OSError``.
    """
    found = database_at(url)
    if isinstance(found, Path):
        refuse_own(file, found)
    with Part(file, replace=replace) as part:
        async with origin_at(url) as origin:
            await origin.into_file(part.path, part.following(told))
        with closing(sqlite3.connect(part.path, isolation_level=None)) as driver:
            pages.sound(driver)
            cursor = pages.cursor_of(driver)
            report = hold(cursor, "no backup was written, for the store's trail does not hold")
            paused = driver.execute("SELECT position FROM switches WHERE name = 'pause'").fetchone()
            about = About(
                taken_at=now.isoformat(),
                source=shown,
                seq=report.seq,
                hash=report.hash,
                paused=bool(paused and paused[0] & 1),
            )
            pages.mark(driver, about)
            pages.free(driver)
        part.keep()
    return about


async def about(file: Path) -> About | None:
    """What a backup says of itself; None for a store that is none. Raises `NotWhole`."""
    async with sqlite_origin(file, kept=True):
        with closing(pages.sealed(file)) as driver:
            return pages.about(driver)


async def place(
    origin: Origin,
    url: str,
    work: Callable[[UnitTx, Contents], T],
    *,
    replace: bool,
    told: Told,
    sign_out: bool = False,
) -> Placed[T]:
    """Put a whole store into an empty database, or, told to ``replace``, over what is there: all of it or nothing.

    ``work`` is done in it last, before anybody sees it. ``sign_out`` ends all sessions and links. Raises
    `AlreadyRunning` where a bot runs there, `InTheWay` where anything is in it, `NotWhole`, `Unavailable`.
    """
    found = database_at(url)
    if isinstance(found, Path):
        return await _place_file(origin, found, work, replace=replace, told=told, sign_out=sign_out)
    return await _place_rows(origin, found, work, replace=replace, told=told, sign_out=sign_out)


async def _place_file(
    origin: Origin, path: Path, work: Callable[[UnitTx, Contents], T], *, replace: bool, told: Told, sign_out: bool
) -> Placed[T]:
    path = _led_to(path)
    if origin.file is not None:
        refuse_emptied(origin.file, path)
    lock = Lock(path)
    try:
        if not replace and _anything(path):
            raise InTheWay(f"{path} has something in it already; --force writes over it")
        with Part(path, replace=True, inherits=True) as part:
            await origin.into_file(part.path, part.following(told))
            with room_for(part.path):
                pages.bring_up(part.path)
            with room_for(part.path), closing(sqlite3.connect(part.path, isolation_level=None)) as driver:
                pages.sound(driver)
                driver.execute("BEGIN")
                placed = _finish(pages.cursor_of(driver), work, sign_out=sign_out)
                driver.execute("COMMIT")
            _retire(path)
            part.keep()
    finally:
        lock.release()
    return placed


def _finish(cursor: Cursor, work: Callable[[UnitTx, Contents], T], *, sign_out: bool) -> Placed[T]:
    """Look at what was written, then do the work in it."""
    held = contents(cursor)
    hold(cursor, "nothing was written, for the trail does not hold")
    if sign_out:
        for table in _SIGNED_IN:
            cursor.driver.execute(f"DELETE FROM {table}")  # noqa: S608  # a table of ours
    tx = UnitTx(cursor)
    answer = work(tx, held)
    tx.flush()
    return Placed(held, answer)


def _led_to(path: Path) -> Path:
    """Where a link leads, on the disk that the store is meant for; else the file would come in the link's place."""
    return path.resolve() if path.is_symlink() else path


def _anything(path: Path) -> bool:
    """Whether a file holds anything, be it a store or not."""
    if not path.exists() or not path.stat().st_size:
        return False
    try:
        with closing(pages.reading(path)) as driver:
            known = {table.name for table in tables()}
            listed = [name for (name,) in driver.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            if {"alembic_version"} <= set(listed) and set(listed) >= known:
                return filled(pages.cursor_of(driver))
            return bool(listed)
    except sqlite3.DatabaseError:
        return True


def _retire(path: Path) -> None:
    """See to it that no log stays beside a file that is replaced: SQLite would take it for the new one's."""
    if not path.exists():
        return
    try:
        with closing(sqlite3.connect(path, isolation_level=None, timeout=_BUSY)) as driver:
            pages.one_file(driver)
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_NOTADB:
            raise
    for end in ("-wal", "-shm", "-journal"):
        path.with_name(path.name + end).unlink(missing_ok=True)


async def _place_rows(
    origin: Origin, address: URL, work: Callable[[UnitTx, Contents], T], *, replace: bool, told: Told, sign_out: bool
) -> Placed[T]:
    # Makes the tables; they stay, empty, whatever comes of the rest.
    await (await open_store(address.render_as_string(hide_password=False), exclusive=False)).close()
    async with postgres(address) as driver, driver.transaction():
        await driver.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
        await refuse_live(driver)
        if not replace and await asked(driver, filled):
            shown = address.render_as_string(hide_password=True)
            raise InTheWay(f"{shown} has something in it already; --force writes over it")
        await _empty(driver)
        rows = PostgresRows(driver)
        held = await origin.into_rows(rows, told)
        await rows.count_on()
        placed = await asked(driver, lambda cursor: _finish(cursor, work, sign_out=sign_out))
        if placed.contents != held:
            raise NotWhole(f"the copy holds {placed.contents}, the store {held}")
    return placed


async def _empty(driver: asyncpg.Connection) -> None:
    listed = ", ".join(table.name for table in tables())
    await driver.execute(f"TRUNCATE {listed}, replicas, leases")
