"""The API as a table: what each call takes, who may make it, what it answers; routing and document both read it."""

from __future__ import annotations

import contextlib
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from msgspec import Struct
from starlette.types import Receive, Scope, Send

from bot.core import errors
from bot.core.about import mark
from bot.core.errors import SaysoError
from bot.core.model import Key, Request, Role
from bot.web.admission import Gate
from bot.web.auth import authenticate, refuse
from bot.web.exchange import Answer, Gone, Headers, header_values, read_body, refusal, while_connected
from bot.web.house import House
from bot.web.line import Slot
from bot.web.objects import Members
from bot.web.options import ID
from bot.web.problems import Internal, MethodNotAllowed, UnsupportedMedia, invalid
from bot.web.query import Parameter, parse_query
from bot.web.shapes import Faults
from bot.web.strict_json import parse
from bot.web.view import encoded, request_view

log = logging.getLogger("sayso.web")

ANYONE: frozenset[Role] = frozenset()
AGENTS = frozenset({Role.AGENT})
REVIEWERS = frozenset({Role.REVIEWER})
ADMINS = frozenset({Role.ADMIN})
ADVISORS = frozenset({Role.ADVISOR})
PRACTISED_IN_SECRET = frozenset({Role.AGENT, Role.ADVISOR})
"""Whose keys see no declared practice, for no agent proposed it."""
BUT_ADVISORS = AGENTS | REVIEWERS | ADMINS
ALL = BUT_ADVISORS | ADVISORS
_LINED_UP = AGENTS | ADVISORS
"""Programs: they wait in line, and are told to come again. People never are."""


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One call: where, who, what in, what out. ``roles`` empty: no key is needed.

    ``answers`` maps each success status to what it means and its struct (None: no JSON). ``errors`` are refusals of
    its own, beside those that follow from keys, bodies and addresses. ``bare`` takes an empty body as ``{}``;
    ``located`` answers with the Location of what it made; ``also`` are other media types that may be asked for.
    """

    method: str
    path: str
    name: str
    says: str
    handler: Callable[[Call], Awaitable[Answer]]
    answers: Mapping[int, tuple[str, type[Struct] | None]]
    roles: frozenset[Role] = ANYONE
    body: Members | None = None
    bare: bool = False
    parameters: tuple[Parameter, ...] = ()
    errors: tuple[type[SaysoError], ...] = ()
    media_type: str = "application/json"
    also: tuple[str, ...] = ()
    idempotent_by_key: bool = False
    located: bool = False


@dataclass(frozen=True)
class Call:
    """One call under way. ``key`` is who makes it; asking for it where none is needed is a fault of ours.

    ``raw`` is its body, where that was read before it came in.
    """

    operation: Operation
    house: House
    scope: Scope
    receive: Receive
    caller: Key | None
    query: Mapping[str, Any]
    gate: Gate
    slot: Slot | None = None
    raw: bytes | None = None

    @property
    def key(self) -> Key:
        """The caller's key."""
        if self.caller is None:
            raise AssertionError("this operation takes no key")
        return self.caller

    @cached_property
    def id(self) -> str:
        """The request's id in the path, where the path has one that can be an id."""
        return identifier(self.scope) or ""

    async def json(self) -> Any:
        """The body, strictly parsed."""
        raw = self.raw if self.raw is not None else await read_body(self.scope, self.receive, known=True)
        if self.operation.bare and not raw:
            return {}
        media = header_values(self.scope, b"content-type")
        if not all(map(_is_json, media)) or header_values(self.scope, b"content-encoding"):
            raise UnsupportedMedia
        return parse(raw)

    def checked(self, value: Any) -> dict[str, Any]:
        """The members of a parsed body by the operation's table; raises every fault at once."""
        if self.operation.body is None:
            raise AssertionError("this operation takes no body")
        faults = Faults()
        taken: dict[str, Any] = self.operation.body.check(value, "", faults)
        if faults:
            raise invalid(tuple(faults))
        return taken

    async def body(self) -> dict[str, Any]:
        """The body, parsed and checked."""
        return self.checked(await self.json())

    async def mine(self) -> Request:
        """The request in the path; an agent finds only its own."""
        request = await self.house.desk.request(self.id)
        if request is None or (self.key.role is Role.AGENT and request.agent != self.key.name) or self.veiled(request):
            raise errors.NotFound("There is no such request, or it is not yours to see.")
        return request

    def veiled(self, request: Request) -> bool:
        """Whether this is a practice of the team, which no agent's key sees: the agent never proposed it."""
        return request.route.practice is not None and self.key.role in PRACTISED_IN_SECRET

    async def show(
        self, request: Request, *, status: int = 200, whole: bool = False, headers: Headers | None = None
    ) -> Answer:
        """The request as an answer; ``whole`` reads its deliveries, which costs a query."""
        mark(request=request.id)
        deliveries = await self.house.store.deliveries(request.id) if whole else ()
        own = self.key.role is Role.AGENT and self.key.name == request.agent
        view = request_view(request, deliveries, self.house.public_url, own=own)
        return Answer(status, encoded(view), headers=headers or [])


def identifier(scope: Scope) -> str | None:
    """The request id in the path; what cannot be one is not looked up."""
    given = scope.get("path_params", {}).get("id")
    if given is None:
        return None
    found = Faults()
    ID.check(given, "", found)
    if found:
        raise errors.NotFound
    mark(request=str(given))
    return str(given)


def _is_json(media: bytes) -> bool:
    kind, _, rest = media.decode("latin-1").lower().partition(";")
    kind = kind.strip()
    charset = rest.replace(" ", "").replace('"', "")
    plain = kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))
    return plain and ("charset=" not in charset or "charset=utf-8" in charset)


async def answered(work: Awaitable[Answer], name: str) -> Answer | None:
    """What ``work`` answers, every error as a problem; None where the caller hung up."""
    try:
        return await work
    except Gone:
        return None
    except SaysoError as error:
        return refusal(error)
    except Exception:
        log.exception("the call %s failed", name)
        return refusal(Internal())


@dataclass(frozen=True)
class Endpoint:
    """Every operation of one path, as an ASGI application. Whatever goes wrong leaves as a problem."""

    house: House
    operations: Mapping[str, Operation]
    tally: Counter[tuple[str, int]] = field(default_factory=Counter)
    gate: Gate = field(default_factory=Gate)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        operation = self.operations.get("GET" if scope["method"] == "HEAD" else scope["method"])
        name = operation.name if operation else "none"
        answer = await answered(self._answer(operation, scope, receive), name)
        if answer is None:
            return
        self.tally[name, answer.status] += 1
        if answer.chunks is None:
            await answer.send(send)
            return
        with contextlib.suppress(Gone):
            await while_connected(receive, answer.send(send))

    async def _answer(self, operation: Operation | None, scope: Scope, receive: Receive) -> Answer:
        if operation is None:
            raise MethodNotAllowed(allow=sorted({*self.operations} | ({"HEAD"} if "GET" in self.operations else set())))
        key = None
        if operation.roles:
            key = await authenticate(self.house, header_values(scope, b"authorization"))
            mark(who=f"{key.role}:{key.name} {key.id}")
            if key.role not in operation.roles:
                await refuse(self.house, key, operation.roles, identifier(scope))
        query = parse_query(scope["query_string"], operation.parameters)
        if key is None or key.role not in _LINED_UP:
            return await operation.handler(Call(operation, self.house, scope, receive, key, query, self.gate))
        raw = None
        if operation.body is None:
            slot = await self.gate.enter(key.name)
        else:
            slot, raw = await self.gate.admit(key.name, scope, receive)
        try:
            return await operation.handler(
                Call(operation, self.house, scope, receive, key, query, self.gate, slot, raw)
            )
        finally:
            slot.leave()
