"""The language of the pages. English is what stands in the templates and in `wording`; a catalogue says it otherwise.

Every text that a person reads goes through here, so that `make words` can gather all of them in one place,
`templates/inbox/words.pot`, for whoever translates them.
"""

from __future__ import annotations

from gettext import NullTranslations
from typing import Any, Self


def words(text: str) -> str:
    """Mark a text that is printed elsewhere: the gatherer finds it by this name, and it is given back as it is."""
    return text


class Said(str):
    """A text with its values filled in, that still knows which text of the catalogue it was."""

    __slots__ = ("source", "values")

    source: str
    values: dict[str, Any]

    def __new__(cls, source: str, **values: Any) -> Self:
        """``source`` holds a ``{name}`` for each of the values."""
        said = super().__new__(cls, source.format(**values))
        said.source, said.values = source, values
        return said


class Language:
    """One catalogue, as the templates use it."""

    def __init__(self, catalogue: NullTranslations | None = None) -> None:
        """``catalogue``: None is English."""
        self._catalogue = catalogue or NullTranslations()

    def gettext(self, text: str) -> str:
        """A text in this language; one that the catalogue does not have, such as an agent's, as it is."""
        if isinstance(text, Said):
            return self._catalogue.gettext(text.source).format(**text.values)
        return self._catalogue.gettext(text) if text else text

    def ngettext(self, one: str, many: str, count: int) -> str:
        """A text that depends on a number."""
        return self._catalogue.ngettext(one, many, count)
