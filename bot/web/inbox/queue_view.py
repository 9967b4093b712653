"""What the queue shows: which requests somebody looks for, their rows, and what became of what they just decided."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import TypeVar
from urllib.parse import urlencode

from msgspec import Struct
from msgspec.structs import replace

from bot.core.card import KINDS, Card
from bot.core.links import batch_path
from bot.core.model import Kind, Request, Risk, State, Verb
from bot.core.policy import Policy
from bot.core.ports import Wanted
from bot.desk.undoing import may_be_stopped
from bot.web.inbox import wording
from bot.web.inbox.language import words
from bot.web.inbox.record import state_text
from bot.web.inbox.view import version_of

PAGE = 50
"""Requests on one page."""

_LONGEST = 200
"""Characters of a query value; what is longer finds nothing anyhow."""

_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")
E = TypeVar("E", bound=StrEnum)


class Scope(StrEnum):
    """Whose requests."""

    MINE = "mine"
    GROUPS = "groups"
    ALL = "all"


class Chip(Struct, frozen=True):
    """A filter that is on: what it is called, its value (None where the name says all), the page without it."""

    name: str
    value: str | None
    without: str


class Search(Struct, frozen=True, kw_only=True):
    """What a queue's address asks for; a value that means nothing is as if it were not there."""

    scope: Scope = Scope.MINE
    q: str = ""
    agent: str = ""
    action: str = ""
    kind: Kind | None = None
    risk: Risk | None = None
    escalated: bool = False
    unread: bool = False
    after: str = ""

    @property
    def narrows(self) -> bool:
        """Whether any filter is on."""
        return replace(self, scope=Scope.MINE, after="") != Search()

    def address(self, **other: object) -> str:
        """The address of this search, or of one that is ``other`` in these; from its first page unless that is said."""
        search = replace(self, **{"after": "", **other})
        pairs = {
            "scope": "" if search.scope is Scope.MINE else search.scope,
            "q": search.q,
            "agent": search.agent,
            "action": search.action,
            "kind": search.kind or "",
            "risk": search.risk or "",
            "escalated": "1" if search.escalated else "",
            "unread": "1" if search.unread else "",
            "after": search.after,
        }
        query = urlencode([(name, value) for name, value in pairs.items() if value], errors="replace")
        return f"/inbox?{query}" if query else "/inbox"

    def wanted(self, person: str, policy: Policy) -> Wanted:
        """The same for the store, one more than fits on a page."""
        return replace(
            scoped(self.scope, person, policy),
            agent=self.agent or None,
            action=self.action or None,
            kind=self.kind,
            risk=self.risk,
            escalated=True if self.escalated else None,
            text=self.q or None,
            unread_by=person if self.unread else None,
            after=self.after or None,
            limit=PAGE + 1,
        )

    @property
    def chips(self) -> tuple[Chip, ...]:
        """The filters that are on, each with the way to be rid of it."""
        chips = (
            (_TEXT, self.q, {"q": ""}),
            (_AGENT, self.agent, {"agent": ""}),
            (_ACTION, self.action, {"action": ""}),
            (_KIND, KINDS[self.kind] if self.kind else "", {"kind": None}),
            (_RISK, wording.RISKS[self.risk] if self.risk else "", {"risk": None}),
            (_ESCALATED, None if self.escalated else "", {"escalated": False}),
            (_UNREAD, None if self.unread else "", {"unread": False}),
        )
        return tuple(Chip(name, value, self.address(**off)) for name, value, off in chips if value != "")


_TEXT, _AGENT, _ACTION = words("Text"), words("Agent"), words("Action")
_KIND, _RISK = words("Kind"), words("Risk")
_ESCALATED, _UNREAD = words("Escalated"), words("Unread")


def search_of(query: Mapping[str, str]) -> Search:
    """The search that an address says."""
    after = query.get("after", "")
    return Search(
        scope=_one_of(Scope, query.get("scope")) or Scope.MINE,
        q=_text(query.get("q")),
        agent=_text(query.get("agent")),
        action=_text(query.get("action")),
        kind=_one_of(Kind, query.get("kind")),
        risk=_one_of(Risk, query.get("risk")),
        escalated=query.get("escalated") == "1",
        unread=query.get("unread") == "1",
        after=after if _ID.fullmatch(after) else "",
    )


def _one_of(values: type[E], text: str | None) -> E | None:
    return next((value for value in values if value.value == text), None)


def _text(text: str | None) -> str:
    # No text that is stored holds a NUL, and SQL would stop at it.
    return (text or "").replace("\0", "").strip()[:_LONGEST]


def scoped(scope: Scope, person: str, policy: Policy) -> Wanted:
    """Everything that a scope holds for a person."""
    if scope is Scope.ALL:
        return Wanted()
    if scope is Scope.MINE:
        return Wanted(waits_for=person)
    groups = [members for members in map(policy.members, ((name,) for name in policy.groups)) if person in members]
    return Wanted(asked=tuple(dict.fromkeys([person, *(one for members in groups for one in members)])))


class Row(Struct, frozen=True, kw_only=True):
    """One request in the list. ``mine``: this reader may decide it now; ``unread``: they never opened this revision."""

    request: Request
    card: Card
    mine: bool
    unread: bool

    @property
    def shown(self) -> str:
        """The version that the request's own page bears while it shows the same."""
        return version_of(self.request)

    @property
    def version(self) -> str:
        """Changes whenever the row would say something else."""
        return f"{self.shown}-{self.mine:d}{self.unread:d}"


class Heap(Struct, frozen=True):
    """One line of the list: a row, or the rows of one batch, whose page is at ``path`` (None: a row alone)."""

    rows: tuple[Row, ...]
    path: str | None = None


def heaps_of(rows: tuple[Row, ...], scope: Scope) -> tuple[Heap, ...]:
    """The rows; of what waits for the reader, each batch in one line, where the first of it stood.

    Each by itself where the batch's name cannot stand in an address.
    """
    sizes = Counter(row.request.batch for row in rows)
    heaps: dict[str, Heap] = {}
    for row in rows:
        batch, path = row.request.batch, batch_path(row.request.batch)
        if scope is not Scope.MINE or batch is None or path is None or sizes[batch] == 1:
            heaps[row.request.id] = Heap((row,))
        else:
            # A request's id begins with req_, and a path with a slash.
            before = heaps[path].rows if path in heaps else ()
            heaps[path] = Heap((*before, row), path)
    return tuple(heaps.values())


def undo_until(request: Request, person: str, now: datetime) -> datetime | None:
    """Until when this person may take their approval back; None where they may not."""
    run = request.execution
    gave = any(vote.by == person and vote.decision is not Verb.REJECT for vote in request.votes)
    if not gave or run is None or run.due_at is None or not may_be_stopped(request):
        return None
    return run.due_at if run.due_at > now else None


_VOTED = words("Your approval is counted; it waits for others")
_ASKED = words("The agent is asked")
_ESCALATED_NOW = words("The next people are asked")
_TAKEN_BACK = words("Taken back; it waits for a decision again")
_DECIDED_BY_ALL = {Verb.ASK: _ASKED, Verb.ESCALATE: _ESCALATED_NOW}


def outcome_of(request: Request, person: str) -> str | None:
    """What became of what this person decided last, in a few words; None where they decided nothing."""
    own = [decision for decision in request.decisions if decision.by == person]
    if not own:
        return None
    if not request.state.open:
        return state_text(request)
    if own[-1].decision.is_vote:
        return _VOTED if own[-1] in request.votes else _TAKEN_BACK
    return _DECIDED_BY_ALL.get(own[-1].decision, wording.STATES[State.PENDING])
