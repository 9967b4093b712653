"""`bot.core.ports.Store` over a writer, readers, and the lock that says whose SQLite file it is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from bot.core.errors import Overloaded, Unavailable
from bot.core.insight.cell import Cell, CellKey, Grain, Sort
from bot.core.insight.fact import Fact
from bot.core.insight.making import Measured
from bot.core.model import Delivery, Key, Request
from bot.core.ports import (
    About,
    Alike,
    AuditLine,
    AuditQuery,
    Cursor,
    Filter,
    Link,
    Moved,
    Receipt,
    Replica,
    ReplyKey,
    Session,
    Stopped,
    Subscription,
    Tx,
    Unreachable,
    Wanted,
)
from bot.core.ports.insight import EVERY, FactQuery
from bot.core.ports.standing import Census, Load, Standing
from bot.core.trust.grants import Grant
from store import erasing, insight, letters, queries, queue, replicas, standing, trail, trust, visits
from store.cursor import Cursor as StatementCursor
from store.lock import Lock
from store.tx import UnitTx
from store.writer import Writer

T = TypeVar("T")


class Reads(Protocol):
    """What answers questions, whatever the database."""

    async def read(self, ask: Callable[[StatementCursor], T]) -> T:
        """Ask within one snapshot. Raises `Unavailable` where the database cannot be read."""

    async def glance(self, ask: Callable[[StatementCursor], T]) -> T:
        """As `read`, for what is found by key at once."""

    async def close(self) -> None:
        """Finish what was asked and close the connections."""


_FEW = 200
"""Cells that are read within a millisecond or two."""

FRESH = 5.0
"""Seconds for which a commit proves that the store can be written."""


class SqlStore:
    """See `bot.core.ports.Store`. Made by `store.open_store`."""

    def __init__(self, writer: Writer, reader: Reads, lock: Lock | None) -> None:
        """``lock`` is held until `close`, where this process is the one that runs the bot."""
        self._writer = writer
        self._reader = reader
        self._lock = lock

    @property
    def shared(self) -> bool:
        """See `ReplicaStore.shared`."""
        return False

    async def replicas(self) -> tuple[Replica, ...]:
        """See `ReplicaStore.replicas`."""
        return await self._reader.read(replicas.replicas)

    async def changes(self, after: int, limit: int) -> tuple[Moved, ...]:
        """See `ReplicaStore.changes`."""
        return await self._reader.read(lambda cursor: replicas.changes(cursor, after, limit))

    async def attend(self, replica: str, heard: Callable[[bool], None]) -> None:
        """See `ReplicaStore.attend`: nobody else is heard here."""

    async def write(self, work: Callable[[Tx], T], *, patient: bool = False, about: About | None = None) -> T:
        """See `Store.write`. Also raises `bot.core.errors.Overloaded` where too many changes wait."""
        return await self._writer.write(work, patient=patient, about=about)

    async def request(self, request_id: str) -> Request | None:
        """See `Store.request`."""
        return await self._reader.glance(lambda cursor: queries.request(cursor, request_id))

    async def requests(self, query: Filter) -> tuple[Request, ...]:
        """See `Store.requests`."""
        return await self._reader.read(lambda cursor: queries.requests(cursor, query))

    async def queue(self, wanted: Wanted) -> tuple[Request, ...]:
        """See `Store.queue`."""
        return await self._reader.read(lambda cursor: queue.page(cursor, wanted))

    async def queued(self, wanted: Wanted) -> int:
        """See `Store.queued`."""
        return await self._reader.read(lambda cursor: queue.count(cursor, wanted))

    async def alike(self, wanted: Wanted) -> tuple[Alike, ...]:
        """See `Store.alike`."""
        return await self._reader.read(lambda cursor: queue.alike(cursor, wanted))

    async def open_names(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """See `Store.open_names`."""
        return await self._reader.read(queue.open_names)

    async def waiting(self, agent: str | None, action: str | None) -> tuple[tuple[str, datetime], ...]:
        """See `Store.waiting`."""
        return await self._reader.read(lambda cursor: queue.waiting(cursor, agent, action))

    async def seen(self, person: str, request_ids: Sequence[str]) -> Mapping[str, int]:
        """See `Store.seen`."""
        return await self._reader.read(lambda cursor: visits.seen(cursor, person, request_ids))

    async def troubled(self, limit: int) -> tuple[Request, ...]:
        """See `Store.troubled`."""
        return await self._reader.read(lambda cursor: queue.troubled(cursor, limit))

    async def undelivered(self, limit: int) -> tuple[Delivery, ...]:
        """See `Store.undelivered`."""
        return await self._reader.read(lambda cursor: queue.undelivered(cursor, limit))

    async def deliveries(self, request_id: str) -> tuple[Delivery, ...]:
        """See `Store.deliveries`."""
        return await self._reader.glance(lambda cursor: queries.deliveries(cursor, request_id))

    async def delivery_at(self, channel: str, place: Mapping[str, str]) -> Delivery | None:
        """See `Store.delivery_at`."""
        return await self._reader.read(lambda cursor: queries.delivery_at(cursor, channel, place))

    async def audit(self, request_id: str) -> tuple[AuditLine, ...]:
        """See `Store.audit`."""
        return await self._reader.read(lambda cursor: queries.audit(cursor, request_id))

    async def told(self, request: Request) -> tuple[AuditLine, ...]:
        """See `Store.told`."""
        return await self._reader.read(lambda cursor: erasing.told(cursor, request))

    async def told_of(self, requests: Sequence[Request]) -> Mapping[str, tuple[AuditLine, ...]]:
        """See `ReportStore.told_of`."""
        return await self._reader.read(lambda cursor: erasing.told_of(cursor, requests))

    async def seals(self) -> Mapping[str, str]:
        """Every key that is not destroyed, by its id, for `store.audit.replay`."""
        return await self._reader.read(erasing.keys)

    async def audit_lines(self, after: int, limit: int) -> tuple[AuditLine, ...]:
        """See `Store.audit_lines`."""
        return await self._reader.read(lambda cursor: queries.audit_lines(cursor, after, limit))

    async def audit_search(self, query: AuditQuery) -> tuple[AuditLine, ...]:
        """See `Store.audit_search`."""
        return await self._reader.read(lambda cursor: trail.search(cursor, query))

    async def audit_head(self) -> tuple[int, str]:
        """Number and hash of the newest audit line, for `store.chain.verify_store`."""
        return await self._reader.glance(queries.head)

    async def next_due(self) -> datetime | None:
        """See `Store.next_due`."""
        return await self._reader.glance(queries.next_due)

    async def key(self, key_hash: str) -> Key | None:
        """See `Store.key`."""
        return await self._reader.glance(lambda cursor: queries.key(cursor, key_hash))

    async def keys(self) -> tuple[Key, ...]:
        """See `Store.keys`."""
        return await self._reader.read(queries.keys)

    async def link(self, link_hash: str, now: datetime) -> Link | None:
        """See `Store.link`."""
        return await self._reader.read(lambda cursor: visits.link(cursor, link_hash, now))

    async def session(self, session_id: str, now: datetime) -> Session | None:
        """See `Store.session`."""
        return await self._reader.glance(lambda cursor: visits.session(cursor, session_id, now))

    async def sessions(self, now: datetime, person: str | None = None) -> tuple[Session, ...]:
        """See `Store.sessions`."""
        return await self._reader.read(lambda cursor: visits.sessions(cursor, now, person))

    async def subscriptions(self, person: str | None = None) -> tuple[Subscription, ...]:
        """See `Store.subscriptions`."""
        return await self._reader.read(lambda cursor: visits.subscriptions(cursor, person))

    async def grants(self) -> tuple[Grant, ...]:
        """See `TrustStore.grants`."""
        return await self._reader.glance(trust.grants)

    async def followed(self) -> int:
        """See `InsightStore.followed`."""
        return await self._reader.glance(insight.followed)

    async def measured(self, request_ids: Sequence[str]) -> tuple[Measured, ...]:
        """See `InsightStore.measured`."""
        return await self._reader.read(lambda cursor: insight.measured(cursor, request_ids))

    async def facts_of(self, query: FactQuery) -> tuple[Fact, ...]:
        """See `InsightStore.facts_of`."""
        return await self._reader.read(lambda cursor: insight.facts_of(cursor, query))

    async def cells(
        self, sort: Sort, grain: Grain, since: datetime, until: datetime, *, first: str = "", most: int = EVERY
    ) -> tuple[tuple[CellKey, Cell], ...]:
        """See `InsightStore.cells`."""
        wanted = insight.wanted(sort, grain, since, until, first=first, most=most)
        found = await self._reader.read(lambda cursor: cursor.all(cursor.say.insight.tallies_between, wanted))
        # Many are read in a thread: nobody's click waits for somebody's year.
        return await asyncio.to_thread(insight.cells_of, found) if len(found) > _FEW else insight.cells_of(found)

    async def reply_key(self, token_hash: str) -> ReplyKey | None:
        """See `Store.reply_key`."""
        return await self._reader.glance(lambda cursor: letters.reply_key(cursor, token_hash))

    async def letter(self, name: str) -> ReplyKey | None:
        """See `Store.letter`."""
        return await self._reader.glance(lambda cursor: letters.letter(cursor, name))

    async def receipt(self, key: str) -> Receipt | None:
        """See `Store.receipt`."""
        return await self._reader.glance(lambda cursor: letters.receipt(cursor, key))

    async def mailbox(self, name: str) -> Cursor | None:
        """See `Store.mailbox`."""
        return await self._reader.read(lambda cursor: letters.mailbox(cursor, name))

    async def unreachable(self) -> tuple[Unreachable, ...]:
        """See `Store.unreachable`."""
        return await self._reader.read(letters.unreachable)

    async def unreachable_at(self, channel: str, to: str) -> Unreachable | None:
        """See `Store.unreachable_at`."""
        return await self._reader.glance(lambda cursor: letters.unreachable_at(cursor, channel, to))

    async def paused(self) -> bool:
        """See `Store.paused`."""
        return await self._reader.glance(queries.paused)

    async def stopped(self) -> Stopped:
        """See `Store.stopped`."""
        return await self._reader.glance(queries.stopped)

    async def writable(self) -> bool:
        """See `Store.writable`. A commit within the last `FRESH` seconds answers; else a row is written as it is.

        So it is where one was refused meanwhile, too: what was committed may have been of another table.
        """
        proved, since = self._writer.committed_at, time.monotonic() - FRESH
        if proved is not None and proved > since > self._writer.refused_at:
            return True
        try:
            await self._writer.write(UnitTx.touch)
        except (Unavailable, Overloaded):
            return False
        return True

    async def standing(self, now: datetime) -> Standing:
        """See `Store.standing`."""
        return await self._reader.read(lambda cursor: standing.standing(cursor, now))

    async def census(self) -> Census:
        """See `Store.census`."""
        return await self._reader.read(standing.census)

    def load(self) -> Load:
        """See `Store.load`."""
        return self._writer.load()

    async def close(self) -> None:
        """See `Store.close`."""
        await self._writer.close()
        await self._reader.close()
        if self._lock is not None:
            self._lock.release()
