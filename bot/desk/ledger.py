"""How every change is made: work in one transaction; only after its commit the courier and the waiting learn of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec import Struct

from bot.core.digest import RANDOM_BYTES, new_id
from bot.core.errors import Unavailable
from bot.core.model import Event, Execution, Request
from bot.core.ports import Clock, Effect, EffectKind, Overtaken, Store, Tx
from bot.desk.waiting import Waiting

_TRIES = 5


class Deed(Struct, frozen=True):
    """What a unit of work did: the request as it is now, and what is to be done outside because of it."""

    request: Request | None
    effects: tuple[Effect, ...] = ()
    execution: Execution | None = None
    fresh: bool = True


class Courier(Protocol):
    """Who performs committed effects."""

    def take(self, effects: Sequence[Effect]) -> None:
        """Take effects that are committed."""

    def take_execution(self, execution: Execution) -> None:
        """Take an execution that is committed and still to run (or to be reported)."""


class Ledger:
    """The store, the clock and the ears of the house, shared by the desk's parts."""

    def __init__(self, store: Store, clock: Clock, entropy: Callable[[int], bytes]) -> None:
        self.store = store
        self.clock = clock
        self.entropy = entropy
        self.waiting = Waiting()
        self.courier: Courier | None = None

    def id(self, prefix: str) -> str:
        """A new id, ordered by time."""
        return new_id(prefix, self.clock.now(), self.entropy(RANDOM_BYTES))

    def effect(self, kind: EffectKind, request: str, ref: str, note: str = "") -> Effect:
        """Something to do outside, from now on."""
        return Effect(id=self.id("eff"), kind=kind, request=request, ref=ref, due_at=self.clock.now(), note=note)

    async def commit(self, work: Callable[[Tx], Deed]) -> Deed:
        """Run the work, commit it, then tell who has to know. Work that was overtaken is done again."""
        for _ in range(_TRIES):
            try:
                deed = await self.store.write(work)
            except Overtaken:
                continue
            self._tell(deed)
            return deed
        raise Unavailable("The request is being changed by too many at once; nothing was changed. Try again.")

    def _tell(self, deed: Deed) -> None:
        if deed.request is not None and deed.fresh:
            self.waiting.tell(deed.request)
        if self.courier is None:
            return
        if deed.effects:
            self.courier.take(deed.effects)
        if deed.execution is not None and not deed.execution.state.ended:
            self.courier.take_execution(deed.execution)

    async def note(self, event: Event) -> None:
        """Append an audit line that changes nothing else."""

        def work(tx: Tx) -> None:
            tx.append(event)

        await self.store.write(work)
