"""What agents do over HTTP: submit, look, answer a question, withdraw, report. Others look too."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import re
from itertools import zip_longest

from msgspec.json import Encoder
from msgspec.structs import replace

from bot.core import errors
from bot.core.digest import canonical
from bot.core.model import ExecutionState, Key, Request, Role, State
from bot.core.ports import Filter, Store
from bot.web.exchange import Answer, header_values, while_connected
from bot.web.objects import Member, Members
from bot.web.operation import AGENTS, ALL, PRACTISED_IN_SECRET, Call, Operation
from bot.web.options import ARGUMENTS
from bot.web.problems import header_fault, invalid, parameter_fault
from bot.web.query import DEFAULT_PAGE, FOR, LISTING, WAIT
from bot.web.shapes import Anything, OneOf, Text
from bot.web.submission import CONTEXT, LONG, SUBMISSION, submission_of
from bot.web.view import Page, RequestView, encoded, request_view

LONGEST_KEY = 255
MOST_BYTES = 2 * 1024 * 1024
"""Of requests on one page: of those that agents make as large as may be 200 were 50 MB, kept until they are taken."""

_FIRST, _BITE = 10, 50
"""Requests that are read at once: few, until it is known that they are not large."""

_encode = Encoder().encode
_OPEN = tuple([state for state in State if state.open])
_KEY = re.compile(r"[\x20-\x7e]{1,255}")

INFORMATION = Members(
    {
        "text": Member(Text(LONG), "The answer to the question.", required=True),
        "arguments": Member(ARGUMENTS, "New arguments, whole; without them the old ones stay."),
        "context": Member(CONTEXT, "Context to add; members of the same name are replaced."),
    }
)
CANCELLATION = Members({"reason": Member(Text(LONG, shortest=0), "Why it is withdrawn.")})
REPORT = Members(
    {
        "state": Member(
            OneOf((ExecutionState.EXECUTED, ExecutionState.FAILED)), "How the action ended.", required=True
        ),
        "result": Member(Anything(), "What it gave."),
        "error": Member(Text(LONG, shortest=0), "What went wrong."),
    }
)


async def submit(call: Call) -> Answer:
    """POST /v1/requests."""
    key = idempotency_key(call)
    body = await call.json()
    submission = submission_of(call.checked(body))
    # Over the canonical form: another order of members or other spaces make no other body.
    body_hash = hashlib.sha256(canonical(body)).hexdigest() if key else ""
    try:
        request, created = await call.house.desk.submit(
            submission, agent=call.key.name, idempotency_key=key, body_hash=body_hash
        )
    except errors.IdempotencyMismatch as other:
        other.faults = (header_fault("Idempotency-Key", "other_body", "was used with another body"),)
        raise
    waits = bool(call.query.get("wait"))
    if waits:
        # It is made: where too many wait already, it is answered as it is.
        with contextlib.suppress(errors.Overloaded):
            request = await waited(call, request)
    location = [(b"location", f"/v1/requests/{request.id}".encode())]
    return await call.show(request, status=201 if created else 200, whole=waits or not created, headers=location)


def idempotency_key(call: Call) -> str | None:
    """The Idempotency-Key header, where there is one."""
    given = header_values(call.scope, b"idempotency-key")
    if not given:
        return None
    key = given[0].decode("latin-1").strip()
    if len(given) > 1 or not _KEY.fullmatch(key):
        detail = f"must be given once, as 1 to {LONGEST_KEY} printable ASCII characters"
        raise invalid((header_fault("Idempotency-Key", "idempotency_key", detail),))
    return key


async def waited(call: Call, request: Request) -> Request:
    """The request once it is decided (``for=outcome``: has run), or as it is when the time is over or the bot stops."""
    seconds: float = call.query.get("wait", 0)
    if not seconds:
        return request
    outcome: bool = call.query.get("for", False)
    with call.gate.waits(call.key.name):
        if call.slot is not None:
            call.slot.leave()
        wait = call.house.desk.wait(request.id, seconds=seconds, outcome=outcome)
        return await while_connected(call.receive, wait, call.house.closing) or request


async def show(call: Call) -> Answer:
    """GET /v1/requests/{id}."""
    return await call.show(await waited(call, await call.mine()), whole=True)


async def listing(call: Call) -> Answer:
    """GET /v1/requests."""
    wanted = dict(call.query)
    if call.key.role is Role.AGENT and wanted.setdefault("agent", call.key.name) != call.key.name:
        return Answer(200, encoded(Page((), None)))
    advising = _advising(call.key, asked=wanted.pop("advisor", False))
    if advising:
        wanted.setdefault("state", _OPEN)
    size: int = wanted.pop("limit", DEFAULT_PAGE)
    # A page of what is left of more would tell by its length, and by its cursor, that there is a practice.
    practices = call.key.role not in PRACTISED_IN_SECRET
    asked = Filter(states=wanted.pop("state", None), practices=practices, spoilt=True, **wanted, limit=size)
    page, following = await _page(call.house.store, asked)
    if asked.cursor is not None and not page and await call.house.store.request(asked.cursor) is None:
        # An empty page would tell a program that it has seen everything.
        detail = "is not the next_cursor of a page; begin again without it"
        raise invalid((parameter_fault("cursor", "unknown", detail),))
    if advising:
        page = tuple([request for request in page if call.key.name in request.advice_missing])
    # Sent at once: each of these reads waits for a thread, not for another.
    sent = await asyncio.gather(*(call.house.store.deliveries(request.id) for request in page))
    own = call.key.name if call.key.role is Role.AGENT else None
    views = tuple(
        request_view(r, d, call.house.public_url, own=r.agent == own) for r, d in zip(page, sent, strict=True)
    )
    return Answer(200, encoded(Page(views, following)))


async def _page(store: Store, asked: Filter) -> tuple[tuple[Request, ...], str | None]:
    """So many requests as are asked for, or as are not too large together, and after which one it goes on."""
    page: list[Request] = []
    cursor, weight = asked.cursor, 0
    while True:
        most = min(asked.limit - len(page), _BITE if page else _FIRST)
        found = await store.requests(replace(asked, cursor=cursor, limit=most + 1))
        for request, after in zip_longest(found[:most], found[1:]):
            page.append(request)
            weight += len(_encode(request.content)) + len(_encode(request.execution))
            if after is None:
                return tuple(page), None
            if weight > MOST_BYTES or len(page) == asked.limit:
                return tuple(page), request.id
        if not found:
            return tuple(page), None
        cursor = page[-1].id


def _advising(key: Key, *, asked: bool) -> bool:
    """Whether only what waits for this advisor is listed; nothing waits for the opinion of another key."""
    if asked and key.role is not Role.ADVISOR:
        raise invalid((parameter_fault("advisor", "role", f"takes an advisor's key; this one is {key.role}"),))
    return asked


async def inform(call: Call) -> Answer:
    """POST /v1/requests/{id}/information."""
    body = await call.body()
    request = await call.house.desk.inform(
        call.id,
        agent=call.key.name,
        text=body["text"],
        arguments=body.get("arguments"),
        context=body.get("context"),
    )
    return await call.show(request)


async def cancel(call: Call) -> Answer:
    """POST /v1/requests/{id}/cancel."""
    body = await call.body()
    return await call.show(await call.house.desk.cancel(call.id, agent=call.key.name, reason=body.get("reason")))


async def report(call: Call) -> Answer:
    """POST /v1/requests/{id}/outcome."""
    body = await call.body()
    request = await call.house.desk.report(
        call.id,
        agent=call.key.name,
        state=ExecutionState(body["state"]),
        result=body.get("result"),
        error=body.get("error"),
    )
    return await call.show(request)


REQUEST = ("The request.", RequestView)
OPERATIONS = (
    Operation(
        method="POST",
        path="/v1/requests",
        name="submit",
        says="Put an action to people. It runs only once it is approved.",
        handler=submit,
        roles=AGENTS,
        body=SUBMISSION,
        parameters=(WAIT,),
        idempotent_by_key=True,
        located=True,
        answers={
            201: ("The new request.", RequestView),
            200: ("The request that this Idempotency-Key already made.", RequestView),
        },
        errors=(errors.IdempotencyMismatch, errors.Overloaded),
    ),
    Operation(
        method="GET",
        path="/v1/requests",
        name="list",
        says="Requests, newest first. An agent sees its own.",
        handler=listing,
        roles=ALL,
        parameters=LISTING,
        answers={200: ("A page.", Page)},
    ),
    Operation(
        method="GET",
        path="/v1/requests/{id}",
        name="show",
        says="One request; with wait, as soon as it is decided or has run.",
        handler=show,
        roles=ALL,
        parameters=(WAIT, FOR),
        answers={200: REQUEST},
    ),
    Operation(
        method="POST",
        path="/v1/requests/{id}/information",
        name="inform",
        says="The agent answers a question asked of it: the next revision, pending again.",
        handler=inform,
        roles=AGENTS,
        body=INFORMATION,
        answers={200: REQUEST},
        errors=(errors.Conflict, errors.AlreadyDecided, errors.Expired),
    ),
    Operation(
        method="POST",
        path="/v1/requests/{id}/cancel",
        name="cancel",
        says="The agent withdraws its open request. The body may be left out.",
        handler=cancel,
        roles=AGENTS,
        body=CANCELLATION,
        bare=True,
        answers={200: REQUEST},
        errors=(errors.Conflict, errors.AlreadyDecided, errors.Expired),
    ),
    Operation(
        method="POST",
        path="/v1/requests/{id}/outcome",
        name="report",
        says="The agent that ran an approved action itself says how it ended, once.",
        handler=report,
        roles=AGENTS,
        body=REPORT,
        answers={200: REQUEST},
        errors=(errors.Conflict,),
    ),
)
