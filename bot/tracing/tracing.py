"""The provider of spans and what it is told: where they go, and which agent's trace a request belongs to."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.types import ASGIApp

from bot.core.ports import Channel, Replayer, Store
from bot.tracing.calls import TracedCalls
from bot.tracing.wrapped import TracedChannel, TracedReplayer, TracedStore

_REMEMBERED = 10_000
"""Requests whose agent's trace is known; a trace that goes on after a restart begins anew at the replay."""
_PARTING_SECONDS = 2.0


class Tracing:
    """Makes spans and sends them, in a thread of its own, to a collector."""

    def __init__(self, *, endpoint: str, headers: Mapping[str, str], service: str, version: str) -> None:
        """``endpoint`` is the collector's base address (``OTEL_EXPORTER_OTLP_ENDPOINT``), ``/v1/traces`` is added."""
        resource = Resource.create({"service.name": service, "service.version": version})
        # Shutting down at the process's exit could wait for a collector that is gone; `close` waits a little.
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", headers=dict(headers) or None)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("sayso", version)
        self._format = TraceContextTextMapPropagator()
        self._agents: OrderedDict[str, Context] = OrderedDict()

    def web(self, app: ASGIApp) -> ASGIApp:
        """The application with a span for each call."""
        return TracedCalls(app, self)

    def store(self, store: Store) -> Store:
        """The store with a span for each commit that a traced call waits for."""
        return cast("Store", TracedStore(store, self))

    def channel(self, name: str, channel: Channel) -> Channel:
        """The channel with a span for each card, reminder and letter that goes out."""
        return cast("Channel", TracedChannel(name, channel, self))

    def replayer(self, replayer: Replayer) -> Replayer:
        """The replayer with a span for each attempt, in the trace of the agent's own call where there was one."""
        return TracedReplayer(replayer, self)

    @contextmanager
    def span(
        self, name: str, kind: SpanKind = SpanKind.INTERNAL, *, parent: Context | None = None, **said: Any
    ) -> Iterator[Span]:
        """A span that is the current one within; what is raised marks it, but is not quoted: errors quote agents."""
        attributes = {f"sayso.{key}": value for key, value in said.items()}
        with self._tracer.start_as_current_span(
            name, parent, kind, attributes, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield span
            except BaseException as fault:
                span.set_status(Status(StatusCode.ERROR, type(fault).__name__))
                raise

    def coming(self, headers: Mapping[str, str]) -> Context | None:
        """The trace that a call says it belongs to (W3C ``traceparent``), None where it says none."""
        context = self._format.extract(headers)
        return context if trace.get_current_span(context).get_span_context().is_valid else None

    def going(self) -> dict[str, str]:
        """The headers that carry the trace on; none outside of any."""
        headers: dict[str, str] = {}
        self._format.inject(headers)
        return headers

    def remember(self, request_id: str, context: Context) -> None:
        """Keep which trace an agent submitted a request in."""
        self._agents[request_id] = context
        while len(self._agents) > _REMEMBERED:
            self._agents.popitem(last=False)

    def agents(self, request_id: str) -> Context | None:
        """The trace that an agent submitted a request in, while it is remembered."""
        return self._agents.get(request_id)

    async def close(self) -> None:
        """Send what is left, waiting two seconds at most for a collector that may be gone."""
        sending = threading.Thread(target=self._provider.shutdown, daemon=True)
        sending.start()
        until = time.monotonic() + _PARTING_SECONDS
        while sending.is_alive() and time.monotonic() < until:  # noqa: ASYNC110  # a thread has no event to wait for
            await asyncio.sleep(0.02)
