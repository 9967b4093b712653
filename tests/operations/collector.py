"""An OpenTelemetry collector on a real socket: it takes OTLP over HTTP and reads it by the protocol's own messages."""

from __future__ import annotations

import gzip
from types import TracebackType
from typing import Any, Self

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)


class Span:
    """One span, its ids in hexadecimal and its attributes as a mapping."""

    def __init__(self, told: Any) -> None:
        self.name: str = told.name
        self.trace: str = told.trace_id.hex()
        self.id: str = told.span_id.hex()
        self.parent: str = told.parent_span_id.hex()
        self.failed: bool = told.status.code == 2  # STATUS_CODE_ERROR
        self.said = {a.key: getattr(a.value, a.value.WhichOneof("value")) for a in told.attributes}
        self.events = [event.name for event in told.events]


class Collector:
    """Use as ``async with Collector() as collector``; what came is in ``spans``, ``headers`` and ``service``."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.headers: list[dict[str, str]] = []
        self.service = ""
        self.url = ""
        app = web.Application()
        app.router.add_post("/v1/traces", self._take)
        self._runner = web.AppRunner(app)

    async def _take(self, http: web.Request) -> web.Response:
        body = await http.read()
        if http.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        told = ExportTraceServiceRequest.FromString(body)
        self.headers.append({name.lower(): value for name, value in http.headers.items()})
        for resource in told.resource_spans:
            named = {a.key: a.value.string_value for a in resource.resource.attributes}
            self.service = named["service.name"]
            self.spans += [Span(span) for scope in resource.scope_spans for span in scope.spans]
        answer = ExportTraceServiceResponse().SerializeToString()
        return web.Response(body=answer, content_type="application/x-protobuf")

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        del kind, fault, trace
        await self._runner.cleanup()
