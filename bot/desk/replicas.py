"""One of several processes on one store: it says that it lives, takes over from those that do not, hears of the rest.

What a replica committed it performs itself. If it stops saying that it is alive, the others take over what it held:
cards may then be sent twice, and what was running is `unknown`, or tried again where that is declared safe. A replica
that was only asleep finds that it holds nothing any more, drops what it has in hand, and joins anew under another name.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Protocol

from msgspec.structs import replace

from bot.core.errors import SaysoError
from bot.core.model import Event, Execution, ExecutionState
from bot.core.ports import Effect, Taken, Tx
from bot.desk.ledger import Ledger, lease_now

_log = logging.getLogger(__name__)

LEASE = timedelta(seconds=15)
"""How long a replica is believed to be alive after it said so; longer than PostgreSQL lets one stand in a write."""

_BEATS = 5
"""How often in a lease it says so again: three may be lost."""

_TOO_NEAR = 0.5
"""The share of a lease that a beat may take, which is two commits, and what the dead left."""

_LOOKS = 2.0
"""Seconds between looks at what others changed, where no word of it came."""

_DOUBT = timedelta(seconds=6)
"""How old what was taken over is before it is done: a channel looks for a card that another may have posted only where
it waited longer than 5 s (`channels.slack.posts`), and a lease may be shorter, or a replica have left just now."""

_PAGE = 500
"""Changes read at a time."""


class Hands(Protocol):
    """Who performs what this replica holds."""

    def take(self, effects: Sequence[Effect]) -> None:
        """Take effects that are committed."""

    def take_execution(self, execution: Execution) -> None:
        """Take an execution as it is committed."""

    def drop(self) -> None:
        """Forget everything that was taken: others see to it."""


class Replicas:
    """This process among those that share its store; idle where it has the store to itself."""

    def __init__(
        self,
        ledger: Ledger,
        hands: Hands,
        lost: Callable[[str], Awaitable[None]],
        *,
        name: str,
        rules: Callable[[], str],
        lease: timedelta = LEASE,
    ) -> None:
        """``lost``: what becomes of an execution that another was running when it died (`Runs.lost`).

        ``name`` is this machine and process, ``rules`` the hash of the rules in force.
        """
        self._ledger = ledger
        self._hands = hands
        self._lost = lost
        self._name = name
        self._rules = rules
        self._lease = lease
        self._me = ""
        self._seen = 0
        self._for_me = False
        self._unsettled: list[Execution] = []
        """Executions that were taken over, and of which nothing is done yet."""
        self._rung = asyncio.Event()
        self._tasks: tuple[asyncio.Task[None], ...] = ()
        self.fault: str | None = None

    async def join(self) -> None:
        """Be one of them, before anything is committed that only one of them is to do."""
        if self._ledger.store.shared:
            self._seen = (await self._ledger.store.audit_head())[0]
            await self._join()

    async def begin(self) -> None:
        """Take what nobody holds, and listen to the others from now on. After `join`."""
        await self._beat()
        start = asyncio.get_running_loop().create_task
        self._tasks = (start(self._live()), start(self._follow()))

    async def end(self) -> None:
        """Leave what is held to the others, at once instead of after a lease."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._tasks:
            with contextlib.suppress(SaysoError):
                await self._ledger.store.write(self._leave)

    async def _join(self) -> None:
        self._me = self._ledger.id("rep")
        asked = lease_now()

        def work(tx: Tx) -> None:
            tx.join(self._me, self._name, self._rules(), self._lease)
            tx.append(self._event("replica.joined", self._me))

        await self._ledger.store.write(work)
        await self._ledger.store.attend(self._me, self._hear)
        self._ledger.replica = self._me
        self._ledger.alive_until = asked + self._lease.total_seconds()

    def _leave(self, tx: Tx) -> None:
        if tx.alive(self._me):
            tx.leave(self._me)
            tx.append(self._event("replica.left", self._me))

    def _event(self, kind: str, replica: str) -> Event:
        data = {"replica": replica, "name": self._name}
        return Event(type=kind, at=self._ledger.clock.now(), actor="sayso", via="replicas", data=data)

    def _hear(self, for_me: bool) -> None:  # noqa: FBT001 - as `ReplicaStore.attend` calls it
        self._for_me = self._for_me or for_me
        self._rung.set()

    async def _live(self) -> None:
        now = asyncio.get_running_loop().time
        due = now()
        while True:
            # What a beat takes is part of the pause: a slow store would else be told ever less often.
            due = max(due + self._lease.total_seconds() / _BEATS, now())
            await asyncio.sleep(due - now())
            began = now()
            try:
                await self._beat()
            except SaysoError as trouble:
                self.fault = f"not heard by the others: {trouble.detail}"
                _log.warning("this replica could not say that it is alive: %s", trouble.detail)
            except Exception as bug:  # noqa: BLE001  # whatever it was, a replica that says nothing is taken for dead
                self.fault = f"not heard by the others: {type(bug).__name__}"
                _log.exception("this replica could not say that it is alive")
            else:
                self._told_in(now() - began)

    def _told_in(self, took: float) -> None:
        """Tell where so long a beat comes near the lease, once: the next may be too late, and others take over."""
        lease, before = self._lease.total_seconds(), self.fault
        if took < lease * _TOO_NEAR:
            self.fault = None
            return
        self.fault = f"the store takes {took:.1f} s to note that this one is alive, and SAYSO_LEASE is {lease:g} s"
        if before is None:
            _log.warning("%s: commits are slow, or the lease is too short, and others may take over", self.fault)

    async def _beat(self) -> None:
        asked = lease_now()

        # By itself: whatever is wrong with what the dead left, this one is alive.
        if await self._ledger.store.write(lambda tx: tx.beat(self._me, self._rules(), self._lease)):
            self._ledger.alive_until = asked + self._lease.total_seconds()
        else:
            _log.error("this replica was silent for so long that the others took over; it joins anew")
            self._hands.drop()
            self._unsettled.clear()
            await self._join()
        await self._take(await self._ledger.store.write(self._take_over))

    def _take_over(self, tx: Tx) -> Taken:
        if not tx.alive(self._me):
            return Taken()
        taken = tx.take_over(self._me)
        for dead in taken.replicas:
            tx.append(self._event("replica.lost", dead))
        return taken

    async def _take(self, taken: Taken) -> None:
        if taken.replicas:
            told = ", ".join(taken.replicas), len(taken.effects), len(taken.executions)
            _log.warning("took over from %s: %d effects, %d executions", *told)
        self._hands.take(tuple(self._doubted(effect) for effect in taken.effects))
        self._unsettled += taken.executions
        # Together, for each waits for a commit, and until they are done this one does not say again that it is alive.
        faults = await asyncio.gather(*map(self._settle, self._unsettled), return_exceptions=True)
        # Nobody takes them over twice: what could not be recorded now stays for the next beat, and holds up no other.
        left = [(execution, fault) for execution, fault in zip(self._unsettled, faults, strict=True) if fault]
        self._unsettled = [execution for execution, _ in left]
        if left:
            raise left[0][1]

    async def _settle(self, execution: Execution) -> None:
        if execution.state is ExecutionState.EXECUTING and not execution.by_agent:
            await self._lost(execution.id)
        else:
            self._hands.take_execution(execution)

    def _doubted(self, effect: Effect) -> Effect:
        due = effect.due_at + _DOUBT
        return replace(effect, due_at=due) if effect.due_at <= self._ledger.clock.now() < due else effect

    async def _follow(self) -> None:
        """Do what others left to this replica, and tell those who wait here of what others changed."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOKS):
                    await self._rung.wait()
            self._rung.clear()
            for_me, self._for_me = self._for_me, False
            try:
                if for_me:
                    await self._resume()
                await self._catch_up()
            except SaysoError:
                self._for_me = self._for_me or for_me
            except Exception:  # noqa: BLE001  # the next look may go better, and without any nobody here is told
                self._for_me = self._for_me or for_me
                _log.exception("what other replicas changed could not be read")

    async def _resume(self) -> None:
        """Take what others left to this replica; not where it turns out that they took it for dead meanwhile.

        What it dropped then would be in hand once more, beside a card of it that is on its way: two cards, of which
        nobody knows the first. It is taken over like all that nobody holds, once this replica has joined anew.
        """
        me = self._me
        held = await self._ledger.store.write(lambda tx: tx.held(me) if tx.alive(me) else Taken())
        if me == self._me and self._ledger.sure():
            self._hold(held)

    def _hold(self, held: Taken) -> None:
        """Take what is this replica's own; what of it is in hand already is not taken twice."""
        self._hands.take(held.effects)
        for execution in held.executions:
            # What runs is in hand. What waits may have been committed while nobody heard the answer.
            if execution.by_agent or execution.state is ExecutionState.WAITING:
                self._hands.take_execution(execution)

    async def _catch_up(self) -> None:
        while changes := await self._ledger.store.changes(self._seen, _PAGE):
            for request_id in dict.fromkeys(change.request for change in changes):
                if request_id is not None:
                    await self._ledger.retell(request_id)
            self._seen = changes[-1].seq
            if len(changes) < _PAGE:
                return
