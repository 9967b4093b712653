"""The new text of a letter: what its sender wrote, and nothing of what they answer (T19).

A command counts by where it stands, so a quoted letter must never be taken for the answer to it. Our letters begin
with `MARKER`; what stands below it, unquoted, is ours. Everything else in `quotes` is for the text to read well.
"""

from __future__ import annotations

from collections.abc import Iterator

from channels.email.inbound.charsets import decoded
from channels.email.inbound.flowed import unwrapped
from channels.email.inbound.links import unlinked
from channels.email.inbound.markup import to_text
from channels.email.inbound.mime import Part
from channels.email.inbound.quotes import MARKED, MOST_CHARACTERS, new_lines
from channels.email.inbound.read import body_of
from channels.email.inbound.values import Mail

MARKER = f"- - - {MARKED} - - -"
"""The line that our letters begin with, in text and in HTML, where a reader sees it."""

_MOST_BYTES = 256 * 1024
"""Of one part, encoded. A person's words come first, and are not as many."""

_PLAIN, _HTML = "text/plain", "text/html"
_READ = (_PLAIN, _HTML, "text/enriched")


def new_text(mail: Mail, ours: tuple[str, ...]) -> str:
    """The text that the sender added, comment included; empty where there is none.

    ``ours`` are our own addresses, by which the line above a quote is known (``Approvals <us@example.com> wrote:``).
    """
    text = "\n".join(_texts(body_of(mail)))
    return "\n".join(new_lines(text, tuple(address.lower() for address in ours)))


def _texts(part: Part) -> Iterator[str]:
    """The texts to read of a part, in their order: one of several alternatives, the root of related ones."""
    if part.attached or part.kind.startswith("message/"):
        return
    if part.kind.startswith("multipart/"):
        if part.kind in ("multipart/alternative", "multipart/related", "multipart/signed"):
            yield from _best(part)
        elif part.kind not in ("multipart/encrypted", "multipart/report", "multipart/digest"):
            for below in part.parts:
                yield from _texts(below)
    elif part.kind in _READ:
        yield _text(part)


def _best(part: Part) -> Iterator[str]:
    """Plain text before HTML where there is any in it; of related and signed parts the first."""
    if part.kind != "multipart/alternative":
        yield from _texts(part.parts[0]) if part.parts else ()
        return
    read = [(below.kind != _PLAIN, "\n".join(_texts(below))) for below in part.parts]
    yield from [text for _, text in sorted(read, key=lambda item: item[0]) if text.strip()][:1]


def _text(part: Part) -> str:
    text = decoded(part.content(_MOST_BYTES), part.parameters.get("charset", ""))
    if part.kind == _HTML:
        return to_text(text)
    text = text[:MOST_CHARACTERS].replace("\r\n", "\n")
    if part.parameters.get("format", "").lower() == "flowed":
        text = unwrapped(text, delete_space=part.parameters.get("delsp", "").lower() == "yes")
    return unlinked(text)
