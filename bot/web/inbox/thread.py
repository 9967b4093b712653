"""What people asked the agent and what it answered, as one conversation out of the trail."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from bot.core.model import Edit
from bot.web.inbox.changes import Version
from bot.web.inbox.trail import Entry, Who


class Saying(Struct, frozen=True, kw_only=True):
    """One question of a person, or one answer of the agent; ``text`` raw.

    ``revision`` is the one that was asked about, or that the answer made; ``edits`` what the answer changed in the
    arguments, ``told`` the names of what it changed in its context.
    """

    who: Who
    at: datetime
    via: str
    text: str
    revision: int
    answer: bool
    edits: tuple[Edit, ...] = ()
    told: tuple[str, ...] = ()


def thread_of(trail: tuple[Entry, ...], versions: tuple[Version, ...]) -> tuple[Saying, ...]:
    """Every question and answer, oldest first."""
    edits = {version.number: version.edits for version in versions}
    found: list[Saying] = []
    context: dict[str, object] = {}
    for entry in trail:
        if entry.decision.get("decision") == "ask":
            text, revision = str(entry.decision.get("comment") or ""), int(entry.decision.get("revision", 0))
            found.append(Saying(who=entry.who, at=entry.at, via=entry.via, text=text, revision=revision, answer=False))
        if entry.revision is None:
            continue
        before, context = context, dict(entry.revision.get("context") or {})
        if entry.type != "request.informed":
            continue
        number = int(entry.revision["number"])
        changed = [n for n in dict.fromkeys((*before, *context)) if before.get(n) != context.get(n) and n != "answers"]
        found.append(
            Saying(
                who=entry.who,
                at=entry.at,
                via=entry.via,
                text=str(entry.data.get("text") or ""),
                revision=number,
                answer=True,
                edits=edits.get(number, ()),
                told=tuple(changed),
            )
        )
    return tuple(found)
