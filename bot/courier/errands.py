"""Cards, words at cards and webhooks to agents: each place has its own lane, walked in order."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from itertools import takewhile
from typing import Any

import msgspec
from msgspec.structs import replace

from bot.core.about import about, begin, mark, withhold
from bot.core.digest import made_at
from bot.core.errors import SaysoError, SendFailed, Unavailable
from bot.core.model import Delivery, DeliveryState, Request
from bot.core.ports import Channel, Effect, EffectKind, Herald, Letter, OutcomeKind
from bot.core.unsaid import unsayable
from bot.courier.digests import Digests, gathered
from bot.courier.ended import ended
from bot.courier.failing import Failing
from bot.courier.shift import Shift
from bot.courier.words import word_of
from bot.desk import Desk

_log = logging.getLogger(__name__)

_SENDS_AT_ONCE = 32
_FIRST_PAUSE = timedelta(seconds=1)
_LONGEST_PAUSE = timedelta(minutes=5)
_GIVE_UP_AFTER = 20
"""Tries of a temporary failure: with the pauses above, about an hour."""
_BROKEN_PAUSE = timedelta(minutes=1)
_SEND_TIMEOUT = 30.0
_TO_A_PLACE = (EffectKind.CARD, EffectKind.NOTICE, EffectKind.DIGEST, EffectKind.REFRESH, EffectKind.REMIND)
_EVENT_TIMEOUT = timedelta(seconds=10)


class Errands:
    """What is owed outside because a committed effect says so."""

    def __init__(
        self,
        desk: Desk,
        shift: Shift,
        channels: Mapping[str, Channel],
        *,
        herald: Herald,
        agent_url: Callable[[str], str | None],
        describe: Callable[[Request], dict[str, Any]],
    ) -> None:
        """``agent_url``: an agent's webhook; ``describe``: a request as the API returns it."""
        self._desk = desk
        self._shift = shift
        self._channels = channels
        self._herald = herald
        self._agent_url = agent_url
        self._describe = describe
        self._digests = Digests(desk, shift, channels, within=_SEND_TIMEOUT)
        self.failing = Failing()
        self._lanes: dict[str, deque[Effect]] = {}
        self._sends = asyncio.Semaphore(_SENDS_AT_ONCE)

    @property
    def waiting(self) -> int:
        """How many effects wait or are under way."""
        return sum(len(lane) for lane in self._lanes.values())

    def take(self, effects: Sequence[Effect]) -> None:
        """Perform effects, those of one card in order; one that is here already is not taken twice."""
        for effect in effects:
            key = effect.lane
            lane = self._lanes.get(key)
            if lane is None:
                self._lanes[key] = deque([effect])
                self._wake(key, effect)
            elif any(known.id == effect.id for known in lane):
                continue
            elif self._sooner(key, effect, lane[0]):
                lane.appendleft(effect)
                self._wake(key, effect)
            else:
                lane.append(effect)

    def drop(self) -> None:
        """Forget what waits: others see to it. What is under way ends, and finds its lane empty."""
        for lane in self._lanes.values():
            lane.clear()
        self._lanes.clear()
        self.failing.drop()

    def _sooner(self, key: str, effect: Effect, first: Effect) -> bool:
        """Whether this is to wake a sleeping lane of digests, whose parts may each wait for another while.

        One that sleeps off a failure is left asleep.
        """
        asleep = effect.kind is EffectKind.DIGEST and self._shift.sleeps(key)
        return asleep and not first.attempts and effect.due_at < first.due_at

    def _wake(self, key: str, effect: Effect) -> None:
        self._shift.at(key, effect.due_at, lambda: self._shift.begin(self._walk(key)))

    async def _walk(self, key: str) -> None:
        """Everything in a lane, in order; a failure for now puts the lane to sleep, and it goes on from there."""
        begin()
        lane = self._lanes.get(key)
        while lane and not self._shift.over:
            effect = _soonest(lane)
            if effect.due_at > self._shift.clock.now():
                self._wake(key, effect)
                return
            try:
                async with self._sends:
                    if not lane or lane[0] is not effect:
                        continue  # dropped while it waited for its turn, or something is to be sent sooner
                    with about(request=effect.request, delivery=effect.ref if effect.kind in _TO_A_PLACE else ""):
                        done = await self._perform(effect, lane)
            except Exception:  # noqa: BLE001  # the lane may not die of it: its other effects are owed too
                _log.exception("%s of request %s broke off", effect.kind, effect.request)
                _put_first(lane, replace(effect, due_at=self._shift.clock.now() + _BROKEN_PAUSE))
                continue
            for _ in range(min(done, len(lane))):
                self.failing.ended(lane.popleft().id)
        if lane is not None and not lane and self._lanes.get(key) is lane:
            del self._lanes[key]

    async def _perform(self, effect: Effect, lane: deque[Effect]) -> int:
        """Do the lane's first effect; how many of its first effects that finished (0: it was put off)."""
        tried = gathered(lane) or (effect,)
        try:
            return await self._act(effect, lane)
        except SendFailed as failure:
            return await self._failed(tried, lane, failure)
        except Unavailable:
            # Our own store is down, and the place may be well: that is no try, and nothing can be written about it.
            _put_first(lane, replace(effect, due_at=self._shift.clock.now() + _FIRST_PAUSE))
            return 0
        except (SaysoError, OSError, TimeoutError) as failure:
            return await self._failed(tried, lane, SendFailed(str(failure) or type(failure).__name__, temporary=True))
        except Exception as failure:  # noqa: BLE001  # a bug in a template or a channel is retried like an outage
            _log.exception("%s of request %s failed", effect.kind, effect.request)
            # Its words are not kept: they may quote what nobody is to read (threat T23).
            told = f"{type(failure).__name__} in the channel; the bot's log has where"
            return await self._failed(tried, lane, SendFailed(told, temporary=True))

    async def _act(self, effect: Effect, lane: deque[Effect]) -> int:
        if not self._desk.sure():  # another replica may do it by now; it is dropped here, or begun later
            raise Unavailable
        if effect.kind is EffectKind.WEBHOOK:
            return await self._tell_agent(effect)
        if effect.kind is EffectKind.DIGEST:
            return await self._digests.send(lane)
        if effect.kind is EffectKind.LETTER:
            return await self._write(effect)
        return await self._at_card(effect, lane)

    async def _at_card(self, effect: Effect, lane: deque[Effect]) -> int:
        request = await self._about(effect)
        delivery = None if request is None else await self._delivery(effect)
        if request is None or delivery is None:
            return await self._done(effect)
        mark(channel=delivery.channel)
        channel = self._channels.get(delivery.channel)
        if effect.kind is EffectKind.CARD or (effect.kind is EffectKind.NOTICE and not effect.note):
            return await self._send(effect, request, delivery, channel)
        if delivery.state is not DeliveryState.SENT or channel is None:
            return await self._done(effect)
        if effect.kind is not EffectKind.REFRESH:
            if (said := word_of(effect, self._desk.card_of(request))) is not None:
                async with asyncio.timeout(_SEND_TIMEOUT):
                    await channel.remind(said[0], delivery, said[1])
            return await self._done(effect)
        return await self._update(request, delivery, channel, lane)

    async def _about(self, effect: Effect) -> Request | None:
        request = await self._desk.request(effect.request)
        if request is not None:
            withhold(unsayable(request))
        return request

    async def _send(self, effect: Effect, request: Request, delivery: Delivery, channel: Channel | None) -> int:
        if delivery.state is not DeliveryState.QUEUED:
            return await self._done(effect)
        if not request.state.open and effect.kind is not EffectKind.NOTICE:
            away = (self._desk, self._shift, channel)
            await ended(*away, effect=effect, request=request, delivery=delivery, within=_SEND_TIMEOUT)
            return 1
        if channel is None:
            raise SendFailed(f"the channel {delivery.channel} is off", temporary=False)
        card = self._desk.card_of(request)
        async with asyncio.timeout(_SEND_TIMEOUT):
            handle = await channel.send(card, delivery)
        # It stands now: a store that cannot say so for a while is waited out, or there would be a second card.
        await self._shift.insist(lambda: self._desk.sent(effect, delivery, request, handle))
        return 1

    async def _update(self, request: Request, delivery: Delivery, channel: Channel, lane: deque[Effect]) -> int:
        # What was asked of this card before now is one update; whatever is asked of it later is asked again.
        now = self._shift.clock.now()
        together = tuple(takewhile(lambda e: e.kind is EffectKind.REFRESH and e.due_at <= now, lane))
        shown = await self._desk.request(request.id) or request
        async with asyncio.timeout(_SEND_TIMEOUT):
            handle = await channel.update(self._desk.card_of(shown), delivery)
        await self._shift.insist(lambda: self._desk.updated(together, delivery, shown, handle))
        return len(together)

    async def _write(self, effect: Effect) -> int:
        channel = self._channels.get(effect.ref)
        if channel is None:
            raise SendFailed(f"the channel {effect.ref} is off", temporary=False)
        if not await self._desk.still_owed(effect):
            return 1
        letter = msgspec.json.decode(effect.note, type=Letter)
        async with asyncio.timeout(_SEND_TIMEOUT):
            await channel.write(letter, effect.id)
        return await self._done(effect)

    async def _done(self, effect: Effect) -> int:
        await self._shift.insist(lambda: self._desk.done((effect,)))
        return 1

    async def _delivery(self, effect: Effect) -> Delivery | None:
        deliveries = await self._desk.deliveries(effect.request)
        return next((d for d in deliveries if d.id == effect.ref), None)

    async def _failed(self, tried: Sequence[Effect], lane: deque[Effect], failure: SendFailed) -> int:
        """Put a temporary failure off, longer each time; give a permanent one up aloud.

        What was tried together failed together, each with a count of its own; how many of the lane's first are done.
        """
        pause = timedelta(seconds=failure.retry_after) if failure.retry_after else _pause(tried[0].attempts)
        due = self._shift.clock.now() + pause
        put_off: list[Effect] = []
        for effect in tried:
            if failure.temporary and effect.attempts + 1 < _GIVE_UP_AFTER:
                put_off.append(await self._put_off(replace(effect, attempts=effect.attempts + 1, due_at=due), failure))
            else:
                _log.error("%s of request %s given up: %s", effect.kind, effect.request, failure.detail)
                self.failing.ended(effect.id)
                await self._shift.insist(partial(self._given_up, effect, failure))
        if lane:
            for _ in tried:
                lane.popleft()
            lane.extendleft(reversed(put_off))
        return 0

    async def _put_off(self, later: Effect, failure: SendFailed) -> Effect:
        _log.warning("%s of request %s put off: %s", later.kind, later.request, failure.detail)
        self.failing.note(later.id, self._shift.clock.now())
        await self._shift.insist(lambda: self._desk.postponed(later))
        return later

    async def _given_up(self, effect: Effect, why: SendFailed) -> None:
        delivery = await self._delivery(effect) if effect.kind in _TO_A_PLACE else None
        lost = (DeliveryState.QUEUED, DeliveryState.SENT) if why.gone or why.unreachable else (DeliveryState.QUEUED,)
        if delivery is None or delivery.state not in lost:
            await self._desk.done((effect,))
        else:
            await self._desk.undeliverable(effect, delivery, why.detail, unreachable=why.unreachable, gone=why.gone)

    async def _tell_agent(self, effect: Effect) -> int:
        request = await self._about(effect)
        if request is None or (url := self._agent_url(effect.note or request.agent)) is None:
            return await self._done(effect)
        at, data = made_at(effect.id), self._describe(request)
        outcome = await self._herald.post_event(
            url, event_id=effect.id, event_type=effect.ref, at=at, data=data, within=_EVENT_TIMEOUT
        )
        if outcome.kind is not OutcomeKind.EXECUTED:
            # A refusal, too: an agent that is being deployed answers 404 or 401 for a while, and one that is busy 429.
            raise SendFailed(outcome.error or "no answer", temporary=True)
        return await self._done(effect)


def _put_first(lane: deque[Effect], effect: Effect) -> None:
    """Write a lane's first effect anew; one that was dropped meanwhile is others' to see to."""
    if lane:
        lane[0] = effect


def _soonest(lane: deque[Effect]) -> Effect:
    """The lane's first effect. Of digests, which each wait for another while, the one that is due first is put there.

    Unless the lane sleeps off a failure: what failed is tried first.
    """
    first = lane[0]
    if first.kind is EffectKind.DIGEST and not first.attempts:
        sooner = min(lane, key=lambda effect: effect.due_at)
        if sooner.due_at < first.due_at:
            lane.remove(sooner)
            lane.appendleft(sooner)
    return lane[0]


def _pause(attempts: int) -> timedelta:
    return min(_FIRST_PAUSE * (1 << attempts), _LONGEST_PAUSE)
