"""Refusals on the wire: RFC 9457 ``application/problem+json``, one shape for every error of the API."""

from __future__ import annotations

import math
from http import HTTPStatus
from typing import Any

import msgspec
from msgspec import Struct

from bot.core import errors
from bot.core.errors import Fault, SaysoError
from bot.web.strict_json import MAX_FAULTS

MEDIA_TYPE = b"application/problem+json"
_RESERVED = frozenset({"type", "title", "status", "detail", "code", "errors"})


class UnsupportedMedia(SaysoError):
    """The body must be sent as application/json in UTF-8."""

    code = "unsupported_media_type"
    status = 415


class MethodNotAllowed(SaysoError):
    """This address does not take that method: see the Allow header."""

    code = "method_not_allowed"
    status = 405


class TooSlow(SaysoError):
    """The body did not arrive in time: send it again in one go."""

    code = "too_slow"
    status = 408


class NotReady(SaysoError):
    """Not everything that the bot needs is working: see checks."""

    code = "not_ready"
    status = 503


class Internal(SaysoError):
    """Something went wrong inside; it is in the log of the bot."""

    code = "internal"
    status = 500


class FaultItem(Struct, frozen=True):
    """One thing wrong. ``pointer``: JSON Pointer into the body, or ``query:<name>`` or ``header:<name>``."""

    pointer: str
    rule: str
    detail: str


class Problem(Struct, frozen=True):
    """A refusal (RFC 9457). ``code`` is stable; some codes add members of their own, such as who decided and when."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: list[FaultItem]


def parameter_fault(name: str, rule: str, detail: str) -> Fault:
    """Something wrong with a query parameter."""
    return Fault(f"query:{name}", rule, detail)


def header_fault(name: str, rule: str, detail: str) -> Fault:
    """Something wrong with a request header."""
    return Fault(f"header:{name}", rule, detail)


def invalid(faults: tuple[Fault, ...]) -> errors.Invalid:
    """Every fault at once; the sentence is that of the first."""
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return errors.Invalid(f"{faults[0].pointer or 'body'}: {faults[0].detail}{more}", faults=faults)


def encode(error: SaysoError) -> bytes:
    """The problem's body. Members of the error's own (``extra``) stand beside the six that every problem has."""
    own = {name: value for name, value in error.extra.items() if name not in _RESERVED}
    title = (type(error).__doc__ or HTTPStatus(error.status).phrase).strip().splitlines()[0]
    body: dict[str, Any] = {
        "type": f"urn:sayso:problem:{error.code}",
        "title": title,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
        "errors": [FaultItem(f.pointer, f.rule, f.detail) for f in error.faults[:MAX_FAULTS]],
    }
    return msgspec.json.encode(body | own)


def headers_of(error: SaysoError) -> list[tuple[bytes, bytes]]:
    """What the status asks for: ``WWW-Authenticate``, ``Retry-After``, ``Allow``."""
    if error.status == HTTPStatus.UNAUTHORIZED:
        return [(b"www-authenticate", b'Bearer realm="sayso"')]
    if error.status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        return [(b"retry-after", str(max(1, math.ceil(error.extra.get("retry_after", 1)))).encode())]
    if isinstance(error, MethodNotAllowed):
        return [(b"allow", ", ".join(error.extra["allow"]).encode())]
    return []
