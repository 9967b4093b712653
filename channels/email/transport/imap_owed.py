"""Letters that a server has and does not give for now, as Yahoo's often says it ("try again later").

Those behind them are read meanwhile. The cursor stays before the first that is owed, so that a restart asks for it
again; what was read behind it is remembered, so that a reconnection brings it to nobody twice.
"""

from __future__ import annotations

import time

AGAIN = 15.0
"""Seconds until they are asked for again, at the latest."""
_FOR = 600.0
"""How long one is asked for; a letter that is damaged for good holds the cursor no longer."""

Which = tuple[int, int]
"""UIDVALIDITY and UID."""


class Owed:
    """What is owed, and what was read behind it."""

    def __init__(self) -> None:
        self._since: dict[Which, float] = {}
        self._read: set[Which] = set()
        self._furthest: Which = (0, 0)

    def later(self, which: Which) -> bool:
        """Note that a letter was not given; whether it is worth asking for it again."""
        now = time.monotonic()
        return now - self._since.setdefault(which, now) < _FOR

    def settled(self, which: Which) -> None:
        """It was read, is gone, or is given up."""
        if self._since:
            self._read.add(which)
        self._since.pop(which, None)

    def knows(self, which: Which) -> bool:
        """Whether a letter was settled while another one is owed."""
        return which in self._read

    def uids(self, validity: int) -> list[int]:
        """What is owed of this mailbox, ascending; of another that it was, nothing can be asked for any more.

        Asked once all that a connection found was dealt with: what was read behind the owed matters no longer then.
        """
        for which in [which for which in self._since if which[0] != validity]:
            del self._since[which]
        if not self._since:
            self._read.clear()
        return sorted(uid for _, uid in self._since)

    def cursor(self, validity: int, uid: int) -> int:
        """Up to which UID everything is settled, now that this one is dealt with."""
        furthest = self._furthest[1] if self._furthest[0] == validity else 0
        self._furthest = (validity, max(uid, furthest))
        first = min((owed for known, owed in self._since if known == validity), default=None)
        return self._furthest[1] if first is None else min(self._furthest[1], first - 1)
