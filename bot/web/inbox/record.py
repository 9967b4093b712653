"""The record of a request: what each person decided, said in the words of its kind, and what ended it."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from bot.core.card import Card, Verdict, name_of
from bot.core.model import Decision, Kind, Person, Request, State, Verb
from bot.core.scrutiny import visible
from bot.web.inbox import wording

BROKE_GLASS = "Approved by breaking the glass"
_APPROVED = {Kind.QUESTION: "Answered", Kind.CHOICE: "Chosen", Kind.EXCEPTION: "Handled"}
_STATES = {
    (Kind.QUESTION, State.APPROVED): "Answered",
    (Kind.EXCEPTION, State.APPROVED): "Handled",
    (Kind.QUESTION, State.REJECTED): "Declined",
    (Kind.EXCEPTION, State.REJECTED): "Declined",
}


class Told(Struct, frozen=True, kw_only=True):
    """One line of the record. ``answer`` is what was answered or picked, already `visible`.

    ``instead_of`` is the display name of whom they stood in for. ``stage`` is "" where there was but one.
    """

    verdict: Verdict
    title: str
    answer: str | None = None
    instead_of: str | None = None
    stage: str = ""
    broke_glass: bool = False


def state_text(request: Request) -> str:
    """Where the request stands, said for its kind: a question is answered, not approved."""
    if any(d.broke_glass for d in request.decisions) and request.state.approved:
        return BROKE_GLASS
    return _STATES.get((request.kind, request.state)) or wording.STATES[request.state]


def record_of(request: Request, card: Card, people: Mapping[str, Person]) -> tuple[Told, ...]:
    """Every decision, oldest first, and the last word where that was not a person's."""
    decisions = (*request.decisions, *(None for _ in card.verdicts[len(request.decisions) :]))
    return tuple(_told(request, v, d, people) for v, d in zip(card.verdicts, decisions, strict=True))


def _told(request: Request, verdict: Verdict, decision: Decision | None, people: Mapping[str, Person]) -> Told:
    if decision is None:
        return Told(verdict=verdict, title=verdict.title)
    return Told(
        verdict=verdict,
        title=_title(request, verdict, decision),
        answer=_answer(request, decision),
        instead_of=name_of(decision.instead_of, people) if decision.instead_of else None,
        stage=decision.stage_name if len(request.route.stages) > 1 and decision.decision.is_vote else "",
        broke_glass=decision.broke_glass,
    )


def _title(request: Request, verdict: Verdict, decision: Decision) -> str:
    if decision.broke_glass:
        return BROKE_GLASS
    if decision.decision is Verb.APPROVE:
        return _APPROVED.get(request.kind, verdict.title)
    if decision.decision is Verb.REJECT and request.kind is not Kind.APPROVAL:
        return "Declined"
    return verdict.title


def _answer(request: Request, decision: Decision) -> str | None:
    if decision.answer is None:
        return None
    option = next((o for o in request.content.options if o.id == decision.answer), None)
    return visible(option.title if option else decision.answer)
