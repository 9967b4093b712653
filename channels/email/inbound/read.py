"""What an incoming letter says: its token, its sender, whether a machine wrote it. Never raises, whatever the bytes.

The envelope is believed before the headers, and what the last server wrote before what the sender wrote. A letter
that names two tokens was sent to one of them and is shown to the other: it decides for neither (T18).
"""

from __future__ import annotations

from collections.abc import Iterable

from channels.email.addresses import ReplyAddress
from channels.email.inbound.charsets import decoded
from channels.email.inbound.headers import Block, Headers, every, message_id, split, visible_line, words
from channels.email.inbound.machines import machine_of
from channels.email.inbound.mime import Part, tree
from channels.email.inbound.reports import report_of
from channels.email.inbound.senders import addresses_in, pieces_with_at, sender_fault, sender_of
from channels.email.inbound.values import Incoming, Mail, Reason
from channels.email.settings import LARGEST

LONGEST_SUBJECT = 300
"""Characters of a subject that are kept."""

DELIVERED = ("delivered-to", "x-original-to", "envelope-to")
"""Where mail servers note whom a letter was brought to."""
_ADDRESSED = ("to", "cc")
_ONCE = ("content-type", "content-transfer-encoding", "message-id", "subject")
"""Fields that a second copy, put above a signed letter, would give another meaning. RFC 5322 allows one of each."""


def read(incoming: Incoming, address: ReplyAddress) -> Mail:
    """What a letter says, strictly. ``address`` knows our reply addresses and the tokens in them."""
    raw = incoming.raw
    block = split(raw)
    headers = block.headers
    token, mismatch = _token(incoming.recipients, headers, address)
    written_to = _tokens(
        (box for value in every(headers, *_ADDRESSED) for box in addresses_in(decoded(value, ""))), address
    )
    sender = None if block.malformed else sender_of(headers)
    body = _body(raw, block)
    return Mail(
        token=token,
        addressed=token in written_to,
        message_id=message_id(headers),
        subject=visible_line(words(next(every(headers, "subject"), b"")), LONGEST_SUBJECT),
        fault=_fault(block, len(raw), token, mismatch=mismatch),
        machine=machine_of(headers, body, incoming.sender),
        report=report_of(headers, body, incoming.sender),
        sender=sender,
        sender_fault=sender_fault(sender),
        headers=headers,
        raw=raw,
    )


def body_of(mail: Mail) -> Part:
    """The parts of a letter that was read."""
    return _body(mail.raw, split(mail.raw))


def _body(raw: bytes, block: Block) -> Part:
    """The parts; of a letter that is too large or malformed only what its headers say."""
    if block.malformed or len(raw) > LARGEST:
        return tree(block.headers, b"")
    return tree(block.headers, raw[block.body_at :])


def _fault(block: Block, size: int, token: str | None, *, mismatch: bool) -> Reason | None:
    names = [name.lower() for name, _ in block.headers]
    if block.malformed or any(names.count(name) > 1 for name in _ONCE):
        return Reason.MALFORMED
    if size > LARGEST:
        return Reason.TOO_LARGE
    if token is None:
        return Reason.NO_TOKEN
    return Reason.TOKEN_MISMATCH if mismatch else None


def _token(envelope: Iterable[str], headers: Headers, address: ReplyAddress) -> tuple[str | None, bool]:
    """The token, and whether another one stands beside it: anywhere, in a name or a comment too."""
    delivered = [decoded(value, "") for value in every(headers, *DELIVERED)]
    addressed = [decoded(value, "") for value in every(headers, *_ADDRESSED)]
    found = [
        *_tokens((recipient.strip("<>") for recipient in envelope), address),
        *_tokens((box for value in (*delivered, *addressed) for box in addresses_in(value)), address),
    ]
    beside = _tokens((piece for value in (*delivered, *addressed) for piece in pieces_with_at(value)), address)
    return (found[0] if found else None), len({*found, *beside}) > 1


def _tokens(candidates: Iterable[str], address: ReplyAddress) -> list[str]:
    return [token for candidate in candidates if (token := address.token_in(candidate))]
