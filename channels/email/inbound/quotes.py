"""Which lines of a text are new: quotes, the lines above them, signatures and footers taken away.

Every rule errs to one side: a line too many is dropped, and the sender is told that there was no text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.core.grammar import STARTS_LIKE_ONE
from channels.email.inbound.phrases import FOOTER, FORWARDED, FROM_LABELS, LABELS, OPENERS

MARKED = "reply above this line"
"""What our letters' first line holds, in any case."""

MOST_CHARACTERS = 100_000
_MOST_LINES = 5_000
"""Of a text. What lies behind is not read: a comment is cut, a command that far down is none."""

_LONGEST_SEPARATOR = 200
_WRAPPED_AT = 64
"""Clients wrap at 65 characters or later: a line that the next word would have fitted on was not wrapped."""
_MOST_WRAPS = 2
_FEWEST_LABELS = 3
_LONGEST_FOOTER = 120

_INVISIBLE = "\ufeff\u200b\u200c\u200d\u200e\u200f\u00ad\u061c\u180e\u034f" + "".join(
    map(chr, (*range(0x202A, 0x202F), *range(0x2060, 0x206A)))
)
_BLANK = (
    _INVISIBLE
    + " \t\r\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000\0"
)

_RULE = re.compile(r"_{8,}|={12,}")
_WORDED_RULE = re.compile(r"-{3,}+\s*+(?!BEGIN PGP)[^\s-](?:[^-]|-(?!-))*+-{3,}\W{0,3}")
_LABELLED = re.compile(r"\*?([^\W\d_][^\s:：*]{0,24})(?: [^\s:：*]{1,16}){0,2} ?\*?[:：]\*?(.*)")
_DATE = re.compile(r"\d{1,4} ?[./:年-] ?\d|\b(?:19|20)\d\d\b")
_ADDRESS = re.compile(r"[^\s<>]{1,300}@[^\s<>]{1,300}")


def new_lines(text: str, ours: tuple[str, ...]) -> list[str]:
    """The new lines of a text, no empty ones around them. ``ours``: addresses of ours, in lower case.

    A line ends at a line feed and nowhere else: clients mark each of those with ``>`` as they quote, and no other
    character that something might show as a line's end.
    """
    lines = [
        _clean(line) for line in text[:MOST_CHARACTERS].replace("\r\n", "\n").split("\n", _MOST_LINES)[:_MOST_LINES]
    ]
    end = _end(lines, ours)
    kept = _without_quotes(lines[:end], ours)
    if end < len(lines) and _is_marker(lines[end]):
        _drop_attribution(kept)
    while kept and not kept[-1]:
        kept.pop()
    return list(_squeezed(kept))


def _clean(line: str) -> str:
    """A line without what cannot be seen at its edges; keyboards for Hebrew and Arabic put such marks there."""
    line = line.rstrip(_BLANK)
    start = line.lstrip(_BLANK)
    indent = line[: len(line) - len(start)]
    return line if indent.isascii() and "\0" not in indent else start


def _squeezed(lines: list[str]) -> Iterator[str]:
    """The lines with no more than one empty one in a row, and none first."""
    before = ""
    for line in lines:
        if line or before:
            yield line
        before = line


def _is_quote(line: str) -> bool:
    return line.lstrip(_BLANK).startswith(">")


def _is_marker(line: str) -> bool:
    return MARKED in " ".join(line.split()).casefold()


def _end(lines: list[str], ours: tuple[str, ...]) -> int:
    """Where what is not new begins for good: our marker, a separator, the headers of a letter, a signature."""
    for at, line in enumerate(lines):
        if _is_quote(line) or not line:
            continue
        short = line.strip()[:_LONGEST_SEPARATOR]
        if _is_marker(line) or short == "--" or FORWARDED.match(short.casefold()):
            return at
        if _RULE.fullmatch(short) or (len(line) <= _LONGEST_SEPARATOR and _WORDED_RULE.fullmatch(short)):
            return at
        if _is_header_block(lines, at, ours):
            return at
    return len(lines)


def _is_header_block(lines: list[str], at: int, ours: tuple[str, ...]) -> bool:
    """Whether the headers of a quoted letter begin here: ``From:``, ``Sent:``, ``To:``, in whatever language."""
    first = _LABELLED.fullmatch(lines[at].strip()[:1_000])
    if first is None or STARTS_LIKE_ONE.match(first[1]):
        return False
    block = [first]
    for line in lines[at + 1 : at + 8]:
        if not line:
            continue
        found = _LABELLED.fullmatch(line.strip()[:1_000])
        if found is None:
            break
        block.append(found)
    known = sum(found[1].casefold() in LABELS for found in block)
    value = first[2].lower()
    if first[1].casefold() in FROM_LABELS:
        return known > 1 or any(address in value for address in ours)
    return len(block) >= _FEWEST_LABELS and ("@" in value or known >= _FEWEST_LABELS)


def _without_quotes(lines: list[str], ours: tuple[str, ...]) -> list[str]:
    """The lines that are neither quoted, nor above a quote, nor a client's footer."""
    kept: list[str] = []
    torn = _torn(lines)
    for at, line in enumerate(lines):
        if _is_quote(line):
            if not (at and _is_quote(lines[at - 1])):
                _drop_attribution(kept)
            continue
        if at in torn or (len(line) <= _LONGEST_FOOTER and FOOTER.fullmatch(line.strip().casefold())):
            continue
        kept.append(line)
        if line.endswith((":", "：")) and not STARTS_LIKE_ONE.match(line):
            told = " ".join(kept[-1 - _MOST_WRAPS :]).lower()
            if any(address in told for address in ours) and not _quote_follows(lines, at):
                # The quote below is not marked as one: it may be anything, so nothing below counts.
                _drop_attribution(kept)
                return kept
    return kept


def _quote_follows(lines: list[str], at: int) -> bool:
    return next((_is_quote(line) for line in lines[at + 1 :] if line), False)


def _torn(lines: list[str]) -> set[int]:
    """The lines that are ends of quoted ones, which somebody wrapped without marking the rest.

    They stand between two quoted lines without an empty one, and each begins with a word that the line before had no
    room for.
    """
    torn: set[int] = set()
    run: list[int] = []
    for at, line in enumerate(lines):
        if _is_quote(line):
            torn.update(run)
            run = []
        elif line and at and (run or _is_quote(lines[at - 1])) and _has_no_room(lines[at - 1], line):
            run.append(at)
        else:
            run = []
    return torn


def _has_no_room(before: str, line: str) -> bool:
    return len(before) + 1 + len(line.split(maxsplit=1)[0]) > _WRAPPED_AT


def _drop_attribution(kept: list[str]) -> None:
    """Take away the line above a quote (``On Friday, Approvals wrote:``), wrapped over up to three.

    Not a command: somebody may end a question with a colon and quote what it is about. And no more lines than it
    takes to find the date, since a command may stand right above.
    """
    while kept and not kept[-1]:
        kept.pop()
    if not kept or not kept[-1].rstrip().endswith((":", "：")) or STARTS_LIKE_ONE.match(kept[-1].lstrip()):
        return
    most = _paragraph(kept)
    takes = next((n for n in range(1, most + 1) if _DATE.search(_ADDRESS.sub("", " ".join(kept[-n:])))), 1)
    if takes == 1 and most > 1 and kept[-1].count(">") > kept[-1].count("<"):
        takes = 2
    if takes < most:
        above = kept[-takes - 1].split()
        if above[0].casefold() in OPENERS and any(c.isdigit() or c == "," for c in "".join(above)):
            takes += 1
    del kept[-takes:]


def _paragraph(kept: list[str]) -> int:
    """How many of the last lines, up to three, stand together without a command among those above the last."""
    count = 1
    while count <= _MOST_WRAPS and count < len(kept):
        line = kept[-count - 1]
        if not line or STARTS_LIKE_ONE.match(line.lstrip()):
            break
        count += 1
    return count
