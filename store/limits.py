"""How much an agent asks for, which its limits go by: the part of `bot.core.ports.Tx` that counts it."""

from __future__ import annotations

from datetime import datetime

from store import rows
from store.cursor import Cursor


class LimitsTx:
    """See `bot.core.ports.Tx`."""

    _cursor: Cursor

    def count_open(self, agent: str) -> int:
        """See `Tx.count_open`."""
        return int(self._cursor.all(self._cursor.say.count_open, {"agent": agent})[0][0])

    def count_since(self, agent: str, since: datetime) -> int:
        """See `Tx.count_since`."""
        return int(self._cursor.all(self._cursor.say.count_since, {"agent": agent, "since": rows.micros(since)})[0][0])

    def count_practices(self, agent: str, since: datetime | None) -> int:
        """See `Tx.count_practices`."""
        if since is None:
            return int(self._cursor.all(self._cursor.say.practices_open, {"agent": agent})[0][0])
        found = self._cursor.all(self._cursor.say.practices_since, {"agent": agent, "since": rows.micros(since)})
        return int(found[0][0])
