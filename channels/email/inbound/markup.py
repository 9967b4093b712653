"""HTML to text, without the quote: one pass from left to right, so that no markup makes it slow (T22).

Not on `html.parser`: 64 KB of ``<a `` keep that busy for half a minute, and a long character reference makes it raise.
What is never closed hides what follows it; a letter that was cut or made to confuse says less, never more.
"""

from __future__ import annotations

import re
from html import unescape


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_BREAKS = _words(
    "address article aside blockquote body br center dd div dl dt fieldset footer form h1 h2 h3 h4 h5 h6 header hr li"
    " main nav ol p pre section table tbody tfoot thead tr ul"
)
_VOID = _words("area base br col embed hr img input link meta param source track wbr")
_RAW = _words("script style title textarea noscript iframe xmp noembed noframes")
_DROPPED = _words("head script style title template object svg math select blockquote")

_QUOTES = (
    "gmail_quote", "gmail_attr", "gmail_signature", "moz-cite-prefix", "moz-signature", "moz-forward-container",
    "yahoo_quoted", "protonmail_quote", "protonmail_signature_block", "tutanota_quote", "zmail_extra",
    "ms-outlook-mobile-reference-message", "ms-outlook-mobile-signature",
    "outlookmessageheader", "reply-intro", "mailspring-quoted", "front-quote",
    "mail-editor-reference-message-container", "ms-outlook-ios-signature", "gmx_quote", "hm_quoted", "quoted-reply",
)  # fmt: skip
"""Classes and ids that clients put around what they quote, and around signatures."""

_AFTER = ("divrplyfwdmsg", "appendonsend", "stopspelling", "replyforwardheader", "divtagdefaultwrapperreply")
"""Ids at which Outlook begins the letter that is answered: nothing after them is new."""

_NAME = re.compile(r"[a-z][a-z0-9:-]{0,40}", re.IGNORECASE)
_ATTRIBUTE = re.compile(
    r"\b(class|id|name|style|hidden|type)\s*+(?:=\s*+(?:\"([^\"]*+)|'([^']*+)|([^\s>\"']++)))?", re.IGNORECASE
)
_HIDDEN = re.compile(
    r"display\s*+:\s*+none|mso-hide\s*+:\s*+all|visibility\s*+:\s*+hidden"
    r"|(?:font-size|opacity|max-height)\s*+:\s*+0(?:\.0*+)?(?:px|pt|r?em|%)?\s*+(?:[;!]|$)"
)
_LONGEST_TAG = 8_000
_MOST_TAGS = 20_000
_LONG_REFERENCE = re.compile(r"&#[xX]?[0-9a-fA-F]{8,}+;?")
_QUOTE = re.compile("[\"']")
_SPACE = re.compile(r"[ \t\n\r\f]+")


def to_text(source: str) -> str:
    """The text that a person wrote in HTML, line by line; quotes, what is hidden, and what is no text left out."""
    return _Reading(source).text()


class _Reading:
    def __init__(self, source: str) -> None:
        self._source = source
        self._out: list[str] = []
        self._skipped = ""
        self._depth = 0
        self._preformatted = 0
        self._missing: set[str] = set()

    def text(self) -> str:
        at, source = 0, self._source
        for _ in range(_MOST_TAGS):
            if at >= len(source):
                break
            tag = source.find("<", at)
            self._say(source[at : tag if tag >= 0 else len(source)])
            if tag < 0:
                break
            at = self._markup(tag)
        return "".join(self._out)

    def _say(self, raw: str) -> None:
        if not raw or self._skipped:
            return
        text = raw if self._preformatted else _SPACE.sub(" ", raw)
        self._out.append(unescape(_LONG_REFERENCE.sub("\ufffd", text)) if "&" in text else text)

    def _find(self, what: str, at: int) -> int:
        """Where ``what`` stands next. What was missing once is not looked for again: that would be quadratic."""
        if what in self._missing:
            return -1
        found = self._source.find(what, at)
        if found < 0:
            self._missing.add(what)
        return found

    def _markup(self, at: int) -> int:
        """Deal with what begins at a ``<``; where to read on."""
        source = self._source
        if source.startswith("<!--", at):
            end = self._find("-->", at + 4)
            return len(source) if end < 0 else end + 3
        closing = source.startswith("/", at + 1)
        name = _NAME.match(source, at + 1 + closing)
        if name is None:
            if source[at + 1 : at + 2] in ("!", "?", "/"):
                end = self._find(">", at)
                return len(source) if end < 0 else end + 1
            self._say("<")
            return at + 1
        end = self._end_of_tag(name.end())
        if end < 0:
            return len(source)
        tag = name[0].lower()
        if closing:
            self._close(tag)
        else:
            self._open(tag, source[name.end() : min(end, name.end() + _LONGEST_TAG)])
            if tag in _RAW:
                return self._after_raw(tag, end + 1)
        return end + 1

    def _end_of_tag(self, at: int) -> int:
        """Where a tag's ``>`` stands, outside its quoted values; -1 where there is none."""
        end = at - 1
        while True:
            # Not looked for again while it is still ahead, nor is the quote that is absent: both would be quadratic.
            end = self._find(">", at) if end < at else end
            if end < 0:
                return -1
            quote = _QUOTE.search(self._source, at, end)
            if quote is None:
                return end
            close = self._find(quote[0], quote.end())
            if close < 0:
                return end
            at = close + 1

    def _after_raw(self, tag: str, at: int) -> int:
        """Behind the end of an element whose content is no markup. Only ``</`` is looked for: no copy in lower case."""
        while (end := self._find("</", at)) >= 0:
            if self._source[end + 2 : end + 2 + len(tag)].lower() == tag:
                return end
            at = end + 2
        return len(self._source)

    def _open(self, tag: str, attributes: str) -> None:
        if self._skipped:
            self._depth += tag == self._skipped
            return
        ids, styles = _described(attributes)
        if any(mark in ids for mark in _AFTER):
            # Nothing closes this: all that follows is the letter that is answered.
            self._skipped = "\0"
            self._out.append("\n")
            return
        if tag in _BREAKS:
            self._out.append("\n")
        elif tag in ("td", "th"):
            self._out.append(" ")
        dropped = tag in _DROPPED or _HIDDEN.search(styles) or any(mark in ids for mark in _QUOTES)
        if dropped and tag not in _VOID:
            self._skipped, self._depth = tag, 1
            if tag == "blockquote":
                # So that the line above it is known for what it is, as in plain text.
                self._out.append("\n>\n")
        elif tag == "pre":
            self._preformatted += 1

    def _close(self, tag: str) -> None:
        if self._skipped:
            if tag == self._skipped:
                self._depth -= 1
                if self._depth == 0:
                    self._skipped = ""
                    self._out.append("\n")
            return
        if tag in _BREAKS:
            self._out.append("\n")
        if tag == "pre":
            self._preformatted = max(0, self._preformatted - 1)


def _described(attributes: str) -> tuple[str, str]:
    """A tag's classes, ids and names in one text, and its styles in another, in lower case."""
    ids: list[str] = []
    styles: list[str] = []
    for found in _ATTRIBUTE.finditer(attributes):
        kind, value = found[1].lower(), (found[2] or found[3] or found[4] or "").lower()
        if kind == "hidden":
            styles.append("display:none")
        elif kind == "style":
            styles.append(value)
        elif kind == "name" and value == "quote":
            ids.append("gmx_quote")
        elif kind in ("class", "id"):
            ids.append(value)
    return " ".join(ids), ";".join(styles)
