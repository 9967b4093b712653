"""How every change is made: work in one transaction; only after its commit the courier and the waiting learn of it."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from bot.core.digest import RANDOM_BYTES, new_id
from bot.core.errors import SaysoError, Unavailable
from bot.core.model import Event, Execution, Request
from bot.core.ports import About, Clock, Effect, EffectKind, Order, Overtaken, Store, Tx
from bot.desk.live import Live
from bot.desk.refusals import Refusals
from bot.desk.waiting import Waiting

_TRIES = 5
_MOST_TOLD = 2000

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def lease_now() -> float:
    """Seconds of a clock that nobody sets back, and that goes on while the machine sleeps, as the others' leases do."""
    return time.clock_gettime(_CLOCK)


class Deed(Struct, frozen=True):
    """What a unit of work did: the request as it is now, and what is to be done outside because of it.

    ``order`` is to be run now, for ``execution`` is committed as begun.
    """

    request: Request | None
    effects: tuple[Effect, ...] = ()
    execution: Execution | None = None
    order: Order | None = None
    fresh: bool = True
    others: tuple[Request, ...] = ()
    """Further requests that it changed, as they are now."""

    @property
    def given(self) -> Request:
        """The request of work that always gives one."""
        if self.request is None:
            raise AssertionError("this work always gives a request")
        return self.request


class Courier(Protocol):
    """Who performs committed effects."""

    def take(self, effects: Sequence[Effect]) -> None:
        """Take effects that are committed."""

    def take_execution(self, execution: Execution) -> None:
        """Take an execution as it is committed: to run, to be reported, or to be forgotten because it ended."""

    def promise(self) -> bool:
        """Keep a place for what is to begin as it is committed; False where none is free."""

    def unpromise(self, places: int) -> None:
        """Give places back: what they were for was given to `take_order`, or is not committed."""

    def take_order(self, order: Order) -> None:
        """Run at once what is committed as begun."""


class Ledger:
    """The store, the clock and the ears of the house, shared by the desk's parts."""

    def __init__(self, store: Store, clock: Clock, entropy: Callable[[int], bytes]) -> None:
        self.store = store
        self.clock = clock
        self.entropy = entropy
        self.waiting = Waiting()
        self.live = Live()
        self.refusals = Refusals()
        self.courier: Courier | None = None
        self.begin: Callable[[Tx, Deed], Deed] | None = None
        """What lets a run begin in the transaction that approves it; see `bot.desk.beginning`."""
        self.replica: str | None = None
        """Under which name this process shares the store with others; None where it has it to itself."""
        self.alive_until = math.inf
        """Until when (`lease_now`) others leave to this process what it holds; for ever, where there are none."""
        self._told: dict[str, Request] = {}
        """Where the store is shared: what was told here of late, by request."""
        self._late: set[asyncio.Task[None]] = set()

    def id(self, prefix: str) -> str:
        """A new id, ordered by time."""
        return new_id(prefix, self.clock.now(), self.entropy(RANDOM_BYTES))

    def effect(
        self, kind: EffectKind, request: str, ref: str, note: str = "", *, after: timedelta = timedelta(0)
    ) -> Effect:
        """Something to do outside, from now on, or ``after`` a while."""
        due = self.clock.now() + after
        return Effect(id=self.id("eff"), kind=kind, request=request, ref=ref, due_at=due, note=note)

    async def commit(self, work: Callable[[Tx], Deed], *, patient: bool = False, about: About | None = None) -> Deed:
        """Run the work, commit it, then tell who has to know. Work that was overtaken is done again.

        ``patient`` and ``about``: see `bot.core.ports.Store.write`.
        """
        deeds: list[Deed] = []
        places: list[bool] = []

        def kept(tx: Tx) -> Deed:
            deed = work(tx)
            if deed.effects and self.store.shared:
                deed = replace(deed, effects=tx.mine(deed.effects))
            if deed.execution is not None and deed.fresh:
                deed = self._begun(tx, deed, places)
            deeds[:] = (deed,)
            return deed

        try:
            return await self._committed(kept, deeds, patient=patient, about=about)
        finally:
            if places and self.courier is not None:
                self.courier.unpromise(len(places))

    def _begun(self, tx: Tx, deed: Deed, places: list[bool]) -> Deed:
        """The deed with what it approved begun, where nothing stands in the way and there is a place for it.

        Only on a store of this process alone: a commit of which another machine does not say whether it happened must
        leave nothing that has begun.
        """
        if self.begin is None or self.courier is None or self.store.shared or not self.courier.promise():
            return deed
        places.append(True)
        return self.begin(tx, deed)

    async def _committed(
        self, kept: Callable[[Tx], Deed], deeds: list[Deed], *, patient: bool, about: About | None
    ) -> Deed:
        for _ in range(_TRIES):
            try:
                deed = await self.store.write(kept, patient=patient, about=about)
            except Overtaken:
                continue
            except asyncio.CancelledError:
                # The unit is written all the same, and what it asks for must not wait for the next start.
                task = asyncio.get_running_loop().create_task(self._catch_up(deeds))
                self._late.add(task)
                task.add_done_callback(self._late.discard)
                raise
            self._tell(deed)
            return deed
        raise Unavailable("The request is being changed by too many at once; nothing was changed. Try again.")

    async def _catch_up(self, deeds: list[Deed]) -> None:
        """Tell of a unit whose caller was cancelled: of what the rows hold now, for it may not have been committed."""

        def standing(tx: Tx) -> Deed | None:
            if not deeds:
                return None
            deed = deeds[0]
            wanted = {effect.id for effect in deed.effects}
            execution = tx.execution(deed.execution.id) if deed.execution is not None else None
            return Deed(
                tx.request(deed.request.id) if deed.request is not None else None,
                tuple(e for e in tx.effects() if e.id in wanted and tx.has_effects((e.id,))) if wanted else (),
                execution,
                deed.order if execution == deed.execution else None,
                others=tuple([now for other in deed.others if (now := tx.request(other.id)) is not None]),
            )

        try:
            found = await self.store.write(standing)
        except SaysoError:
            # The store is closed or down: the next start takes up what is committed.
            return
        if found is not None:
            self._tell(found)

    def _tell(self, deed: Deed) -> None:
        if deed.request is not None and deed.fresh:
            self._tell_of(deed.request)
        for other in deed.others:
            self._tell_of(other)
        if self.courier is None:
            return
        if deed.effects:
            self.courier.take(deed.effects)
        if deed.order is not None:
            self.courier.take_order(deed.order)
        elif deed.execution is not None:
            self.courier.take_execution(deed.execution)

    def _tell_of(self, request: Request) -> None:
        self.waiting.tell(request)
        self.live.tell(request)
        if self.store.shared:
            self._told[request.id] = request
            if len(self._told) > _MOST_TOLD:
                del self._told[next(iter(self._told))]

    async def retell(self, request_id: str) -> None:
        """Tell those who wait here of a request that another process changed; what this one told is not told twice."""
        told = self._told.pop(request_id, None)
        if not (self.waiting.awaited(request_id) or self.live.watching):
            return
        request = await self.store.request(request_id)
        if request is not None and request != told:
            self.waiting.tell(request)
            self.live.tell(request)

    async def holds(self, name: str) -> bool:
        """Whether this process does something for all that share the store; to be asked again and again."""
        me = self.replica
        return me is None or await self.store.write(lambda tx: tx.alive(me) and tx.hold(name, me))

    def sure(self) -> bool:
        """Whether what this process holds is still its own to begin; see `bot.desk.replicas`."""
        return lease_now() < self.alive_until

    async def note(self, event: Event) -> None:
        """Append an audit line that changes nothing else."""

        def work(tx: Tx) -> None:
            tx.append(event)

        await self.store.write(work)
