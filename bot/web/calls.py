"""Each HTTP call: its id, how long it took by route, and one line of the log.

The path itself is never written down, for links in mails and sign-in links carry what lets somebody in. What stands
there is the route's template; and of the query nothing.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Awaitable, Callable
from itertools import count
from time import perf_counter
from typing import Any

from starlette.types import Message, Receive, Scope, Send

from bot.core.about import begin
from bot.core.histogram import Histogram
from bot.web.exchange import header_values
from bot.web.house import Figure

log = logging.getLogger("sayso.http")

ROUTE = "sayso.route"
"""Where a scope says by which template it was answered, where no router wrote its route there."""

TRACE = "sayso.trace"
"""Where a scope says in which trace the call is, where calls are traced."""

NOWHERE = "none"
"""The template of what no route answers; each such path by itself would make figures without end."""

_HEADER = b"x-request-id"
_PLAIN = re.compile(rb"[A-Za-z0-9._~:/+=-]{1,128}")
_REQUEST = re.compile(r"req_[0-9a-z]{1,60}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_STREAMS = frozenset({"/inbox/live"})


def template_of(scope: Scope) -> str:
    """The template that answered: ``/v1/requests/{id}``."""
    route = scope.get(ROUTE) or getattr(scope.get("route"), "path", None)
    return route if isinstance(route, str) else NOWHERE


class Calls:
    """Every call of one application."""

    def __init__(self) -> None:
        self._prefix = os.urandom(6).hex()
        self._number = count(1)
        self.took: dict[str, Histogram] = {}

    async def answer(
        self, app: Callable[[Scope, Receive, Send], Awaitable[None]], scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Let ``app`` answer one call, under an id of its own that goes back as ``X-Request-Id``."""
        call = self._id(scope)
        facts = begin(call=call)
        if TRACE in scope:
            facts["trace"] = scope[TRACE]
        header = (_HEADER, call.encode())
        status = 0

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], header]
            await send(message)

        began = perf_counter()
        try:
            await app(scope, receive, sent)
        finally:
            self._note(scope, status, perf_counter() - began, facts)

    def _id(self, scope: Scope) -> str:
        """What the caller calls it, where that is one plain word; else a new one."""
        given = header_values(scope, _HEADER)
        if len(given) == 1 and _PLAIN.fullmatch(given[0]):
            return given[0].decode("ascii")
        return f"{self._prefix}-{next(self._number):x}"

    def _note(self, scope: Scope, status: int, seconds: float, facts: dict[str, str]) -> None:
        template = template_of(scope)
        # Who waits for a decision, or holds a page open, says nothing about how quick the bot is.
        if template not in _STREAMS and b"wait=" not in scope["query_string"]:
            took = self.took.get(template)
            if took is None:
                took = self.took[template] = Histogram()
            took.note(seconds)
        if template.startswith("/requests/{id}") and _REQUEST.fullmatch(asked := str(scope["path_params"]["id"])):
            facts.setdefault("request", asked)
        if log.isEnabledFor(logging.INFO):
            method = scope["method"] if scope["method"] in _METHODS else "other"
            told: dict[str, Any] = {"method": method, "route": template, "status": status or None}
            # As `log.info` does, but for finding out by the stack that it was here.
            record = logging.LogRecord(log.name, logging.INFO, "", 0, "call", (), None)
            record.told = told | {"ms": round(seconds * 1000, 2)} | facts
            log.handle(record)

    def figures(self) -> list[Figure]:
        """How long the answers took, by route."""
        about = "How long calls took by route, those left out that wait for a decision or hold a page open."
        return [
            sample
            for route, took in sorted(self.took.items())
            for sample in histogram("sayso_http_seconds", about, took, route=route)
        ]


def histogram(name: str, about: str, taken: Histogram, **labels: str) -> list[Figure]:
    """The samples of a histogram: a count for each bound, the sum, and the count of all."""
    below = [Figure(name, about, n, {**labels, "le": bound}, "histogram", "_bucket") for bound, n in taken.below()]
    return [
        *below,
        Figure(name, about, taken.total, labels, "histogram", "_sum"),
        Figure(name, about, taken.count, labels, "histogram", "_count"),
    ]
