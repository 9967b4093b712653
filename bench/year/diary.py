"""What the play keeps of itself, act by act: the truth, who did what and when. It reads nothing that Sayso measures."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from msgspec import Struct

from bench.year.cast import Proposal, Truth
from bot.core.model import Request


class Act(Struct, kw_only=True):
    """One decision of a person of the play. ``since``: when they could first decide; ``opened``: the page."""

    by: str
    verb: str
    at: datetime
    channel: str
    revision: int
    since: datetime
    opened: datetime | None = None
    category: str | None = None
    comment: bool = False
    hasty: bool = False
    edited: tuple[float, float] | None = None


class Entry(Struct, kw_only=True):
    """One request's life. ``last`` is how it stands, as its row says."""

    proposal: Proposal
    at: datetime
    last: Request
    acts: list[Act] = []
    first_card: datetime | None = None
    opened: dict[tuple[str, int], datetime] = {}
    asked: dict[tuple[str, int], datetime] = {}
    ran: int = 0
    incident: datetime | None = None
    undone: bool = False


class Diary:
    """Every request of the play, by id; the house's own stand apart."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.house: dict[str, Request] = {}

    def submitted(self, request: Request, proposal: Proposal) -> Entry:
        """A proposal was taken."""
        entry = Entry(proposal=proposal, at=request.created_at, last=request)
        self.entries[request.id] = entry
        return entry

    def moved(self, request: Request) -> None:
        """A request changed. One that nobody of the play proposed takes back another that ran, or is an exercise."""
        known = self.entries.get(request.id)
        if known is not None:
            known.last = request
            return
        content = request.content
        it = Proposal(
            agent=request.agent,
            action=request.action,
            kind=str(request.kind),
            arguments=content.arguments,
            labels={},
            confidence=None,
            truth=Truth(wrong=request.route.practice is not None),
        )
        self.submitted(request, it)

    def of(self, agent: str) -> Iterator[Entry]:
        """An agent's, oldest first."""
        return (entry for entry in self.entries.values() if entry.proposal.agent == agent)

    def summary(self) -> dict[str, Any]:
        """How many of each agent's requests ended how."""
        found: dict[str, dict[str, int]] = {}
        for entry in self.entries.values():
            states = found.setdefault(entry.proposal.agent, {})
            name = str(entry.last.state)
            states[name] = states.get(name, 0) + 1
        return found
