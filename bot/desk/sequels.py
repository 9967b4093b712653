"""What a decision about the house's own requests leads to, in the transaction that counts it."""

from __future__ import annotations

from bot.core.model import Decision, Request
from bot.core.ports import Effect, Tx
from bot.desk.emergencies import Emergencies


class Sequels(Emergencies):
    """Where a request that the house made by itself ends, its purpose is seen to."""

    def _sequel(self, tx: Tx, ended: Request, decision: Decision) -> tuple[Effect, ...]:  # noqa: ARG002  # parts above say what
        """What follows from how such a request ended, as committed effects to be done."""
        return ()
