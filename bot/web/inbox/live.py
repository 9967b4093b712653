"""Open pages are told of changes: server-sent events for whoever is signed in, and what they have read.

A stream reads the store once, for its session, and never again: the desk tells it what was committed (`bot.desk.live`).
"""

from __future__ import annotations

import asyncio
import json
import secrets

from starlette.requests import Request as Http
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from bot.core.errors import Forbidden, Malformed, NotFound, SaysoError, Unauthorized
from bot.desk.live import Moved, Watch
from bot.web.exchange import Gone, while_connected
from bot.web.inbox import wording
from bot.web.inbox.ballots import number
from bot.web.inbox.guard import Form, Visitor, visitor_of
from bot.web.inbox.pages import HEADERS
from bot.web.inbox.site import Site

HEARTBEAT = 20.0
"""Seconds between two signs of life where nothing changes; proxies close what is silent for a minute (nginx: 60 s)."""

LIFE = 600.0
"""Seconds after which a stream ends and the browser opens another, so that no session is trusted for longer."""

_PARTING = 5.0
_BACK_AFTER, _SPREAD = 2000, 2000
"""Milliseconds until a browser comes back, and over how many more all of them are spread."""

_EVENTS = {**HEADERS, "Content-Type": "text/event-stream; charset=utf-8", "X-Accel-Buffering": "no"}


class Stream(Response):
    """What one open page is told until it, its session or the house closes."""

    def __init__(self, site: Site, watch: Watch) -> None:
        super().__init__(headers=_EVENTS)
        # A stream says no length.
        self.raw_headers = [pair for pair in self.raw_headers if pair[0] != b"content-length"]
        self._site = site
        self._watch = watch

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Tell it."""
        house = self._site.house
        try:
            await while_connected(receive, self._tell(send), house.closing)
            async with asyncio.timeout(_PARTING):
                await send({"type": "http.response.body", "body": b""})
        except (Gone, TimeoutError):
            return
        finally:
            house.desk.live.leave(self._watch)

    async def _tell(self, send: Send) -> None:
        house = self._site.house
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        try:
            # Also bounds how long a reader that has stopped reading is kept.
            async with asyncio.timeout(LIFE):
                await _part(send, f"retry: {_BACK_AFTER + secrets.randbelow(_SPREAD)}\n\n")
                while not self._watch.over:
                    told = await self._watch.next(HEARTBEAT)
                    # The session outlives its person's entry in routing.yaml; what is told must not.
                    if house.desk.person(self._watch.person) is None:
                        return
                    if not self._watch.over:
                        await _part(send, _text(told))
        except TimeoutError:
            return


async def _part(send: Send, text: str) -> None:
    await send({"type": "http.response.body", "body": text.encode(), "more_body": True})


def _text(told: tuple[Moved, ...]) -> str:
    """Events as WHATWG HTML §9.2 writes them; a comment where nothing changed."""
    return "".join(_event(moved) for moved in told) or ": still here\n\n"


def _event(moved: Moved) -> str:
    name, told = ("moved", {"id": moved.request}) if moved.request else ("all", {})
    return f"event: {name}\ndata: {json.dumps({**told, 'mine': moved.mine})}\n\n"


async def stream(site: Site, http: Http) -> Response:
    """``GET /inbox/live``. A refusal is a plain answer, which a browser's EventSource takes for the end of it."""
    try:
        # A page elsewhere may not hold streams open with our reader's cookie; what is no browser says nothing.
        if http.headers.get("sec-fetch-site", "same-origin") != "same-origin":
            raise Forbidden(wording.FOREIGN_STREAM)
        visitor = await visitor_of(site.house, http)
        if visitor is None:
            raise Unauthorized(wording.SIGNED_OUT)
        if http.method == "HEAD":
            return Response(headers=_EVENTS)
        return Stream(site, site.house.desk.live.watch(visitor.person.id, visitor.session.id))
    except SaysoError as error:
        return Response(f"{error.detail}\n", error.status, HEADERS, "text/plain")


async def read(site: Site, http: Http, visitor: Visitor, form: Form) -> Response:
    """``POST /requests/{id}/read``: this person has had a revision before their eyes for a moment."""
    revision = number(form.get("revision"))
    if not revision:
        raise Malformed(wording.NO_REVISION)
    request = await site.house.desk.request(http.path_params["id"])
    if request is None:
        raise NotFound(wording.NO_SUCH_REQUEST)
    await site.house.desk.read(request.id, revision, by=visitor.person.id)
    return Response(status_code=204, headers=HEADERS)
