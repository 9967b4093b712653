"""A request's audit lines as a reader needs them: who did what, in words, with what auditors check beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from bot.core.card import name_of
from bot.core.model import Arguments, Person, Request
from bot.core.ports import AuditLine
from bot.web.inbox.language import words

SAYS: Mapping[str, str] = {
    "request.submitted": words("proposed it"),
    "request.decided": words("decided it"),
    "request.approve": words("approved it; others are still asked"),
    "request.approve_with_edits": words("edited it"),
    "request.reject": words("rejected it; it takes more to end it"),
    "request.ask": words("asked the agent a question"),
    "request.escalate": words("asked the next people of the chain"),
    "request.escalated": words("asked the next people of the chain"),
    "request.informed": words("answered the question"),
    "request.undone": words("took the approval back"),
    "request.cancelled": words("withdrew it"),
    "request.expired": words("ended it, for nobody decided in time"),
    "request.exhausted": words("found nobody further to ask"),
    "request.asked": words("asked people"),
    "request.reminded": words("reminded those who are asked"),
    "request.assessed": words("gave a second opinion"),
    "request.glass_broken": words("broke the glass"),
    "trust.proposed": words("proposes it, as it was earned"),
    "trust.granted": words("put it in force"),
    "execution.started": words("began to run it"),
    "execution.retried": words("could not run it, and tries again"),
    "execution.ended": words("wrote down how the run ended"),
    "execution.reported": words("reported how the run ended"),
    "execution.settled": words("settled how the run ended"),
    "execution.refused": words("refused to run it"),
    "rollback.proposed": words("proposed to roll it back"),
    "rollback.joined": words("wants that it is rolled back, too"),
    "execution.rolling_back": words("began to roll it back"),
    "execution.rolled_back": words("wrote down that it is rolled back"),
    "execution.restored": words("wrote down that it is in force again, for its rollback was rolled back"),
    "execution.rollback_failed": words("wrote down that its rollback failed"),
    "incident.reported": words("reported an incident"),
    "review.confirmed": words("looked at it afterwards, and confirmed it"),
    "delivery.sent": words("sent a card"),
    "delivery.updated": words("brought a card up to date"),
    "delivery.failed": words("could not send a card"),
    "delivery.skipped": words("left a card unsent"),
    "refusal": words("was refused"),
    "refusals.counted": words("counted refusals like those before"),
}
"""What each type of event says of its actor. A type that is not here is shown by its name."""

DECIDED: Mapping[str, str] = {
    "approve": words("approved it"),
    "approve_with_edits": words("approved it with edits"),
    "reject": words("rejected it"),
}
"""What a person's decision says that ended it."""

STOPPED = words("stopped it before it ran")


class Who(Struct, frozen=True):
    """An actor: ``kind`` is person, agent, sayso, or what a key may do; ``name`` as people call it."""

    kind: str
    name: str


class Entry(Struct, frozen=True, kw_only=True):
    """One line of the trail.

    ``hash`` is the link of the chain that `sayso audit verify` recomputes; ``says`` is a marked text, or nothing where
    the type is not known; ``detail`` is raw. ``data`` is what the event holds.
    """

    seq: int
    at: datetime
    actor: str
    who: Who
    via: str
    type: str
    says: str
    detail: str
    hash: str
    data: dict[str, Any]

    @property
    def revision(self) -> dict[str, Any] | None:
        """The revision that this line brought."""
        found = self.data.get("revision")
        return found if isinstance(found, dict) and isinstance(found.get("arguments"), dict) else None

    @property
    def decision(self) -> dict[str, Any]:
        """The decision that this line brought, or nothing."""
        found = self.data.get("decision")
        return found if isinstance(found, dict) else {}

    @property
    def execution(self) -> dict[str, Any]:
        """The execution as this line left it, or nothing."""
        found = self.data.get("execution")
        return found if isinstance(found, dict) else {}


def entries(lines: tuple[AuditLine, ...], people: Mapping[str, Person]) -> tuple[Entry, ...]:
    """The lines, oldest first."""
    return tuple(_entry(line, people) for line in lines)


def veiled(request: Request, trail: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """The lines as a request's page shows them: who made a practice is said once it is decided, or it would be none."""
    if request.route.practice is None or not request.state.open:
        return trail
    agent = f"agent:{request.agent}"
    return tuple(
        replace(entry, actor=agent, who=Who("agent", request.agent), via="api")
        if entry.type == "request.submitted"
        else entry
        for entry in trail
    )


def _entry(line: AuditLine, people: Mapping[str, Person]) -> Entry:
    event = json.loads(line.body)
    data = event.get("data") or {}
    actor, kind = str(event["actor"]), str(event["type"])
    return Entry(
        seq=line.seq,
        at=datetime.fromisoformat(event["at"]),
        actor=actor,
        who=who_of(actor, people),
        via=str(event["via"]),
        type=kind,
        says=_says(kind, data),
        detail=_detail(kind, data),
        hash=line.hash,
        data=data,
    )


def who_of(actor: str, people: Mapping[str, Person]) -> Who:
    """An event's ``actor`` (``person:ana``, ``agent:billing``, ``sayso``), or a revision's author."""
    kind, _, name = actor.partition(":")
    return Who(kind, name_of(name, people) if kind == "person" else name)


def _says(kind: str, data: Mapping[str, Any]) -> str:
    if kind == "request.decided":
        decision = data.get("decision")
        verb = decision.get("decision") if isinstance(decision, dict) else None
        return DECIDED.get(str(verb), SAYS[kind])
    if kind == "request.cancelled" and data.get("execution"):
        return STOPPED
    return SAYS.get(kind, "")


def _detail(kind: str, data: Mapping[str, Any]) -> str:
    """What a reader asks next: why it was refused, where a card went, what went wrong."""
    if kind.startswith("delivery."):
        cards = data.get("deliveries")
        card = cards[0] if isinstance(cards, list) and cards and isinstance(cards[0], dict) else {}
        return f"{card.get('to', '')}" + (f": {card['error']}" if card.get("error") else "")
    decision = data.get("decision")
    comment = decision.get("comment") if isinstance(decision, dict) else None
    found = data.get("reason") or data.get("error") or data.get("note") or comment
    return str(found) if found else ""


def revisions(trail: tuple[Entry, ...]) -> Mapping[int, Arguments]:
    """The arguments of every revision that the trail holds, by its number."""
    return {int(e.revision["number"]): e.revision["arguments"] for e in trail if e.revision is not None}
