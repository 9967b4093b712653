"""A copy of the audit trail as a stream: lines that still verify (JSONL), or a table for a spreadsheet (CSV)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from enum import StrEnum

from bot.core.audit import export_line, within
from bot.core.ports import AuditLine, Store
from bot.web.spreadsheet import MEDIA_TYPE, table

_LINES_AT_ONCE = 500
COLUMNS = ("seq", "at", "type", "actor", "via", "request", "data", "previous", "hash")


class Form(StrEnum):
    """What a copy is written in."""

    JSONL = "jsonl"
    CSV = "csv"

    @property
    def media_type(self) -> str:
        """As it is answered."""
        return "application/jsonl" if self is Form.JSONL else MEDIA_TYPE


async def pages(
    store: Store, since: datetime | None, until: datetime | None, form: Form = Form.JSONL
) -> AsyncIterator[bytes]:
    """The lines from ``since`` on and before ``until``, oldest first, some hundred at once."""
    written: Callable[[Sequence[AuditLine]], str] = _table if form is Form.CSV else _lines
    after, head = 0, table([COLUMNS]) if form is Form.CSV else ""
    while lines := await store.audit_lines(after, _LINES_AT_ONCE):
        after = lines[-1].seq
        wanted = [line for line in lines if within(line, since=since, until=until)]
        # Nothing of these is no end: what is wanted may come later.
        yield (head + written(wanted)).encode()
        head = ""
    if head:
        yield head.encode()


def _lines(lines: Sequence[AuditLine]) -> str:
    return "".join(export_line(line) + "\n" for line in lines)


def _table(lines: Sequence[AuditLine]) -> str:
    return table(_row(line) for line in lines)


def _row(line: AuditLine) -> tuple[str, ...]:
    event = json.loads(line.body)
    data = json.dumps(event.get("data") or {}, ensure_ascii=False)
    told = (event["at"], event["type"], event["actor"], event["via"], event.get("request") or "", data)
    return (str(line.seq), *map(str, told), line.previous, line.hash)
