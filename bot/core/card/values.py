"""A card, as values."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from bot.core.model import ExecutionState, Kind, Replies, State, Verb


class Line(Struct, frozen=True):
    """A labelled text, already `visible`. ``elided``: shortened, so not the whole of it."""

    label: str
    text: str
    elided: bool = False


class Asked(Struct, frozen=True):
    """Somebody who is asked: display name, person id, on which step of the chain (0 first), and for whom, by name."""

    name: str
    person: str
    step: int
    stands_for: str | None = None


class Offer(Struct, frozen=True):
    """One of the options that a person may pick: its id, what it is called, whether it was picked."""

    id: str
    title: str
    chosen: bool = False


class Verdict(Struct, frozen=True, kw_only=True):
    """How the request ended, or what one person decided: ``title`` in words, who, when, how, and the edits made.

    ``by`` is a display name (with whom they stood in for), ``person`` the id behind it; both None where it was not a
    person. ``answer`` is what was answered, or what the option is called that was picked.
    """

    title: str
    by: str | None
    at: datetime | None
    channel: str | None
    comment: str | None = None
    category: str | None = None
    edits: tuple[Line, ...] = ()
    person: str | None = None
    answer: str | None = None


class Card(Struct, frozen=True, kw_only=True):
    """Everything a reviewer is shown. ``buttons`` are what may be pressed on it; ``marks`` are the house's warnings.

    ``run`` is where the execution stands, in the model's word; ``execution`` says it to people. ``replies`` is what a
    letter written back may decide, all that bounds it taken together. ``notes`` are the house's own: its checks, what
    advisors think, what is other than in a rejected request; ``offers`` what may be picked, which stands among the
    arguments with all it holds. ``held_until``: nobody is asked before then. ``needs_reason``: whoever approves it has
    to say why.
    """

    request: str
    revision: int
    digest: str
    state: State
    title: str
    action: str
    agent: str
    risk: str
    arguments: tuple[Line, ...]
    claims: tuple[Line, ...]
    confidence: str
    below_gate: bool
    marks: tuple[str, ...]
    asked: tuple[Asked, ...]
    stage: str
    progress: str
    escalation_level: int
    deadline: datetime | None
    expires_at: datetime
    why: str
    url: str
    undo: str
    buttons: tuple[Verb, ...]
    verdicts: tuple[Verdict, ...] = ()
    execution: Line | None = None
    run: ExecutionState | None = None
    replies: Replies = Replies.OFF
    fully_shown: bool = True
    kind: Kind = Kind.APPROVAL
    notes: tuple[Line, ...] = ()
    offers: tuple[Offer, ...] = ()
    answer: str | None = None
    batch: str | None = None
    held_until: datetime | None = None
    needs_reason: bool = False
