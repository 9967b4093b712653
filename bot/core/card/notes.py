"""What the house adds to a card: its checks, opinions of advisors, what was rejected before, what is other now."""

from __future__ import annotations

from collections.abc import Mapping

from bot.core.alignment import Effort
from bot.core.card.texts import edit_text, literal, name_of
from bot.core.card.values import Line
from bot.core.joiners import prose
from bot.core.model import Kind, Opinion, Person, Request
from bot.core.practice import PRACTISED, outcome_of
from bot.core.scrutiny import visible

_OPINIONS = {Opinion.AGREE: "agrees", Opinion.DOUBT: "doubts it", Opinion.DISAGREE: "disagrees"}


def options_of(request: Request) -> tuple[Line, ...]:
    """The options with all that each would run, among the arguments: who picks one has to have seen it."""
    content = request.content
    lines = []
    for option in content.options:
        label = f"Option {visible(option.id)}" + (" (chosen)" if option.id == content.chosen else "")
        title = visible(option.title)
        # What it is called is the agent's word, and must not read like one of its arguments (threat T1).
        text = f"called “{title}”, with\n{literal(option.arguments)}" if request.kind is Kind.CHOICE else title
        lines.append(Line(label, text))
    return tuple(lines)


def notes_of(request: Request, url: str, people: Mapping[str, Person]) -> tuple[Line, ...]:
    """The house's notes, in the order in which a reviewer wants them. ``url`` is the request's own page."""
    return (
        *_practice(request),
        *_house(request),
        *_incidents(request, people),
        *_refused(request, url),
        *_barred(request, people),
        *_checks(request),
        *_advice(request),
        *_differences(request),
    )


def _house(request: Request) -> tuple[Line, ...]:
    """What the house wrote down as it asked, such as what a rollback takes back."""
    return tuple([Line(label, visible(text)) for label, text in request.route.notes])


def _practice(request: Request) -> tuple[Line, ...]:
    """Once it has ended: that it was a declared practice, what came of it, and what there is to learn."""
    if request.route.practice is None or request.state.open:
        return ()
    said = PRACTISED[outcome_of(request)]
    lesson = (Line("What was wrong with it", visible(request.route.lesson)),) if request.route.lesson else ()
    return (Line("This was a practice", said), *lesson)


def _incidents(request: Request, people: Mapping[str, Person]) -> tuple[Line, ...]:
    """What was reported of it, the newest last; an agent's word is marked as that (threat T1)."""
    run = request.execution
    return tuple(
        [
            Line(f"Incident ({one.severity}), reported by {_reporter(one.by, people)}", prose(one.note))
            for one in (run.incidents if run is not None else ())
        ]
    )


def _reporter(actor: str, people: Mapping[str, Person]) -> str:
    role, _, name = actor.partition(":")
    if role == "person":
        return name_of(name, people)
    return f"the agent {visible(name)}, in its own words" if role == "agent" else visible(actor)


def _barred(request: Request, people: Mapping[str, Person]) -> tuple[Line, ...]:
    """Who may not review, where the agent named somebody it acts for: by naming many it could choose its judge."""
    if not request.content.on_behalf_of or not request.route.excluded:
        return ()
    names = ", ".join(name_of(person, people) for person in request.route.excluded)
    return (Line("May not review this", f"{names} (whom it acts for, who owns the agent, or who stands in for them)"),)


def _refused(request: Request, url: str) -> tuple[Line, ...]:
    refused = request.route.refused
    if refused is None:
        return ()
    page = url.removesuffix(request.id) + refused if url.endswith(request.id) else refused
    return (Line("The same was rejected before", f"See {page}"),)


def _checks(request: Request) -> tuple[Line, ...]:
    words = {True: "passed", False: "failed", None: "could not be answered"}
    return tuple(
        Line(f"Checked: {check.name}", words[check.passed] + ("" if check.passed else f" ({visible(check.detail)})"))
        for check in request.route.checks
    )


def _advice(request: Request) -> tuple[Line, ...]:
    """What other agents think; an opinion on an earlier revision says so."""
    lines = []
    for given in request.advice:
        old = "" if given.revision == request.revision else f" of revision {given.revision}"
        note = f": {prose(given.note)}" if given.note else ""
        lines.append(Line(f"Second opinion{old} by {visible(given.by)}", f"{_OPINIONS[given.opinion]}{note}"))
    if request.advice_missing:
        lines.append(Line("Second opinion", f"not given yet by {', '.join(sorted(request.advice_missing))}"))
    return tuple(lines)


def _differences(request: Request) -> tuple[Line, ...]:
    if request.revises is None:
        return ()
    content = request.content
    if not content.differs:
        return (Line(f"Revises {request.revises}", "the arguments are the same as in the request before"),)
    effort, label = Effort(), f"Revises {request.revises}"
    return tuple(Line(f"{label}: {visible(edit.pointer)}", edit_text(edit, effort)) for edit in content.differs)
