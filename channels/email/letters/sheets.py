"""A letter before it is drawn: sections of labelled texts, the same for its text and its HTML.

Both faces of a letter are made of these, so that neither says what the other does not. Heads and sentences are the
house's; what others wrote stands in entries, which the templates put behind a bar or in a cell (threats T1, T3).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup, escape
from msgspec import Struct

from bot.core.card import Line
from channels.email.letters.sizes import compared, drawn, guarded

TEMPLATES = Path(__file__).parents[3] / "templates" / "email"
_ONE_LINE = 80
_COMMAND = re.compile(r"`([^`]+)`")
_HUNK = re.compile(r"^@@ -([0-9]+)(?:,[0-9]+)? \+[0-9,]+ @@$", re.MULTILINE)
"""What stands above changed lines (`bot.core.card.edit_text`); every line of others begins with another sign there."""

TONES: Mapping[str, tuple[str, str]] = {
    "flat": ("#ebe8e1", "#4f4b44"),
    "good": ("#e4f2e9", "#14553a"),
    "wait": ("#fdf1d7", "#6d4a05"),
    "bad": ("#fbe7e3", "#8f2318"),
    "alarm": ("#ffe3cc", "#7d3500"),
}
"""Background and ink of each tone, by day; the frame holds those of the night."""


class Drawn(Struct, frozen=True):
    """A letter's subject, its plain text, its HTML; ``fully_shown``: whether it holds all of what a card says."""

    subject: str
    text: str
    html: str
    fully_shown: bool = True


class Entry(Struct, frozen=True):
    """A labelled text. ``ours``: the label is the house's own word, so no bar need stand before it.

    ``lined``: it is lines that were taken away (``-``), added (``+``) or stayed.
    """

    label: str
    text: str
    ours: bool = False
    lined: bool = False

    @property
    def short(self) -> bool:
        """Whether it is drawn on one line."""
        return "\n" not in self.text and len(self.label) + len(self.text) <= _ONE_LINE

    @property
    def lines(self) -> list[str]:
        """It as plain text: behind a bar what could pass for a line of the house, or for an answer."""
        first, *rest = self.text.split("\n")
        head = f"{' '.join(self.label.splitlines())}: {first}"
        return [head if self.ours else f"| {head}", *(f"| {line}" for line in rest)]


class Tag(Struct, frozen=True):
    """A few words that stand out, in one of `TONES`."""

    text: str
    tone: str


class Section(Struct, frozen=True, kw_only=True):
    """One part of a letter. ``kind``: ``note``, ``action``, ``claims``, ``facts``, ``answer`` or ``item``.

    ``title`` follows ``head`` on its line, ``notes`` (the house's) and ``after`` the entries. ``how`` is the house's
    own, `commands` in backticks.
    """

    kind: str
    tone: str = "flat"
    head: str = ""
    title: str = ""
    marks: tuple[str, ...] = ()
    lead: tuple[str, ...] = ()
    entries: tuple[Entry, ...] = ()
    notes: tuple[Entry, ...] = ()
    after: str = ""
    how: str = ""
    link: str = ""
    link_says: str = ""


class Sheet(Struct, frozen=True, kw_only=True):
    """A whole letter. ``what`` says in a word or two what it is about and stands before ``title``, on its line."""

    subject: str
    preheader: str
    what: str
    title: str = ""
    tone: str = "wait"
    tags: tuple[Tag, ...] = ()
    marker: str = ""
    to: str = ""
    sections: Sequence[Section] = ()
    foot: str = ""


def entries(lines: Sequence[Line], *, ours: bool = False, changes: bool = False) -> tuple[Entry, ...]:
    """A card's lines as entries; what is empty says so. ``changes``: some may hold changed lines."""
    return tuple(_changed(line) if changes else _entry(line, ours=ours) for line in lines)


def _entry(line: Line, *, ours: bool = False) -> Entry:
    return Entry(line.label or "(no name)", line.text or "(empty)", ours)


def _changed(line: Line) -> Entry:
    """A change: of a long text the lines that differ, below where they stood."""
    if not _HUNK.match(line.text):
        return _entry(line)
    return Entry(line.label or "(no name)", _HUNK.sub(r"line \1:", line.text), lined=True)


def draw(sheet: Sheet) -> Drawn:
    """The letter, from ``letter.txt.j2`` and ``letter.html.j2``."""
    values: dict[str, Any] = {"sheet": sheet}
    text = _template("letter.txt.j2").render(values)
    return Drawn(sheet.subject, text, _template("letter.html.j2").render(values))


def _marked(how: str) -> Markup:
    return Markup(_COMMAND.sub(r"<b>\1</b>", str(escape(how))))  # noqa: S704  # the house's own words, escaped


def _plain(how: str) -> str:
    return how.replace("`", "")


@cache
def _template(name: str) -> Template:
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=name.endswith(".html.j2"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.globals.update(drawn=drawn, compared=compared, guarded=guarded, marked=_marked, plain=_plain, tones=TONES)
    return made.get_template(name)
