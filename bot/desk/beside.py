"""What a command beside the bot leaves to be done, on a store that this process has to itself.

Where several share a store, `bot.desk.replicas` takes what nobody holds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from bot.core.ports import Effect, Tx
from bot.desk.ledger import Ledger

LOOKS = 2.0
"""Seconds between looks; one costs an empty transaction, and the effects are read only where another process wrote."""


class Beside:
    """Looks whether another process wrote, and takes up what it left."""

    def __init__(self, ledger: Ledger, take: Callable[[Sequence[Effect]], None], *, every: float = LOOKS) -> None:
        """``take`` is the courier's, of what it has in hand it takes nothing twice; ``every`` so many seconds."""
        self._ledger = ledger
        self._take = take
        self._every = every
        self._known: int | None = None
        self._next = 0.0

    async def look(self) -> None:
        """Take what was left, if it is time to look. Raises `Unavailable`; the next look finds the same."""
        now = time.monotonic()
        if self._ledger.store.shared or now < self._next:
            return
        self._next = now + self._every
        known = self._known

        def work(tx: Tx) -> tuple[int, tuple[Effect, ...]]:
            written = tx.beside()
            if written == known:
                return written, ()
            # It may have erased something, whose old bytes stand in the log until then.
            tx.empty_log()
            return written, tx.effects()

        self._known, effects = await self._ledger.store.write(work)
        self._take(effects)
