"""What the revisions of a request changed, one against the other, out of the trail."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from bot.core.card import name_of
from bot.core.edits import differences
from bot.core.model import Arguments, Edit, Request
from bot.core.policy import Policy
from bot.core.ports import AuditLine
from bot.web.inbox.trail import revisions


class Changes(Struct, frozen=True):
    """What differs between two revisions, and who made the newer one."""

    before: int
    after: int
    author: str
    edits: tuple[Edit, ...]


def changes_of(request: Request, past: Mapping[int, Arguments], policy: Policy) -> Changes | None:
    """What the newest revision changed against the one before it, or None where there is only one."""
    content = request.content
    if content.number == 1:
        return None
    before = past.get(content.number - 1, content.proposed)
    if before is None:
        return None
    kind, _, name = content.author.partition(":")
    author = name_of(name, policy.people) if kind == "person" else "the agent"
    return Changes(content.number - 1, content.number, author, differences(before, content.arguments))


def seen_since(request: Request, lines: tuple[AuditLine, ...], revision: int) -> Changes | None:
    """What changed since a reader was shown ``revision``, where the trail still knows that one."""
    before = revisions(lines).get(revision)
    if before is None or revision >= request.revision:
        return None
    return Changes(revision, request.revision, "", differences(before, request.content.arguments))
