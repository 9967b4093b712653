"""Requests that an agent put together: looked at together, and decided each by its own digest."""

from __future__ import annotations

from collections.abc import Sequence

from bot.core import errors
from bot.core.errors import SaysoError
from bot.core.model import Request, State
from bot.core.ports import Ballot, Filter
from bot.desk.reviewers import Reviewers

MOST = 500
"""Requests of one batch that are looked at, or decided, at once."""


class Batches(Reviewers):
    """Batches, as people see them."""

    async def batch(self, batch: str, person: str) -> tuple[Request, ...]:
        """The batch's requests that this person may decide now, oldest first, `MOST` at most."""
        wanted = Filter(states=(State.PENDING,), batch=batch, reviewer=person, limit=MOST, spoilt=True)
        found = await self._ledger.store.requests(wanted)
        return tuple(request for request in reversed(found) if request.waits_for(person))

    async def decide_batch(self, batch: str, ballots: Sequence[Ballot]) -> tuple[Request | SaysoError, ...]:
        """Decide each by itself, in the order given: what it became, or why it was refused."""
        return tuple([await self._one(batch, ballot) for ballot in ballots])

    async def _one(self, batch: str, ballot: Ballot) -> Request | SaysoError:
        try:
            known = await self._ledger.store.request(ballot.request)
            if known is None or known.batch != batch:
                missing = errors.NotFound("There is no such request in this batch.")
                actor = f"person:{ballot.by}"
                await self.refused(request_id=None, actor=actor, via=ballot.channel, reason=missing.code)
                raise missing
            return await self.decide(ballot)
        except SaysoError as refused:
            return refused
