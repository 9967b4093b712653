"""What people do by looking: pages that are open, what was read, browsers that take push."""

from __future__ import annotations

from bot.core.ports import Subscription, Tx
from bot.desk.live import Live
from bot.desk.part import Part
from bot.desk.switch import pause

_MOST_BROWSERS = 10
"""Of one person; the oldest makes room, for a browser that was thrown away never says so."""


class Visits(Part):
    """The readers' side; with the people's side it is the `Pushes` port that the push channel is given."""

    @property
    def live(self) -> Live:
        """The pages that are open in this process."""
        return self._ledger.live

    async def read(self, request_id: str, revision: int, *, by: str) -> None:
        """A person (an id) has a revision before them. It is no act, so the trail does not tell of it."""
        now = self._ledger.clock.now()

        def work(tx: Tx) -> None:
            request = tx.request(request_id)
            if request is not None and 1 <= revision <= request.revision:
                tx.mark_seen(by, request_id, revision, now)

        await self._ledger.store.write(work)

    async def exported(self, *, by: str, via: str, **asked: str) -> None:
        """Put on record that somebody (``by``, an actor) took a copy of the trail; ``asked`` is of what."""
        event = self._event("audit.exported", None, actor=by, via=via, **asked)
        await self._ledger.store.write(lambda tx: tx.append(event))

    async def report_taken(self, *, by: str, via: str, **asked: str | bool) -> None:
        """Put on record that somebody (``by``, an actor) took a compliance report; ``asked`` is of what."""
        event = self._event("report.taken", None, actor=by, via=via, **asked)
        await self._ledger.store.write(lambda tx: tx.append(event))

    async def subscriptions(self, person: str | None = None) -> tuple[Subscription, ...]:
        """Every browser that takes push (of one person), oldest first."""
        return await self._ledger.store.subscriptions(person)

    async def subscribe(self, subscription: Subscription) -> None:
        """Keep a browser that takes push, on record."""
        actor = f"person:{subscription.person}"
        event = self._event("push.subscribed", None, actor=actor, via="inbox", browser=subscription.browser)

        def work(tx: Tx) -> None:
            tx.keep_subscription(subscription)
            tx.append(event)

        await self._ledger.store.write(work)
        # Looked at afterwards: of many that come at once, each would see room before any is kept.
        too_many = (await self.subscriptions(subscription.person))[:-_MOST_BROWSERS]
        for one in too_many:
            await self.unsubscribe(one.id, by="sayso", reason="more browsers than one person may have")

    async def unsubscribe(self, subscription_id: str, *, by: str, reason: str) -> bool:
        """Forget a browser (``by`` an actor), on record; False where there is none."""
        event = self._event("push.unsubscribed", None, actor=by, via="push", reason=reason)

        def work(tx: Tx) -> bool:
            there = tx.drop_subscription(subscription_id)
            if there:
                tx.append(event)
            return there

        return await self._ledger.store.write(work)

    async def pause(self, *, on: bool, by: str, via: str, agent: str | None = None, action: str | None = None) -> bool:
        """Stop or start replays, ``by`` an actor; see `bot.desk.switch.pause`."""
        return await pause(self._ledger, on=on, by=by, via=via, agent=agent, action=action)

    async def keep(self, name: str, value: str) -> str:
        """Keep what was made at first start, unless something stands there; what stands there now."""
        return await self._ledger.store.write(lambda tx: tx.keep(name, value))
