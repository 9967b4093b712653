"""What the play keeps of itself, act by act: the truth, who did what and when. It reads nothing that Sayso measures."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from msgspec import Struct

from bench.year.cast import Proposal, Truth
from bot.core.model import Delivery, Request


class Act(Struct, kw_only=True):
    """One decision of a person of the play.

    ``since`` is when they could first decide on that revision, ``shown`` when its card reached them, ``opened`` when
    they opened its page. ``hasty``: it was not read.
    """

    by: str
    verb: str
    at: datetime
    channel: str
    revision: int
    since: datetime
    opened: datetime | None = None
    shown: datetime | None = None
    category: str | None = None
    comment: bool = False
    hasty: bool = False


class Entry(Struct, kw_only=True):
    """One request's life. ``last`` is how it stands, as its row says; ``ran`` counts runs by its agent.

    ``cards`` are when cards of it reached somebody; the mappings are by person and revision.
    """

    proposal: Proposal
    at: datetime
    last: Request
    acts: list[Act] = []
    cards: list[datetime] = []
    opened: dict[tuple[str, int], datetime] = {}
    asked: dict[tuple[str, int], datetime] = {}
    shown: dict[tuple[str, int], datetime] = {}
    ran: int = 0
    incident: datetime | None = None
    undone: bool = False


class Diary:
    """Every request of the play, by id; the house's own stand apart."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.house: dict[str, Request] = {}

    def last(self, request_id: str) -> Request:
        """A request as it stands."""
        entry = self.entries.get(request_id)
        return self.house[request_id] if entry is None else entry.last

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

    def shown(self, delivery: Delivery) -> None:
        """A card reached somebody, or was drawn anew before them."""
        entry = self.entries.get(delivery.request)
        if entry is not None and delivery.person is not None:
            entry.cards.append(delivery.at)
            entry.shown.setdefault((delivery.person, delivery.revision), delivery.at)

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
