"""Delivery reports: that a letter of ours came back, and which. RFC 3464, and the plain bounces of older servers.

Anybody can write a bounce. What it says counts only for a letter whose name it holds, and only as far as that goes:
the address is marked, the chain moves on, and nothing is decided.
"""

from __future__ import annotations

import re

from channels.email.codes import coded
from channels.email.inbound.charsets import decoded
from channels.email.inbound.headers import Headers, as_text, every, message_ids, referred, visible_line, words
from channels.email.inbound.machines import from_daemon, null_return_path
from channels.email.inbound.mime import Part
from channels.email.inbound.senders import pieces_with_at
from channels.email.inbound.values import Report

_STATUS = ("message/delivery-status", "message/global-delivery-status")
_RETURNED = ("message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers")
_MOST_BYTES = 128 * 1024
_MOST_NAMED = 50
_LONGEST_ID = 300
_FIELD = re.compile(r"^([A-Za-z][A-Za-z-]{1,60}):[ \t]*(.*(?:\n[ \t]+.*)*)", re.MULTILINE)
_NAMED_LINE = re.compile(
    r"^[ \t>]{0,20}(?:message-id|x-sayso-letter|in-reply-to|references):(.*(?:\n[ \t]+.*)*)",
    re.MULTILINE | re.IGNORECASE,
)
_NOT_FOR_GOOD = ("delayed", "delivered", "relayed", "expanded")
_ADDRESS_LINE = re.compile(r"^[ \t]{0,8}<?([^\s<>@:]{1,64}@[^\s<>@:]{1,253})>?:?[ \t]*$", re.MULTILINE)
_BOUNCED = re.compile(
    r"this is the qmail-send program|could not be delivered|couldn't be delivered|delivery has failed|undeliverable"
    r"|undelivered mail|did not reach|delivery to the following recipients? failed|returned mail|permanent error"
    r"|permanent fatal error|wasn't delivered|was not delivered|could not deliver|unable to deliver"
    r"|mail delivery failed"
    r"|delivery status notification(?: \(failure\)|: error)|returning your message|unzustellbar|non remis"
    r"|no se pudo entregar|failure notice|delivery (?:failure|failed|notification: delivery has failed)"
    r"|errors? (?:has )?occurred while (?:trying|attempting) to deliver|could not be reached|trouble delivering"
    r"|failed permanently|unable to be delivered|cannot be delivered"
)
_STILL_TRYING = re.compile(
    r"will be retried|still trying|will keep trying|will continue|delivery.{0,20}delayed|no action is required"
    r"|not yet been delivered|warning message only|enqueued and undeliverable"
)
_PERMANENT = re.compile(
    r"(?:#|\b)5\.\d{1,3}\.\d{1,3}\b|\b55\d[ :-]|permanent (?:fatal )?error|given up|no mailbox|\bfailed\b"
    r"|unknown (?:user|recipient)|(?:user|recipient)[ a-z]{0,20} (?:unknown|not (?:found|recognized))|no such user"
    r"|does(?:n't| not) (?:have|exist)|not listed in|mailbox is full|over quota|not going to try again"
    r"|exceeds allowed size|no valid recipient|account (?:is|has been) disabled|no mx record"
    r"|envelope expired"
)
_SAYS_WHY = re.compile(
    r"^.*(?:\b5\.\d{1,3}\.\d{1,3}\b|\b55\d[ -]|sorry, |user unknown|no such user).*$", re.MULTILINE | re.IGNORECASE
)


def report_of(headers: Headers, body: Part, return_path: str | None) -> Report | None:
    """The delivery report that a letter is, or None."""
    parts = list(body.walk())
    status = next((part for part in parts if part.kind in _STATUS), None)
    ids = _returned_ids(headers, parts)
    if status is not None:
        return _formal(_text(status), ids)
    if from_daemon(headers) or null_return_path(headers, return_path):
        return _plain(headers, parts, ids)
    return None


def _text(part: Part) -> str:
    raw = part.content(_MOST_BYTES)
    return decoded(raw, part.parameters.get("charset", "")).replace("\r\n", "\n")


def _returned_ids(headers: Headers, parts: list[Part]) -> tuple[str, ...]:
    """The names of the letter that came back: in its returned headers, quoted in the text, and in the report's own."""
    found = referred(headers)
    for part in parts:
        if part.kind in _RETURNED or part.kind.startswith("text/"):
            found += [name for line in _NAMED_LINE.findall(_text(part)) for name in message_ids(line)]
    return tuple(dict.fromkeys(found))[:_MOST_NAMED]


def _formal(text: str, ids: tuple[str, ...]) -> Report:
    """RFC 3464, 2.2 and 2.3: fields of the letter, then of each recipient."""
    groups = [
        {name.lower(): value.replace("\n", "").strip() for name, value in _FIELD.findall(group)}
        for group in re.split(r"\n[ \t]*\n", text)[:_MOST_NAMED]
    ]
    failing = [group for group in groups if _failed(group)]
    named = [
        group[name]
        for group in failing or groups
        for name in ("final-recipient", "original-recipient")
        if name in group
    ]
    why = next((group["diagnostic-code"] for group in failing or groups if "diagnostic-code" in group), "")
    status = next((group["status"] for group in failing or groups if "status" in group), "")
    envelope = next((group["original-envelope-id"] for group in groups if group.get("original-envelope-id")), None)
    return Report(
        failed=bool(failing),
        recipients=_addresses(named),
        message_ids=ids,
        envelope_id=envelope if envelope is None else visible_line(envelope, _LONGEST_ID),
        diagnostic=coded(why) or coded(status),
    )


def _failed(group: dict[str, str]) -> bool:
    action = group.get("action", "").partition("(")[0].strip().lower()
    return action == "failed" or (action not in _NOT_FOR_GOOD and group.get("status", "").startswith("5."))


def _plain(headers: Headers, parts: list[Part], ids: tuple[str, ...]) -> Report | None:
    """What qmail, Exim, old Exchange and others write in words."""
    text = "\n".join(_text(part) for part in parts if part.kind.startswith("text/") and not part.attached)
    told = [as_text(value) for value in every(headers, "x-failed-recipients")]
    subject = words(next(every(headers, "subject"), b""))
    said = " ".join(f"{subject}\n{text}".lower().split())
    if not told and not _BOUNCED.search(said):
        return None
    why = _SAYS_WHY.search(text)
    permanent = bool(told) or bool(_PERMANENT.search(said))
    return Report(
        failed=permanent and not _STILL_TRYING.search(said),
        recipients=_addresses(told or _ADDRESS_LINE.findall(text)),
        message_ids=ids,
        diagnostic=coded(why[0]) if why else "",
    )


def _addresses(values: list[str]) -> tuple[str, ...]:
    """``rfc822; ana@example.com`` and the like, as bare addresses."""
    pieces = (piece.lower() for value in values for piece in pieces_with_at(value))
    return tuple(dict.fromkeys(pieces))[:_MOST_NAMED]
