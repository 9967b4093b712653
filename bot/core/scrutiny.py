"""What a person could misread: invisible and direction-changing characters, and look-alike hosts (threat T4).

`visible` makes text honest for every card: nothing in it can hide, pad or reorder. `findings` names what in the
arguments makes a request too suspicious to run by rule. Sources: Unicode UAX #9 (bidi), UTS #39 (mixed scripts).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import chain, islice
from typing import Any

from bot.core.pointers import below

_KEEP = frozenset("\n")
_PLAIN = frozenset("\t\r")
"""Hidden, and nothing to be suspicious of."""
_RESERVED = frozenset("⟦⟧⏎␠")
_NEWLINES = re.compile(r"\n{4,}")
_SPACES = re.compile(r" {17,}")
_VARIATION = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
"""Variation selectors: marks that draw nothing themselves, and can carry a hidden text."""
_INVISIBLE_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\u2800")
"""Letters and marks that draw nothing (Unicode's Default_Ignorable_Code_Point, and the blank braille cell)."""
_OVERLAYS = frozenset(map(chr, (*range(0x334, 0x339), *range(0x20D2, 0x20D4), *range(0x20D8, 0x20DB), 0x20E5, 0x20E6,
                                *range(0x20E8, 0x20EC))))  # fmt: skip
"""Marks that strike out or cover the letter before them: what runs is then read as what was taken away."""
_KEYCAP = "\u20e3"
_MOST_MARKS = 4
"""On one letter; no script stacks more, and a tower of them covers the lines above, the house's own among them."""

_RUN = re.compile(r"[\w.-]+")
"""What a host can stand in. One class and nothing to go back for, so that no text makes it slow (T22)."""
_LONGEST_LABEL = 63
_LONGEST_NAMED = 253
"""Characters of a pointer, a host or a name that a finding repeats; no host is longer."""
_MOST_FINDINGS = 20
_SCRIPTS = (
    "LATIN",
    "CYRILLIC",
    "GREEK",
    "ARMENIAN",
    "CHEROKEE",
    "COPTIC",
    "GEORGIAN",
    "HEBREW",
    "ARABIC",
    "HANGUL",
    "HIRAGANA",
    "KATAKANA",
    "CJK",
)
_MIXABLE = ({"HIRAGANA", "KATAKANA", "CJK", "LATIN"}, {"HANGUL", "CJK", "LATIN"})
"""Scripts that are written together (UTS #39, "highly restrictive")."""


def hidden(character: str) -> bool:
    """Whether a reader cannot see this character, or it changes how others are seen."""
    category = unicodedata.category(character)
    if category in ("Cf", "Cc", "Co", "Cn", "Cs", "Zl", "Zp"):
        return character not in _KEEP
    if category == "Zs":
        return character != " "
    if category == "Me":
        return character != _KEYCAP
    return character in _INVISIBLE_LETTERS or character in _OVERLAYS or bool(_VARIATION.match(character))


def hidden_in(text: str) -> frozenset[str]:
    """Which of a text's characters are `hidden`: each is asked about once, however long the text is (threat T22)."""
    return frozenset(c for c in set(text) if hidden(c))


def unhidden(text: str) -> str:
    """The text without what is hidden, but for what parts words."""
    odd = {ord(c): None for c in hidden_in(text) if not c.isspace()}
    return text.translate(odd) if odd else text


def visible(text: str) -> str:
    """The text with nothing hidden: format characters as ``⟦U+202E⟧``, newlines as ``⏎``, long padding counted.

    Unambiguous: the marks themselves, where the text holds them, are shown as code points too.
    """
    text = text.replace("\r\n", "\n")
    if text.isascii() and text.isprintable() and "  " not in text:
        return text
    marked = _SPACES.sub(lambda m: f"␠×{len(m[0])} ", _marked(text))
    parts = _NEWLINES.split(marked)
    runs = [f"⏎×{len(m)}\n" for m in _NEWLINES.findall(marked)]
    shown = [part.replace("\n", "⏎\n") for part in parts]
    return "".join(piece for pair in zip(shown, [*runs, ""], strict=True) for piece in pair)


def _marked(text: str) -> str:
    """The text, each character that a reader could not see or trust as its code point."""
    used = set(text)
    marks = {ord(c): f"⟦U+{ord(c):04X}⟧" for c in used if c in _RESERVED or hidden(c)}
    if not any(map(unicodedata.combining, used)):
        return text.translate(marks) if marks else text
    return "".join(_towered(text, marks))


def _towered(text: str, marks: Mapping[int, str]) -> Iterator[str]:
    tower = 0
    for c in text:
        tower = tower + 1 if unicodedata.combining(c) else 0
        yield f"⟦U+{ord(c):04X}⟧" if tower > _MOST_MARKS else marks.get(ord(c), c)


def findings(arguments: Any) -> tuple[str, ...]:
    """Why the arguments may not run by rule, each with the JSON Pointer it stands at; empty where nothing is odd.

    At most `_MOST_FINDINGS`, each of bounded length: an agent's text makes them, and every card shows them.
    """
    return tuple(islice(chain(_odd_texts(arguments), _odd_names(arguments)), _MOST_FINDINGS))


def _odd_texts(arguments: Any) -> Iterator[str]:
    for pointer, text in strings(arguments):
        found = hidden_in(text) - _PLAIN if not (text.isascii() and text.isprintable()) else frozenset()
        if text.isascii() and not found:
            continue
        odd = next((c for c in text if c in found), None)
        if odd is not None:
            yield f"{_cut(pointer)} holds the invisible character U+{ord(odd):04X}"
        mixed = next((host for host in map(_host, _RUN.findall(text)) if _mixes_scripts(host)), None)
        if mixed is not None:
            yield f"{_cut(pointer)} holds {_spelled(mixed)}, which mixes scripts that look alike"


def _odd_names(value: Any, pointer: str = "") -> Iterator[str]:
    """Names that a receiver may read as another: Go's encoding/json, for one, takes ``Amount`` for ``amount``."""
    if isinstance(value, dict):
        seen: dict[str, str] = {}
        for name, item in value.items():
            twin = seen.setdefault(unicodedata.normalize("NFKC", name).casefold(), name)
            at = _cut(pointer or "/")
            if twin != name:
                yield f"{at} holds the names {_spelled(twin)} and {_spelled(name)}, which a receiver may take for one"
            elif not name.isascii() and _mixes_scripts(name):
                yield f"{at} holds the name {_spelled(name)}, which mixes scripts that look alike"
            yield from _odd_names(item, _cut(below(pointer, name)))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _odd_names(item, f"{pointer}/{index}")


def strings(value: Any, pointer: str = "") -> Iterator[tuple[str, str]]:
    """Every string in a JSON value, keys among them, with the JSON Pointer of where it stands, cut where it is long.

    A long name above many members would otherwise be written out for each of them.
    """
    if isinstance(value, str):
        yield pointer or "/", value
    elif isinstance(value, dict):
        for key, item in value.items():
            at = _cut(below(pointer, key))
            yield at, key
            yield from strings(item, at)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from strings(item, f"{pointer}/{index}")


def _host(run: str) -> str:
    """The labels of a run that may be a host's, dots between; empty where the run is none."""
    if run.isascii() or "." not in run:
        return ""
    labels = [label for label in run.split(".") if 0 < len(label) <= _LONGEST_LABEL]
    named = any(len(label) > 1 and label[:2].isalpha() for label in labels[1:])
    return ".".join(labels) if named else ""


def _spelled(host: str) -> str:
    """The host with every letter that is not plain ASCII named, since that is what the eye cannot tell."""
    return "".join(c if c.isascii() else f"{visible(c)}⟦U+{ord(c):04X}⟧" for c in _cut(host))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_NAMED else text[:_LONGEST_NAMED] + "…"


def _mixes_scripts(host: str) -> bool:
    """Whether one label holds letters of scripts that are not written together."""
    for label in host.split("."):
        scripts = {name for name in (_script(c) for c in label if c.isalpha()) if name}
        if len(scripts) > 1 and not any(scripts <= allowed for allowed in _MIXABLE):
            return True
    return False


@lru_cache(maxsize=4096)
def _script(character: str) -> str | None:
    name = unicodedata.name(character, "")
    return next((script for script in _SCRIPTS if name.startswith(script)), None)
