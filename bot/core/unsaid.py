"""What no log may say of a request (threat T23), for work that is about it and may quote it when it fails."""

from __future__ import annotations

from typing import Any

from bot.core.model import Request
from bot.core.redaction import SHORTEST, edits_of, texts, veil_of


def unsayable(request: Request) -> tuple[str, ...]:
    """Texts of a request that no log may say, the longest first: what is hidden, and all of what is a subject's."""
    route, content = request.route, request.content
    if not route.hidden and route.subject is None:
        return ()
    found = set(veil_of(route, content, edits=edits_of(request)).secrets)
    if route.subject is not None:
        told: list[Any] = [content.arguments, content.proposed, content.context, content.labels, content.reason]
        told += [request.title, content.on_behalf_of, *([option.title, option.arguments] for option in content.options)]
        told += [[made.comment, made.answer] for made in request.decisions]
        found.update(text for text in texts(told) if len(text) >= SHORTEST)
    return tuple(sorted(found, key=lambda text: (-len(text), text)))
