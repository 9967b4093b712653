"""What no log may say of a request (threat T23), for work that is about it and may quote it when it fails."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from bot.core.model import Request
from bot.core.pointers import names
from bot.core.redaction import SHORTEST, at, edits_of, named, texts, veil_of

_PLAIN = re.compile(r"[A-Za-z_]+")
_DEEPEST = 64
"""Levels that are looked into, as `bot.core.redaction` looks; what agents send nests less deep."""


def unsayable(request: Request) -> tuple[str, ...]:
    """Texts of a request that no log may say, the longest first: what is hidden, and all of what is a subject's.

    So is what repeats another request, which may be a subject's: its rollback, its review afterwards.
    """
    route, content = request.route, request.content
    whose = route.subject is not None or route.of is not None
    if not (route.hidden or route.unsaid or whose):
        return ()
    found = set(veil_of(route, content, edits=edits_of(request)).secrets)
    if whose:
        told: list[Any] = [content.arguments, content.proposed, content.context, content.labels, content.reason]
        told += [request.title, content.on_behalf_of, *([option.title, option.arguments] for option in content.options)]
        told += [[made.comment, made.answer] for made in request.decisions]
        told += [[edit.before, edit.after] for edit in edits_of(request)]
        told += [request.answer, *(given.note for given in request.advice), *(text for _, text in route.notes)]
        if (run := request.execution) is not None:
            told += [run.result, run.error, *(one.note for one in run.incidents)]
        said = (*texts(told), *_odd_names(told))
        found.update(text for text in said if len(text) >= SHORTEST)
    return tuple(sorted(found, key=lambda text: (-len(text), text)))


def _odd_names(value: Any, depth: int = 0) -> Iterator[str]:
    """Names of members that are no plain words: ``order`` is in half of all lines, and nobody's secret either."""
    if depth > _DEEPEST:
        return
    if isinstance(value, dict):
        yield from (name for name in value if not _PLAIN.fullmatch(name))
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _odd_names(item, depth + 1)


def repeatable(request: Request) -> tuple[str, ...]:
    """What a request hides, as `Route.unsaid` of one that repeats it, where people speak of the first one."""
    veil, run = veil_of(request.route, request.content, edits=edits_of(request)), request.execution
    result = None if run is None else run.result
    named_so = [item for pointer in named(result) for item in at(result, names(pointer))]
    return tuple(sorted({*veil.secrets, *(text for item in named_so for text in texts(item) if len(text) >= SHORTEST)}))
