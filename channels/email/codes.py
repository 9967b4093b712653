"""What a mail server answered, as its codes and our own words for them: its words may quote the letter (threat T23).

A filter repeats the subject line that it dislikes, a bounce whole paragraphs. What of a failure is kept stands in the
trail, in the tables, on pages and in the log, and no erasure reaches all of these.
"""

from __future__ import annotations

import re

_MEANS = {
    "1.1": "no such mailbox",
    "1.2": "no such domain",
    "1.3": "not an address",
    "1.6": "the mailbox has moved",
    "1.8": "our sender's domain is not known there",
    "1.10": "that domain takes no mail",
    "2.1": "the mailbox is switched off",
    "2.2": "the mailbox is full",
    "2.3": "the letter is too long for that mailbox",
    "3.4": "the letter is too long",
    "4.1": "that host does not answer",
    "4.4": "no way there is known",
    "4.5": "too much mail at once",
    "4.6": "the letter went in circles",
    "4.7": "it was tried for too long",
    "7.1": "refused by the server's policy",
    "7.8": "our sign-in is refused",
    "7.20": "our DKIM signature is missing or wrong",
    "7.23": "SPF does not allow our server",
    "7.25": "our server's address has no name in the DNS",
    "7.26": "neither SPF nor DKIM proves our sender",
    "7.28": "too much mail at once",
}
"""Out of RFC 3463, RFC 7372 and IANA's registry of enhanced status codes, by subject and detail."""

_ABOUT = {
    "1": "about the address",
    "2": "about the mailbox",
    "3": "about the mail system",
    "4": "about the way there",
    "5": "about the conversation",
    "6": "about what the letter is made of",
    "7": "about security or policy",
}
"""The same by subject alone (RFC 3463, 2)."""

_STATUS = re.compile(r"(?<![\w.])[245]\.(\d)\.(\d{1,3})(?![\w.]*\d)")
"""One digit in the middle, as every one that is registered has: a sum with dots for its thousands is none."""
_REPLY = re.compile(r"(?:^|[:;(]) {0,4}([2-5]\d\d)(?=[ -]|$)")


def coded(words: str, code: int = 0) -> str:
    """The codes in what a server answered, or a report says: ``550 5.1.1 (no such mailbox)``; empty where none is.

    ``code`` is the reply code (RFC 5321), where it is known apart from the words.
    """
    said = _REPLY.search(words)
    status = _STATUS.search(words)
    reply = str(code) if code else said[1] if said else ""
    if status is None:
        return reply
    means = _MEANS.get(f"{status[1]}.{int(status[2])}") or _ABOUT.get(status[1])
    found = f"{reply} {status[0]}".strip()
    return f"{found} ({means})" if means else found
