"""Addresses: the one that answers go to, with its token, and who one mailbox is."""

from __future__ import annotations

import re

from bot.core.token import MARK

TOKEN = "{token}"  # noqa: S105  # the blank in EMAIL_REPLY_TO, no secret


class ReplyAddress:
    """``approvals+{token}@example.com``: makes a letter's reply address, and finds the token in one."""

    def __init__(self, pattern: str) -> None:
        """``pattern`` holds ``{token}`` once, before its ``@``."""
        self.pattern = pattern
        before, after = pattern.split(TOKEN)
        self._shape = re.compile(re.escape(before) + f"({MARK})" + re.escape(after), re.IGNORECASE)
        self.domain = pattern.rpartition("@")[2].lower()

    def of(self, token: str) -> str:
        """The address that carries a token."""
        return self.pattern.replace(TOKEN, token)

    def token_in(self, address: str) -> str | None:
        """The token in one address (``local@domain``, nothing around it), in lower case; None where it is another."""
        found = self._shape.fullmatch(address.strip())
        return found[1].lower() if found else None
