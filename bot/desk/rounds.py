"""Whom a step of the chain reaches, where: the cards to send and the ones that already stand there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

from bot.core.card import name_of
from bot.core.model import Delivery, DeliveryState, Request, Step
from bot.core.policy import Policy
from bot.core.ports import Channel, Effect, EffectKind, Place
from bot.desk.ledger import Ledger

MOMENT = timedelta(seconds=1)
"""How long a letter about a change waits for what follows at once, such as the run after an approval."""

_ALIVE = (DeliveryState.QUEUED, DeliveryState.SENT)


class Rounds:
    """Plans deliveries; sends nothing."""

    def __init__(self, ledger: Ledger, channels: Mapping[str, Channel]) -> None:
        """``channels``: those that are on, by name; a step through one that is off reaches its people in the inbox."""
        self._ledger = ledger
        self._channels = channels

    def ask(
        self, request: Request, policy: Policy, existing: tuple[Delivery, ...] = ()
    ) -> tuple[tuple[Delivery, ...], tuple[Effect, ...]]:
        """Cards for the newest step; where one already stands, a word there instead of a second card."""
        plan = request.stage_plan
        if plan is None or not request.state.open:
            return (), ()
        step = plan.steps[request.step]
        standing = {(d.channel, d.to): d for d in existing if d.state in _ALIVE}
        deliveries: list[Delivery] = []
        effects: list[Effect] = []
        for channel, place in self._places(step, policy):
            there = standing.get((channel, place.to))
            if there is not None:
                names = ", ".join(name_of(p, policy.people) for p in step.people)
                note = f"Now also asked: {names}."
                effects.append(self._ledger.effect(EffectKind.REMIND, request.id, there.id, note))
                continue
            delivery = Delivery(
                id=self._ledger.id("dlv"),
                request=request.id,
                channel=channel,
                to=place.to,
                person=place.person,
                stage=request.stage,
                step=request.step,
                state=DeliveryState.QUEUED,
                at=self._ledger.clock.now(),
                revision=request.revision,
            )
            standing[channel, place.to] = delivery
            deliveries.append(delivery)
            effects.append(self._card(delivery, policy, step.digest))
        return tuple(deliveries), tuple(effects)

    def _card(self, delivery: Delivery, policy: Policy, step: timedelta | None) -> Effect:
        """A card to send, at once or gathered with others for the same person."""
        gathered = self._gathered(delivery, policy, step, ended=False)
        return gathered or self._ledger.effect(EffectKind.CARD, delivery.request, delivery.id)

    def _gathered(self, delivery: Delivery, policy: Policy, step: timedelta | None, *, ended: bool) -> Effect | None:
        channel, person = self._channels.get(delivery.channel), policy.people.get(delivery.person or "")
        span = channel.gathers(person, step, ended=ended) if channel is not None and person is not None else None
        if span is None:
            return None
        note = f"{delivery.channel} {delivery.person}"
        return self._ledger.effect(EffectKind.DIGEST, delivery.request, delivery.id, note, after=span)

    def again(
        self, request: Request, policy: Policy, existing: tuple[Delivery, ...], note: str
    ) -> tuple[tuple[Delivery, ...], tuple[Effect, ...]]:
        """Ask about a new revision: ``note`` where a card stands or is on its way, a card for whoever has none."""
        deliveries, asked = self.ask(request, policy, existing)
        cards = tuple(effect for effect in asked if effect.kind is not EffectKind.REMIND)
        # Where cards do not change, the new revision is a letter of its own, which says so itself.
        redrawn = tuple(d for d in existing if self._redraws(d))
        return deliveries, self._words(request, redrawn, note, _ALIVE) + cards

    def _places(self, step: Step, policy: Policy) -> Iterator[tuple[str, Place]]:
        seen: set[tuple[str, str]] = set()
        for name in step.via or tuple(self._channels):
            channel = self._channels.get(name)
            for person in step.people if channel is not None else ():
                known = policy.people.get(person)
                place = channel.place(known) if known is not None and channel is not None else None
                if place is not None and (name, place.to) not in seen:
                    seen.add((name, place.to))
                    yield name, place

    def refresh(self, request: Request, policy: Policy, existing: tuple[Delivery, ...]) -> tuple[Effect, ...]:
        """Every card of the request brought up to date, those still on their way among them."""
        return tuple(self._refreshed(request, policy, d) for d in existing if d.state in _ALIVE)

    def _refreshed(self, request: Request, policy: Policy, delivery: Delivery) -> Effect:
        """A card to bring up to date: where it stands at once, by letter after a moment or with others."""
        if self._redraws(delivery):
            return self._ledger.effect(EffectKind.REFRESH, request.id, delivery.id)
        told = None if request.state.open else self._gathered(delivery, policy, None, ended=True)
        return told or self._ledger.effect(EffectKind.REFRESH, request.id, delivery.id, after=MOMENT)

    def _redraws(self, delivery: Delivery) -> bool:
        channel = self._channels.get(delivery.channel)
        return channel is None or channel.redraws

    def reached(self, request: Request, existing: tuple[Delivery, ...]) -> bool:
        """Whether a card stands, or is on its way, where the newest step asks somebody."""
        return any(d.state in _ALIVE and self.asks(request, d) for d in existing)

    @staticmethod
    def asks(request: Request, delivery: Delivery) -> bool:
        """Whether this is a card where the newest step asks somebody, whichever step it was sent for."""
        step = request.stage_plan.steps[request.step] if request.stage_plan is not None else None
        if step is None or (step.via and delivery.channel not in step.via):
            return False
        return delivery.person is None or delivery.person in step.people

    def remind(self, request: Request, existing: tuple[Delivery, ...], note: str) -> tuple[Effect, ...]:
        """A word at every card that stands and whose readers are asked now."""
        return self._words(request, existing, note, (DeliveryState.SENT,))

    def _words(
        self, request: Request, existing: tuple[Delivery, ...], note: str, states: tuple[DeliveryState, ...]
    ) -> tuple[Effect, ...]:
        asked = set(request.assignees)
        return tuple(
            self._ledger.effect(EffectKind.REMIND, request.id, d.id, note)
            for d in existing
            if d.state in states and (d.person is None or d.person in asked)
        )

    def tell_agent(self, request: Request, policy: Policy, event: str) -> tuple[Effect, ...]:
        """The event to the agent's own webhook, if it registered one."""
        spec = policy.agents.get(request.agent)
        if spec is None or spec.webhook is None:
            return ()
        return (self._ledger.effect(EffectKind.WEBHOOK, request.id, event),)
