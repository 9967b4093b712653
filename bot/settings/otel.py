"""Where traces go."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from msgspec import Struct


class OtelSink(Struct, frozen=True, kw_only=True):
    """A collector that takes OTLP over HTTP; ``headers`` are sent along."""

    endpoint: str
    headers: Mapping[str, str] = {}
    service: str = "sayso"


def otel_of(values: Mapping[str, str], problems: list[str]) -> OtelSink | None:
    """The collector, None where there is none."""
    endpoint = values["OTEL_EXPORTER_OTLP_ENDPOINT"]
    if not endpoint:
        return None
    try:
        parts = urlsplit(endpoint)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        problems.append("OTEL_EXPORTER_OTLP_ENDPOINT: not an address; write it as http://127.0.0.1:4318.")
    headers: dict[str, str] = {}
    for pair in filter(None, (piece.strip() for piece in values["OTEL_EXPORTER_OTLP_HEADERS"].split(","))):
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            problems.append("OTEL_EXPORTER_OTLP_HEADERS: must be name=value, with commas between.")
        headers[name.strip().lower()] = unquote(value.strip())
    return OtelSink(endpoint=endpoint, headers=headers, service=values["OTEL_SERVICE_NAME"])
