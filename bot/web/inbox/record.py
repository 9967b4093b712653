"""The record of a request: what each person decided, said in the words of its kind, and what ended it."""

from __future__ import annotations

from msgspec import Struct

from bot.core.card import Card, Verdict, ended
from bot.core.model import Decision, Request
from bot.web.inbox import wording

BROKE_GLASS = "Approved by breaking the glass"


class Told(Struct, frozen=True, kw_only=True):
    """One line of the record. ``stage`` is "" where there was but one."""

    verdict: Verdict
    stage: str = ""
    broke_glass: bool = False


def state_text(request: Request) -> str:
    """Where the request stands, said for its kind: a question is answered, not approved."""
    if any(d.broke_glass for d in request.decisions) and request.state.approved:
        return BROKE_GLASS
    return wording.STATES.get(request.state) or ended(request.kind, request.state)


def record_of(request: Request, card: Card) -> tuple[Told, ...]:
    """Every decision, oldest first, and the last word where that was not a person's."""
    decisions = (*request.decisions, *(None for _ in card.verdicts[len(request.decisions) :]))
    return tuple(_told(request, v, d) for v, d in zip(card.verdicts, decisions, strict=True))


def _told(request: Request, verdict: Verdict, decision: Decision | None) -> Told:
    if decision is None:
        return Told(verdict=verdict)
    return Told(
        verdict=verdict,
        stage=decision.stage_name if len(request.route.stages) > 1 and decision.decision.is_vote else "",
        broke_glass=decision.broke_glass,
    )
