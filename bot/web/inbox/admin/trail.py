"""``/admin/audit``: the whole trail, searched and read, and a copy of it to take along.

Reading changes nothing and leaves no line. Taking a copy does: it is a form, and the trail says who took what.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from msgspec import Struct
from starlette.requests import Request as Http
from starlette.responses import Response, StreamingResponse

from bot.core.card import name_of
from bot.core.errors import Fault, Invalid, SaysoError
from bot.core.model import Person
from bot.core.ports import AuditLine, AuditQuery
from bot.web.audit_copy import Form as Copy
from bot.web.audit_copy import pages
from bot.web.inbox.admin.door import page_of
from bot.web.inbox.admin.paging import number_in
from bot.web.inbox.days import DAYS, span_of
from bot.web.inbox.guard import Form, Visitor
from bot.web.inbox.language import words
from bot.web.inbox.pages import HEADERS
from bot.web.inbox.site import VIA, Site

AT_ONCE = 50
_LONGEST = 200
_TEXTS = ("actor", "type", "request", "text")
_TOLD = 6
_MOST_AMONG_OTHERS = 6000
"""Characters of a line that is shown whole in a list: fifty with arguments of 256 KiB would make a page of 12 MiB."""

_NESTED = {
    "request": ("title", "action", "state"),
    "decision": ("decision", "by", "comment"),
    "execution": ("state", "error"),
    "revision": ("number", "author"),
}
"""What is told of the rows that an event changed."""

_TOLD_LENGTH = 80

NO_FORM = words("Say what the copy shall be written in.")


class Entry(Struct, frozen=True, kw_only=True):
    """One line as it is read: who, what, when; ``told`` are the plain facts among its data; ``event`` is all of it.

    ``event`` None: too long to stand among others; it is read on a page of its own.
    """

    line: AuditLine
    at: datetime
    type: str
    actor: str
    via: str
    request: str | None
    told: tuple[tuple[str, str], ...]
    event: Mapping[str, Any] | None


async def show(site: Site, http: Http, visitor: Visitor) -> Response:
    """``GET /admin/audit``: what was searched for, newest first; ``before`` is the last number of the page before."""
    sought = {name: http.query_params.get(name, "").strip()[:_LONGEST] for name in (*_TEXTS, *DAYS)}
    if number := number_in(http, "line"):
        lines = await site.house.store.audit_search(AuditQuery(before=number + 1, limit=1))
        return await _page(site, visitor, sought, tuple(line for line in lines if line.seq == number), one=True)
    try:
        since, until = span_of(sought, visitor.person)
    except SaysoError as error:
        return await _page(site, visitor, sought, (), error=error)
    query = AuditQuery(
        **{name: sought[name] or None for name in _TEXTS},
        since=since,
        until=until,
        before=number_in(http, "before") or None,
        limit=AT_ONCE + 1,
    )
    return await _page(
        site, visitor, sought, await site.house.store.audit_search(query), later=query.before is not None
    )


async def _page(
    site: Site,
    visitor: Visitor,
    sought: Mapping[str, str],
    lines: tuple[AuditLine, ...],
    *,
    later: bool = False,
    one: bool = False,
    error: SaysoError | None = None,
) -> Response:
    people = site.house.policy().people
    kept = {name: value for name, value in sought.items() if value}
    shown = lines[:AT_ONCE]
    older = urlencode(kept | {"before": shown[-1].seq}) if len(lines) > AT_ONCE else ""
    return page_of(
        site,
        visitor,
        "audit",
        status=error.status if error else 200,
        sought=sought,
        narrowed=bool(kept) or one,
        one=one,
        entries=[_entry(line, people, whole=one) for line in shown],
        older=older,
        newest=urlencode(kept) if later or one else None,
        head=await site.house.store.audit_head(),
        zone=visitor.person.timezone,
        refusal=error,
        faults={fault.pointer: fault.detail for fault in error.faults} if error else {},
    )


def _entry(line: AuditLine, people: Mapping[str, Person], *, whole: bool) -> Entry:
    event = json.loads(line.body)
    data = event.get("data") or {}
    return Entry(
        line=line,
        at=datetime.fromisoformat(event["at"]),
        type=str(event["type"]),
        actor=_actor(str(event["actor"]), people),
        via=str(event["via"]),
        request=event.get("request"),
        told=tuple(_told(data))[:_TOLD],
        event=event if whole or len(line.body) <= _MOST_AMONG_OTHERS else None,
    )


def _actor(actor: str, people: Mapping[str, Person]) -> str:
    kind, _, name = actor.partition(":")
    return f"{name_of(name, people)} ({actor})" if kind == "person" and name in people else actor


def _told(data: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What of an event's data is one plain fact, shortened: the rest is read whole where it is asked for."""
    inner = [
        (name, row[name])
        for what, names in _NESTED.items()
        if isinstance(row := data.get(what), dict)
        for name in names
        if name in row
    ]
    plain = [(name, value) for name, value in (*inner, *data.items()) if _is_fact(value)]
    return [(str(name)[:_TOLD_LENGTH], _cut(value)) for name, value in plain]


def _is_fact(value: object) -> bool:
    return isinstance(value, str | int | float) and value != ""


def _cut(value: object) -> str:
    text = str(value)
    return text if len(text) <= _TOLD_LENGTH else f"{text[:_TOLD_LENGTH]}…"


async def export(site: Site, _http: Http, visitor: Visitor, form: Form) -> Response:
    """``POST /admin/audit/export``: the trail, or some days of it, streamed; that it was taken is on record first."""
    asked = {name: form.get(name, "").strip()[:_LONGEST] for name in DAYS}
    try:
        since, until = span_of(asked, visitor.person)
        if form.get("format") not in tuple(Copy):
            raise Invalid(NO_FORM, faults=(Fault("/format", "required", NO_FORM),))
    except SaysoError as error:
        return await _page(site, visitor, dict.fromkeys(_TEXTS, "") | asked, (), error=error)
    copy = Copy(form["format"])
    bounds = {"since": since, "until": until}
    told = {name: at.isoformat() for name, at in bounds.items() if at is not None}
    await site.house.desk.exported(by=visitor.actor, via=VIA, format=str(copy), **told)
    copied = pages(site.house.store, since, until, copy)
    # The first page before the status line: a store that cannot be read is refused, no empty file.
    first = await anext(copied, b"")
    headers = HEADERS | {"Content-Disposition": f'attachment; filename="audit.{copy}"'}
    return StreamingResponse(_from(first, copied), 200, headers, copy.media_type)


async def _from(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in rest:
        yield chunk
