"""What the courier reports of its cards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from bot.core.model import Delivery, DeliveryState, Request
from bot.core.ports import About, Change, Effect, EffectKind, Tx
from bot.desk.ledger import Deed
from bot.desk.part import Part


class Turns(Part):
    """The courier's side."""

    async def effects(self) -> tuple[Effect, ...]:
        """Every effect that is committed and not yet done, as after a restart."""
        return await self._ledger.store.write(lambda tx: tx.effects())

    async def deliveries(self, request_id: str) -> tuple[Delivery, ...]:
        """The request's deliveries, oldest first."""
        return await self._ledger.store.deliveries(request_id)

    async def sent(self, effect: Effect, delivery: Delivery, shown: Request, handle: dict[str, Any]) -> None:
        """A card stands; if the request moved on while it was on its way, it is brought up to date at once.

        A letter that came back before this could be said has failed, and stays so.
        """
        now = self._ledger.clock.now()
        state = DeliveryState.SENT
        after = replace(delivery, state=state, handle=handle, at=now, revision=shown.revision, error=None)

        def work(tx: Tx) -> Deed:
            if not tx.has_effects((effect.id,)):
                return Deed(None)
            current = self._load(tx, delivery.request)
            if _has_failed(tx, delivery):
                tx.finish((effect.id,))
                return Deed(None)
            # It was tried again after a day, and taken: what is not so any more is not shown any more.
            self._found(tx, delivery.channel, delivery.to)
            behind = current != shown
            more = (self._ledger.effect(EffectKind.REFRESH, current.id, delivery.id),) if behind else ()
            event = self._delivery_event("delivery.sent", after, shown)
            tx.record(Change(event=event, deliveries=(after,), effects=more, done=(effect.id,)))
            return Deed(None, more)

        about = About(requests=(delivery.request,), effects=(effect.id,))
        await self._ledger.commit(work, about=about)

    async def updated(
        self, effects: Sequence[Effect], delivery: Delivery, shown: Request, handle: dict[str, Any] | None = None
    ) -> None:
        """A card was brought up to date; a new revision on it is kept, since it is what people then decide on.

        So is a new ``handle``, where the channel gave one.
        """
        done = tuple(effect.id for effect in effects)

        def work(tx: Tx) -> Deed:
            if not tx.has_effects(done):
                return Deed(None)
            if (delivery.revision == shown.revision and handle is None) or _has_failed(tx, delivery):
                tx.finish(done)
            else:
                after = replace(delivery, revision=shown.revision, handle=handle or delivery.handle)
                event = self._delivery_event("delivery.updated", after, shown)
                tx.record(Change(event=event, deliveries=(after,), done=done))
            return Deed(None)

        about = About(requests=(delivery.request,), effects=done)
        await self._ledger.commit(work, about=about)

    async def skipped(self, effect: Effect, delivery: Delivery, reason: str) -> None:
        """A card was no longer worth sending."""
        after = replace(delivery, state=DeliveryState.SKIPPED, at=self._ledger.clock.now(), error=reason)

        def work(tx: Tx) -> Deed:
            if not tx.has_effects((effect.id,)):
                return Deed(None)
            event = self._delivery_event("delivery.skipped", after, None)
            tx.record(Change(event=event, deliveries=(after,), done=(effect.id,)))
            return Deed(None)

        about = About(requests=(delivery.request,), effects=(effect.id,))
        await self._ledger.commit(work, about=about)

    async def undeliverable(
        self, effect: Effect, delivery: Delivery, error: str, *, unreachable: bool = False, gone: bool = False
    ) -> None:
        """A card will never arrive. Where nobody of the newest step can be reached, the chain moves on at once.

        ``unreachable``: nothing else will arrive at this address either, which is kept. ``gone``: it had arrived, and
        whoever is asked there gets a new one.
        """

        def work(tx: Tx) -> Deed:
            if not tx.has_effects((effect.id,)):
                return Deed(None)
            if unreachable:
                self._lost(tx, delivery.channel, delivery.to, error)
            return self._undelivered(tx, delivery, error, done=(effect.id,), gone=gone)

        about = About(requests=(delivery.request,), effects=(effect.id,))
        await self._ledger.commit(work, about=about)

    async def postponed(self, effect: Effect) -> None:
        """An effect failed for now; its next try is committed, so that a restart does not forget it."""

        def work(tx: Tx) -> None:
            if tx.has_effects((effect.id,)):
                tx.postpone(effect)

        await self._ledger.store.write(work, about=About(effects=(effect.id,)))

    async def done(self, effects: Sequence[Effect]) -> None:
        """Effects are done, or no longer needed."""
        ids = tuple(effect.id for effect in effects)

        def work(tx: Tx) -> None:
            if tx.has_effects(ids):
                tx.finish(ids)

        await self._ledger.store.write(work, about=About(effects=ids))


def _has_failed(tx: Tx, delivery: Delivery) -> bool:
    """Whether it is known by now that this never arrived, as when a letter came back beside the send."""
    now = tx.delivery(delivery.id)
    return now is not None and now.state is DeliveryState.FAILED
