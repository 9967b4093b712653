"""``/admin/report``: the compliance report of some days, read or saved; that it was taken is on record."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

from starlette.requests import Request as Http
from starlette.responses import Response, StreamingResponse

from bot.core.errors import NotFound, SaysoError
from bot.core.ports.reports import ReportAsked
from bot.web.inbox.admin.door import page_of
from bot.web.inbox.days import DAYS, span_of
from bot.web.inbox.guard import Form, Visitor
from bot.web.inbox.language import words
from bot.web.inbox.pages import HEADERS
from bot.web.inbox.site import VIA, Site

REPORT = "/admin/report"
_LONGEST = 40
_POLICY = "Content-Security-Policy"

NO_REPORTS = words("This house writes no reports.")


async def show(site: Site, http: Http, visitor: Visitor) -> Response:
    """``GET /admin/report``: what it is, and of which days it shall be."""
    return _page(site, visitor, _sought(http.query_params))


def _sought(given: Mapping[str, str]) -> dict[str, str]:
    sought = {name: given.get(name, "").strip()[:_LONGEST] for name in DAYS}
    return sought | {name: "1" if given.get(name) else "" for name in ("summary", "save")}


def _page(site: Site, visitor: Visitor, sought: Mapping[str, str], error: SaysoError | None = None) -> Response:
    return page_of(
        site,
        visitor,
        "report",
        status=error.status if error else 200,
        sought=sought,
        zone=visitor.person.timezone,
        refusal=error,
        faults={fault.pointer: fault.detail for fault in error.faults} if error else {},
    )


async def take(site: Site, _http: Http, visitor: Visitor, form: Form) -> Response:
    """``POST /admin/report``: the document, streamed, letting in its own style sheet alone. Raises `NotFound`."""
    reports = site.house.reports
    if reports is None:
        raise NotFound(NO_REPORTS)
    sought = _sought(form)
    try:
        since, until = span_of(sought, visitor.person)
    except SaysoError as error:
        return _page(site, visitor, sought, error)
    now = site.house.clock.now()
    asked = ReportAsked(since=since, until=min(until, now) if until else now, whole=not sought["summary"])
    drawn = reports.document(asked)
    # All is read before the first piece: what cannot be read is refused, no empty document, and not on record.
    first = await anext(drawn)
    told = {"to": asked.until.isoformat()} | ({"from": since.isoformat()} if since else {})
    await site.house.desk.report_taken(by=visitor.actor, via=VIA, whole=asked.whole, **told)
    policy = HEADERS[_POLICY].replace("style-src 'self'", f"style-src {reports.style_hash}")
    headers = HEADERS | {_POLICY: policy.replace("script-src 'self'", "script-src 'none'")}
    if sought["save"]:
        headers["Content-Disposition"] = f'attachment; filename="sayso-report-{asked.until:%Y-%m-%d}.html"'
    return StreamingResponse(_from(first, drawn), 200, headers, "text/html; charset=utf-8")


async def _from(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in rest:
        yield chunk
