"""Second opinions: what another agent thinks of a request. Shown, never a vote, and it only ever asks for more."""

from __future__ import annotations

from msgspec.structs import replace

from bot.core import errors, lifecycle, transitions
from bot.core.edits import tightened
from bot.core.model import Assessment, Delivery, Opinion, Request
from bot.core.ports import Change, Effect, Tx
from bot.core.transitions import Happening
from bot.desk.ledger import Deed
from bot.desk.part import changed
from bot.desk.reviewers import Reviewers


class Advice(Reviewers):
    """The advisors' side."""

    async def assess(
        self, request_id: str, *, by: str, opinion: Opinion, note: str | None, revision: int, digest: str
    ) -> Request:
        """Take an advisor's opinion of this revision; the rules are asked again, and only a stricter answer counts."""

        def work(tx: Tx) -> Deed:
            request = self._load(tx, request_id)
            if request.agent == by:
                raise errors.Forbidden("Nobody gives a second opinion of their own request.")
            transitions.check(request, Happening.ADVISE)
            if self._ledger.clock.now() >= request.expires_at:
                raise errors.Expired
            if revision != request.revision or digest != request.digest:
                raise lifecycle.stale(request, revision)
            if any(given.by == by and given.revision == revision for given in request.advice):
                raise errors.AlreadyAssessed
            return self._assessed(tx, request, by, opinion, note)

        return (await self._allowed(work, request_id=request_id, actor=f"advisor:{by}", via="api")).given

    def _assessed(self, tx: Tx, request: Request, by: str, opinion: Opinion, note: str | None) -> Deed:
        now, policy = self._ledger.clock.now(), self._policy()
        assessment = Assessment(
            id=self._ledger.id("adv"),
            request=request.id,
            by=by,
            at=now,
            revision=request.revision,
            opinion=opinion,
            note=note,
        )
        fresh = self._walked(request, request.content, (assessment,))
        advised = replace(request, route=tightened(request.route, fresh))
        after = lifecycle.advise(request, advised, assessment, now)
        standing = tx.deliveries(request.id)
        deliveries: tuple[Delivery, ...] = ()
        asked: tuple[Effect, ...] = ()
        if after.state.open:
            deliveries, asked = self._rounds.ask(after, policy, standing, tracks=changed(request, after))
        else:
            asked = self._rounds.tell_agent(after, policy, "request.decided")
        effects = self._rounds.refresh(after, policy, standing) + asked
        said = {"opinion": str(opinion), "note": note}
        event = self._event("request.assessed", request, actor=f"advisor:{by}", via="api", **said)
        tx.record(Change(event=event, before=request, after=after, deliveries=deliveries, effects=effects))
        return Deed(after, effects)
