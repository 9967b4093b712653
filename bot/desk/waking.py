"""What time does at the desk: each due step once, in order, and many of them in one transaction.

What is due is taken in lots: one look at the tables for all of a lot, one unit of work, one commit. A lot is bounded by
what it may hold up. Where one is refused, each of its requests goes by itself, so that a row which somebody broke holds
up nobody else; whatever cannot go by itself either is in no lot from then on, and is tried now and then (`Stuck`).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from bot.core import lifecycle
from bot.core.errors import Overloaded, Unavailable
from bot.core.lifecycle import Turn, Woken
from bot.core.model import Delivery, Event, Request
from bot.core.policy import Policy
from bot.core.ports import About, Change, Effect, Tx
from bot.core.ports.store import DueRequest
from bot.desk.ledger import Deed, Ledger
from bot.desk.part import Part, changed, outcome_event, questioned
from bot.desk.rounds import Rounds
from bot.desk.stuck import Stuck

_log = logging.getLogger(__name__)

LOT = 500
"""Requests that are read for one transaction, and fewer where the last one had no time for so many."""

HOLDS = 0.01
"""Seconds after which a lot takes no further request: writing takes about as long again, and nobody's click may wait
for more than that. What is left comes next."""

_BY_THEMSELVES = 20
"""Requests that share a commit where each goes by itself: they take about as long as a lot may hold up a click for."""

_EVENT = {
    Turn.ASK: "request.asked",
    Turn.REMIND: "request.reminded",
    Turn.NEXT_STEP: "request.escalated",
    Turn.EXHAUSTED: "request.exhausted",
    Turn.EXPIRED: "request.expired",
}


class _Undone(Exception):
    """Its row says that something is due, and nothing is."""


class _Lot:
    """Which requests had their turn, and whether its time was over before all had."""

    def __init__(self) -> None:
        self.looked_at: list[Request] = []
        self.cut = False


class Waking(Part):
    """Time's side."""

    def __init__(
        self, ledger: Ledger, rounds: Rounds, policy: Callable[[], Policy], link: Callable[[str], str]
    ) -> None:
        """See `Part`."""
        super().__init__(ledger, rounds, policy, link)
        self._stuck = Stuck()
        self._fits = LOT
        """How many a lot has time for, as far as the last one showed: what is read beyond that is read in vain."""

    async def wake(self) -> int:
        """Do everything that came due, each once and in order; how many requests moved. Cheap where nothing is due."""
        for actor, count in self._ledger.refusals.left_out(self._ledger.clock.now()):
            await self._ledger.note(self._event("refusals.counted", None, actor=actor, via="scheduler", count=count))
        moved = await self._each(self._stuck.ripe(self._ledger.clock.now(), LOT)) if self._stuck.ids else 0
        while True:
            earliest = await self._ledger.store.next_due()
            if earliest is None or earliest > self._ledger.clock.now():
                self._stuck.clear()
                return moved
            looked_at, went = await self._move_lot()
            moved += went
            if not looked_at:
                return moved

    async def _move_lot(self) -> tuple[int, int]:
        """Move some of what is due, without what is stuck; how many were looked at, how many moved."""
        lots: list[_Lot] = []
        fits = self._fits

        def work(tx: Tx) -> Deed:
            lots[:] = (_Lot(),)
            due = tx.due_whole(self._ledger.clock.now(), fits, self._stuck.ids)
            return self._together(tx, due, lots[0])

        try:
            deed = await self._ledger.commit(work, about=About())
        except Overloaded:
            raise
        except Exception as error:  # whatever it is, it is some request's own, and shows again there
            if isinstance(error, Unavailable) and not await self._ledger.store.writable():
                raise
            what = type(error.__cause__ or error).__name__
            _log.warning("what is due could not be moved on together (%s); each request is moved by itself", what)
            return await self._move_each()
        (lot,) = lots
        if lot.cut:
            # No less than half: the time of one lot may have gone to another process.
            self._fits = max(len(lot.looked_at), fits // 2)
        elif len(lot.looked_at) == fits:
            self._fits = min(LOT, 2 * fits)
        went = {request.id for request in deed.others}
        for request in lot.looked_at:
            if request.id not in went:
                self._stuck.add(request.id, self._ledger.clock.now())
        return len(lot.looked_at), len(went)

    async def _move_each(self) -> tuple[int, int]:
        """As `_move_lot`, each in a unit of its own."""
        now, limit = self._ledger.clock.now(), LOT + len(self._stuck.ids)
        due = await self._ledger.store.write(lambda tx: tx.due(now, limit))
        fresh = [request_id for request_id in due if request_id not in self._stuck.ids]
        return len(fresh), await self._each(fresh)

    async def _each(self, request_ids: Sequence[str]) -> int:
        """Move each of these by itself; how many moved. Those that are due and do not are stuck."""
        moved = 0
        failed: dict[str, Exception] = {}
        for first in range(0, len(request_ids), _BY_THEMSELVES):
            some = request_ids[first : first + _BY_THEMSELVES]
            for request_id, went in zip(some, await self._some(some), strict=True):
                if isinstance(went, bool):
                    self._stuck.drop(request_id)
                    moved += went
                else:
                    failed[request_id] = went
        told = {request_id: error for request_id, error in failed.items() if not isinstance(error, _Undone)}
        if told:
            _tell(told, fresh=any(request_id not in self._stuck.ids for request_id in told))
        for request_id in failed:
            self._stuck.add(request_id, self._ledger.clock.now())
        return moved

    async def _some(self, request_ids: Sequence[str]) -> list[bool | Exception]:
        """As `_moved`, in one commit, and what kept some from it. Raises `Unavailable` where that is the store.

        A store may say that it is down for one row that it cannot read or write, and takes all of a commit with it:
        what it refuses so although it can be written goes once more, alone.
        """
        found = await asyncio.gather(*map(self._moved, request_ids), return_exceptions=True)
        told: list[bool | Exception] = []
        for request_id, went in zip(request_ids, found, strict=True):
            again = went
            if isinstance(went, Unavailable):
                (again,) = await asyncio.gather(self._moved(request_id), return_exceptions=True)
                if isinstance(again, Unavailable) and not await self._ledger.store.writable():
                    raise again
            if isinstance(again, Overloaded) or not isinstance(again, bool | Exception):
                raise again
            told.append(again)
        return told

    async def _moved(self, request_id: str) -> bool:
        """Whether a request moved. Raises what keeps it, `_Undone` where something is due of it that cannot be done."""
        lot = _Lot()
        deed = await self._ledger.commit(
            lambda tx: self._together(tx, ((self._load(tx, request_id), tx.deliveries(request_id)),), lot),
            about=About(requests=(request_id,)),
        )
        (*_, seen) = lot.looked_at
        if not deed.others and seen.state.open and seen.due_at is not None and seen.due_at <= self._ledger.clock.now():
            raise _Undone
        return bool(deed.others)

    def _together(self, tx: Tx, due: Iterable[DueRequest], lot: _Lot) -> Deed:
        """Wake these, in order, until the time of a lot is over; ``lot`` takes those that had their turn."""
        until = time.monotonic() + HOLDS
        changes: list[Change] = []
        moved: list[Request] = []
        effects: list[Effect] = []
        for request, standing in due:
            after, more = self._woken(tx, request, standing, changes)
            lot.looked_at.append(request)
            if more:
                effects += more
            if after is not request:
                moved.append(after)
            if time.monotonic() > until:
                lot.cut = True
                break
        tx.record_all(changes)
        return Deed(None, tuple(effects), others=tuple(moved))

    def _woken(
        self, tx: Tx, request: Request, standing: tuple[Delivery, ...], changes: list[Change]
    ) -> tuple[Request, tuple[Effect, ...]]:
        """The request once everything that is due for it happened, and what is to be done outside because of it.

        ``changes`` takes what is to be recorded of it.
        """
        effects: tuple[Effect, ...] = ()
        while (woken := lifecycle.wake(request, self._ledger.clock.now())) is not None:
            change = self._turned(request, woken, standing)
            changes.append(change)
            standing, effects = standing + change.deliveries, effects + change.effects
            if not woken.request.state.open:
                # What follows may rest on any row.
                tx.record_all(changes)
                changes.clear()
                what = "expired once somebody had asked about it" if questioned(request) else None
                effects += self._regretted(tx, request, what)
            request = woken.request
        return request, effects

    def _turned(self, request: Request, woken: Woken, standing: tuple[Delivery, ...]) -> Change:
        """What came due, with its new cards and what is to be done outside."""
        after, policy = woken.request, self._policy()
        deliveries: tuple[Delivery, ...] = ()
        effects: tuple[Effect, ...] = ()
        if woken.turn is Turn.REMIND and woken.stage is not None:
            note = "Still waiting for a decision."
            effects = self._rounds.remind(after, policy, standing, note, stage=woken.stage)
        elif woken.turn in (Turn.NEXT_STEP, Turn.ASK):
            deliveries, asked = self._rounds.ask(after, policy, standing, tracks=changed(request, after))
            effects = self._rounds.refresh(after, policy, standing) + asked
        elif woken.turn is Turn.EXPIRED:
            effects = self._told(after, outcome_event(after), standing)
        elif not after.state.open:
            deliveries, effects = self._chain_ended(after, woken, standing)
        event = Event(
            type=_EVENT[woken.turn],
            at=self._ledger.clock.now(),
            actor="sayso",
            via="scheduler",
            request=request.id,
            data={} if woken.stage is None else {"stage": after.route.stages[woken.stage].name},
        )
        return Change(event=event, before=request, after=after, deliveries=deliveries, effects=effects)

    def _chain_ended(
        self, after: Request, woken: Woken, standing: tuple[Delivery, ...]
    ) -> tuple[tuple[Delivery, ...], tuple[Effect, ...]]:
        """A chain's end ended the request: those asked see it, and those whom the chain names are told."""
        ending = after.route.stages[woken.stage or 0].ending
        people = ending.notify if ending is not None else ()
        word = "For you to know: nobody decided in time."
        deliveries, told = self._rounds.notify(after, self._policy(), people, standing, word)
        return deliveries, self._told(after, outcome_event(after), standing) + told


def _tell(failed: Mapping[str, Exception], *, fresh: bool) -> None:
    """One line for all that are stuck, however many; how the first came to be that only where one of them is new."""
    (first, *others), error = failed, next(iter(failed.values()))
    more = f" and {len(others)} others" if others else ""
    what = type(error.__cause__ or error).__name__
    _log.error(
        "request %s%s could not be moved on (%s); tried again in a while",
        first,
        more,
        what,
        exc_info=error if fresh else None,
    )
