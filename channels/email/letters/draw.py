"""Draws letters: a request, how it ended, news of it, a digest, and words in answer.

A letter shows what any other channel's card shows, in the same order: how it stands, how sure and how risky it is,
the house's warnings, what would run; then what the agent says of itself, under a label that says so (T1).
"""

from __future__ import annotations

from msgspec.structs import replace

from bot.core.card import Card
from bot.core.model import Person
from channels.email.inbound.text import MARKER
from channels.email.letters import parts
from channels.email.letters.batches import MOST_OF_A_BATCH, Batch, batch_of, listed
from channels.email.letters.digests import MOST_ASKS, digest_letter
from channels.email.letters.items import approvable_in_digest, shown_in_digest
from channels.email.letters.parts import subject_of
from channels.email.letters.sheets import Drawn, Section, Sheet, draw
from channels.email.letters.sizes import fitted, one_line

__all__ = [
    "MOST_ASKS",
    "MOST_OF_A_BATCH",
    "Batch",
    "Drawn",
    "approvable_in_digest",
    "batch_of",
    "card_letter",
    "digest_letter",
    "fitted",
    "listed",
    "news_letter",
    "outcome_letter",
    "shown_in_digest",
    "subject_of",
    "words",
]

_HEADING = 80
_KEPT = "Reason"
"""What stays of the agent's words once there is nothing left to decide; the rest is in the full request."""


def card_letter(card: Card, *, person: Person, link: str, hears: bool, note: str | None = None) -> Drawn:
    """A request, for the person to decide. ``link`` is its page; ``hears``: an answer to the letter would arrive."""
    subject = subject_of(card)
    card = fitted(card)
    changed = card.revision > 1
    sections = [
        *parts.noted(note),
        *(parts.changed(card, person) if changed else ()),
        *parts.warnings(card),
        parts.action(card),
        *parts.notes(card),
        parts.claims(card),
        *parts.answered(card),
        parts.facts(card, person),
        *(verdict for v in card.verdicts if not (changed and v.edits) for verdict in [parts.verdict(v, person)]),
        parts.answer(card, link, hears=hears),
    ]
    drawn = _drawn(subject, card, parts.what(card), sections, person, hears=hears)
    return replace(drawn, fully_shown=card.fully_shown)


def outcome_letter(card: Card, *, person: Person, link: str) -> Drawn:
    """How a request ended: who decided, when and how, what they said and changed, and what came of the run."""
    subject = subject_of(card)
    card = fitted(card)
    sections = [
        *(parts.verdict(v, person) for v in reversed(card.verdicts)),
        *parts.answered(card),
        *parts.run(card),
        *parts.warnings(card),
        parts.action(card),
        *parts.notes(card),
        parts.claims(card, only=_KEPT),
        Section(kind="answer", lead=("There is nothing left to decide.",), link=link, link_says=parts.OPEN),
    ]
    if card.state.open:
        sections[-1] = Section(kind="answer", link=link, link_says=parts.OPEN)
    return _drawn(subject, card, parts.what(card), sections, person, hears=False)


def news_letter(card: Card, *, person: Person, link: str, hears: bool, note: str) -> Drawn:
    """A reminder or an escalation, short: the request itself stands in the letter above it in the thread."""
    subject = subject_of(card)
    card = fitted(card)
    sections = [
        *parts.noted(note),
        *parts.warnings(card),
        parts.facts(card, person, brief=True),
        parts.answer(card, link, hears=hears),
    ]
    return _drawn(subject, card, parts.what(card), sections, person, hears=hears)


def words(subject: str, lines: tuple[str, ...], *, link: str | None, link_says: str) -> Drawn:
    """Words to one person: an answer to a reply, a link to sign in with. A short first line is the heading."""
    first, *rest = lines or ("",)
    headed = 0 < len(first) <= _HEADING and len(first.splitlines()) == 1
    texts = tuple(part for line in (rest if headed else lines) for part in line.splitlines() or [""])
    sections = [Section(kind="facts", lead=texts)] if texts else []
    if link:
        sections.append(Section(kind="answer", link=link, link_says=link_says))
    return draw(
        Sheet(
            subject=one_line(subject),
            preheader=f"Sayso says: {one_line(first)}",
            what="Sayso says",
            title=first if headed else "",
            tone="flat",
            sections=sections,
            foot="Written by Sayso.",
        )
    )


def _drawn(  # called with the same names three times
    subject: str, card: Card, what: tuple[str, str], sections: list[Section], person: Person, *, hears: bool
) -> Drawn:
    says, tone = what
    name = one_line(person.name)
    return draw(
        Sheet(
            subject=subject,
            preheader=f"{says}: {card.title} · {parts.tags(card)[0].text}",
            what=says,
            title=card.title,
            tone=tone,
            tags=parts.tags(card),
            marker=MARKER if hears else "",
            to=name,
            sections=sections,
            foot=f"Sayso request {card.request}. Written to {name}. Its link is yours alone, so do not pass it on.",
        )
    )
