"""Whom a step of the chain reaches, where and when: the cards to send and the ones that already stand there."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import timedelta

from bot.core.card import name_of
from bot.core.model import Delivery, DeliveryState, Request, Step, Track
from bot.core.policy import Policy
from bot.core.ports import Channel, Effect, EffectKind, Place
from bot.desk.gathering import Gathering
from bot.desk.ledger import Ledger

MOMENT = timedelta(seconds=1)
"""How long a letter about a change waits for what follows at once, such as the run after an approval."""

_ALIVE = (DeliveryState.QUEUED, DeliveryState.SENT)

Cards = tuple[tuple[Delivery, ...], tuple[Effect, ...]]


class Rounds:
    """Plans deliveries; sends nothing."""

    def __init__(self, ledger: Ledger, channels: Mapping[str, Channel]) -> None:
        """``channels``: those that are on, by name; a step through one that is off reaches its people in the inbox."""
        self._ledger = ledger
        self._channels = channels
        self._gathering = Gathering(ledger, channels)

    def ask(
        self,
        request: Request,
        policy: Policy,
        existing: tuple[Delivery, ...] = (),
        *,
        tracks: Collection[Track] | None = None,
        quiet: bool = False,
        shunned: Collection[tuple[str, str]] = (),
    ) -> Cards:
        """Cards for the newest step of these tracks (None: of all that wait); a word where a card already stands.

        ``quiet``: no such words, only the cards that are missing. ``shunned``: not through this channel to this place.
        """
        if not self._channels:
            return (), ()
        deliveries: list[Delivery] = []
        effects: list[Effect] = []
        standing = {(d.channel, d.to): d for d in existing if d.state in _ALIVE}
        failed = _failed(existing)
        for track in request.open_tracks if tracks is None else tracks:
            step = _newest(request, track)
            for channel, place in self._places(step, policy, failed) if step is not None else ():
                there = standing.get((channel, place.to))
                if there is None and (channel, place.to) in shunned:
                    continue
                if there is None:
                    delivery = self._delivery(request, track, channel, place)
                    standing[channel, place.to] = delivery
                    deliveries.append(delivery)
                    effects.append(self._gathering.card(request, delivery, policy, step))
                elif not quiet and step is not None:
                    names = ", ".join(name_of(p, policy.people) for p in step.people)
                    note = f"Now also asked: {names}."
                    effects.append(self._ledger.effect(EffectKind.REMIND, request.id, there.id, note))
        return tuple(deliveries), tuple(effects)

    def _delivery(self, request: Request, track: Track | None, channel: str, place: Place) -> Delivery:
        return Delivery(
            id=self._ledger.id("dlv"),
            request=request.id,
            channel=channel,
            to=place.to,
            person=place.person,
            stage=track.stage if track else 0,
            step=track.step if track else 0,
            state=DeliveryState.QUEUED,
            at=self._ledger.clock.now(),
            revision=request.revision,
        )

    def otherwise(
        self,
        request: Request,
        policy: Policy,
        existing: tuple[Delivery, ...],
        tracks: Collection[Track],
        gone: Delivery | None = None,
    ) -> Cards:
        """Cards by another way, to those of their newest steps whom one did not reach and who wish for more.

        ``gone``: a card that had arrived; where it stood one may stand again.
        """
        shunned = _failed(tuple(d for d in existing if gone is None or d.id != gone.id))
        return self.ask(request, policy, existing, tracks=tracks, quiet=True, shunned=shunned)

    def notify(
        self, request: Request, policy: Policy, people: Collection[str], existing: tuple[Delivery, ...], what: str
    ) -> Cards:
        """Cards for people who are only to know, whatever the state of the request; none where one stands already.

        A card that is drawn anew where it stands tells nobody, and one in a shared place asks nobody by name: there
        ``what`` is said to them.
        """
        there = {(d.channel, d.to): d for d in existing if d.state in _ALIVE}
        told = Step(notify=tuple(people), people=tuple(people))
        deliveries: list[Delivery] = []
        effects: list[Effect] = []
        for channel, place in self._places(told, policy, set()):
            card = stands = there.get((channel, place.to))
            if card is None:
                card = self._delivery(request, None, channel, place)
                deliveries.append(card)
                effects.append(self._ledger.effect(EffectKind.NOTICE, request.id, card.id))
            if self._redraws(card) and (stands is not None or place.person is None):
                to_whom = " ".join(people) if place.person is None else place.person
                effects.append(self._ledger.effect(EffectKind.NOTICE, request.id, card.id, f"{to_whom}\n{what}"))
        return tuple(deliveries), tuple(effects)

    def again(self, request: Request, policy: Policy, existing: tuple[Delivery, ...], note: str) -> Cards:
        """Ask about a new revision: ``note`` where a card stands or is on its way, a card for whoever has none."""
        deliveries, cards = self.ask(request, policy, existing, quiet=True)
        # Where cards do not change, the new revision is a letter of its own, which says so itself.
        redrawn = tuple(d for d in existing if self._redraws(d))
        return deliveries, self._words(request, redrawn, note, _ALIVE) + cards

    def _places(self, step: Step, policy: Policy, failed: Collection[tuple[str, str]]) -> Iterator[tuple[str, Place]]:
        """Where the step's people are reached: channel by channel as it says, else as each of them prefers."""
        seen: set[tuple[str, str]] = set()
        ways = [(name, person) for name in step.via or tuple(self._channels) for person in step.people]
        for name, person in ways:
            wished = self._wished(step, policy, person, failed)
            if wished is not None and name != wished:
                continue
            place = self._place(name, person, policy)
            if place is not None and (name, place.to) not in seen:
                seen.add((name, place.to))
                yield name, place

    def _wished(self, step: Step, policy: Policy, person: str, failed: Collection[tuple[str, str]]) -> str | None:
        """Through which one channel somebody wishes to be asked now; None: through every one of the step."""
        known = policy.people.get(person)
        if step.via or known is None or not known.channels:
            return None
        places = [(name, self._place(name, person, policy)) for name in known.channels]
        return next((name for name, place in places if place is not None and (name, place.to) not in failed), None)

    def _place(self, channel: str, person: str, policy: Policy) -> Place | None:
        known, way = policy.people.get(person), self._channels.get(channel)
        return None if known is None or way is None else way.place(known)

    def refresh(self, request: Request, policy: Policy, existing: tuple[Delivery, ...]) -> tuple[Effect, ...]:
        """Every card of the request brought up to date, those still on their way among them."""
        return tuple([self._refreshed(request, policy, d) for d in existing if d.state in _ALIVE]) if existing else ()

    def _refreshed(self, request: Request, policy: Policy, delivery: Delivery) -> Effect:
        """A card to bring up to date: where it stands at once, by letter after a moment or with others."""
        if self._redraws(delivery):
            return self._ledger.effect(EffectKind.REFRESH, request.id, delivery.id)
        told = None if request.state.open else self._gathering.outcome(delivery, policy)
        return told or self._ledger.effect(EffectKind.REFRESH, request.id, delivery.id, after=MOMENT)

    def _redraws(self, delivery: Delivery) -> bool:
        channel = self._channels.get(delivery.channel)
        return channel is None or channel.redraws

    def asked_by(self, request: Request, delivery: Delivery) -> tuple[Track, ...]:
        """The stages whose newest step asks somebody by this card."""
        return tuple(track for track in request.open_tracks if _asks(request, track, delivery))

    def unreached(self, request: Request, failed: Delivery, existing: tuple[Delivery, ...]) -> tuple[Track, ...]:
        """The stages whose newest step asked somebody by the card that failed, and now by none that stands."""
        alive = [d for d in existing if d.state in _ALIVE]
        asking = self.asked_by(request, failed)
        return tuple(track for track in asking if not any(_asks(request, track, d) for d in alive))

    def remind(
        self, request: Request, policy: Policy, existing: tuple[Delivery, ...], note: str, *, stage: int
    ) -> tuple[Effect, ...]:
        """A word at every card that stands and whose readers that stage asks, unless it is night for them."""
        asked = {person for t in request.open_tracks if t.stage == stage for person in request.asked(t)}
        awake = tuple(d for d in existing if self._gathering.may_be_told(d, policy, _step_of(request, d)))
        return self._words(request, awake, note, (DeliveryState.SENT,), asked)

    def _words(
        self,
        request: Request,
        existing: tuple[Delivery, ...],
        note: str,
        states: tuple[DeliveryState, ...],
        asked: Collection[str] | None = None,
    ) -> tuple[Effect, ...]:
        readers = set(request.assignees if asked is None else asked)
        return tuple(
            self._ledger.effect(EffectKind.REMIND, request.id, d.id, note)
            for d in existing
            if d.state in states and (d.person is None or d.person in readers)
        )

    def tell_agent(self, request: Request, policy: Policy, event: str) -> tuple[Effect, ...]:
        """The event to the agent's own webhook, if it registered one."""
        spec = policy.agents.get(request.agent)
        if spec is None or spec.webhook is None or request.route.practice is not None:
            return ()
        return (self._ledger.effect(EffectKind.WEBHOOK, request.id, event),)

    def tell_advisors(self, request: Request, policy: Policy) -> tuple[Effect, ...]:
        """Word to the webhooks of those whose opinion is asked."""
        hooks = [name for name in request.route.advisors if name in policy.agents and policy.agents[name].webhook]
        return tuple(
            self._ledger.effect(EffectKind.WEBHOOK, request.id, "request.needs_advice", name) for name in hooks
        )


def _failed(existing: tuple[Delivery, ...]) -> set[tuple[str, str]]:
    return {(d.channel, d.to) for d in existing if d.state is DeliveryState.FAILED}


def _newest(request: Request, track: Track) -> Step | None:
    """The step that a track asks now; None while it is held."""
    return None if track.held_until is not None else request.route.stages[track.stage].steps[track.step]


def _step_of(request: Request, delivery: Delivery) -> Step | None:
    stages = request.route.stages
    steps = stages[delivery.stage].steps if delivery.stage < len(stages) else ()
    return steps[delivery.step] if delivery.step < len(steps) else None


def _asks(request: Request, track: Track, delivery: Delivery) -> bool:
    """Whether this is a card where the track's newest step asks somebody, whichever step it was sent for."""
    step = _newest(request, track)
    if step is None or (step.via and delivery.channel not in step.via):
        return False
    return delivery.person is None or delivery.person in step.people
