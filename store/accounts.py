"""What was spent under a rule's windowed limit, and what was rejected: the part of `bot.core.ports.Tx` about both."""

from __future__ import annotations

from datetime import datetime

from bot.core.accounts import KEPT
from bot.core.ports import AccountEntry
from store import rows
from store.cursor import Cursor
from store.shapes import HALF

_MOST = 2**63 - 1
"""What the column takes; a limit that is passed by this much is passed."""


class AccountsTx:
    """See `bot.core.ports.Tx`."""

    _cursor: Cursor

    def spent(self, rule: str, key: str, since: datetime) -> tuple[int, int]:
        """See `Tx.spent`."""
        asked = {"rule": rule, "key": key, "since": rows.micros(since)}
        count, high, low = self._cursor.all(self._cursor.say.accounts.spent, asked)[0]
        return int(count), int(high or 0) * HALF + int(low or 0)

    def spend(self, entry: AccountEntry) -> None:
        """See `Tx.spend`."""
        self._cursor.change(self._cursor.say.accounts.sweep_accounts, {"old": rows.micros(entry.at - KEPT)})
        row = {
            "rule": entry.rule,
            "key": entry.key,
            "request": entry.request,
            "at": rows.micros(entry.at),
            "amount": max(-_MOST, min(entry.amount, _MOST)),
        }
        self._cursor.change(self._cursor.say.accounts.spend, row)

    def rejected(self, fingerprint: str, since: datetime) -> str | None:
        """See `Tx.rejected`."""
        asked = {"fingerprint": fingerprint, "since": rows.micros(since)}
        row = self._cursor.one(self._cursor.say.accounts.rejected, asked)
        return None if row is None else str(row[0])

    def keep_rejection(self, fingerprint: str, request_id: str, at: datetime) -> None:
        """See `Tx.keep_rejection`."""
        self._cursor.change(self._cursor.say.accounts.sweep_rejections, {"old": rows.micros(at - KEPT)})
        row = {"fingerprint": fingerprint, "request": request_id, "at": rows.micros(at)}
        self._cursor.change(self._cursor.say.accounts.add_rejection, row)
