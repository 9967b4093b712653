"""What the forms of a request's page say, as ballots; what is missing is named beside its field."""

from __future__ import annotations

from bot.core.edits import differences
from bot.core.errors import Fault, Invalid
from bot.core.forms import Field
from bot.core.model import ExecutionState, Kind, Request, Verb
from bot.core.policy import REVIEW_AFTER
from bot.core.ports import Ballot
from bot.web.inbox import wording
from bot.web.inbox.edits import edited
from bot.web.inbox.guard import Form, Visitor
from bot.web.inbox.language import Said
from bot.web.inbox.site import VIA, Site

MAX_COMMENT = 4000
"""Characters of a comment, an answer or a note."""

BREAK_GLASS = "break_glass"
"""What the form for emergencies says in ``decision``."""

_APPROVALS = (Verb.APPROVE, Verb.APPROVE_WITH_EDITS)
_SORTED = (Kind.APPROVAL, Kind.CHOICE)
"""Kinds whose rejection says in a word what was wrong; an answer that is declined was not wrong."""


def number(text: str | None) -> int:
    """A revision as a form names it; 0 where it names none."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else 0  # noqa: PLR2004  # bounded


def long_text(form: Form, name: str) -> str:
    """What a textarea holds, with line ends as everywhere else."""
    return form.get(name, "").replace("\r\n", "\n").strip()


def ballot_of(site: Site, request: Request, visitor: Visitor, form: Form) -> Ballot:
    """What the form says; raises `Invalid` with a fault beside each field that has to be filled in otherwise."""
    glass = form.get("decision") == BREAK_GLASS
    try:
        verb = Verb.APPROVE if glass else Verb(form.get("decision", ""))
    except ValueError:
        raise Invalid(wording.UNKNOWN_DECISION) from None
    comment = long_text(form, "comment")
    shown = (number(form.get("revision")), form.get("digest", ""))
    arguments = None
    # A form for another revision goes to the desk as it is, which refuses it as stale, whatever else it holds.
    if shown == (request.revision, request.digest):
        _complete(request, verb, form, glass=glass)
        if verb is Verb.APPROVE_WITH_EDITS:
            arguments = _arguments(site.house.desk.fields(request), form, request)
    return Ballot(
        request=request.id,
        decision=verb,
        by=visitor.person.id,
        channel=VIA,
        revision=shown[0],
        digest=shown[1],
        arguments=arguments,
        comment=comment or None,
        category=form.get("category") or None if verb is Verb.REJECT else None,
        answer=_answer(request, form) if verb is Verb.APPROVE and not glass else None,
        break_glass=glass,
    )


def _complete(request: Request, verb: Verb, form: Form, *, glass: bool) -> None:
    comment = long_text(form, "comment")
    faults: list[Fault] = []
    if verb is Verb.REJECT and request.kind in _SORTED and form.get("category") not in wording.categories_of(request):
        bad = wording.NO_SEVERITY if request.action == REVIEW_AFTER else wording.NO_CATEGORY
        faults.append(Fault("/category", "required", bad))
    if (verb is Verb.REJECT or glass) and not comment:
        faults.append(Fault("/comment", "required", wording.NO_EMERGENCY if glass else wording.NO_REASON))
    if request.route.needs_reason and verb in _APPROVALS and not glass and not comment:
        faults.append(Fault("/comment", "required", wording.NO_WHY))
    if verb is Verb.ASK and not comment:
        faults.append(Fault("/comment", "required", wording.NO_QUESTION))
    if len(comment) > MAX_COMMENT:
        faults.append(Fault("/comment", "too_long", Said(wording.TOO_LONG, limit=MAX_COMMENT)))
    if verb is Verb.APPROVE and not glass:
        faults += _answer_faults(request, long_text(form, "answer"))
    if faults:
        raise Invalid(faults[0].detail, faults=tuple(faults))


def _answer_faults(request: Request, answer: str) -> list[Fault]:
    """What is wrong with an answer: a question needs one, of several options one has to be picked."""
    if request.kind is Kind.APPROVAL:
        return []
    options = {option.id for option in request.content.options}
    if options and request.kind in (Kind.QUESTION, Kind.CHOICE):
        confirmed = not answer and request.content.chosen is not None
        return [] if answer in options or confirmed else [Fault("/answer", "required", wording.NO_PICK)]
    if request.kind is Kind.QUESTION and not answer:
        return [Fault("/answer", "required", wording.NO_ANSWER)]
    if len(answer) > MAX_COMMENT:
        return [Fault("/answer", "too_long", Said(wording.TOO_LONG, limit=MAX_COMMENT))]
    return []


def _answer(request: Request, form: Form) -> str | None:
    """What is answered. An option that stands already is confirmed by approving it, not chosen once more."""
    answer = long_text(form, "answer")
    if request.kind is Kind.APPROVAL or answer == request.content.chosen:
        return None
    return answer or None


def _arguments(fields: tuple[Field, ...], form: Form, request: Request) -> dict[str, object]:
    arguments, faults = edited(fields, form, request.content.arguments)
    if faults:
        raise Invalid(faults[0].detail, faults=faults)
    if not differences(request.content.arguments, arguments):
        raise Invalid(wording.NOTHING_CHANGED)
    return arguments


def settlement_of(form: Form) -> tuple[ExecutionState, str]:
    """How a run of unknown outcome ended, and how that is known; raises `Invalid` with a fault beside each field."""
    note, state = long_text(form, "note"), form.get("state", "")
    faults: list[Fault] = []
    if state not in (ExecutionState.EXECUTED, ExecutionState.FAILED):
        faults.append(Fault("/state", "required", wording.NO_SETTLEMENT))
    if not note:
        faults.append(Fault("/note", "required", wording.NO_NOTE))
    if len(note) > MAX_COMMENT:
        faults.append(Fault("/note", "too_long", Said(wording.TOO_LONG, limit=MAX_COMMENT)))
    if faults:
        raise Invalid(faults[0].detail, faults=tuple(faults))
    return ExecutionState(state), note
