"""What a decision about the house's own requests leads to, in the transaction that counts it."""

from __future__ import annotations

from bot.core.model import Decision, Request
from bot.core.policy import REVIEW_AFTER, TRUST
from bot.core.ports import Effect, Tx
from bot.desk.afterwards import Afterwards


class Sequels(Afterwards):
    """Where a request that the house made by itself ends, its purpose is seen to."""

    def _sequel(self, tx: Tx, ended: Request, decision: Decision) -> tuple[Effect, ...]:
        """What follows from how such a request ended, as committed effects to be done."""
        if ended.action == REVIEW_AFTER:
            return self._looked_back(tx, ended, decision)
        if ended.action == TRUST:
            return self._trust_decided(tx, ended, decision)
        return ()
