"""Reads a letter's HTML as others do: the tags in it, and its text, broken wherever a program might break it."""

from __future__ import annotations

from email.message import EmailMessage
from html.parser import HTMLParser

INLINE = {"span", "b", "a"}
UNSEEN = {"style", "title"}


class Reading(HTMLParser):
    """Tags with their attributes in order, and the lines of text: each tag that is not inline breaks the line."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._lines = [""]
        self._unseen = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag begins."""
        self.tags.append((tag, dict(attrs)))
        self._unseen = tag if tag in UNSEEN else self._unseen
        if tag not in INLINE:
            self._lines.append("")

    def handle_endtag(self, tag: str) -> None:
        """A tag ends."""
        self._unseen = ""
        if tag not in INLINE:
            self._lines.append("")

    def handle_data(self, data: str) -> None:
        """Text, in which the template's own line breaks are spaces."""
        if not self._unseen:
            self._lines[-1] += data.replace("\n", " ")

    @property
    def lines(self) -> list[str]:
        """Every line that says something."""
        return [line.replace("\u00a0", " ").strip() for line in self._lines if line.strip()]

    @property
    def text(self) -> str:
        """The lines in one."""
        return "\n".join(self.lines)

    @property
    def links(self) -> list[str]:
        """Where its links go, and whatever else names an address."""
        named = ("href", "src", "action", "background", "formaction", "data", "poster", "srcset")
        return [str(attrs[name]) for _, attrs in self.tags for name in named if name in attrs]

    @property
    def names(self) -> set[str]:
        """The names of its tags."""
        return {tag for tag, _ in self.tags}


def bodies(message: EmailMessage) -> tuple[str, str]:
    """The text and the HTML of a letter, decoded by the standard library."""
    plain, html = (message.get_body(preferencelist=(kind,)) for kind in ("plain", "html"))
    assert plain is not None
    assert html is not None
    # On the way lines end in CRLF (RFC 2046, section 4.1.1).
    text, shown = plain.get_content(), html.get_content()
    return text.replace("\r\n", "\n"), shown.replace("\r\n", "\n")
