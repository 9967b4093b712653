"""The record of a request: what each person decided, said in the words of its kind, and what ended it."""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec import Struct

from bot.core.card import Card, Verdict, ended
from bot.core.model import Decision, Edit, ExecutionState, Request
from bot.web.inbox import wording
from bot.web.inbox.language import words
from bot.web.inbox.trail import Entry

BROKE_GLASS = words("Approved by breaking the glass")
UNDONE = words("Took the approval back")


class Told(Struct, frozen=True, kw_only=True):
    """One line of the record. ``stage`` is "" where there was but one.

    ``revision`` is the one that was decided on (0: none by itself), ``edits`` what was edited in it; ``undone``: an
    approval was taken back.
    """

    verdict: Verdict
    stage: str = ""
    revision: int = 0
    edits: tuple[Edit, ...] = ()
    undone: bool = False
    broke_glass: bool = False


def state_text(request: Request) -> str:
    """Where the request stands, said for its kind: a question is answered, not approved."""
    if any(vote.broke_glass for vote in request.votes) and request.state.approved:
        return BROKE_GLASS
    return wording.STATES.get(request.state) or ended(request.kind, request.state)


def came_of(request: Request) -> tuple[str, str]:
    """What became of what was approved: a text about its ``{state}``, and its tone; empty where nothing went amiss."""
    ran = request.execution
    if ran is None or not request.state.approved:
        return "", ""
    if ran.incidents and ran.state is not ExecutionState.UNKNOWN:
        return wording.INCIDENT, "alarm"
    return wording.RAN.get(ran.state, ""), wording.EXECUTION_TONES.get(ran.state, "flat")


def record_of(request: Request, card: Card, trail: tuple[Entry, ...]) -> tuple[Told, ...]:
    """Every decision, oldest first, approvals that were taken back among them; last the end that was nobody's vote."""
    decisions = (*request.decisions, *(None for _ in card.verdicts[len(request.decisions) :]))
    told = [_told(request, v, d) for v, d in zip(card.verdicts, decisions, strict=True)]
    told += [_undone(entry) for entry in trail if entry.type == "request.undone"]
    return tuple(sorted(told, key=_when))


def _when(told: Told) -> datetime:
    return told.verdict.at or datetime.max.replace(tzinfo=UTC)


def _undone(entry: Entry) -> Told:
    verdict = Verdict(
        title=UNDONE, by=entry.who.name, person=entry.actor.partition(":")[2], at=entry.at, channel=entry.via
    )
    return Told(verdict=verdict, undone=True)


def _told(request: Request, verdict: Verdict, decision: Decision | None) -> Told:
    if decision is None:
        return Told(verdict=verdict)
    return Told(
        verdict=verdict,
        stage=decision.stage_name if len(request.route.stages) > 1 and decision.decision.is_vote else "",
        revision=decision.revision,
        edits=decision.edits,
        broke_glass=decision.broke_glass,
    )
