"""A request's rows become a fact; what no card shows is in none, nor are the values of a subject (threat T23)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from bot.core.calendars import openings
from bot.core.insight.fact import Fact, Judgement
from bot.core.insight.values import corrections_of, labels_of, length_of, numbers_of
from bot.core.model import Decision, Delivery, DeliveryState, Execution, Kind, Request, State, Verb
from bot.core.policy import HOUSE, WorkTime
from bot.core.policy.asking import calendar
from bot.core.redaction import shown as veiled

READING = 50.0
"""Characters a second: nobody reads faster (`bot.core.policy.Attention.reading`)."""

NO_HOURS: Mapping[str, WorkTime] = {}
_SAMPLED = re.compile(r"sampled: it is among the ([0-9.e+-]+)%")
"""How a route of before `Route.sampled` says that it is a sample, where the rule's own second look was asked."""


class Measured(Struct, frozen=True, kw_only=True):
    """All rows that a fact is made of, read in one snapshot.

    ``opened`` is when each person first opened a revision, by revision and person. ``taken_back``: an execution of it
    was cancelled before it began. ``review`` is how the request stands that asked about it afterwards, if one did.
    ``revisions`` is when each revision was made, where there are several.
    """

    request: Request
    deliveries: tuple[Delivery, ...] = ()
    opened: Mapping[int, Mapping[str, datetime]] = {}
    taken_back: bool = False
    review: State | None = None
    revisions: Mapping[int, datetime] = {}


def measurable(request: Request) -> bool:
    """Whether a request is measured: not the house's own, nor one that a person asked for in an agent's name.

    What a person proposed and people approved says nothing of the agent, and must not earn it anything (threat T15).
    """
    return not request.action.startswith(HOUSE) and request.route.asked is None


def fact_of(rows: Measured, *, reading: float = READING, hours: Mapping[str, WorkTime] = NO_HOURS) -> Fact | None:
    """The fact of a request; None where it is not measured. ``reading``: characters a second that nobody reads faster.

    ``hours`` are people's working hours as the file has them now; routes keep them only where a clock runs by them.

    A view by which nothing else changes is in no line of the trail: it counts from the request's next line on, which
    its decision writes at the latest.
    """
    request = rows.request
    if not measurable(request):
        return None
    route, content, run = request.route, request.content, request.execution
    share = _share(request)
    harmed = () if run is None else run.incidents
    length = length_of(request) if request.decisions else 0
    decisions = _decisions(request)
    judged = tuple([_judgement(rows, made, length, reading, hours) for made in decisions])
    fact = Fact(
        request=request.id,
        created_at=request.created_at,
        agent=request.agent,
        action=request.action,
        rule=route.rule,
        first=route.first,
        kind=request.kind,
        risk=request.risk,
        state=request.state,
        then=route.then,
        grant=route.grant,
        terms=route.terms,
        sampled=share is not None,
        share=1.0 if share is None else share,
        confidence=content.confidence,
        gate=route.gate,
        labels=labels_of(request),
        numbers=numbers_of(request),
        escalated=request.escalation_level,
        viewed_at=_viewed_at(rows),
        decided_at=request.decided_at,
        corrections=corrections_of(request),
        category=next((made.category for made in reversed(decisions) if made.category), None),
        undone=rows.taken_back,
        incident=max((one.severity for one in harmed), key=lambda severity: severity.rank, default=None),
        incident_at=min((one.at for one in harmed), default=None),
        reviewed=None if rows.review is None else _REVIEWED.get(rows.review),
        practice=route.practice is not None,
        judged=judged,
    )
    return fact if run is None else _ran(fact, run)


def _decisions(request: Request) -> tuple[Decision, ...]:
    """The decisions, their categories without what the request hides: people write them as they like."""
    if not any(made.category for made in request.decisions):
        return request.decisions
    both = zip(request.decisions, veiled(request).decisions, strict=True)
    return tuple([replace(made, category=seen.category) for made, seen in both])


_REVIEWED = {State.APPROVED: "confirmed", State.REJECTED: "incident"}


def _ran(fact: Fact, run: Execution) -> Fact:
    return replace(fact, execution=run.state, started_at=run.started_at, ended_at=run.ended_at)


def forgotten(fact: Fact) -> Fact:
    """What is left of a fact once the data of its subject was erased: nothing that anybody wrote."""
    judged = tuple([replace(one, category=None) for one in fact.judged])
    return replace(fact, labels={}, numbers={}, corrections=(), category=None, judged=judged)


def _share(request: Request) -> float | None:
    """Of what share the request is a sample; None where it is none."""
    if request.route.sampled:
        return request.route.sampled
    found = _SAMPLED.match(request.route.why)
    return None if found is None else float(found[1]) / 100


def _viewed_at(rows: Measured) -> datetime | None:
    """When anybody first opened it, or a card was sent to somebody's own place."""
    opened = [at for of in rows.opened.values() for at in of.values()]
    sent = [d.at for d in rows.deliveries if d.person is not None and d.state is DeliveryState.SENT]
    return max(min(opened + sent), rows.request.created_at) if opened or sent else None


def _judgement(rows: Measured, made: Decision, length: int, reading: float, hours: Mapping[str, WorkTime]) -> Judgement:
    request = rows.request
    could, looked_at = _could_decide(rows, made), _looked_at(rows, made)
    mine = [d for d in _cards(rows, made) if d.state is DeliveryState.SENT]
    shown = min((max(d.at, _made_at(rows, looked_at)) for d in mine), default=None)
    opened = rows.opened.get(looked_at, {}).get(made.by)
    since = next((at for at in (opened, shown) if at is not None and at <= made.at), could)
    had = _seconds(made.at - since)
    own = request.route.hours.get(made.by)
    if own is None and made.by in hours:
        own = calendar(hours[made.by], could, made.at)
    return Judgement(
        by=made.by,
        verb=made.decision,
        at=made.at,
        channel=made.channel,
        stage=made.stage_name,
        revision=made.revision,
        shown_at=shown,
        opened_at=opened,
        had=had,
        waited=_seconds(made.at - could),
        worked=None if own is None else sum(_seconds(end - begin) for begin, end in openings((own,), could, made.at)),
        length=length,
        fast=made.decision.is_vote and had < length / reading,
        category=made.category,
        commented=bool(made.comment),
        broke_glass=made.broke_glass,
    )


def _cards(rows: Measured, made: Decision) -> Iterator[Delivery]:
    """The cards by which somebody was asked: at their own place, or at one that all share whom the step asks."""
    stages = rows.request.route.stages
    for sent in rows.deliveries:
        # A card that was drawn anew since shows a later revision, and stands as long.
        if sent.revision < _looked_at(rows, made) or sent.at > made.at:
            continue
        if sent.person == made.by:
            yield sent
        elif sent.person is None and sent.stage == made.stage and sent.stage < len(stages):
            steps = stages[sent.stage].steps
            if sent.step < len(steps) and made.by in steps[sent.step].people:
                yield sent


def _could_decide(rows: Measured, made: Decision) -> datetime:
    """From when on somebody could decide: when they were asked; where no channel did so, when their stage began."""
    request, looked_at = rows.request, _looked_at(rows, made)
    began = _made_at(rows, looked_at)
    asked = min((sent.at for sent in _cards(rows, made)), default=None)
    if asked is not None:
        return min(max(asked, began), made.at)
    before = [other.at for other in request.decisions if other.revision == looked_at and other.stage < made.stage]
    return min(max([began, *(at for at in before if at < made.at)]), made.at)


def _looked_at(rows: Measured, made: Decision) -> int:
    """Which revision somebody had before them: an edit, or a picked option, is kept with the one that came of it."""
    picked = rows.request.kind is Kind.CHOICE and rows.revisions.get(made.revision) == made.at
    return made.revision - 1 if made.decision is Verb.APPROVE_WITH_EDITS or picked else made.revision


def _made_at(rows: Measured, revision: int) -> datetime:
    """From when on there was a revision."""
    return rows.revisions.get(revision, rows.request.created_at)


def _seconds(span: timedelta) -> float:
    return max(0.0, span.total_seconds())
