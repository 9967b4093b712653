"""Whether a request's row still says what the trail says of it: a row that somebody edited would be reported as it is.

Compared is as everybody may see both, for the trail says no more in clear (threat T23). The digest stands for all that
would run: request, revision, agent, action, arguments and target.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from msgspec import Raw, Struct, convert, json, to_builtins

from bot.core.model import Request, Route
from bot.core.ports import AuditLine, Store
from bot.core.redaction import MARK, shown

_PLAIN = ("state", "kind", "agent", "action", "risk", "created_at", "decided_at", "batch", "answer")
_OF_ROUTE = ("policy", "rule", "then", "stages", "excluded", "grant", "practice", "asked", "joined")
_LOOKS = 10
"""How often a request that changes meanwhile is looked at anew; a person's decision each takes longer than a look."""


class _Content(Struct):
    digest: str
    on_behalf_of: str | None = None


class _Data(Struct):
    request: dict[str, Raw] = {}
    revision: _Content | None = None


class _Line(Struct):
    data: _Data


_line = json.Decoder(_Line)


class Held(Struct, frozen=True):
    """A request as it stands in its row, the members that the trail tells otherwise, and its first line (0: none)."""

    request: Request
    differs: tuple[str, ...]
    first: int


async def held_against_trail(store: Store, requests: Sequence[Request]) -> dict[str, Held]:
    """Rows beside their own lines, by request; read again where a running bot changed one between the two looks."""
    held: dict[str, Held] = {}
    left = tuple(requests)
    for _ in range(_LOOKS):
        told = await store.told_of(left) if left else {}
        changed = []
        for request in left:
            lines = told[request.id]
            differs = differing(request, lines)
            held[request.id] = Held(request, differs, lines[0].seq if lines else 0)
            now = await store.request(request.id) if differs else request
            if now is not None and now != request:
                changed.append(now)
        left = tuple(changed)
    return held


def differing(request: Request, lines: Sequence[AuditLine]) -> tuple[str, ...]:
    """The names of what a row says otherwise than its lines, which are as `Store.told` gives them, oldest first."""
    told: dict[str, Raw] = {}
    content: _Content | None = None
    for line in lines:
        data = _line.decode(line.body).data
        told |= data.request
        content = data.revision or content
    if "route" not in told or content is None:
        return ("no line tells of it",)
    seen = shown(request)
    return (
        *(name for name in _PLAIN if _value(told, name) != to_builtins(getattr(seen, name))),
        *(("title",) if not _same_text(_value(told, "title"), seen.title) else ()),
        *_of_route(json.decode(told["route"]), seen.route),
        *(f"content.{n}" for n in _Content.__struct_fields__ if getattr(content, n) != getattr(seen.content, n)),
    )


def _value(told: dict[str, Raw], name: str) -> Any:
    return json.decode(told[name]) if name in told else None


def _of_route(told: Any, route: Route) -> tuple[str, ...]:
    before = convert(told, Route)
    return tuple([f"route.{name}" for name in _OF_ROUTE if getattr(before, name) != getattr(route, name)])


def _same_text(told: str | None, text: str) -> bool:
    """Whether a text is the one that was told, in which more may be hidden: by what earlier revisions hid, too."""
    if told is None:
        return False
    first, *between = map(re.escape, told.split(MARK))
    # Each piece where it first stands, for good: a title of nothing but marks would else be tried for minutes.
    pieces = [f"(?>.*?{piece})" for piece in between[:-1]] + [f".*{piece}" for piece in between[-1:]]
    return re.fullmatch(first + "".join(pieces), text, re.DOTALL) is not None
