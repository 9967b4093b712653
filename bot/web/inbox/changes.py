"""What the revisions of a request changed, one against the other and against the first, out of the trail."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from bot.core.edits import differences
from bot.core.model import Arguments, Edit, Request
from bot.web.inbox.trail import Entry, Who, revisions, who_of

_PAIR = re.compile(r"([1-9][0-9]{0,5})\.\.([1-9][0-9]{0,5})")
MOST = 20
"""Revisions whose differences stand on the page; those before are compared when asked for."""


class How(StrEnum):
    """What made a revision."""

    PROPOSED = "proposed"
    ANSWERED = "answered"
    EDITED = "edited"
    PICKED = "picked"
    UNDONE = "undone"


class Version(Struct, frozen=True, kw_only=True):
    """One revision, who made it and why (``words``: raw, what was answered or the comment of an edit).

    ``edits`` are against the revision before, ``since_first`` against the first where that is another one; ``votes``
    are the names of those who approved this one, ``target`` is set where it runs elsewhere than the one before.
    """

    number: int
    who: Who
    how: How
    at: datetime
    via: str
    words: str
    arguments: Arguments
    edits: tuple[Edit, ...] = ()
    since_first: tuple[Edit, ...] = ()
    votes: tuple[str, ...] = ()
    target: str | None = None


class Compared(Struct, frozen=True):
    """Any two revisions, the older first, and what differs."""

    before: Version
    after: Version
    edits: tuple[Edit, ...]


class Changes(Struct, frozen=True):
    """What differs between two revisions, and who made the newer one."""

    before: int
    after: int
    who: Who
    edits: tuple[Edit, ...]
    how: How


def versions_of(trail: tuple[Entry, ...], names: Mapping[str, str]) -> tuple[Version, ...]:
    """Every revision that the trail holds, oldest first."""
    found: list[Version] = []
    targets: list[str] = []
    votes: dict[int, list[str]] = {}
    for entry in trail:
        if entry.revision is not None:
            found.append(_version(entry, entry.revision, found, targets))
            targets.append(str(entry.revision.get("target", "")))
        decision = entry.decision
        if decision.get("decision") in ("approve", "approve_with_edits"):
            by = str(decision.get("by"))
            votes.setdefault(int(decision.get("revision", 0)), []).append(names.get(by, by))
    return tuple(replace(version, votes=tuple(votes.get(version.number, ()))) for version in found)


def _version(entry: Entry, revision: Mapping[str, Any], before: list[Version], targets: list[str]) -> Version:
    arguments = revision["arguments"]
    first, last = (before[0], before[-1]) if before else (None, None)
    target = str(revision.get("target", ""))
    return Version(
        number=int(revision["number"]),
        who=entry.who,
        how=_how(entry, revision),
        at=entry.at,
        via=entry.via,
        words=str(entry.data.get("text") or entry.decision.get("comment") or ""),
        arguments=arguments,
        edits=differences(last.arguments, arguments) if last else (),
        since_first=differences(first.arguments, arguments) if first and first is not last else (),
        target=target if targets and targets[-1] != target else None,
    )


def _how(entry: Entry, revision: Mapping[str, Any]) -> How:
    if entry.type == "request.undone":
        return How.UNDONE
    if entry.type == "request.informed":
        return How.ANSWERED
    if entry.decision.get("answer") is not None and revision.get("chosen") is not None:
        return How.PICKED
    return How.EDITED if entry.decision else How.PROPOSED


def compared(versions: tuple[Version, ...], asked: str, other: str = "") -> Compared | None:
    """The two revisions that an address asks for (``1..3``, or one number and the ``other``); None where it does not.

    Whichever comes first, the older one is what the newer is held against.
    """
    pair = _PAIR.fullmatch(f"{asked}..{other}" if other else asked)
    if pair is None:
        return None
    known = {version.number: version for version in versions}
    older, newer = sorted((int(pair[1]), int(pair[2])))
    if older == newer or older not in known or newer not in known:
        return None
    before, after = known[older], known[newer]
    return Compared(before, after, differences(before.arguments, after.arguments))


def changes_of(request: Request, versions: tuple[Version, ...]) -> Changes | None:
    """What the newest revision changed against the one before it, or None where there is only one."""
    newest = next((version for version in versions if version.number == request.revision), None)
    if newest is None or newest.number == 1 or versions[0] is newest:
        return None
    return Changes(newest.number - 1, newest.number, newest.who, newest.edits, newest.how)


def seen_since(request: Request, trail: tuple[Entry, ...], revision: int) -> Changes | None:
    """What changed since a reader was shown ``revision``, where the trail still knows that one."""
    before = revisions(trail).get(revision)
    if before is None or revision >= request.revision:
        return None
    edits = differences(before, request.content.arguments)
    return Changes(revision, request.revision, who_of(request.content.author, {}), edits, How.EDITED)
