"""What a ballot does to a request of the tests' house: the core's own rules, and answers as the desk takes them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from bot.core import errors, lifecycle
from bot.core.edits import differences
from bot.core.model import Decision, Kind, Request, Revision, Verb
from bot.core.ports import Ballot

Revise = Callable[..., Revision]
"""Makes a request's next revision: the request, its arguments, further fields."""


def ruled(request: Request, ballot: Ballot, made: str, now: datetime, revise: Revise) -> Request:
    """The request after the ballot; ``made`` is the decision's id. Raises what the house refuses it with."""
    lifecycle.authorise(request, ballot, now)
    decision = Decision(
        id=made, request=request.id, decision=ballot.decision, by=ballot.by, at=now, channel=ballot.channel,
        revision=request.revision, digest=request.digest, comment=ballot.comment, category=ballot.category,
        answer=ballot.answer, **lifecycle.place_of(request, ballot.by),
    )  # fmt: skip
    if ballot.decision is Verb.REJECT:
        return lifecycle.reject(request, decision, now)
    if ballot.decision is Verb.ASK:
        return lifecycle.ask(request, decision)
    if ballot.decision is Verb.ESCALATE:
        return lifecycle.escalate(request, decision, now)
    return _approved(request, decision, ballot, now, revise)


def _approved(request: Request, decision: Decision, ballot: Ballot, now: datetime, revise: Revise) -> Request:
    if request.kind is Kind.CHOICE:
        return _chosen(request, decision, now, revise)
    if request.kind in (Kind.QUESTION, Kind.EXCEPTION):
        return _answered(request, decision, now)
    if ballot.decision is Verb.APPROVE_WITH_EDITS and differences(request.content.arguments, ballot.arguments):
        return _edited(request, decision, ballot.arguments or {}, now, revise)
    return lifecycle.approve(request, replace(decision, decision=Verb.APPROVE), now)


def _fault(detail: str, pointer: str = "/answer", rule: str = "required") -> errors.Invalid:
    return errors.Invalid(f"{pointer}: {detail}", faults=(errors.Fault(pointer, rule, detail),))


def _chosen(request: Request, decision: Decision, now: datetime, revise: Revise) -> Request:
    option = next((o for o in request.content.options if o.id == decision.answer), None)
    if option is None:
        raise _fault("pick one of the options")
    content = revise(request, option.arguments, options=request.content.options, chosen=option.id)
    made = replace(decision, decision=Verb.APPROVE, revision=content.number, digest=content.digest)
    return lifecycle.edit(request, replace(request, content=content), made, now)


def _answered(request: Request, decision: Decision, now: datetime) -> Request:
    known = [option.id for option in request.content.options]
    if request.kind is Kind.QUESTION and (not decision.answer or (known and decision.answer not in known)):
        raise _fault("say what the answer is")
    return replace(lifecycle.approve(request, decision, now), answer=decision.answer)


def _edited(request: Request, decision: Decision, arguments: dict[str, Any], now: datetime, revise: Revise) -> Request:
    amount = arguments.get("amount", 0)
    if isinstance(amount, int | float) and amount < 0:
        raise _fault("amount must be at least 0", "/arguments/amount", "minimum")
    old = request.content
    content = revise(request, arguments, proposed=old.arguments)
    edits = differences(old.arguments, arguments)
    decision = replace(decision, revision=content.number, digest=content.digest, edits=edits)
    return lifecycle.edit(request, replace(request, content=content), decision, now)
