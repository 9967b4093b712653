"""What the page of one request shows, worked out from stored values; drawing it is the template's part.

Everything a decision binds to comes from one `Request` value, so the arguments on the page and the digest in its
forms can never be of two revisions (law 2).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from bot.core.card import Card, card_of
from bot.core.links import batch_path
from bot.core.model import (
    Arguments,
    Delivery,
    DeliveryState,
    Execution,
    ExecutionState,
    Kind,
    Person,
    Request,
    Verb,
)
from bot.core.policy import ActionSpec, Execute, Policy
from bot.core.ports import Unreachable
from bot.core.practice import Practised, apparent, outcome_of
from bot.desk.incidents import may_be_settled
from bot.web.inbox.changes import Changes, How, Version, changes_of, versions_of
from bot.web.inbox.claims import Claims, claims_of
from bot.web.inbox.plan import StagePart, next_people, plan_of
from bot.web.inbox.reach import around
from bot.web.inbox.record import Told, record_of, state_text
from bot.web.inbox.rights import may_break, may_settle, standing_of
from bot.web.inbox.running import state_key
from bot.web.inbox.thread import Saying, thread_of
from bot.web.inbox.trail import Entry

_LONG = 2000
"""Characters of arguments: about a screenful."""


class Run(Struct, frozen=True, kw_only=True):
    """What exactly runs once it is approved.

    ``kind`` is webhook, python, agent or nothing (an answer, a settled exception, an action of the house's own);
    ``moved`` the target configured now, where that is no longer the bound one.
    """

    kind: str
    target: str
    host: str
    spec: ActionSpec
    moved: str | None


class Gauge(Struct, frozen=True):
    """Confidence and gate in percent of the bar, None where there is none."""

    confidence: float | None
    gate: float | None
    below: bool
    text: str


class View(Struct, frozen=True, kw_only=True):
    """The whole page.

    ``state`` says where it stands, in the words of its kind. ``buttons`` are what this reader may press; ``standing``
    says why where there are none; ``may_break``: may break the glass. ``to_read`` is how many characters of arguments
    there are, where they are so many that a reader might stop before the end (else 0). ``failed`` counts the deliveries
    that failed; ``unreached`` are addresses of its people and cards at which nobody is reached. ``batch`` is its
    batch's page. ``versions`` are its revisions, ``thread`` what
    was asked and answered; ``picker`` names who picked the option that stands, ``key`` is where it stands for machines.
    ``erased``: when its contents were erased, None where they are there.
    """

    request: Request
    card: Card
    state: str
    erased: datetime | None
    arguments: Arguments
    to_read: int
    claims: Claims
    gauge: Gauge
    run: Run
    plan: tuple[tuple[StagePart, ...], ...]
    next_step: tuple[str, ...]
    changes: Changes | None
    versions: tuple[Version, ...]
    thread: tuple[Saying, ...]
    picker: str
    deliveries: tuple[Delivery, ...]
    failed: int
    unreached: tuple[Unreachable, ...]
    told: tuple[Told, ...]
    trail: tuple[Entry, ...]
    buttons: tuple[Verb, ...]
    standing: str
    may_break: bool
    batch: str | None
    may_settle: bool
    version: str
    key: str

    @property
    def stages(self) -> int:
        """How many there are."""
        return sum(len(group) for group in self.plan)

    @property
    def practised(self) -> Practised | None:
        """What a practice came to; None while it is open, and of what is none."""
        practice = self.request.route.practice is not None and not self.request.state.open
        return outcome_of(self.request) if practice else None

    @property
    def picks(self) -> bool:
        """As `picks` has it."""
        return picks(self.request)


def view_of(
    request: Request,
    *,
    policy: Policy,
    person: Person,
    url: str,
    editable: bool,
    deliveries: tuple[Delivery, ...],
    unreachable: tuple[Unreachable, ...],
    trail: tuple[Entry, ...],
    now: datetime,
    glass: bool = False,
) -> View:
    """The page of a request for one reader, now.

    ``editable``: its action has arguments that may be edited; ``glass``: the reader is one of those who may break it.
    """
    card, plan = card_of(request, people=policy.people, url=url, editable=editable), plan_of(request, policy.people)
    standing, buttons = standing_of(request, card, person, now)
    versions = versions_of(trail, {known.id: known.name for known in policy.people.values()})
    thread, erased = thread_of(trail, versions), (e.at for e in reversed(trail) if e.type == "request.erased")
    return View(
        request=request,
        card=card,
        state=state_text(request),
        erased=next(erased, None),
        arguments=_in_order(request, policy),
        to_read=_to_read(card),
        claims=_claims(request, thread),
        gauge=_gauge(request, card),
        run=_run(request, policy),
        plan=plan,
        next_step=next_people(request, plan, person.id),
        changes=changes_of(request, versions),
        versions=versions,
        thread=thread,
        picker=_picker(versions),
        deliveries=deliveries,
        failed=sum(d.state is DeliveryState.FAILED for d in deliveries),
        unreached=around(request, policy.people, deliveries, unreachable),
        told=record_of(request, card, trail),
        trail=trail,
        buttons=buttons,
        standing=standing,
        may_break=glass and may_break(request, person, policy, now),
        batch=batch_path(request.batch),
        may_settle=may_be_settled(request.execution) and may_settle(request, person, deliveries),
        version=version_of(request),
        key=state_key(request),
    )


def _in_order(request: Request, policy: Policy) -> Arguments:
    """Every argument, those that the schema names first and in its order."""
    arguments, schema = request.content.arguments, policy.action(request.action).schema
    named = schema.document.get("properties") if schema else None
    first = [name for name in named if name in arguments] if isinstance(named, Mapping) else []
    return {name: arguments[name] for name in dict.fromkeys((*first, *arguments))}


def _claims(request: Request, thread: tuple[Saying, ...]) -> Claims:
    """What the agent says; a question's reason stands with the question, what it answered with what was asked."""
    claims = claims_of(request)
    answered = {saying.text for saying in thread if saying.answer}
    claims = replace(claims, answers=tuple(answer for answer in claims.answers if answer.text not in answered))
    return replace(claims, reason="") if picks(request) else claims


def _picker(versions: tuple[Version, ...]) -> str:
    """Who picked the option that stands; a revision's author may also be who took an approval of it back."""
    return next((version.who.name for version in reversed(versions) if version.how is How.PICKED), "")


def picks(request: Request) -> bool:
    """Whether a person has to pick an option or may write an answer, and nobody has yet."""
    return request.kind is not Kind.APPROVAL and request.content.chosen is None


def _to_read(card: Card) -> int:
    length = sum(len(line.text) for line in card.arguments)
    return length if length > _LONG else 0


def version_of(request: Request) -> str:
    """Changes whenever the page would say something else; times passing are not a change."""
    ran = request.execution
    tracks = ".".join(f"{t.stage}.{t.step}.{t.round}.{t.held_until is None:d}{t.exhausted:d}" for t in request.tracks)
    parts = (request.state, request.revision, tracks, len(request.decisions), len(request.advice))
    after = (ran.state, ran.attempts, len(ran.incidents), ran.rollback, ran.review) if ran else ()
    return "-".join(str(p) for p in (*parts, *after))


def fingerprint(*shown: object) -> str:
    """A few characters that change whenever what is shown does; the same from every process that shows the same."""
    return hashlib.sha256(repr(shown).encode(errors="backslashreplace")).hexdigest()[:16]


def _gauge(request: Request, card: Card) -> Gauge:
    confidence, gate = request.content.confidence, request.route.gate
    return Gauge(
        None if confidence is None else round(min(max(confidence, 0.0), 1.0) * 100, 1),
        None if gate is None else round(gate * 100, 1),
        card.below_gate,
        card.confidence,
    )


def _run(request: Request, policy: Policy) -> Run:
    spec = policy.action(request.action)
    target = apparent(request, spec.execute.target)
    if request.route.practice is not None and not request.state.open:
        # A declared practice looks like any other until it is decided; then it says what it was.
        spec = replace(spec, execute=Execute())
    kind = "agent" if target == "agent" else "webhook" if target.startswith(("http:", "https:")) else "python"
    if not request.kind.runs or (spec.execute.nothing and spec.execute.target == target):
        kind = "nothing"
    # An execution that was stopped by taking the approval back is not what runs next.
    over = request.execution is not None and request.execution.state.ended and not request.state.open
    moved = spec.execute.target if spec.execute.target != target and not over else None
    host = (urlsplit(target).netloc if kind == "webhook" else "") or target
    return Run(kind=kind, target=target, host=host, spec=spec, moved=moved)


def is_unknown(execution: Execution | None) -> bool:
    """Whether somebody has to find out what happened."""
    return execution is not None and execution.state is ExecutionState.UNKNOWN
