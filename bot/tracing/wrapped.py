"""Ports with a span around what takes time outside: each is what it was, and tells of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from opentelemetry.trace import SpanKind, Status, StatusCode, get_current_span

from bot.core.card import Card
from bot.core.model import Delivery
from bot.core.ports import Channel, Letter, Order, Outcome, OutcomeKind, Replayer, Store, T, Tx

if TYPE_CHECKING:
    from bot.tracing.tracing import Tracing


class TracedStore:
    """A store; commits outside of any trace, as the ticks' twice a second, are not traced."""

    def __init__(self, store: Store, tracing: Tracing) -> None:
        self._store = store
        self._tracing = tracing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def write(self, work: Callable[[Tx], T], **how: Any) -> T:
        """See `Store.write`."""
        if not get_current_span().is_recording():
            return await self._store.write(work, **how)
        with self._tracing.span("commit"):
            return await self._store.write(work, **how)


class TracedChannel:
    """A channel."""

    def __init__(self, name: str, channel: Channel, tracing: Tracing) -> None:
        self._name = name
        self._channel = channel
        self._tracing = tracing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._channel, name)

    def _span(self, what: str, delivery: Delivery | None = None) -> Any:
        said: dict[str, Any] = {} if delivery is None else {"request": delivery.request, "delivery": delivery.id}
        return self._tracing.span(f"{self._name} {what}", SpanKind.CLIENT, channel=self._name, **said)

    async def send(self, card: Card, delivery: Delivery) -> dict[str, Any]:
        """See `Channel.send`."""
        with self._span("send", delivery):
            return await self._channel.send(card, delivery)

    async def update(self, card: Card, delivery: Delivery) -> dict[str, Any] | None:
        """See `Channel.update`."""
        with self._span("update", delivery):
            return await self._channel.update(card, delivery)

    async def remind(self, card: Card, delivery: Delivery, note: str) -> None:
        """See `Channel.remind`."""
        with self._span("remind", delivery):
            await self._channel.remind(card, delivery, note)

    async def digest(
        self, asks: Sequence[tuple[Card, Delivery]], tells: Sequence[tuple[Card, Delivery]]
    ) -> Sequence[dict[str, Any]]:
        """See `Channel.digest`."""
        with self._span("digest"):
            return await self._channel.digest(asks, tells)

    async def write(self, letter: Letter, name: str) -> None:
        """See `Channel.write`."""
        with self._span("write"):
            await self._channel.write(letter, name)


class TracedReplayer:
    """A replayer and herald."""

    def __init__(self, replayer: Replayer, tracing: Tracing) -> None:
        self._replayer: Any = replayer
        self._tracing = tracing

    async def run(self, order: Order) -> Outcome:
        """See `Replayer.run`."""
        parent = self._tracing.agents(order.request)
        said = {"request": order.request, "execution": order.execution, "attempt": order.attempt, "agent": order.agent}
        with self._tracing.span(
            f"replay {order.action}", SpanKind.CLIENT, parent=parent, action=order.action, **said
        ) as span:
            outcome: Outcome = await self._replayer.run(order)
            span.set_attribute("sayso.outcome", str(outcome.kind))
            if outcome.kind is not OutcomeKind.EXECUTED:
                span.set_status(Status(StatusCode.ERROR, str(outcome.kind)))
            return outcome

    async def post_event(
        self, url: str, *, event_id: str, event_type: str, at: datetime, data: dict[str, Any], within: timedelta
    ) -> Outcome:
        """See `Herald.post_event`."""
        with self._tracing.span(f"event {event_type}", SpanKind.CLIENT, event=event_id):
            outcome: Outcome = await self._replayer.post_event(
                url, event_id=event_id, event_type=event_type, at=at, data=data, within=within
            )
            return outcome

    async def close(self) -> None:
        """Close every connection."""
        await self._replayer.close()
