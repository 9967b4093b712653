"""Refusals: what somebody may not do is put on record before they hear of it."""

from __future__ import annotations

from collections.abc import Callable

from bot.core import errors
from bot.core.ports import About, Tx
from bot.desk.ledger import Deed
from bot.desk.part import Part


class Refusing(Part):
    """The side of what is refused."""

    async def refused(self, *, request_id: str | None, actor: str, via: str, reason: str) -> None:
        """Record that somebody was refused; a refusal that cannot be recorded is still a refusal.

        Of an actor who is refused again and again the lines are counted instead, and told in one (`bot.desk.refusals`).
        """
        if not self._ledger.refusals.takes(actor, self._ledger.clock.now()):
            return
        try:
            known = await self._ledger.store.request(request_id) if request_id else None
            await self._ledger.note(self._event("refusal", known, actor=actor, via=via, reason=reason))
        except (errors.Unavailable, errors.Overloaded):
            return

    async def _allowed(self, work: Callable[[Tx], Deed], *, request_id: str, actor: str, via: str) -> Deed:
        """Commit what somebody does about a request. A refusal is recorded, then raised.

        A store that cannot be written, or is overrun, refuses nobody: that is raised alone.
        """
        try:
            return await self._ledger.commit(work, about=About(requests=(request_id,)))
        except (errors.Unavailable, errors.Overloaded):
            raise
        except errors.SaysoError as refusal:
            await self.refused(request_id=request_id, actor=actor, via=via, reason=refusal.code)
            raise
