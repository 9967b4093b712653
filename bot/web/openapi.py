"""``/openapi.json``, drawn from the tables that route and parse, so that it cannot say what the program does not do."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from msgspec import Struct, json

from bot.core import errors
from bot.core.errors import SaysoError
from bot.web import problems
from bot.web.api_requests import LONGEST_KEY
from bot.web.heads import MAX_HEAD, MOST_HEADERS, HeadTooLarge
from bot.web.operation import ALL, Operation
from bot.web.problems import Problem
from bot.web.query import Parameter
from bot.web.strict_json import MAX_BYTES, MAX_DEPTH

_BODY: tuple[type[SaysoError], ...] = (
    errors.Malformed,
    problems.TooSlow,
    errors.TooLarge,
    problems.UnsupportedMedia,
    errors.Invalid,
)
_HEADERS = {
    401: {"WWW-Authenticate": {"schema": {"type": "string"}, "description": "Bearer."}},
    429: {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}},
    503: {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}},
}
_ABOUT = (
    "Sayso puts what AI agents want to do before people. Bodies are JSON in UTF-8, at most "
    f"{MAX_BYTES // 1024} KiB and nested at most {MAX_DEPTH} deep; duplicate keys, NaN, integers beyond ±(2^53 − 1) "
    "and lone surrogates are refused. Times are RFC 3339 UTC. Every refusal is application/problem+json (RFC 9457) and "
    "names each field by JSON Pointer with the rule it broke. Before it is read, any call can be answered with 400 "
    f"`{errors.Malformed.code}` (no HTTP), 408 `{problems.TooSlow.code}`, 431 `{HeadTooLarge.code}` (a head beyond "
    f"{MAX_HEAD // 1024} KiB or {MOST_HEADERS} headers) or 503 `{errors.Overloaded.code}`; the connection then closes."
)


def document(operations: Iterable[Operation], *, public_url: str, version: str) -> bytes:
    """The OpenAPI 3.1 document of these operations, as JSON."""
    listed = tuple(operations)
    paths: dict[str, dict[str, Any]] = {}
    for operation in listed:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    shown = [struct for operation in listed for _, struct in operation.answers.values() if struct]
    return json.encode(
        {
            "openapi": "3.1.0",
            "info": {"title": "Sayso", "version": version, "description": _ABOUT, "license": _LICENCE},
            "servers": [{"url": public_url}],
            "paths": paths,
            "components": {
                "schemas": _schemas(dict.fromkeys([*shown, Problem])),
                "securitySchemes": {
                    "key": {
                        "type": "http",
                        "scheme": "bearer",
                        "description": "A key from `sayso key create`. Its role: agent, reviewer, admin or advisor.",
                    }
                },
            },
        }
    )


_PLACES = re.compile(r"{(\w+)}")
_LICENCE = {"name": "Apache-2.0", "identifier": "Apache-2.0"}


_UNTYPED = {
    "application/json": {"type": "object"},
    "application/jsonl": {"type": "string"},
    "text/csv": {"type": "string"},
    "text/plain": {"type": "string"},
}


def _schemas(structs: Iterable[type[Struct]]) -> dict[str, Any]:
    _, drawn = json.schema_components(structs, ref_template="#/components/schemas/{name}")
    return drawn


def _operation(operation: Operation) -> dict[str, Any]:
    drawn: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.says,
        "responses": _successes(operation) | _refusals(operation),
    }
    if parameters := _parameters(operation):
        drawn["parameters"] = parameters
    if operation.roles:
        drawn["security"] = [{"key": []}]
        drawn["description"] = f"Keys: {', '.join(sorted(operation.roles))}."
    if operation.body is not None:
        schema = operation.body.schema()
        drawn["requestBody"] = {"required": not operation.bare, "content": {"application/json": {"schema": schema}}}
    return drawn


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    drawn: list[dict[str, Any]] = []
    named = _PLACES.findall(operation.path)
    drawn += [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in named]
    drawn += [_parameter(parameter) for parameter in operation.parameters]
    if operation.idempotent_by_key:
        drawn.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "description": "The same key and body give the same request; with another body it is refused.",
                "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": "^[ -~]+$"},
            }
        )
    return drawn


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {"name": parameter.name, "in": "query", "description": parameter.says, "schema": parameter.schema}


def _successes(operation: Operation) -> dict[str, Any]:
    drawn: dict[str, Any] = {}
    for status, (says, struct) in operation.answers.items():
        schema = {"$ref": f"#/components/schemas/{struct.__name__}"} if struct else _UNTYPED[operation.media_type]
        content = {operation.media_type: {"schema": schema}}
        content |= {media: {"schema": _UNTYPED[media]} for media in operation.also}
        drawn[str(status)] = {"description": says, "content": content}
        if operation.located:
            location = {"schema": {"type": "string"}, "description": "The request's address."}
            drawn[str(status)]["headers"] = {"Location": location}
    return drawn


def refusals_of(operation: Operation) -> tuple[type[SaysoError], ...]:
    """Every error that the operation can answer with: its own, and those of keys, bodies, addresses and the store."""
    found: list[type[SaysoError]] = [*operation.errors, errors.Invalid, problems.Internal]
    if operation.roles:
        found += [errors.Unauthorized, errors.Unavailable, errors.Unheard, errors.Overloaded]
        found += [] if operation.roles == ALL else [errors.Forbidden]
    if operation.body is not None:
        found += _BODY
    if _PLACES.search(operation.path):
        found.append(errors.NotFound)
    return tuple(dict.fromkeys(found))


def _refusals(operation: Operation) -> dict[str, Any]:
    by_status: dict[int, list[type[SaysoError]]] = {}
    for error in refusals_of(operation):
        by_status.setdefault(error.status, []).append(error)
    return {str(status): _refusal(status, kinds) for status, kinds in sorted(by_status.items())}


def _refusal(status: int, kinds: list[type[SaysoError]]) -> dict[str, Any]:
    codes = sorted({kind.code for kind in kinds})
    schema = {
        "allOf": [{"$ref": "#/components/schemas/Problem"}, {"properties": {"code": {"enum": codes}}}],
    }
    drawn: dict[str, Any] = {
        "description": " ".join(f"`{kind.code}`: {(kind.__doc__ or '').strip()}" for kind in kinds),
        "content": {problems.MEDIA_TYPE.decode(): {"schema": schema}},
    }
    if status in _HEADERS:
        drawn["headers"] = _HEADERS[status]
    return drawn
