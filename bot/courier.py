"""Performs what committed rows ask for: cards out, cards updated, words at cards, webhooks, replays.

The law: it takes only what is committed, and forgets only by committing that it is done. Sending may happen twice
after a crash; running may not, because `Runs.claim` commits first. Everything for one card happens in order.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from msgspec.structs import replace

from bot.core.errors import SaysoError, SendFailed
from bot.core.model import Delivery, DeliveryState, Execution, Request
from bot.core.ports import Channel, Clock, Effect, EffectKind, Outcome, OutcomeKind, Replayer
from bot.desk import Desk

_log = logging.getLogger(__name__)

_REPLAYS_AT_ONCE = 64
_SENDS_AT_ONCE = 32
_FIRST_PAUSE = timedelta(seconds=1)
_LONGEST_PAUSE = timedelta(minutes=5)
_GIVE_UP_AFTER = 20
"""Tries of a temporary failure: with the pauses above, a bit over an hour."""
_SEND_TIMEOUT = 30.0
_EVENT_TIMEOUT = timedelta(seconds=10)
_STORE_PAUSE = 1.0


class Herald(Protocol):
    """Posts an event to an agent's own webhook."""

    async def post_event(
        self,
        url: str,
        *,
        id: str,  # noqa: A002  # Standard Webhooks' own names
        type: str,  # noqa: A002
        data: dict[str, Any],
        timeout: timedelta,  # noqa: ASYNC109  # a deadline is part of the order
    ) -> Outcome:
        """One attempt."""


class Courier:
    """The house's hands. `take` and `take_execution` are called with committed rows only."""

    def __init__(
        self,
        desk: Desk,
        clock: Clock,
        channels: Mapping[str, Channel],
        replayer: Replayer,
        *,
        herald: Herald,
        agent_url: Callable[[str], str | None],
        describe: Callable[[Request], dict[str, Any]],
    ) -> None:
        """``agent_url``: an agent's webhook; ``describe``: a request as the API returns it."""
        self._desk = desk
        self._clock = clock
        self._channels = channels
        self._replayer = replayer
        self._herald = herald
        self._agent_url = agent_url
        self._describe = describe
        self._lanes: dict[str, deque[Effect]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._timers: set[asyncio.TimerHandle] = set()
        self._replays = asyncio.Semaphore(_REPLAYS_AT_ONCE)
        self._sends = asyncio.Semaphore(_SENDS_AT_ONCE)
        self._held: set[str] = set()
        self._running: set[str] = set()
        self._stopping = False

    @property
    def waiting(self) -> dict[str, int]:
        """How much is waiting or under way, for the metrics."""
        cards = sum(len(lane) for lane in self._lanes.values())
        return {"effects": cards, "replays": len(self._running), "held": len(self._held)}

    async def start(self) -> None:
        """Take up what was committed before the last stop."""
        self.take(await self._desk.effects())
        for execution in await self._desk.recover():
            self.take_execution(execution)

    async def stop(self, within: float) -> None:
        """Start nothing more, let what runs finish for so many seconds; what does not becomes `unknown`."""
        self._stopping = True
        for timer in self._timers:
            timer.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=within)
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for execution_id in tuple(self._running):
            await self._desk.lost(execution_id)

    def take(self, effects: Sequence[Effect]) -> None:
        """Perform effects, those of one card in order."""
        for effect in effects:
            lane_key = effect.id if effect.kind is EffectKind.WEBHOOK else effect.ref
            lane = self._lanes.get(lane_key)
            if lane is not None:
                lane.append(effect)
                continue
            self._lanes[lane_key] = deque([effect])
            self._at(effect.due_at, lambda key=lane_key: self._spawn(self._drain(key)))  # type: ignore[misc]

    def take_execution(self, execution: Execution) -> None:
        """Run an execution when its time has come, or ask after it when its report is overdue."""
        due = execution.due_at
        if due is None or execution.state.ended:
            return
        self._at(due, lambda: self._spawn(self._replay(execution.id)))

    async def release(self) -> None:
        """Run what was held while replays were stopped, if they no longer are."""
        if not self._held or await self._desk.paused():
            return
        held, self._held = self._held, set()
        for execution_id in held:
            self._spawn(self._replay(execution_id))

    def _at(self, due: datetime, act: Callable[[], None]) -> None:
        delay = (due - self._clock.now()).total_seconds()
        if delay <= 0:
            act()
            return
        # The wall clock may jump while a timer sleeps: wake at least every minute and look again.
        loop = asyncio.get_running_loop()
        handle: asyncio.TimerHandle

        def ring() -> None:
            self._timers.discard(handle)
            self._at(due, act)

        handle = loop.call_later(min(delay, 60.0) + 0.001, ring)
        self._timers.add(handle)

    def _spawn(self, work: Any) -> None:
        if self._stopping:
            work.close()
            return
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _log.error("an effect failed unexpectedly", exc_info=task.exception())

    async def _drain(self, lane_key: str) -> None:
        """Everything for one card, in order; a failure for now puts the lane to sleep, and it goes on from there."""
        lane = self._lanes[lane_key]
        while lane and not self._stopping:
            effect = lane[0]
            if effect.due_at > self._clock.now():
                self._at(effect.due_at, lambda: self._spawn(self._drain(lane_key)))
                return
            async with self._sends:
                done = await self._perform(effect, lane)
            for _ in range(done):
                lane.popleft()
        if not lane:
            del self._lanes[lane_key]

    async def _perform(self, effect: Effect, lane: deque[Effect]) -> int:
        """Do the lane's first effect; how many of its first effects that finished (0: it was put off)."""
        try:
            if effect.kind is EffectKind.WEBHOOK:
                return await self._tell_agent(effect, lane)
            return await self._at_card(effect, lane)
        except SendFailed as failure:
            return await self._failed(effect, lane, failure)
        except (SaysoError, OSError, TimeoutError) as failure:
            return await self._failed(effect, lane, SendFailed(str(failure) or type(failure).__name__, temporary=True))
        except Exception as failure:  # noqa: BLE001  # whatever it was, the effect is still owed
            # A bug in a template or a channel must not spin or be lost: it is retried like an outage, and logged.
            _log.exception("effect %s of request %s failed", effect.kind, effect.request)
            return await self._failed(effect, lane, SendFailed(repr(failure), temporary=True))

    async def _at_card(self, effect: Effect, lane: deque[Effect]) -> int:
        request = await self._desk.request(effect.request)
        delivery = None if request is None else await self._delivery(effect)
        channel = self._channels.get(delivery.channel) if delivery is not None else None
        if request is None or delivery is None or channel is None:
            await self._desk.done((effect,))
            return 1
        if effect.kind is EffectKind.CARD:
            return await self._send(effect, request, delivery, channel)
        if delivery.state is not DeliveryState.SENT:
            await self._desk.done((effect,))
            return 1
        card = self._desk.card_of(request)
        if effect.kind is EffectKind.REMIND:
            if request.state.open:
                await asyncio.wait_for(channel.remind(card, delivery, effect.note), _SEND_TIMEOUT)
            await self._desk.done((effect,))
            return 1
        # Whatever is asked of this card after now is asked again; what was asked before is one update.
        together = [e for e in lane if e.kind is EffectKind.REFRESH and e.due_at <= self._clock.now()]
        together = together[: next((i for i, e in enumerate(lane) if e.kind is not EffectKind.REFRESH), len(lane))]
        request = await self._desk.request(effect.request) or request
        await asyncio.wait_for(channel.update(self._desk.card_of(request), delivery), _SEND_TIMEOUT)
        await self._desk.updated(together, delivery, request)
        return len(together)

    async def _send(self, effect: Effect, request: Request, delivery: Delivery, channel: Channel) -> int:
        if delivery.state is not DeliveryState.QUEUED:
            await self._desk.done((effect,))
        elif not request.state.open:
            await self._desk.skipped(effect, delivery, "the request had ended")
        else:
            card = self._desk.card_of(request)
            handle = await asyncio.wait_for(channel.send(card, delivery), _SEND_TIMEOUT)
            await self._desk.sent(effect, delivery, request, handle)
        return 1

    async def _delivery(self, effect: Effect) -> Delivery | None:
        deliveries = await self._desk.deliveries(effect.request)
        return next((d for d in deliveries if d.id == effect.ref), None)

    async def _failed(self, effect: Effect, lane: deque[Effect], failure: SendFailed) -> int:
        """Put a temporary failure off, longer each time; give a permanent one up aloud."""
        if failure.temporary and effect.attempts + 1 < _GIVE_UP_AFTER:
            pause = timedelta(seconds=failure.retry_after) if failure.retry_after else _pause(effect.attempts)
            later = replace(effect, attempts=effect.attempts + 1, due_at=self._clock.now() + pause, note=effect.note)
            lane[0] = later
            _log.warning("%s of request %s put off: %s", effect.kind, effect.request, failure.detail)
            await self._insist(lambda: self._desk.postponed(later))
            return 0
        _log.error("%s of request %s given up: %s", effect.kind, effect.request, failure.detail)
        delivery = await self._delivery(effect) if effect.kind is EffectKind.CARD else None
        if delivery is not None:
            await self._insist(lambda: self._desk.undeliverable(effect, delivery, failure.detail))
        else:
            await self._insist(lambda: self._desk.done((effect,)))
        return 1

    async def _insist(self, act: Callable[[], Awaitable[None]]) -> None:
        """Commit what became of an effect, waiting out a store that cannot write."""
        while True:
            try:
                await act()
            except SaysoError:
                if self._stopping:
                    return
                _log.exception("the store cannot record what became of an effect; trying again")
                await asyncio.sleep(_STORE_PAUSE)
            else:
                return

    async def _tell_agent(self, effect: Effect, lane: deque[Effect]) -> int:
        request = await self._desk.request(effect.request)
        url = self._agent_url(request.agent) if request is not None else None
        if request is None or url is None:
            await self._desk.done((effect,))
            return 1
        outcome = await self._herald.post_event(
            url, id=effect.id, type=effect.ref, data=self._describe(request), timeout=_EVENT_TIMEOUT
        )
        if outcome.kind is not OutcomeKind.EXECUTED:
            permanent = outcome.kind is OutcomeKind.FAILED
            return await self._failed(effect, lane, SendFailed(outcome.error or "no answer", temporary=not permanent))
        await self._desk.done((effect,))
        return 1

    async def _replay(self, execution_id: str) -> None:
        """Claim, run, record. A crash between claim and record is found at the next start, and is `unknown` then."""
        if execution_id in self._running:
            return
        async with self._replays:
            try:
                claim = await self._desk.claim(execution_id)
            except SaysoError:
                _log.exception("execution %s could not be claimed; trying again", execution_id)
                self._at(self._clock.now() + _FIRST_PAUSE, lambda: self._spawn(self._replay(execution_id)))
                return
            if claim.paused:
                self._held.add(execution_id)
                return
            order = claim.order
            if order is None:
                return
            self._running.add(execution_id)
            outcome = await self._replayer.run(order)
            await self._insist(lambda: self._desk.conclude(order, outcome))
            self._running.discard(execution_id)


def _pause(attempts: int) -> timedelta:
    return min(_FIRST_PAUSE * (1 << attempts), _LONGEST_PAUSE)
