"""Running what was approved: claim, run, record. A crash in between is found at the next start, and is `unknown`."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

from bot.core.about import about, mark, withhold
from bot.core.errors import SaysoError
from bot.core.model import Execution
from bot.core.ports import Order, Outcome, OutcomeKind, Replayer
from bot.core.unsaid import unsayable
from bot.courier.shift import Shift
from bot.desk import Desk
from bot.desk.switch import Whose

_log = logging.getLogger(__name__)
_REPLAYS_AT_ONCE = 64
_CLAIM_PAUSE = timedelta(seconds=1)
_NOT_SURE = Outcome(kind=OutcomeKind.NOT_STARTED, error="store_unheard: nothing was heard of it for too long")


class Replays:
    """The executions of this process: those that wait for their time, those that run, those that are held."""

    def __init__(self, desk: Desk, shift: Shift, replayer: Replayer) -> None:
        self._desk = desk
        self._shift = shift
        self._replayer = replayer
        self._slots = asyncio.Semaphore(_REPLAYS_AT_ONCE)
        self._promised = 0
        """Places of those that begin as they are committed, until they are given to `take_order`."""
        self._returned: set[asyncio.Task[None]] = set()
        self._held: dict[str, Whose] = {}
        """Those that wait for replays to be allowed again, and by whose switches each is held."""
        self._running: set[str] = set()
        self._unheard: set[str] = set()
        """Those whose claim the store did not answer, so that it may have been committed."""

    @property
    def running(self) -> int:
        """How many are being claimed, run or recorded."""
        return len(self._running)

    @property
    def held(self) -> int:
        """How many wait for replays to be allowed again."""
        return len(self._held)

    def take(self, execution: Execution) -> None:
        """Run an execution when its time has come, or ask after it when its report is overdue; forget an ended one."""
        if execution.state.ended or execution.due_at is None:
            self._shift.forget(execution.id)
            return
        # Whatever held it may hold it no more, as once a person wants a rollback, too.
        self._held.pop(execution.id, None)
        self._shift.at(execution.id, execution.due_at, lambda: self._begin(execution.id))

    def promise(self) -> bool:
        """Keep a place for one that begins as it is committed; False where it would have to wait for one."""
        if self._shift.over or len(self._running) + self._promised >= _REPLAYS_AT_ONCE:
            return False
        self._promised += 1
        return True

    def unpromise(self, places: int) -> None:
        """Give places back."""
        self._promised -= places

    def take_order(self, order: Order) -> None:
        """Run at once what is committed as begun; once the shift is over it waits again, for nothing was begun."""
        if self._shift.over:
            task = asyncio.get_running_loop().create_task(self._put_back(order))
            self._returned.add(task)
            task.add_done_callback(self._returned.discard)
            return
        self._running.add(order.execution)
        self._shift.begin(self._ordered(order))

    async def _ordered(self, order: Order) -> None:
        async with self._slots:
            with about(execution=order.execution):
                await self._run(order)
        self._running.discard(order.execution)

    async def _put_back(self, order: Order) -> None:
        try:
            await self._desk.put_back(order)
        except SaysoError:
            _log.exception("execution %s is still marked as running; the next start sees to it", order.execution)

    def _begin(self, execution_id: str) -> None:
        self._shift.begin(self._replay(execution_id))

    def drop(self) -> None:
        """Forget what is held for later: others see to it."""
        self._held.clear()
        self._unheard.clear()

    async def release(self) -> None:
        """Run what was held while its replays were stopped, if they no longer are."""
        if not self._held:
            return
        stopped = await self._desk.stopped()
        for execution_id, (agent, action) in tuple(self._held.items()):
            if not stopped.holds(agent, action):
                del self._held[execution_id]
                self._begin(execution_id)

    async def _replay(self, execution_id: str) -> None:
        if execution_id in self._running:
            return
        # Known before it is claimed, and left so where this is cancelled: `give_up` then asks what became of it.
        self._running.add(execution_id)
        async with self._slots:
            with about(execution=execution_id):
                await self._told(execution_id)
        self._running.discard(execution_id)

    async def _told(self, execution_id: str) -> None:
        try:
            await self._attempt(execution_id)
        except Exception:  # noqa: BLE001  # a row that cannot be read must be told, and may not end the bot
            _log.exception("execution %s broke off", execution_id)

    async def _attempt(self, execution_id: str) -> None:
        try:
            claim = await self._desk.claim(execution_id, unheard=execution_id in self._unheard)
        except SaysoError as trouble:
            if execution_id not in self._unheard:
                _log.warning("execution %s could not be claimed, and is tried again: %s", execution_id, trouble)
            self._unheard.add(execution_id)
            self._shift.at(execution_id, self._shift.clock.now() + _CLAIM_PAUSE, lambda: self._begin(execution_id))
            return
        self._unheard.discard(execution_id)
        if claim.of is not None:
            self._held[execution_id] = claim.of
        elif claim.not_before is not None:
            self._shift.at(execution_id, claim.not_before, lambda: self._begin(execution_id))
        elif claim.order is not None:
            await self._run(claim.order)

    async def _run(self, order: Order) -> None:
        mark(request=order.request, agent=order.agent)
        try:
            if order.how.python is not None and (request := await self._desk.request(order.request)) is not None:
                # What a function prints is logged.
                withhold(unsayable(request))
            # Asked at the last moment: a process that was stopped since the claim may no longer be the one to run it.
            outcome = await self._replayer.run(order) if self._desk.sure() else _NOT_SURE
        except Exception as fault:  # noqa: BLE001  # whatever it was, the execution needs an outcome
            _log.exception("the replay of %s broke off", order.execution)
            told = f"broke_off: the replay ended by a fault here ({type(fault).__name__}); it may have happened"
            outcome = Outcome(kind=OutcomeKind.UNKNOWN, error=told)
        try:
            await self._shift.insist(lambda: self._desk.conclude(order, outcome))
        except Exception:  # noqa: BLE001  # an answer that no row can hold
            _log.exception("the outcome of %s cannot be kept", order.execution)
            lost = Outcome(kind=OutcomeKind.UNKNOWN, error="outcome_not_kept: no row can hold it; it may have happened")
            await self._shift.insist(lambda: self._desk.conclude(order, lost))

    async def give_up(self) -> None:
        """After the shift: what was claimed and not heard of becomes `unknown`, or waits where it may run again."""
        for execution_id in tuple(self._running):
            try:
                await self._desk.lost(execution_id)
            except SaysoError:
                _log.exception("execution %s is still marked as running; the next start sees to it", execution_id)
        await asyncio.gather(*self._returned)
