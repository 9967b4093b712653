"""What time does at the desk, and what the courier reports of its cards."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from bot.core import lifecycle
from bot.core.lifecycle import Turn, Woken
from bot.core.model import Delivery, DeliveryState, Request
from bot.core.ports import About, Change, Effect, EffectKind, Tx
from bot.desk.ledger import Deed
from bot.desk.part import Part, changed, outcome_event, questioned

_log = logging.getLogger(__name__)
_AT_ONCE = 200
_EVENT = {
    Turn.ASK: "request.asked",
    Turn.REMIND: "request.reminded",
    Turn.NEXT_STEP: "request.escalated",
    Turn.EXHAUSTED: "request.exhausted",
    Turn.EXPIRED: "request.expired",
}


class Turns(Part):
    """Time's side, and the courier's."""

    async def wake(self) -> int:
        """Do everything that came due, each once and in order; how many requests moved. Cheap where nothing is due."""
        for actor, count in self._ledger.refusals.left_out(self._ledger.clock.now()):
            await self._ledger.note(self._event("refusals.counted", None, actor=actor, via="scheduler", count=count))
        moved = 0
        failed: set[str] = set()
        while True:
            now = self._ledger.clock.now()
            earliest = await self._ledger.store.next_due()
            if earliest is None or earliest > now:
                return moved
            due = await self._due(now, _AT_ONCE + len(failed))
            fresh = [request_id for request_id in due if request_id not in failed]
            if not fresh:
                return moved
            # All at once, so that they share a commit; what is due for one request is one unit, and in order.
            done = await asyncio.gather(*(self._moved(request_id) for request_id in fresh))
            moved += sum(done)
            failed |= {request_id for request_id, went in zip(fresh, done, strict=True) if not went}

    async def _due(self, now: datetime, limit: int) -> tuple[str, ...]:
        return await self._ledger.store.write(lambda tx: tx.due(now, limit))

    async def _moved(self, request_id: str) -> bool:
        try:
            deed = await self._ledger.commit(
                lambda tx: self._woken(tx, request_id), about=About(requests=(request_id,))
            )
        except Exception:  # noqa: BLE001  # one request, whatever its row holds, may not hold up the others
            _log.exception("request %s could not be moved on; the next tick tries again", request_id)
            return False
        return deed.request is not None

    def _woken(self, tx: Tx, request_id: str) -> Deed:
        found = request = self._load(tx, request_id)
        effects: tuple[Effect, ...] = ()
        while (woken := lifecycle.wake(request, self._ledger.clock.now())) is not None:
            effects += self._turned(tx, request, woken)
            request = woken.request
        return Deed(None if request is found else request, effects)

    def _turned(self, tx: Tx, request: Request, woken: Woken) -> tuple[Effect, ...]:
        after, policy, standing = woken.request, self._policy(), tx.deliveries(request.id)
        deliveries: tuple[Delivery, ...] = ()
        effects: tuple[Effect, ...] = ()
        if woken.turn is Turn.REMIND and woken.stage is not None:
            note = "Still waiting for a decision."
            effects = self._rounds.remind(after, policy, standing, note, stage=woken.stage)
        elif woken.turn in (Turn.NEXT_STEP, Turn.ASK):
            deliveries, asked = self._rounds.ask(after, policy, standing, tracks=changed(request, after))
            effects = self._rounds.refresh(after, policy, standing) + asked
        elif woken.turn is Turn.EXPIRED:
            effects = self._ended(tx, after, outcome_event(after))
        elif not after.state.open:
            deliveries, effects = self._chain_ended(tx, after, woken)
        kind = _EVENT[woken.turn]
        named = after.route.stages[woken.stage].name if woken.stage is not None else None
        event = self._event(kind, request, actor="sayso", via="scheduler", stage=named)
        tx.record(Change(event=event, before=request, after=after, deliveries=deliveries, effects=effects))
        if after.state.open:
            return effects
        what = "expired once somebody had asked about it" if questioned(request) else None
        return effects + self._regretted(tx, request, what)

    def _chain_ended(self, tx: Tx, after: Request, woken: Woken) -> tuple[tuple[Delivery, ...], tuple[Effect, ...]]:
        """A chain's end ended the request: those asked see it, and those whom the chain names are told."""
        ending = after.route.stages[woken.stage or 0].ending
        people = ending.notify if ending is not None else ()
        deliveries, told = self._rounds.notify(after, self._policy(), people, tx.deliveries(after.id))
        return deliveries, self._ended(tx, after, outcome_event(after)) + told

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

    async def undeliverable(self, effect: Effect, delivery: Delivery, error: str, *, unreachable: bool = False) -> None:
        """A card will never arrive. Where nobody of the newest step can be reached, the chain moves on at once.

        ``unreachable``: nothing else will arrive at this address either, which is kept.
        """

        def work(tx: Tx) -> Deed:
            if not tx.has_effects((effect.id,)):
                return Deed(None)
            if unreachable:
                self._lost(tx, delivery.channel, delivery.to, error)
            return self._undelivered(tx, delivery, error, done=(effect.id,))

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
