"""What no log may say of a request (threat T23), for work that is about it and may quote it when it fails."""

from __future__ import annotations

from typing import Any

from bot.core.model import Request
from bot.core.pointers import names
from bot.core.redaction import SHORTEST, at, edits_of, named, texts, veil_of


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
        found.update(text for text in texts(told) if len(text) >= SHORTEST)
    return tuple(sorted(found, key=lambda text: (-len(text), text)))


def repeatable(request: Request) -> tuple[str, ...]:
    """What a request hides, as `Route.unsaid` of one that repeats it, where people speak of the first one."""
    veil, run = veil_of(request.route, request.content, edits=edits_of(request)), request.execution
    result = None if run is None else run.result
    named_so = [item for pointer in named(result) for item in at(result, names(pointer))]
    return tuple(sorted({*veil.secrets, *(text for item in named_so for text in texts(item) if len(text) >= SHORTEST)}))
