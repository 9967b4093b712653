"""What people decided about a proposal, as an example that may leave the house: never what is hidden (threat T23).

An example is made of one request's rows. It is not fed back to any agent by the house: an admin looks at it, takes it
out or in, and carries it where they mean to.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from bot.core.model import Arguments, Edit, Request, Severity, State, Verb
from bot.core.policy import HOUSE
from bot.core.redaction import shown

FIELDS = ("comment", "category", "confidence", "outcome")
"""What ``without`` may leave out whole, beside ``arguments.…`` and ``labels.…``."""

_DEEPEST = 32
"""Names in one path of ``without``; no arguments nest deeper."""


class Verdict(StrEnum):
    """What people made of a proposal."""

    APPROVED = "approved"
    EDITED = "edited"
    REJECTED = "rejected"


_OF = {
    State.APPROVED: (Verdict.APPROVED, Verb.APPROVE),
    State.APPROVED_WITH_EDITS: (Verdict.EDITED, Verb.APPROVE_WITH_EDITS),
    State.REJECTED: (Verdict.REJECTED, Verb.REJECT),
}


class ExampleQuery(Struct, frozen=True, kw_only=True):
    """Which examples, of what was submitted at or after ``since`` and before ``until``; None does not narrow.

    ``without`` are paths that are left out: ``arguments.customer.email``, ``labels.tier`` (``*`` is every member or
    item), or one of `FIELDS`. ``people``: who decided is named. ``labels``: the agent's labels are in it.
    """

    since: datetime | None = None
    until: datetime | None = None
    agent: str | None = None
    action: str | None = None
    verdicts: tuple[Verdict, ...] = tuple(Verdict)
    without: tuple[str, ...] = ()
    people: bool = False
    labels: bool = False

    def told(self) -> dict[str, Any]:
        """The query as the audit keeps it: what narrows, and nothing else."""
        given: dict[str, Any] = {name: value for name, value in msgspec.to_builtins(self).items() if value}
        if len(self.verdicts) == len(Verdict):
            del given["verdicts"]
        return given


class Ending(Struct, frozen=True):
    """How the run ended (``executed``, ``failed``, …; None: nothing ran), and the worst incident reported of it."""

    state: str | None
    incident: Severity | None


class Example(Struct, frozen=True, kw_only=True):
    """One line of the export. ``proposed`` are the agent's arguments, ``final`` those approved (None: rejected)."""

    id: str
    agent: str
    action: str
    proposed: Arguments
    final: Arguments | None
    edits: tuple[Edit, ...]
    verdict: Verdict
    category: str | None
    comment: str | None
    outcome: Ending | None
    confidence: float | None
    labels: dict[str, Any] | UnsetType = UNSET
    by: tuple[str, ...] | UnsetType = UNSET

    def line(self) -> bytes:
        """The example as one line of JSON, with its line end."""
        return msgspec.json.encode(self) + b"\n"

    def shown(self) -> dict[str, Any]:
        """The example as JSON values, for a page."""
        told: dict[str, Any] = msgspec.to_builtins(self)
        return told

    @property
    def mark(self) -> str:
        """What tells this example, as it was looked at, from what has become of it since: 128 bits, hex."""
        return hashlib.sha256(self.line()).hexdigest()[:32]


def left_out(paths: Sequence[str]) -> tuple[tuple[str, ...], frozenset[str]]:
    """Paths of ``without`` as pointers to hide (``/arguments/x``), and the fields; raises ``ValueError`` on strangers.

    ``~`` and ``/`` in a name are escaped as RFC 6901 says.
    """
    pointers, fields = [], set()
    for path in paths:
        head, *rest = path.split(".")
        if path in FIELDS:
            fields.add(path)
        elif head in ("arguments", "labels") and all(rest) and 0 < len(rest) <= _DEEPEST:
            pointers.append("/".join(["", head, *(name.replace("~", "~0").replace("/", "~1") for name in rest)]))
        else:
            known = ", ".join(FIELDS)
            raise ValueError(f"{path!r} is nothing that can be left out; write arguments.NAME, labels.NAME, or {known}")
    return tuple(pointers), frozenset(fields)


def belongs(request: Request) -> bool:
    """Whether people decided what an agent proposed: no rule, no silence, no broken glass, no practice."""
    if request.state not in _OF or request.action.startswith(HOUSE) or request.route.practice is not None:
        return False
    votes = request.votes
    return bool(votes) and request.kind.runs and not any(vote.broke_glass for vote in votes)


def may_be_erased(request: Request) -> bool:
    """Whether its contents belong to a subject, so that only its audit lines say whether they are still there."""
    return request.route.subject is not None or request.route.of is not None


def example_of(request: Request, asked: ExampleQuery) -> Example | None:
    """The example that a request gives; None where it gives none, or is not asked for."""
    if not belongs(request) or (asked.action is not None and request.action != asked.action):
        return None
    verdict, verb = _OF[request.state]
    if verdict not in asked.verdicts or (asked.agent is not None and request.agent != asked.agent):
        return None
    pointers, fields = left_out(asked.without)
    # What is left out is hidden as if the house's rules said so: it is taken out of comments and edits, too.
    route = replace(request.route, hidden=tuple(sorted({*request.route.hidden, *pointers})))
    veiled = replace(request, route=route)
    if not _knows_all(veiled):
        return None
    whole = shown(veiled)
    content = whole.content
    made = next((d for d in reversed(whole.decisions) if d.decision is verb), None)
    run = whole.execution
    return Example(
        id=whole.id,
        agent=whole.agent,
        action=whole.action,
        proposed=content.arguments if content.proposed is None else content.proposed,
        final=None if verdict is Verdict.REJECTED else content.arguments,
        edits=tuple(edit for decision in whole.decisions for edit in decision.edits),
        verdict=verdict,
        category=None if made is None or "category" in fields else made.category,
        comment=None if made is None or "comment" in fields else made.comment,
        outcome=None if run is None or "outcome" in fields else Ending(str(run.state), _worst(whole)),
        confidence=None if "confidence" in fields else content.confidence,
        labels=content.labels if asked.labels else UNSET,
        by=tuple(dict.fromkeys(vote.by for vote in whole.votes)) if asked.people else UNSET,
    )


def _knows_all(request: Request) -> bool:
    """Whether all that was ever hidden of it is known here, so that no text can repeat it.

    Where the agent was asked in between, an earlier revision may have hidden another value, which the veil of the
    newest does not know.
    """
    return not request.route.hidden or all(made.decision is not Verb.ASK for made in request.decisions)


def _worst(request: Request) -> Severity | None:
    incidents = () if request.execution is None else request.execution.incidents
    return max((one.severity for one in incidents), key=lambda severity: Severity(severity).rank, default=None)
