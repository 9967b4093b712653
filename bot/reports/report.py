"""A period's report: the trail read once, the rows read once, both held against each other, then drawn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import timedelta
from tempfile import SpooledTemporaryFile
from typing import IO

from msgspec.structs import replace

from bot.core.model import Request
from bot.core.policy import Policy
from bot.core.ports import Clock, Filter, Store
from bot.core.ports.reports import ReportAsked
from bot.core.proof import Examiner
from bot.reports.comparing import held_against_trail
from bot.reports.drawing import Drawing
from bot.reports.reading import Reading
from bot.reports.rows import RowsReading
from bot.reports.trail import TrailReading

_LINES = 500
"""At once; while a running bot works through them, nobody else is answered: some 10 ms."""

_REQUESTS = 200
_IN_MEMORY = 4 << 20


class Reports:
    """Writes reports (`bot.core.ports.reports.Reporting`)."""

    def __init__(
        self, store: Store, policy: Callable[[], Policy], clock: Clock, *, trusted: Sequence[str] = (), house: str = ""
    ) -> None:
        """``trusted`` are the public keys that checkpoints are held against, ``house`` is what the house is called."""
        self._store = store
        self._policy = policy
        self._clock = clock
        self._trusted = tuple(trusted)
        self._house = house
        self._drawing = Drawing()

    @property
    def style_hash(self) -> str:
        """See `Reporting.style_hash`."""
        return self._drawing.style_hash

    async def read(self, asked: ReportAsked) -> Reading:
        """Read everything; the long list is drawn on the way, into a file without a name where it is long."""
        policy = self._policy()
        trail = await self._trail(asked)
        rows = RowsReading(asked, policy)
        listed = _spool() if asked.whole else None
        try:
            await self._rows(rows, listed, trail)
        except BaseException:
            if listed is not None:
                listed.close()
            raise
        return Reading(
            house=self._house,
            at=self._clock.now(),
            asked=asked,
            policy=policy,
            trail=trail,
            rows=rows,
            proof=trail.examiner.conclude(now=self._clock.now()),
            trusting=trail.examiner.trusting,
            listed=listed,
        )

    async def _rows(self, rows: RowsReading, listed: IO[bytes] | None, trail: TrailReading) -> None:
        people = rows.policy.people
        async for page in self._requests(rows.asked, trail.oldest):
            held = await held_against_trail(self._store, [request for request in page if rows.tells(request)])
            for one in held.values():
                rows.hold(one, trail.read_to)
            seen = [held[request.id].request if request.id in held else request for request in page]
            told = [one for request in seen for one in rows.take(request)]
            if listed is not None and told:
                listed.write(self._drawing.decisions(told, people))
            await asyncio.sleep(0)  # a bot that writes reports answers others meanwhile
        if listed is not None:
            listed.seek(0)

    async def _trail(self, asked: ReportAsked) -> TrailReading:
        seq, digest = await self._store.audit_head()
        trail = TrailReading(asked, Examiner(trusted=self._trusted, known={seq: digest} if seq else None))
        after, trail.read_to = 0, seq
        # Up to the head as it was, so that a house in which much happens comes to an end.
        while after < seq and (lines := await self._store.audit_lines(after, _LINES)):
            trail.take([line for line in lines if line.seq <= seq])
            after = lines[-1].seq
            await asyncio.sleep(0)
        trail.conclude()
        return trail

    async def _requests(self, asked: ReportAsked, oldest: str | None) -> AsyncIterator[tuple[Request, ...]]:
        """Every request that can have been submitted or decided in the period, newest first.

        ``oldest`` is the first of those that were decided in it: it may have been submitted long before.
        """
        since = asked.since
        first = None if oldest is None else await self._store.request(oldest)
        if since is not None and first is not None:
            # Ids are in order by the millisecond alone.
            since = min(since, first.created_at - timedelta(seconds=1))
        query = Filter(since=since, until=asked.until, limit=_REQUESTS)
        while page := await self._store.requests(query):
            yield page
            query = replace(query, cursor=page[-1].id)

    async def document(self, asked: ReportAsked) -> AsyncIterator[bytes]:
        """See `Reporting.document`."""
        reading = await self.read(asked)
        try:
            for piece in self.drawn(reading):
                yield piece
        finally:
            reading.close()

    def drawn(self, reading: Reading) -> Iterator[bytes]:
        """What was read, as one HTML document; its long list can be drawn once."""
        return self._drawing.document(reading)


def _spool() -> IO[bytes]:
    """A file without a name, in memory while it is short."""
    return SpooledTemporaryFile(max_size=_IN_MEMORY)
