"""When a card goes out: at once, once its reader is at work, or gathered with others into one.

A digest is what a person or a step wishes. A batch is what an agent put together. A flood is neither: where many cards
come to one place in a short time, those over the measure come as one.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Mapping
from datetime import datetime, timedelta

from bot.core.model import Delivery, Kind, Request, Risk, Step
from bot.core.policy import Flood, Policy, told_from
from bot.core.ports import Channel, Effect, EffectKind
from bot.desk.ledger import Ledger

BATCH_SPAN = timedelta(seconds=3)
"""How long a batch's first request waits for the others."""
_PLACES = 10_000
"""Places whose recent cards are counted; the one that was quiet longest is forgotten first."""


class Gathering:
    """Says how each card goes out. The count of recent cards is this process's own: a restart forgives a flood."""

    def __init__(self, ledger: Ledger, channels: Mapping[str, Channel]) -> None:
        self._ledger = ledger
        self._channels = channels
        self._recent: OrderedDict[tuple[str, str], deque[datetime]] = OrderedDict()
        self._batches: OrderedDict[str, datetime] = OrderedDict()

    def card(self, request: Request, delivery: Delivery, policy: Policy, step: Step | None) -> Effect:
        """A card to send."""
        note = f"{delivery.channel} {delivery.person or delivery.to}"
        wished = self._wished(delivery, policy, step, ended=False)
        later = self._until_told(request, delivery, policy, step)
        if batched(request):
            span = max(wished or BATCH_SPAN, later, BATCH_SPAN)
            flooded = self._opened(f"{note} {request.batch}", span, delivery, policy.flood)
            if flooded is None:
                return self._digest(delivery, f"{note} {request.batch}", span)
            return self._digest(delivery, note, max(flooded, span))
        flooded = self._flooded(delivery, policy.flood)
        gathered = flooded if wished is None else wished
        if gathered is None and not later:
            return self._ledger.effect(EffectKind.CARD, delivery.request, delivery.id)
        return self._digest(delivery, note, max(gathered or timedelta(0), later))

    def outcome(self, delivery: Delivery, policy: Policy) -> Effect | None:
        """The end of a request, where its reader wishes to be told with others; None: by itself."""
        span = self._wished(delivery, policy, None, ended=True)
        return None if span is None else self._digest(delivery, f"{delivery.channel} {delivery.person}", span)

    def _digest(self, delivery: Delivery, note: str, span: timedelta) -> Effect:
        return self._ledger.effect(EffectKind.DIGEST, delivery.request, delivery.id, note, after=span)

    def _wished(self, delivery: Delivery, policy: Policy, step: Step | None, *, ended: bool) -> timedelta | None:
        channel, person = self._channels.get(delivery.channel), policy.people.get(delivery.person or "")
        if channel is None or person is None:
            return None
        return channel.gathers(person, step.digest if step else None, ended=ended)

    def _until_told(self, request: Request, delivery: Delivery, policy: Policy, step: Step | None) -> timedelta:
        """How long until the reader may be told: their next opening, where they are outside their hours.

        Where none comes before the request expires they are told now: a card at night is better than none.
        """
        now = self._ledger.clock.now()
        opens = told_from(policy, delivery.person or "", step, now)
        return timedelta(0) if opens is None or opens >= request.expires_at else opens - now

    def may_be_told(self, delivery: Delivery, policy: Policy, step: Step | None) -> bool:
        """Whether the reader is within their hours now, or is told at any time."""
        now = self._ledger.clock.now()
        return told_from(policy, delivery.person or "", step, now) == now

    def _opened(self, batch: str, span: timedelta, delivery: Delivery, flood: Flood) -> timedelta | None:
        """As `_flooded`, for a batch's message: one card, whatever joins it before it goes.

        A name for each request would be a flood of batches (threat T13).
        """
        now = self._ledger.clock.now()
        goes = self._batches.get(batch)
        if goes is not None and now < goes:
            return None
        flooded = self._flooded(delivery, flood)
        if flooded is None:
            self._batches[batch] = now + span
            self._batches.move_to_end(batch)
        if len(self._batches) > _PLACES:
            self._batches.popitem(last=False)
        return flooded

    def _flooded(self, delivery: Delivery, flood: Flood) -> timedelta | None:
        """For how long this card is gathered because too many went to its place just now; None: it is not."""
        now = self._ledger.clock.now()
        place = (delivery.channel, delivery.to)
        recent = self._recent.setdefault(place, deque(maxlen=flood.cards))
        if recent.maxlen != flood.cards:
            recent = self._recent[place] = deque(recent, maxlen=flood.cards)
        self._recent.move_to_end(place)
        if len(self._recent) > _PLACES:
            self._recent.popitem(last=False)
        flooded = len(recent) == flood.cards and now - recent[0] < flood.per
        recent.append(now)
        return flood.digest if flooded else None


def batched(request: Request) -> bool:
    """Whether it may be asked about together with others: what cannot be undone or asks more than yes or no may not."""
    return request.batch is not None and request.kind is Kind.APPROVAL and request.risk is not Risk.IRREVERSIBLE
