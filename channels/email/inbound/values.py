"""What an incoming letter comes to, as values. Nothing here says that it counts: `judge` and `trust` do."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Reason(StrEnum):
    """Why an incoming letter decides nothing: stable names, kept in receipts and in the trail.

    Beside them stand the reasons of `bot.core.grammar.NotUnderstood` and the codes of `bot.core.errors.SaysoError`.
    """

    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    NO_TOKEN = "no_token"  # noqa: S105  # a reason's name, no secret
    UNKNOWN_TOKEN = "unknown_token"  # noqa: S105  # a reason's name, no secret
    TOKEN_MISMATCH = "token_mismatch"  # noqa: S105  # a reason's name, no secret
    AUTO_SUBMITTED = "auto_submitted"
    AUTO_RESPONSE_SUPPRESS = "auto_response_suppress"
    BULK = "bulk"
    NULL_RETURN_PATH = "null_return_path"
    REPORT = "report"
    CALENDAR = "calendar"
    OUT_OF_OFFICE = "out_of_office"
    FROM_NOT_ONE = "from_not_one"
    SENDER_NOT_RECIPIENT = "sender_not_recipient"
    NOT_AUTHENTICATED = "not_authenticated"
    WEAK_AUTHENTICATION = "weak_authentication"
    EDIT_MAYBE_WRAPPED = "edit_maybe_wrapped"
    RECEIVED_BEFORE = "received_before"


class Incoming(Struct, frozen=True, kw_only=True):
    """A letter as it arrived. ``recipients`` and ``sender`` are the envelope's, where it is known.

    ``sender``: an empty text is the null return path; None means that nobody told.
    """

    raw: bytes
    recipients: tuple[str, ...] = ()
    sender: str | None = None


class Report(Struct, frozen=True, kw_only=True):
    """A delivery report (RFC 3464, or a plain bounce). ``failed``: for good; a delay is none.

    ``recipients`` are in lower case; ``message_ids`` with their angle brackets, of the letter that came back as far
    as the report shows them; ``diagnostic`` are its codes alone, for its words may quote the letter.
    """

    failed: bool
    recipients: tuple[str, ...] = ()
    message_ids: tuple[str, ...] = ()
    envelope_id: str | None = None
    diagnostic: str = ""


class Mail(Struct, frozen=True, kw_only=True):
    """What a letter says of itself, taken strictly: every field that could be read two ways is a fault.

    ``token``: the mark in the reply address, lower case; where there is a fault it only says which thread it was for.
    ``addressed``: its sender wrote that address into To or Cc, so that not the envelope alone says where it went.
    ``message_id`` has its angle brackets. ``subject`` is one decoded line. ``machine``: why no person wrote this.
    ``sender`` is the address of the one From mailbox in lower case; None exactly where ``sender_fault`` says why.
    ``headers`` are names as written and values as they stood after the colon, folds as CRLF and a blank.
    """

    token: str | None
    addressed: bool
    message_id: str | None
    subject: str
    fault: Reason | None
    machine: Reason | None
    report: Report | None
    sender: str | None
    sender_fault: Reason | None
    headers: tuple[tuple[str, bytes], ...]
    raw: bytes
