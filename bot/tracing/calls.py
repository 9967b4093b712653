"""A span for each HTTP call, in the trace that its caller names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.trace import SpanKind, Status, StatusCode
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.core.about import known
from bot.web.calls import TRACE, template_of

if TYPE_CHECKING:
    from bot.tracing.tracing import Tracing

_UNTRACED = frozenset({"/healthz", "/readyz", "/metrics", "/inbox/live"})
_SUBMITTED = ("POST", "/v1/requests")
_SERVER_FAULT = 500
_CARRIERS = (b"traceparent", b"tracestate")


class TracedCalls:
    """An application whose calls are traced, but for those of supervisors and for open pages."""

    def __init__(self, app: ASGIApp, tracing: Tracing) -> None:
        self._app = app
        self._tracing = tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        if scope["type"] != "http" or scope["path"] in _UNTRACED or scope["path"].startswith("/static/"):
            await self._app(scope, receive, send)
            return
        given = {n.decode("latin-1"): v.decode("latin-1") for n, v in scope["headers"] if n in _CARRIERS}
        parent = self._tracing.coming(given) if given else None
        status = 0

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        method = scope["method"]
        with self._tracing.span(method, SpanKind.SERVER, parent=parent) as span:
            scope[TRACE] = f"{span.get_span_context().trace_id:032x}"
            await self._app(scope, receive, sent)
            route = template_of(scope)
            span.update_name(f"{method} {route}")
            span.set_attribute("http.request.method", method)
            span.set_attribute("http.route", route)
            span.set_attributes({f"sayso.{name}": said for name, said in known().items()})
            if status:
                span.set_attribute("http.response.status_code", status)
            if status >= _SERVER_FAULT:
                span.set_status(Status(StatusCode.ERROR))
            request = known().get("request")
            if parent is not None and request is not None and (method, route) == _SUBMITTED:
                self._tracing.remember(request, parent)
