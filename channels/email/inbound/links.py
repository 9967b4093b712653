"""Links that mail programs write into a text of their own accord, taken out again: nobody typed them.

Whoever types an address gets it linked, and the plain text of such a letter says it twice:
``ana@example.com<mailto:ana@example.com>`` (Outlook, Exchange), ``example.com <http://example.com>`` (Gmail, Apple,
Thunderbird), ``[ mailto:ana@example.com | ana@example.com ]`` (Zimbra). An edit must not be made of both.
"""

from __future__ import annotations

import re

_BEHIND = re.compile(r"[ \t]?\n?<((?:mailto:|https?://|tel:)?([^<>\s]{3,2000}))>", re.IGNORECASE)
_BEFORE = re.compile(r"\[ (?:mailto:|https?://|tel:)([^\s|\]]{3,2000}) \| ([^\s|\]]{3,2000}) \]", re.IGNORECASE)
_LEFT = re.compile(
    r"<(?:mailto:|https?://|tel:)[^<>]*>|\[ (?:mailto:|https?://|tel:)[^\]]*\|"
    r"|//(?:[\w-]+\.)*(?:safelinks\.protection\.outlook\.com|urldefense\.com|urldefense\.proofpoint\.com"
    r"|mimecast\.com/s|mimecastprotect\.com|linkprotect\.cudasvc\.com|secure-web\.cisco\.com)/",
    re.IGNORECASE,
)
"""A link that says something else than its text; and whose links gateways put in the place of what was written."""


def unlinked(text: str) -> str:
    """The text with each address once, as it was typed; a link to anything else than its own text stays."""
    return _BEFORE.sub(_typed, _BEHIND.sub(_kept, text))


def holds_link(value: str) -> bool:
    """Whether a program put a link into a value, or another in its place, so that nobody knows what was typed."""
    return _LEFT.search(value) is not None


def _kept(found: re.Match[str]) -> str:
    """Nothing, where the link stands right behind what it says."""
    bare = found[2].removesuffix("/")
    if "@" not in bare and "." not in bare:
        return found[0]
    start = found.start()
    known = (found.string[max(0, start - len(said)) : start].casefold() == said.casefold() for said in _said(bare))
    return "" if any(known) else found[0]


def _said(bare: str) -> tuple[str, ...]:
    return (f"{bare}/", bare, bare.removeprefix("www."))


def _typed(found: re.Match[str]) -> str:
    link, text = found[1].removesuffix("/"), found[2]
    said = text.removesuffix("/").casefold()
    return text if said.endswith(link.casefold()) or f"www.{said}" == link.casefold() else found[0]
