"""Every text that a page shows stands in one file for whoever translates it, and none is left out."""

from __future__ import annotations

import re
import subprocess
import sys
from gettext import NullTranslations
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from bot.core.errors import Invalid
from bot.web.inbox import wording
from bot.web.inbox.ballots import settlement_of
from bot.web.inbox.language import Language, Said

ROOT = Path(__file__).parents[3]
TEMPLATES = sorted((ROOT / "templates" / "inbox").rglob("*.html"))
SPOKEN = ("aria-label", "alt", "title", "placeholder", "content")
"""Attributes that are read out or seen."""

_TRANS = re.compile(r"{%-?\s*trans\b.*?{%-?\s*endtrans\s*-?%}", re.DOTALL)
_COMMENT = re.compile(r"{#.*?#}", re.DOTALL)
_TAG = re.compile(r"<[^>]*>", re.DOTALL)
_BLOCK = re.compile(r"{%.*?%}|{{.*?}}", re.DOTALL)
_LETTERS = re.compile(r"[A-Za-z]{2,}")
_SAID = re.compile(r"""(?<!_\()(?<![\w"'])(["'])([A-Z][^"']*|[a-z][^"']* [^"']*)\1""")
"""A text within an expression that looks like words and is not handed to ``_``."""

_PROPER = {"Esc", "Sayso", "SHA", "DENY"}
"""What is said alike in every language."""


def faults_of(source: str) -> list[str]:
    """The texts of a template that no catalogue would hold."""
    bare = _TRANS.sub("", _COMMENT.sub("", source))
    spoken = [
        found[1]
        for found in re.finditer(rf"\b(?:{'|'.join(SPOKEN)})=\"([^\"]*)\"", bare)
        if "width=device-width" not in found[1] and "light dark" not in found[1]
    ]
    # What stands between tags; a tag may hold blocks that hold signs of their own, so blocks go first.
    texts = [*spoken, *_TAG.split(_BLOCK.sub("", bare))]
    left = [text.strip() for text in texts if set(_LETTERS.findall(_BLOCK.sub("", text))) - _PROPER]
    inside = [found[2] for block in _BLOCK.findall(bare) for found in _SAID.finditer(block)]
    return left + [text for text in inside if not _is_markup(text)]


def _is_markup(text: str) -> bool:
    """Names of templates, classes and formats are no words."""
    return text in _PROPER or text.endswith(".html") or "{" in text or "%" in text


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.stem)
def test_every_text_of_a_template_can_be_translated(template: Path) -> None:
    """What stands there in plain letters went through ``trans`` or ``_``."""
    assert not faults_of(template.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "source",
    [
        "<p>Wait here</p>",
        '<p aria-label="Wait here">{{ x }}</p>',
        '{{ "Wait here" }}',
        "{% if x %}<b>Stop</b>{% endif %}",
        '{{ tag("Escalated", "alarm") }}',
    ],
)
def test_a_text_that_is_left_out_is_found(source: str) -> None:
    """The test above can fail."""
    assert faults_of(source)


def test_the_file_of_words_is_what_the_pages_say(tmp_path: Path) -> None:
    """`make words` has nothing to add."""
    command = [
        *(sys.executable, "-m", "babel.messages.frontend", "--quiet", "extract", "--mapping-file", "pyproject.toml"),
        *("--keyword", "words", "--keyword", "_", "--no-location", "--sort-output", "--omit-header"),
        *("--width", "120", "--output-file", str(tmp_path / "words.pot"), "bot/web", "templates/inbox"),
    ]
    subprocess.run(command, cwd=ROOT, check=True)  # noqa: S603  # our own words
    assert (tmp_path / "words.pot").read_text(encoding="utf-8") == (
        ROOT / "templates" / "inbox" / "words.pot"
    ).read_text(encoding="utf-8")


def spoken_by(value: object) -> list[str]:
    """The texts of one constant of `wording`; what is no sentence is a name that no person reads."""
    values = value.values() if isinstance(value, dict) else (value,)
    return [text for text in values if isinstance(text, str) and text not in wording.TONES.values() and " " in text]


def test_every_text_that_python_says_is_in_the_file_of_words() -> None:
    """A text that is not marked by `words` would stay English in every language."""
    with (ROOT / "templates" / "inbox" / "words.pot").open("rb") as file:
        known = {text for one in read_po(file) for text in ([one.id] if isinstance(one.id, str) else one.id)}
    said = {text for name, value in vars(wording).items() if name.isupper() for text in spoken_by(value)}
    assert wording.NO_NOTE in said
    assert said - known == set()


class Loud(NullTranslations):
    """Another language: the same in capitals."""

    def gettext(self, message: str) -> str:
        """The text, loud, its blanks left as they are."""
        return re.sub(r"[a-z]+(?![^{]*})", lambda word: word[0].upper(), message)


def test_a_text_with_values_is_translated_before_they_are_filled_in() -> None:
    """A translator sees ``{limit}``, and a reader the number; a text that no catalogue has stays as it is."""
    said = Said("at most {limit} ticks", limit=200)
    assert said == "at most 200 ticks"
    assert Language(Loud()).gettext(said) == "AT MOST 200 TICKS"
    assert Language().gettext("whatever an agent wrote") == "whatever an agent wrote"


def test_what_is_wrong_with_a_form_is_translated_with_its_numbers() -> None:
    """How long a note may be is a value of the text and no part of it."""
    with pytest.raises(Invalid) as refused:
        settlement_of({"state": "executed", "note": "x" * 4001})
    (fault,) = refused.value.faults
    assert (fault.pointer, fault.rule) == ("/note", "too_long")
    assert Language(Loud()).gettext(fault.detail) == "AT MOST 4,000 CHARACTERS, PLEASE."
