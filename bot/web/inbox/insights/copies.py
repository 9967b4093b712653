"""The same numbers as files: ``/insights.csv`` and ``/insights.json``, for who may see them on the pages."""

from __future__ import annotations

from msgspec import json
from starlette.requests import Request as Http
from starlette.responses import Response

from bot.web.inbox.guard import Visitor
from bot.web.inbox.insights.answered import Reader
from bot.web.inbox.insights.asked import asked_of
from bot.web.inbox.pages import HEADERS
from bot.web.inbox.site import Site
from bot.web.measured import table_of
from bot.web.spreadsheet import MEDIA_TYPE

_ALL = 10_000
"""Groups in a file."""

TYPES = {"csv": MEDIA_TYPE, "json": "application/json"}


async def show(site: Site, http: Http, visitor: Visitor) -> Response:
    """``GET /insights.csv`` and ``GET /insights.json``; raises `SaysoError`."""
    kind = http.url.path.rpartition(".")[2]
    asked = asked_of(http.query_params)
    reader = Reader(site, visitor, asked)
    (found,) = await reader.figures(reader.question(by=http.query_params.get("by", asked.by), most=_ALL))
    body = table_of(found) if kind == "csv" else json.encode(found)
    return file_of("insights", kind, body)


def file_of(name: str, kind: str, body: bytes) -> Response:
    """A file to keep; ``kind`` is one of `TYPES`."""
    headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{name}.{kind}"'}
    return Response(body, 200, headers, TYPES[kind])
