"""The audit trail over HTTP: one request's events, and the whole chain for whoever keeps a copy."""

from __future__ import annotations

from msgspec.structs import replace

from bot.core.model import Role
from bot.core.ports import AuditLine
from bot.core.practice import apparent, like_any_other
from bot.web.audit_copy import Form, pages
from bot.web.exchange import Answer
from bot.web.operation import ADMINS, BUT_ADVISORS, Call, Operation
from bot.web.query import EXPORT
from bot.web.view import Trail


async def trail(call: Call) -> Answer:
    """GET /v1/requests/{id}/audit."""
    request = await call.mine()
    lines = await call.house.store.audit(request.id)
    if request.route.practice is not None and request.state.open and call.key.role is Role.REVIEWER:
        target = apparent(request, call.house.policy().action(request.action).execute.target)
        lines = tuple([replace(line, body=like_any_other(line.body, request.agent, target)) for line in lines])
    return Answer(200, f'{{"events":[{",".join(map(_flat, lines))}]}}'.encode())


def _flat(line: AuditLine) -> str:
    """The event with its place in the chain among its members; for the bytes that were hashed there is the export."""
    return f'{line.body[:-1]},"previous":"{line.previous}","hash":"{line.hash}"}}'


async def export(call: Call) -> Answer:
    """GET /v1/audit/export."""
    form = call.query.get("format", Form.JSONL)
    copied = pages(call.house.store, call.query.get("from"), call.query.get("to"), form)
    # The first page before the status line: a store that cannot be read is a 503, not an empty file.
    first = await anext(copied, b"")
    named = [(b"content-disposition", f'attachment; filename="audit.{form}"'.encode())]
    return Answer(200, first, form.media_type.encode(), named, chunks=copied)


OPERATIONS = (
    Operation(
        method="GET",
        path="/v1/requests/{id}/audit",
        name="trail",
        says="A request's audit events, oldest first. A reviewer's key reads of an open practice what other requests "
        "have there; the hashes are those of the stored lines.",
        handler=trail,
        roles=BUT_ADVISORS,
        answers={200: ("The events.", Trail)},
    ),
    Operation(
        method="GET",
        path="/v1/audit/export",
        name="export",
        says="The audit chain, one event a line, oldest first; in JSONL `event` stands exactly as it was hashed.",
        handler=export,
        roles=ADMINS,
        parameters=EXPORT,
        answers={200: ("The lines, streamed.", None)},
        media_type="application/jsonl",
        also=("text/csv",),
    ),
)
