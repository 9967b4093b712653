"""What a rollback's own run does to the request that it takes back, in the very transactions of that run.

The first one is ``rolling_back`` from the claim on, ``rolled_back`` once the rollback executed, and what it was again
where the rollback failed. Of an unknown rollback it stays ``rolling_back`` until somebody settles that. Where the
rollback is taken back in its turn, the first one is in force again.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from bot.core.model import Execution, ExecutionState, Request
from bot.core.ports import Change, Effect, Tx
from bot.desk.part import Part

_BEFORE = (ExecutionState.EXECUTED, ExecutionState.UNKNOWN)
_NOTHING = "nothing_to_take_back: what this was to roll back is {now} by now, so nothing ran"


class Turned(Struct, frozen=True):
    """What became of the first request: as it is now, and what is to be told of it."""

    others: tuple[Request, ...] = ()
    effects: tuple[Effect, ...] = ()


class TakingBack(Part):
    """The part of the runs about what they take back."""

    def _idle(self, tx: Tx, rollback: Request) -> str | None:
        """Why there is nothing that this rollback could take back, or None."""
        first = self._first(tx, rollback)
        run = first.execution if first is not None else None
        if first is None or run is None:
            return None if rollback.content.takes_back is None else _NOTHING.format(now="gone")
        own = run.rollback == rollback.id
        if own and (run.state in _BEFORE or run.state is ExecutionState.ROLLING_BACK):
            return None
        return _NOTHING.format(now=str(run.state) if own else f"taken back by {run.rollback}")

    def _begins(self, tx: Tx, rollback: Request) -> Turned:
        """The first request is being rolled back; at a later attempt it is already."""
        first = self._first(tx, rollback)
        if first is None or first.execution is None or first.execution.state not in _BEFORE:
            return Turned()
        run = first.execution
        turned = replace(run, state=ExecutionState.ROLLING_BACK, was=run.state)
        return self._turned_to(tx, first, turned, "execution.rolling_back", rollback)

    def _ends(self, tx: Tx, rollback: Request, state: ExecutionState) -> Turned:
        """How the rollback ended, for the first request."""
        first = self._first(tx, rollback)
        run = first.execution if first is not None else None
        own = rollback.execution
        # What its agent had said failed happened after all: the first one is what it was again, and is taken back.
        late = own is not None and own.state is ExecutionState.FAILED and state is ExecutionState.EXECUTED
        states = _BEFORE if late else (ExecutionState.ROLLING_BACK,)
        mine = run is not None and run.state in states and run.rollback == rollback.id
        if first is None or run is None or not mine:
            return Turned()
        if state is ExecutionState.EXECUTED:
            turned = replace(run, state=ExecutionState.ROLLED_BACK, was=run.state if late else run.was)
            done = self._turned_to(tx, first, turned, "execution.rolled_back", rollback, tell="request.rolled_back")
            return self._in_turn(tx, first, done, rollback)
        if state is ExecutionState.FAILED:
            turned = replace(run, state=run.was or ExecutionState.EXECUTED, was=None)
            return self._turned_to(tx, first, turned, "execution.rollback_failed", rollback)
        return Turned()

    def _in_turn(self, tx: Tx, undone: Request, done: Turned, rollback: Request) -> Turned:
        """What ``undone`` had taken back itself is in force again, what that one had is taken back, and so on."""
        again = True
        while (first := self._first(tx, undone)) is not None and (run := first.execution) is not None:
            if run.rollback != undone.id or (run.state in _BEFORE) is again:
                break
            if again:
                turned, kind = replace(run, state=run.was or ExecutionState.EXECUTED, was=None), "execution.restored"
            else:
                turned, kind = replace(run, state=ExecutionState.ROLLED_BACK, was=run.state), "execution.rolled_back"
            more = self._turned_to(tx, first, turned, kind, rollback)
            done = Turned((*done.others, *more.others), (*done.effects, *more.effects))
            undone, again = first, not again
        return done

    def _first(self, tx: Tx, rollback: Request) -> Request | None:
        return None if rollback.content.takes_back is None else tx.request(rollback.content.takes_back)

    def _turned_to(
        self, tx: Tx, first: Request, run: Execution, kind: str, rollback: Request, *, tell: str | None = None
    ) -> Turned:
        after = replace(first, execution=run)
        effects = self._ended(tx, after, tell)
        event = self._event(kind, first, actor="sayso", via="replay", rollback=rollback.id)
        tx.record(Change(event=event, execution_before=first.execution, execution=run, effects=effects, of=first))
        return Turned((after,), effects)
