"""The audit trail over HTTP: one request's events, and the whole chain for whoever keeps a copy."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

from bot.core.audit import export_line, within
from bot.core.ports import AuditLine, Store
from bot.web.exchange import Answer
from bot.web.operation import ADMINS, BUT_ADVISORS, Call, Operation
from bot.web.query import EXPORT
from bot.web.view import Trail

_LINES_AT_ONCE = 500


async def trail(call: Call) -> Answer:
    """GET /v1/requests/{id}/audit."""
    request = await call.mine()
    lines = await call.house.store.audit(request.id)
    return Answer(200, f'{{"events":[{",".join(map(_flat, lines))}]}}'.encode())


def _flat(line: AuditLine) -> str:
    """The event with its place in the chain among its members; for the bytes that were hashed there is the export."""
    return f'{line.body[:-1]},"previous":"{line.previous}","hash":"{line.hash}"}}'


async def export(call: Call) -> Answer:
    """GET /v1/audit/export."""
    pages = _pages(call.house.store, call.query.get("from"), call.query.get("to"))
    # The first page before the status line: a store that cannot be read is a 503, not an empty file.
    first = await anext(pages, b"")
    named = [(b"content-disposition", b'attachment; filename="audit.jsonl"')]
    return Answer(200, first, b"application/jsonl", named, chunks=pages)


async def _pages(store: Store, since: datetime | None, until: datetime | None) -> AsyncIterator[bytes]:
    after = 0
    while lines := await store.audit_lines(after, _LINES_AT_ONCE):
        after = lines[-1].seq
        wanted = (export_line(line) + "\n" for line in lines if within(line, since=since, until=until))
        yield "".join(wanted).encode()


OPERATIONS = (
    Operation(
        method="GET",
        path="/v1/requests/{id}/audit",
        name="trail",
        says="A request's audit events, oldest first.",
        handler=trail,
        roles=BUT_ADVISORS,
        answers={200: ("The events.", Trail)},
    ),
    Operation(
        method="GET",
        path="/v1/audit/export",
        name="export",
        says="The audit chain, one event a line, oldest first; `event` stands exactly as it was hashed.",
        handler=export,
        roles=ADMINS,
        parameters=EXPORT,
        answers={200: ("The lines, streamed.", None)},
        media_type="application/jsonl",
    ),
)
