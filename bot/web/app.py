"""The web application: every operation of the API, Slack's signed posts, and whatever pages it is given."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from bot.core import errors
from bot.web import (
    api_advice,
    api_audit,
    api_batches,
    api_decisions,
    api_drills,
    api_erasure,
    api_examples,
    api_metrics,
    api_remedies,
    api_requests,
    api_trust,
    api_watching,
    health,
    problems,
)
from bot.web.admission import Gate
from bot.web.brake import Brake
from bot.web.calls import ROUTE, Calls
from bot.web.exchange import GUARDS, Answer, read_body, refusal
from bot.web.house import FAILED, LOST, House, SlackHandler
from bot.web.openapi import document
from bot.web.operation import Call, Endpoint, Operation, answered

REQUESTS = "/v1/requests/"
BATCHES = "/v1/batches/"
MAX_SLACK_BYTES = 1024 * 1024
"""Slack posts whole cards back, percent-encoded; a message of 50 full blocks stays far below this."""


def create_app(house: House, routes: Sequence[BaseRoute] = ()) -> Starlette:
    """The application. ``routes`` are the inbox's (`bot.web.inbox.routes`), tried after the API's own."""
    tally: Counter[tuple[str, int]] = Counter()
    calls = Calls()
    gate = Gate()
    operations = table(house, tally, calls, gate)
    by_path: dict[str, dict[str, Operation]] = {}
    for operation in operations:
        by_path.setdefault(operation.path, {})[operation.method] = operation
    endpoints = {path: Endpoint(house, methods, tally, gate) for path, methods in by_path.items()}
    mounted: list[BaseRoute] = [Route(path, endpoint, name=path) for path, endpoint in endpoints.items()]
    if house.slack is not None:
        mounted.append(Route("/slack/events", SlackEvents(house, house.slack), name="slack"))
    app = Front(calls, endpoints, [*mounted, *routes])
    app.router.redirect_slashes = False
    return app


class Front(Starlette):
    """The application; calls about requests skip its layers, which cost as much as parsing the call does.

    An `Endpoint` needs none of them: it answers every error itself.
    """

    def __init__(self, calls: Calls, endpoints: Mapping[str, Endpoint], routes: Sequence[BaseRoute]) -> None:
        super().__init__(routes=routes, exception_handlers={HTTPException: _refused, Exception: _failed})
        self._calls = calls
        self._endpoints = endpoints
        self._brake = Brake()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        await self._calls.answer(self._answer, scope, receive, self._brake.on(send))

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if path.startswith(REQUESTS) and not scope.get("root_path"):
            given, slash, rest = path[len(REQUESTS) :].partition("/")
            template = f"{REQUESTS}{{id}}{slash}{rest}"
            endpoint = self._endpoints.get(template)
            if endpoint is not None and given:
                scope[ROUTE] = template
                scope["path_params"] = {"id": given}
                await endpoint(scope, receive, send)
                return
        elif path.startswith(BATCHES) and not scope.get("root_path"):
            # A batch's name may hold slashes, which a route would take for the address's own.
            given, slash, rest = path[len(BATCHES) :].rpartition("/")
            template = f"{BATCHES}{{batch}}{slash}{rest}"
            endpoint = self._endpoints.get(template)
            if endpoint is not None and given:
                scope[ROUTE] = template
                scope["path_params"] = {"batch": given}
                await endpoint(scope, receive, send)
                return
        elif path == REQUESTS[:-1] and not scope.get("root_path"):
            scope[ROUTE] = path
            await self._endpoints[path](scope, receive, send)
            return
        await super().__call__(scope, receive, send)  # its router writes the route


def table(house: House, tally: Counter[tuple[str, int]], calls: Calls, gate: Gate) -> tuple[Operation, ...]:
    """Every operation there is, the busiest paths first; the document that describes them is one of them."""
    listed = (
        *api_requests.OPERATIONS,
        *api_decisions.OPERATIONS,
        *api_remedies.OPERATIONS,
        *api_advice.OPERATIONS,
        *api_batches.OPERATIONS,
        *api_drills.OPERATIONS,
        *api_audit.OPERATIONS,
        *api_erasure.OPERATIONS,
        *api_examples.OPERATIONS,
        *api_metrics.OPERATIONS,
        *api_trust.OPERATIONS,
        *api_watching.OPERATIONS,
        *health.operations(tally, calls, gate),
    )
    drawn: list[bytes] = []

    async def openapi(_: Call) -> Answer:
        return Answer(200, drawn[0])

    own = Operation(
        method="GET",
        path="/openapi.json",
        name="openapi",
        says="This document.",
        handler=openapi,
        answers={200: ("OpenAPI 3.1.", None)},
    )
    drawn.append(document((*listed, own), public_url=house.public_url, version=_version()))
    return (*listed, own)


def _version() -> str:
    try:
        return version("sayso-bot")
    except PackageNotFoundError:
        return "0"


class SlackEvents:
    """POST /slack/events: the raw body goes to Slack's own handler, which verifies before it parses (threat T9)."""

    def __init__(self, house: House, handler: SlackHandler) -> None:
        self._house = house
        self._handler = handler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one post of Slack's."""
        answer = await answered(self._answer(scope, receive), "slack")
        if answer is not None:
            await answer.send(send)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        if scope["method"] != "POST":
            raise problems.MethodNotAllowed(allow=["POST"])
        body = await read_body(scope, receive, MAX_SLACK_BYTES)
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        status, given, answered = await self._handler(headers, body, self._house.clock.now())
        kept = {name.lower(): value for name, value in given.items()}
        media = kept.pop("content-type", "text/plain; charset=utf-8").encode()
        kept.pop("content-length", None)
        return Answer(status, answered, media, [(n.encode(), v.encode()) for n, v in kept.items()])


def _as_response(error: errors.SaysoError) -> Response:
    answer = refusal(error)
    named = {name.decode(): value.decode() for name, value in (*GUARDS, *answer.headers)}
    return Response(answer.body, answer.status, named, answer.media_type.decode())


async def _refused(http: Request, raised: Exception) -> Response:
    """What a router refuses: an address that is not there, a method that an address does not take."""
    if not isinstance(raised, HTTPException):
        raise raised
    headers = dict(raised.headers or {})
    if raised.status_code == problems.MethodNotAllowed.status:
        return _as_response(problems.MethodNotAllowed(allow=headers.get("Allow", "").split(", ")))
    if raised.status_code == errors.NotFound.status:
        page = await _page(http, LOST)
        return page or _as_response(errors.NotFound("There is nothing at this address."))
    return PlainTextResponse(raised.detail, raised.status_code, headers)


async def _failed(http: Request, _: Exception) -> Response:
    """A fault of ours outside the API's endpoints; the server writes it to its log."""
    page = None
    # What failed may be what the page is made with.
    with suppress(Exception):
        page = await _page(http, FAILED)
    return page or _as_response(problems.Internal())


async def _page(http: Request, name: str) -> Response | None:
    """The page that stands for an answer of this sort, for a browser that asked for a page, where there are pages."""
    route = next((route for route in http.app.routes if getattr(route, "name", None) == name), None)
    if route is None or "text/html" not in http.headers.get("accept", "") or http.url.path.startswith("/v1/"):
        return None
    shown: Response = await route.endpoint(http)
    return shown
