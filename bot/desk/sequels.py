"""What a decision about the house's own requests leads to, in the transaction that counts it."""

from __future__ import annotations

from bot.core.model import Decision, Request
from bot.core.policy import REVIEW_AFTER, TRUST
from bot.core.ports import Tx
from bot.desk.afterwards import Afterwards
from bot.desk.taking_back import Turned


class Sequels(Afterwards):
    """Where a request that the house made by itself ends, its purpose is seen to."""

    def _sequel(self, tx: Tx, ended: Request, decision: Decision) -> Turned:
        """What follows from how such a request ended: committed effects to be done, and whom it changed."""
        if ended.action == REVIEW_AFTER:
            return self._looked_back(tx, ended, decision)
        if ended.action == TRUST:
            return Turned(effects=self._trust_decided(tx, ended, decision))
        return Turned()
