"""What the email channel is given, and the numbers that it keeps to."""

from __future__ import annotations

from email.utils import parseaddr

from msgspec import Struct

from bot.core.servers import Server

NAME = "email"
"""The channel's name in routing.yaml, in decisions and in the trail."""
LARGEST = 10 * 1024 * 1024
"""Bytes of a letter that is read, whichever door it comes through."""


class EmailSettings(Struct, frozen=True, kw_only=True):
    """The account. ``sender`` is EMAIL_FROM as written; ``reply_to`` holds ``{token}``, or is None: no replies.

    Answers come in through ``imap`` or ``listen`` (an LMTP or SMTP listener). ``authserv_id`` is whose
    Authentication-Results count; without it DKIM is verified here, with keys from ``dns`` (``host:port``; None: as
    this machine resolves names).
    """

    smtp: Server
    sender: str
    reply_to: str | None = None
    imap: Server | None = None
    listen: Server | None = None
    authserv_id: str | None = None
    dns: str | None = None

    @property
    def address(self) -> str:
        """The sender's address alone."""
        return parseaddr(self.sender)[1]

    @property
    def domain(self) -> str:
        """The sender's domain, on the right of every Message-ID."""
        return self.address.rpartition("@")[2].lower()

    @property
    def hears(self) -> bool:
        """Whether an answer to a letter would arrive here."""
        return self.reply_to is not None and (self.imap is not None or self.listen is not None)
