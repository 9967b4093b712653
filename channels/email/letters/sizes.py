"""How a text comes out in a letter's HTML, what it takes there, and how a card is made to fit whatever it holds.

Gmail cuts a letter's HTML at about 102 KB and hides the rest behind a link, the answer's last warning included. So
texts are measured as they are drawn, in bytes, and what does not fit is shortened here, where that is said (T2).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from markupsafe import Markup, escape
from msgspec.structs import replace

from bot.core.card import Asked, Card, Line, Measure, fit, shorten, without_approval
from bot.core.grammar import WORDS

HTML = 100_000
"""Bytes of HTML that no letter exceeds."""
FURNITURE = 12_000
"""Bytes of the letter around its texts: the frame, the colours of the dark, labels, sentences, the address."""
ENTRY = 460
"""Bytes around one labelled text."""
TITLE = 150

_ONE, _ALL, _LINES = 16_000, 40_000, 90
"""Characters of one text, and of all; a longer one is read on the page, not in a mailbox."""
_PREVIEW = 1_500
_ACTION, _AGENT, _WORDS, _STAGE = 1_000, 200, 1_000, 400
_MARKS, _MARK = 20, 600
_ASKED, _NAME = 12, 150
_VERDICTS, _COMMENT, _EDITS, _EDIT = 5, 1_200, 5, 300
_LONG_EDIT = 6_000
"""Bytes of what one edit changed in a long text, where the letter has that much room."""
_NOTES, _NOTE = 24, 3_000
_RUN = 2_000
_WORST = 8
"""No character takes more bytes: a dot between letters takes 14 and needs a letter before it."""

_COMMANDING = re.compile(r"[\W_]*+(?:" + "|".join(WORDS) + r")(?!\w)", re.IGNORECASE)
_LINKABLE = re.compile(r"(?<=\w)[.@](?=[^\W\d_])|(?<=:)//")


def guarded(line: str) -> str:
    """The line, behind a bar where it begins like a command: quoted back, it must not decide anything."""
    return f"| {line}" if _COMMANDING.match(line) else line


def one_line(text: str) -> str:
    """The text with its line breaks as spaces."""
    return " ".join(text.splitlines())


def drawn(text: str) -> Markup:
    """A text as HTML: line breaks and runs of spaces kept, and nothing in it that a mail program makes a link of.

    Gmail links what looks like an address unless an element parts it. No character is added or taken away.
    """
    if "\n" in text:
        # Escaped all at once: a text of sixty thousand lines is measured again and again until it fits.
        made = str(escape("\n".join(map(guarded, text.split("\n"))))).replace("\n", "<br>")
    else:
        made = str(escape(guarded(text)))
    return Markup(_LINKABLE.sub(_parted, made).replace("  ", "\u00a0 "))  # noqa: S704  # escaped just above


def _parted(found: re.Match[str]) -> str:
    return f"<span>{found[0]}</span>"


def compared(text: str) -> Markup:
    """Changed lines as HTML: those taken away (``-``) struck out, those added (``+``) underlined; the signs stay."""
    return Markup("<br>").join(_compared(line) for line in text.split("\n"))


def _compared(line: str) -> Markup:
    tag = {"+": "ins", "-": "del"}.get(line[:1])
    return drawn(line) if tag is None else Markup("<{0}>{1}</{0}>").format(tag, drawn(line))


def size(text: str) -> int:
    """The bytes that a text takes in the HTML."""
    return len(drawn(text).encode("utf-8", "replace"))


_MEASURE = Measure(size=size, worst=_WORST, title=_STAGE, name=_NAME, comment=_COMMENT, edits=_EDITS, edit=_EDIT)
"""What a letter shows."""
_LONG = replace(_MEASURE, edit=_LONG_EDIT)
_COMPARED = len("<ins></ins>")
"""Bytes around each line of what changed."""


def clip(text: str, limit: int) -> tuple[str, bool]:
    """The text within ``limit`` bytes of HTML, its elision stated; and whether anything was left out."""
    return _MEASURE.clip(text, limit)


def fitted(card: Card) -> Card:
    """The card within a letter's limits. What would run, or a warning, left out takes Approve off it and off replies.

    Of the decisions the newest stay, of the people who are asked the first; one line says how many more there are.
    """
    if any(len(edit.text) * _WORST > _EDIT for verdict in card.verdicts for edit in verdict.edits):
        roomy = _fitted(card, _LONG)
        if roomy.fully_shown:
            return roomy
    return _fitted(card, _MEASURE)


def _fitted(card: Card, measure: Measure) -> Card:
    action, cut_action = clip(card.action, _ACTION)
    marks, cut_marks = _MEASURE.warnings(card.marks, _MARKS, _MARK)
    title, cut_title = shorten(one_line(card.title) or one_line(card.action) or "Untitled", TITLE)
    short = replace(
        card,
        title=title,
        action=action,
        marks=marks,
        agent=clip(card.agent, _AGENT)[0],
        why=clip(card.why, _WORDS)[0],
        undo=clip(card.undo, _WORDS)[0],
        stage=clip(card.stage, _STAGE)[0],
        progress=clip(card.progress, _STAGE)[0],
        confidence=clip(card.confidence, _STAGE)[0],
        asked=tuple(
            replace(a, name=clip(a.name, _NAME)[0], stands_for=clip(a.stands_for, _NAME)[0] if a.stands_for else None)
            for a in card.asked
        ),
        answer=clip(card.answer, _COMMENT)[0] if card.answer else card.answer,
        verdicts=tuple(measure.verdict(v) for v in card.verdicts[-_VERDICTS:]),
        execution=_MEASURE.line(card.execution, _RUN) if card.execution else None,
    )
    room = HTML - FURNITURE - _spent(short)
    notes, cut_notes = _noted(card.notes, room // 3)
    short, room = replace(short, notes=notes), room - sum(map(_weight, notes))
    whole = fit(short, line=_ONE, lines=_LINES, total=_ALL)
    if not whole.fully_shown or _taken(whole) > room:
        # It must be read on its page anyway: a letter of many screens would only bury the mailbox.
        whole = _preview(short, room)
    return without_approval(whole) if cut_title or cut_action or cut_marks or cut_notes else whole


def _noted(notes: Sequence[Line], room: int) -> tuple[tuple[Line, ...], bool]:
    """The house's notes within ``room`` bytes; and whether anything was left out."""
    shown: list[Line] = []
    for note in notes:
        line = _MEASURE.line(note, _NOTE)
        room -= _weight(line)
        if room < 0 or len(shown) == _NOTES:
            more = len(notes) - len(shown)
            shown.append(Line("…", f"[{more} more notes not shown here]", elided=True))
            break
        shown.append(line)
    return tuple(shown), any(line.elided for line in shown)


def _weight(line: Line) -> int:
    """The bytes that a labelled text takes, changed lines among them."""
    return ENTRY + size(line.label) + size(line.text) + _compared_around(line.text)


def _compared_around(text: str) -> int:
    """The bytes around changed lines, where the text may be drawn as such."""
    return _COMPARED * (text.count("\n") + 1) if text.startswith("@@") else 0


def asked_names(card: Card) -> str:
    """Who is asked, the first dozen by name."""
    names = ", ".join(map(_asked_name, card.asked[:_ASKED])) or "nobody"
    more = len(card.asked) - _ASKED
    return f"{names} and {more} more" if more > 0 else names


def _asked_name(asked: Asked) -> str:
    stands_for = f" (for {one_line(asked.stands_for)})" if asked.stands_for else ""
    return f"{one_line(asked.name)}{stands_for}"


def _spent(card: Card) -> int:
    """What everything but arguments, claims and notes takes."""
    said = [
        text or ""
        for v in card.verdicts
        for text in (v.title, v.by, v.channel, v.category, v.comment, *_texts(v.edits))
    ]
    around = ENTRY * sum(len(v.edits) + 3 for v in card.verdicts) + ENTRY * len(card.marks)
    around += sum(_compared_around(edit.text) for v in card.verdicts for edit in v.edits)
    words = (
        card.title,
        card.title,
        card.action,
        card.agent,
        card.why,
        card.undo,
        card.stage,
        card.progress,
        card.answer or "",
    )
    names = (asked_names(card), card.confidence)
    run = _texts((card.execution,)) if card.execution else ()
    return around + sum(map(size, (*said, *words, *names, *card.marks, *run)))


def _texts(lines: Iterable[Line]) -> tuple[str, ...]:
    return tuple(text for line in lines for text in (line.label, line.text))


def _taken(card: Card) -> int:
    """The bytes that arguments and claims take."""
    lines = (*card.arguments, *card.claims)
    return ENTRY * len(lines) + sum(map(size, _texts(lines)))


def _preview(card: Card, room: int) -> Card:
    """The beginning of a card that is not shown whole: fewer characters, until they take ``room`` bytes at most."""
    total = _PREVIEW * 4
    while True:
        shown = fit(card, line=_PREVIEW, lines=_LINES, total=total)
        taken = _taken(shown)
        if taken <= room or not total:
            return shown
        total = max(min(total * 3 // 4, total * room // taken), 0)
