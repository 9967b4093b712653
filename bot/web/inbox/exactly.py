"""What exactly will run: the very request that the replay sends, built by the same code (`bot.core.outgoing`)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct

from bot.core.model import Arguments, Kind, Request
from bot.core.outgoing import EXECUTE, HEADERS, MADE_HEADERS, message, payload
from bot.core.policy import ActionSpec
from bot.core.ports import Order
from bot.core.practice import NOTHING, apparent
from bot.core.scrutiny import visible

_ANY = datetime(2000, 1, 1, tzinfo=UTC)


class Member(Struct, frozen=True):
    """One member of a JSON object: its name, and its value as it will be sent, already `visible`.

    ``value`` None: it is made when it is sent.
    """

    name: str
    value: str | None


class Sent(Struct, frozen=True, kw_only=True):
    """What is handed over. ``kind`` is webhook, python or agent; ``target`` the address or ``module:name``, raw.

    ``outer`` are the members of the body before its ``data``, ``inner`` those of ``data``; of what is no webhook only
    ``inner`` is there. ``picks``: the arguments are those of the option that is picked.
    """

    kind: str
    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    made: tuple[str, ...]
    outer: tuple[Member, ...]
    inner: tuple[Member, ...]
    picks: bool
    timeout: timedelta
    attempts: int
    idempotent: bool
    undo_window: timedelta


def sent_of(request: Request, spec: ActionSpec) -> Sent | None:
    """What an approval of this request hands over, or has; None where nothing runs.

    The target is the bound one, of an open practice its action's: where routing.yaml names another by now, nothing runs
    at all.
    """
    target = apparent(request, spec.execute.target)
    if not request.kind.runs or target == NOTHING:
        return None
    kind = "agent" if target == "agent" else "webhook" if target.startswith(("http:", "https:")) else "python"
    order = _order(request, spec)
    picks = request.kind is Kind.CHOICE and request.content.chosen is None
    later = {"arguments"} if picks else set()
    if not order.execution:
        later |= {"execution", "approved_by"}
    webhook = kind == "webhook"
    run, how = request.execution, spec.execute
    return Sent(
        kind=kind,
        method="POST" if webhook else "",
        target=target,
        headers=tuple(HEADERS.items()) if webhook else (),
        made=MADE_HEADERS if webhook else (),
        outer=_members(_envelope(), {"timestamp"}, 2) if webhook else (),
        inner=_members(payload(order) if webhook else _handed(kind, order.arguments), later, 4 if webhook else 2),
        picks=picks,
        timeout=how.timeout,
        attempts=run.attempts_allowed if run else how.attempts,
        idempotent=run.idempotent if run else how.idempotent,
        undo_window=spec.undo_window,
    )


def _order(request: Request, spec: ActionSpec) -> Order:
    """The order that a claim gives; no execution yet while the request is open (an older one was taken back)."""
    run = None if request.state.open else request.execution
    return Order(
        execution=run.id if run else "",
        request=request.id,
        revision=request.revision,
        digest=request.digest,
        agent=request.agent,
        action=request.content.action,
        arguments=request.content.arguments,
        approved_by=tuple(dict.fromkeys(v.by for v in request.votes)),
        how=spec.execute,
        attempt=1,
        at=_ANY,
    )


def _envelope() -> dict[str, Any]:
    """The members around ``data``, in their order."""
    body: dict[str, Any] = msgspec.json.decode(message(EXECUTE, _ANY, {}))
    del body["data"]
    return body


def _handed(kind: str, arguments: Arguments) -> dict[str, Any]:
    """What a function or an agent is given: the arguments alone."""
    return arguments if kind == "python" else {"arguments": arguments}


def _members(values: dict[str, Any], later: set[str], depth: int) -> tuple[Member, ...]:
    return tuple(Member(visible(_json(n)), None if n in later else _shown(v, depth)) for n, v in values.items())


def _shown(value: Any, depth: int) -> str:
    """A value as it goes over the wire, over several lines where it has parts, so many spaces from the edge."""
    lines = msgspec.json.format(msgspec.json.encode(value), indent=2).decode().split("\n")
    pieces = [(line, line.lstrip(" ")) for line in lines]
    # Each line by itself: the spaces before it are ours, and no padding of the agent's.
    shown = [" " * (len(line) - len(bare)) + visible(bare) for line, bare in pieces]
    return ("\n" + " " * depth).join(shown)


def _json(name: str) -> str:
    return msgspec.json.encode(name).decode()
