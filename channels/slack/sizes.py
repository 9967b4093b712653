"""Slack's limits, and how a card is made to fit them whatever it holds.

Texts are measured as Slack may count them: in UTF-16 units, with ``&``, ``<`` and ``>`` as their escapes.
Sources: https://docs.slack.dev/reference/block-kit/blocks (50 blocks, header 150, section 3,000); the total of about
13,200 characters is measured, not documented (``msg_blocks_too_long``).
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from bot.core.card import Card, Line, Measure, fit, without_approval

HEADER = 150
URL = 3000
TOTAL = 12_800
"""All text of one message; what is left to 13,200 is spare."""
FURNITURE = 1_200
"""The fixed words of the card: labels, buttons, notices."""
ONE_TEXT = 2_900
SAID = 2_900
"""One text said to a person, with room for its mark."""

_LINES = 45
_ACTION, _AGENT, _WHY, _UNDO, _STAGE, _PROGRESS = 300, 100, 300, 300, 200, 400
_MARKS, _MARK = 6, 200
NAME = 60
ASKED_ROOM = 1_680
"""For whoever is asked: a dozen of the longest names, some hundred mentions."""
_VERDICTS, _COMMENT, _EDITS, _EDIT = 3, 250, 3, 100
_EXECUTION, _ANSWER = 500, 400
"""With every one of these full, 2,000 characters are left to arguments, notes and claims (a test holds that)."""
_PREVIEW = 800
_WORST = 5
"""The longest escape, which one character may take."""


def size(text: str) -> int:
    """A text's length as Slack may count it at worst."""
    units = len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2
    if "&" in text or "<" in text or ">" in text:
        units += 4 * text.count("&") + 3 * (text.count("<") + text.count(">"))
    return units


_MEASURE = Measure(size=size, worst=_WORST, title=_STAGE, name=NAME, comment=_COMMENT, edits=_EDITS, edit=_EDIT)
"""What a message shows."""


def clip(text: str, limit: int) -> tuple[str, bool]:
    """The text within ``limit`` by `size`, its elision stated; and whether anything was left out."""
    return _MEASURE.clip(text, limit)


class Fitted(Struct, frozen=True):
    """A card that fits one message. ``earlier``: how many decisions were left out."""

    card: Card
    earlier: int


def fitted(card: Card) -> Fitted:
    """The card within Slack's limits. What would run, or a warning, left out takes Approve and Edit off it (T2)."""
    action, cut_action = clip(card.action, _ACTION)
    marks, cut_marks = _MEASURE.warnings(card.marks, _MARKS, _MARK)
    verdicts = tuple(_MEASURE.verdict(v) for v in card.verdicts[-_VERDICTS:])
    short = replace(
        card,
        title=card.title or card.action or "Untitled",
        action=action,
        marks=marks,
        agent=clip(card.agent, _AGENT)[0],
        why=clip(card.why, _WHY)[0],
        undo=clip(card.undo, _UNDO)[0],
        stage=clip(card.stage, _STAGE)[0],
        progress=clip(card.progress, _PROGRESS)[0],
        confidence=clip(card.confidence, _STAGE)[0],
        verdicts=verdicts,
        execution=_execution(card.execution),
        answer=_answer(card),
    )
    room = TOTAL - FURNITURE - _spent(short)
    whole = _fit_lines(short, ONE_TEXT, room)
    if not whole.fully_shown:
        # It must be read elsewhere anyway: a card of many screens would only bury the channel.
        whole = _fit_lines(short, _PREVIEW, min(_PREVIEW * 5, room))
    if cut_action or cut_marks:
        whole = without_approval(whole)
    return Fitted(whole, len(card.verdicts) - len(verdicts))


def _answer(card: Card) -> str | None:
    """What was answered or picked, once that is settled; of an option its title, too."""
    if card.state.open:
        return None
    picked = next((offer for offer in card.offers if offer.chosen or offer.id == card.answer), None)
    text = f"{picked.id}: {picked.title}" if picked else card.answer
    return None if text is None else clip(text, _ANSWER)[0]


def _execution(line: Line | None) -> Line | None:
    return _MEASURE.line(line, _EXECUTION) if line else None


def _spent(card: Card) -> int:
    """What everything but arguments, notes and claims takes; `_fit_lines` deals with those and the title."""
    verdicts = [
        text or ""
        for v in card.verdicts
        for text in (v.title, v.by, v.channel, v.category, v.comment, *_texts(v.edits))
    ]
    words = (card.action, card.agent, card.why, card.undo, card.stage, card.progress, card.confidence)
    dates = 120 * (len(card.verdicts) + 2)
    names = min((NAME + 10) * sum(1 + (a.stands_for is not None) for a in card.asked), ASKED_ROOM)
    texts = (*words, card.answer or "", *card.marks, *verdicts, *_texts((card.execution,) if card.execution else ()))
    return HEADER + dates + names + sum(map(size, texts))


def _texts(lines: Iterable[Line]) -> tuple[str, ...]:
    return tuple(text for line in lines for text in (line.label, line.text))


def _fit_lines(card: Card, each: int, budget: int) -> Card:
    """`fit`, its room made smaller until the texts fit as Slack may count them: ``each``, and all in ``budget``.

    The house's notes are served between the arguments and the claims.
    """
    joined = replace(card, notes=(), claims=(*card.notes, *card.claims))
    line, total = each, budget
    while True:
        shown = fit(joined, line=line, lines=_LINES, total=total)
        sizes = [size(text) for text in _texts((*shown.arguments, *shown.claims))]
        longest, everything = max(sizes, default=0), sum(sizes)
        if longest <= each and everything <= budget:
            break
        line = min(line - 1, line * each // longest) if longest > each else line
        total = min(total - 1, total * budget // everything) if everything > budget else total
    title, cut = clip(shown.title, HEADER)
    apart = _apart(replace(shown, title=title), len(card.notes), claimed=bool(card.claims))
    return without_approval(apart) if cut else apart


def _apart(shown: Card, notes: int, *, claimed: bool) -> Card:
    """The notes in their own place again. What says that the rest is not shown is said of the claims, too."""
    claims = shown.claims[notes:]
    if claimed and not claims:
        claims = shown.claims[-1:]
    return replace(shown, notes=shown.claims[:notes], claims=claims)
