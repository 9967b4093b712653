"""Several cards for one person in one letter: what is gathered, what of it is still worth saying, what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice, takewhile
from typing import Any

from msgspec import Struct

from bot.core.card import Card
from bot.core.errors import SendFailed
from bot.core.model import Delivery, DeliveryState, Request
from bot.core.ports import Channel, Effect, EffectKind
from bot.courier.ended import ended
from bot.courier.shift import Shift
from bot.desk import Desk

_MOST = 20
"""Cards in one letter; a longer one is not read, and mail programs cut it."""
_MOST_OF_A_BATCH = 100
"""Requests of one batch in one message: they are looked at as one thing."""
_WORDS = 2
"""In the name of a person's lane: the channel and the place; a batch's has the batch's name behind them."""

Part = tuple[Card, Delivery]


class _Entry(Struct, frozen=True):
    """One gathered effect with what it is about."""

    effect: Effect
    request: Request
    delivery: Delivery


def gathered(lane: Iterable[Effect]) -> tuple[Effect, ...]:
    """What goes into a lane's next letter: its first effects, so many at most that a letter can be read."""
    digests = tuple(islice(takewhile(lambda effect: effect.kind is EffectKind.DIGEST, lane), _MOST_OF_A_BATCH))
    batch = digests and len(digests[0].note.split(" ", _WORDS)) > _WORDS
    return digests if batch else digests[:_MOST]


class Digests:
    """Sends what a lane of digests has gathered. A lane holds one person's, through one channel."""

    def __init__(self, desk: Desk, shift: Shift, channels: Mapping[str, Channel], *, within: float) -> None:
        """``within``: seconds that one letter may take."""
        self._desk = desk
        self._shift = shift
        self._channels = channels
        self._within = within

    async def send(self, lane: Sequence[Effect]) -> int:
        """One letter for what the lane has gathered (see `gathered`); how many of its first effects that finished.

        Raises `SendFailed`; then nothing of it is finished.
        """
        together = gathered(lane)
        asks: dict[str, _Entry] = {}
        tells: dict[str, _Entry] = {}
        idle: list[Effect] = []
        for effect in together:
            entry = await self._entry(effect)
            if entry is None or effect.ref in asks or effect.ref in tells:
                idle.append(effect)
            elif entry.delivery.state is DeliveryState.QUEUED and entry.request.state.open:
                asks[effect.ref] = entry
            elif entry.delivery.state is DeliveryState.QUEUED:
                await self._skipped(entry)
            elif entry.delivery.state is DeliveryState.SENT and not entry.request.state.open:
                tells[effect.ref] = entry
            else:
                idle.append(effect)
        await self._write(tuple(asks.values()), tuple(tells.values()))
        await self._shift.insist(lambda: self._desk.done(idle))
        return len(together)

    async def _entry(self, effect: Effect) -> _Entry | None:
        request = await self._desk.request(effect.request)
        deliveries = await self._desk.deliveries(effect.request)
        delivery = next((d for d in deliveries if d.id == effect.ref), None)
        return None if request is None or delivery is None else _Entry(effect, request, delivery)

    async def _skipped(self, entry: _Entry) -> None:
        channel = self._channels.get(entry.delivery.channel)
        what, about, card = entry.effect, entry.request, entry.delivery
        await ended(self._desk, self._shift, channel, effect=what, request=about, delivery=card, within=self._within)

    async def _write(self, asks: Sequence[_Entry], tells: Sequence[_Entry]) -> None:
        if not asks and not tells:
            return
        channel = self._channels.get((*asks, *tells)[0].delivery.channel)
        if channel is None:
            raise SendFailed("the channel is off", temporary=False)
        async with asyncio.timeout(self._within):
            handles = await self._sent(channel, asks, tells)
        # All at once, so that they share a commit: a part that is not on record would be sent a second time.
        parts = zip((*asks, *tells), handles, strict=True)
        await asyncio.gather(*(self._shift.insist(_recorded(self._desk, entry, handle)) for entry, handle in parts))

    async def _sent(
        self, channel: Channel, asks: Sequence[_Entry], tells: Sequence[_Entry]
    ) -> Sequence[dict[str, Any]]:
        if len(asks) == 1 and not tells:
            # Alone it is an ordinary card, which shows all and can be answered in more ways.
            card, delivery = self._part(asks[0])
            return (await channel.send(card, delivery),)
        return await channel.digest(await self._parts(asks), await self._parts(tells))

    async def _parts(self, entries: Sequence[_Entry]) -> list[Part]:
        """Their cards. A card of many thousand arguments takes its time, and a click must not wait for a hundred."""
        parts: list[Part] = []
        for entry in entries:
            parts.append(self._part(entry))
            await asyncio.sleep(0)
        return parts

    def _part(self, entry: _Entry) -> Part:
        return self._desk.card_of(entry.request), entry.delivery


def _recorded(desk: Desk, entry: _Entry, handle: dict[str, Any]) -> Callable[[], Any]:
    """The commit of what became of one entry."""
    if entry.delivery.state is DeliveryState.QUEUED:
        return lambda: desk.sent(entry.effect, entry.delivery, entry.request, handle)
    return lambda: desk.updated((entry.effect,), entry.delivery, entry.request, handle)
