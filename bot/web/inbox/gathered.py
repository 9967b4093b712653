"""Requests that are looked at together: each whole with a box of its own, and apart what is decided by itself.

Only plain approvals of what can be undone stand in the form, each with all that it would run. What is irreversible,
what asks for an answer, what the house warns of and what is long is listed apart: it gets a look of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from bot.core.model import Kind, Opinion, Request, Risk, State
from bot.core.redaction import shown
from bot.core.scrutiny import visible
from bot.web.inbox.guard import Form
from bot.web.inbox.language import words
from bot.web.inbox.summary import Summary, lengths, summary_of
from bot.web.inbox.ticks import MOST, OPPOSITE, TICK
from bot.web.inbox.view import fingerprint, version_of

LONG = 8000
"""Characters of arguments from which on a request is read on its own page."""

_ANSWERS = {
    Kind.QUESTION: words("question: it needs an answer of its own"),
    Kind.CHOICE: words("choice: it needs an answer of its own"),
    Kind.EXCEPTION: words("exception: it needs an answer of its own"),
}
_CLOSE_LOOK = words("it needs a close look")
_IRREVERSIBLE = words("irreversible")
_IS_LONG = words("long")
_NO_SUCH = words("there is no such request")
_ENDED = words("nothing is to be decided any more")
_VOTED = words("you have decided on it already")
_WITH_AGENT = words("it waits for the agent’s answer")
_NOT_ASKED = words("you are not asked to review it")


class Row(Struct, frozen=True, kw_only=True):
    """One request in the form: its boxes' names, their one value, and whether they are ticked.

    ``changed``: what was ticked before stood otherwise.
    """

    request: Request
    key: str
    other: str
    bound: str
    ticked: bool
    opposite: bool = False
    changed: bool = False


class Apart(Struct, frozen=True):
    """One request that is not in the form, and why; ``title`` with nothing hidden, ``risk`` None where none is."""

    id: str
    title: str
    why: str
    risk: Risk | None = None


class Gathered(Struct, frozen=True, kw_only=True):
    """What one person decides together. ``further``: so many more come once these are decided.

    ``singly``: so many of those apart are decided each on its own page; what is left of them is not to be decided.
    """

    rows: tuple[Row, ...]
    apart: tuple[Apart, ...]
    further: int
    singly: int
    summary: tuple[Summary, ...]
    version: str


def why_apart(request: Request) -> str:
    """Why a request is not decided together with others, or nothing."""
    if request.kind is not Kind.APPROVAL:
        return _ANSWERS[request.kind]
    doubted = any(given.opinion is not Opinion.AGREE for given in request.advice)
    failed = any(not check.passed for check in request.route.checks)
    if request.route.warnings or request.route.refused or failed or doubted:
        return _CLOSE_LOOK
    if request.risk is Risk.IRREVERSIBLE:
        return _IRREVERSIBLE
    return _IS_LONG if lengths(request.content.arguments) > LONG else ""


def why_not(request: Request | None, person: str) -> str:
    """Why somebody cannot decide a request at all now, or nothing."""
    if request is None:
        return _NO_SUCH
    if not request.state.open:
        return _ENDED
    if any(vote.by == person for vote in request.votes):
        return _VOTED
    if request.state is State.NEEDS_INFO:
        return _WITH_AGENT
    return "" if request.waits_for(person) else _NOT_ASKED


def gather(waiting: Sequence[Request], sent: Form | None = None, beside: Sequence[Apart] = ()) -> Gathered:
    """What waits for somebody, with every box ticked, or ticked as it was sent; ``beside`` is listed apart, too."""
    waiting = tuple(map(shown, waiting))
    mine = [request for request in waiting if not why_apart(request)]
    rows = tuple(_row(request, sent) for request in mine[:MOST])
    apart = tuple(Apart(r.id, visible(r.title), why, r.risk) for r in waiting if (why := why_apart(r)))
    return Gathered(
        rows=rows,
        apart=(*apart, *beside),
        further=len(mine) - len(rows),
        singly=len(apart),
        summary=summary_of([row.request.content.arguments for row in rows]),
        version=fingerprint([(r.id, version_of(r)) for r in waiting], [one.id for one in beside]),
    )


def _row(request: Request, sent: Form | None) -> Row:
    key, other, bound = TICK + request.id, OPPOSITE + request.id, f"{request.revision}:{request.digest}"
    was = [] if sent is None else [value for name in (key, other) if (value := sent.get(name)) is not None]
    return Row(
        request=request,
        key=key,
        other=other,
        bound=bound,
        ticked=sent is None or sent.get(key) == bound,
        opposite=sent is not None and sent.get(other) == bound,
        changed=any(value != bound for value in was),
    )
