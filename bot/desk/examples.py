"""Examples leave the house: gathered from the rows, on record before the first byte is out (issue 7, threat T23)."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from tempfile import SpooledTemporaryFile
from typing import IO

from msgspec import Struct
from msgspec.structs import replace

from bot.core.errors import Conflict, Invalid
from bot.core.examples import Example, ExampleQuery, example_of, may_be_erased
from bot.core.model import Event, Request
from bot.core.ports import Filter, Store
from bot.desk.ledger import Ledger
from bot.desk.part import Part

EXPORTED = "examples.exported"
"""The type of the event that says what left."""

CHANGED = "Something changed since you looked at these, so nothing was taken. Look again."

NOTHING = "No example is ticked, so nothing was taken."

_PAGE = 200
_LOOKED = 4000
_IN_MEMORY = 1 << 20
_ERASED = '"type":"request.erased",'
_TYPE_WITHIN = 64


class Parcel(Struct, frozen=True):
    """What is to leave: how many lines, the SHA-256 (hex) of all their bytes, and the bytes, to be read once."""

    count: int
    sha256: str
    lines: IO[bytes]

    def chunk(self) -> bytes:
        """The next bytes; empty at the end."""
        return self.lines.read(1 << 16)


async def examples(store: Store, asked: ExampleQuery) -> AsyncIterator[Example]:
    """Every example that is asked for, newest first.

    A request whose subject was erased gives none: its rows say nothing any more, and what they said must not leave.
    """
    query = _filter(asked, None)
    while page := await store.requests(query):
        for request in page:
            if example := await _example(store, request, asked):
                yield example
        query = replace(query, cursor=page[-1].id)


async def some_examples(
    store: Store, asked: ExampleQuery, *, after: str | None, at_once: int
) -> tuple[tuple[Example, ...], str | None]:
    """A page of examples, newest first, and the id after which the next one goes on (None: there is nothing more).

    It may be short, or empty, and go on all the same: no page looks at more than some thousand requests.
    """
    found: list[Example] = []
    query = _filter(asked, after)
    looked = 0
    while looked < _LOOKED and (page := await store.requests(query)):
        for request in page:
            if example := await _example(store, request, asked):
                found.append(example)
                if len(found) == at_once:
                    return tuple(found), request.id
        looked += len(page)
        query = replace(query, cursor=page[-1].id)
    return tuple(found), query.cursor if looked >= _LOOKED else None


def _filter(asked: ExampleQuery, after: str | None) -> Filter:
    since, until = asked.since, asked.until
    return Filter(agent=asked.agent, action=asked.action, since=since, until=until, cursor=after, limit=_PAGE)


async def _example(store: Store, request: Request, asked: ExampleQuery) -> Example | None:
    example = example_of(request, asked)
    return None if example is None or (may_be_erased(request) and await _erased(store, request)) else example


async def _erased(store: Store, request: Request) -> bool:
    lines = await store.audit(request.id)
    return any(line.body.find(_ERASED, 0, _TYPE_WITHIN) > 0 for line in lines)


async def packed(found: AsyncIterator[Example]) -> Parcel:
    """The lines, kept aside until it is on record that they leave: beyond a mebibyte in a file without a name."""
    spool = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115  # it lives as long as the parcel
    digest, count = hashlib.sha256(), 0
    try:
        async for example in found:
            line = example.line()
            digest.update(line)
            spool.write(line)
            count += 1
        spool.seek(0)
    except BaseException:
        spool.close()
        raise
    return Parcel(count, digest.hexdigest(), spool)


async def put_on_record(ledger: Ledger, parcel: Parcel, asked: ExampleQuery, *, by: str, via: str) -> None:
    """Say in the audit what leaves: who took it (an actor), how many, by which filter, and what it was."""
    data = {"count": parcel.count, "sha256": parcel.sha256, "filter": asked.told()}
    await ledger.note(Event(type=EXPORTED, at=ledger.clock.now(), actor=by, via=via, data=data))


class Examples(Part):
    """The desk's side of it, for the pages and the API."""

    async def export_examples(
        self, asked: ExampleQuery, *, by: str, via: str, chosen: Mapping[str, str] | None = None
    ) -> Parcel:
        """What is asked for, on record as taken by an actor, and ready to leave.

        ``chosen``: of that, these requests alone, each with the `Example.mark` under which it was looked at. Raises
        `Conflict` where one of them is other by now than what was looked at, or gone, and `Invalid` where there is
        none: nothing leaves then.
        """
        if chosen is not None and not chosen:
            raise Invalid(NOTHING)
        store = self._ledger.store
        found = examples(store, asked) if chosen is None else _chosen(store, asked, chosen)
        parcel = await packed(found)
        try:
            await put_on_record(self._ledger, parcel, asked, by=by, via=via)
        except BaseException:
            parcel.lines.close()
            raise
        return parcel


async def _chosen(store: Store, asked: ExampleQuery, chosen: Mapping[str, str]) -> AsyncIterator[Example]:
    for request_id, mark in chosen.items():
        request = await store.request(request_id)
        example = None if request is None else await _example(store, request, asked)
        if example is None or example.mark != mark:
            raise Conflict(CHANGED)
        yield example
