"""The replays' side of the desk: claim, conclude, report, settle, stop and start.

The law: a claim is committed before the first byte leaves, so that a crash can lose an answer but never run an
action twice. What may have happened is `unknown`, which only a person (or the agent that ran it) settles.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from bot.core import errors
from bot.core.model import Execution, ExecutionState, Request
from bot.core.ports import About, Change, Effect, Order, Outcome, OutcomeKind, Stopped, Tx
from bot.desk.afterwards import Afterwards
from bot.desk.attempts import backoff, ending, mismatch
from bot.desk.beginning import Beginning
from bot.desk.erased import erased
from bot.desk.incidents import may_be_settled
from bot.desk.ledger import Deed
from bot.desk.switch import Whose, whose

_TO_RUN = (ExecutionState.WAITING, ExecutionState.EXECUTING)
_UNHEARD = Outcome(kind=OutcomeKind.NOT_STARTED, error="store_unheard: it did not say that this had begun")
_EVENT = {ExecutionState.EXECUTED: "request.executed", ExecutionState.FAILED: "request.failed"}


class Claim(Struct, frozen=True):
    """What became of a claim: an order to run now, or none.

    ``paused`` when replays are stopped, ``of`` saying by whose switches; ``not_before`` when it is too early,
    as after the clock was set back.
    """

    order: Order | None = None
    paused: bool = False
    of: Whose | None = None
    not_before: datetime | None = None


class Runs(Beginning, Afterwards):
    """The replays' side."""

    async def claim(self, execution_id: str, *, unheard: bool = False) -> Claim:
        """Take an execution whose time has come, once: the order to run, committed as begun.

        ``unheard``: the caller asked before, and does not know whether that was committed. If it was, nothing has begun
        all the same, and the execution waits again for a moment.
        """
        claims: list[Claim] = []

        def work(tx: Tx) -> Deed:
            claims.clear()
            execution = tx.execution(execution_id)
            now = self._ledger.clock.now()
            # What is being rolled back has not ended, and never runs again all the same.
            if execution is None or execution.state not in _TO_RUN or not tx.has_execution(execution_id):
                claims.append(Claim())
                return Deed(None)
            if execution.due_at is not None and execution.due_at > now:
                claims.append(Claim(not_before=execution.due_at))
                return Deed(None)
            if execution.state is ExecutionState.EXECUTING:
                claims.append(Claim())
                return self._under_way(tx, execution, unheard=unheard)
            request = self._load(tx, execution.request)
            switches = whose(request, by_agent=execution.by_agent)
            if tx.paused(*switches):
                claims.append(Claim(paused=True, of=switches))
                return Deed(None)
            how = self._policy().action(request.content.action).execute
            wrong = mismatch(request, execution, how) or self._idle(tx, request)
            if wrong is not None:
                claims.append(Claim())
                return self._end(tx, request, execution, ExecutionState.FAILED, "execution.refused", error=wrong)
            deed, order = self._begun(tx, request, execution, how)
            claims.append(Claim(order))
            return deed

        await self._ledger.commit(work, about=About(executions=(execution_id,)))
        return claims[-1]

    def _under_way(self, tx: Tx, execution: Execution, *, unheard: bool) -> Deed:
        """Of what was begun before: its agent's time is over, or it waits again because nothing has begun."""
        request = self._load(tx, execution.request)
        if execution.by_agent:
            error = "not_reported: the agent did not report in time; it may have happened"
            return self._end(tx, request, execution, ExecutionState.UNKNOWN, "execution.ended", error=error)
        return self._retried(tx, request, execution, _UNHEARD) if unheard else Deed(None)

    async def conclude(self, order: Order, outcome: Outcome) -> None:
        """Record how an attempt ended, or when the next one may be made."""

        def work(tx: Tx) -> Deed:
            execution = tx.execution(order.execution)
            if execution is None or execution.state is not ExecutionState.EXECUTING:
                return Deed(None)
            if execution.attempts != order.attempt or not tx.has_execution(order.execution):
                # Taken for lost meanwhile, and told as that: an answer that comes later changes nothing any more.
                return Deed(None)
            request = self._load(tx, order.request)
            left = execution.attempts < execution.attempts_allowed
            again = outcome.kind is OutcomeKind.NOT_STARTED or (
                outcome.kind is OutcomeKind.UNKNOWN and execution.idempotent
            )
            if again and left:
                return self._retried(tx, request, execution, outcome)
            state, error = ending(execution, outcome)
            return self._end(tx, request, execution, state, "execution.ended", result=outcome.result, error=error)

        await self._ledger.commit(work, about=About(executions=(order.execution,)))

    async def put_back(self, order: Order) -> None:
        """Let an order wait again of which nothing was begun, as if it had not been given."""

        def work(tx: Tx) -> Deed:
            execution = tx.execution(order.execution)
            if execution is None or execution.state is not ExecutionState.EXECUTING:
                return Deed(None)
            if execution.attempts != order.attempt:
                return Deed(None)
            first = order.attempt == 1
            waiting = replace(
                execution,
                state=ExecutionState.WAITING,
                due_at=self._ledger.clock.now(),
                attempts=execution.attempts - 1,
                started_at=None if first else execution.started_at,
            )
            request = self._load(tx, order.request)
            error = "bot_stopped: nothing was begun"
            event = self._event("execution.retried", request, actor="sayso", via="replay", error=error)
            tx.record(Change(event=event, execution_before=execution, execution=waiting, of=request))
            # Nobody is told: who would begin it is going home.
            return Deed(replace(request, execution=waiting))

        await self._ledger.commit(work, about=About(executions=(order.execution,)))

    def _retried(self, tx: Tx, request: Request, execution: Execution, outcome: Outcome) -> Deed:
        due = self._ledger.clock.now() + backoff(execution.attempts)
        may_have_run = execution.may_have_run or outcome.kind is OutcomeKind.UNKNOWN
        waiting = replace(
            execution, state=ExecutionState.WAITING, due_at=due, error=outcome.error, may_have_run=may_have_run
        )
        event = self._event("execution.retried", request, actor="sayso", via="replay", error=outcome.error)
        tx.record(Change(event=event, execution_before=execution, execution=waiting, of=request))
        return Deed(replace(request, execution=waiting), (), waiting)

    def _end(
        self,
        tx: Tx,
        request: Request,
        execution: Execution,
        state: ExecutionState,
        kind: str,
        *,
        actor: str = "sayso",
        via: str = "replay",
        result: Any = None,
        error: str | None = None,
        note: str | None = None,
    ) -> Deed:
        now = self._ledger.clock.now()
        if may_be_settled(execution) and erased(tx, request):
            result = error = note = None
        ended = replace(execution, state=state, result=result, error=error, ended_at=now, due_at=None)
        due = self._review_due(request, ended)
        if due is not None and due.after is not None:
            ended = replace(ended, review=due.after.id)
        after = replace(request, execution=ended)
        effects: tuple[Effect, ...] = self._ended(tx, after, _EVENT.get(state))
        event = self._event(kind, request, actor=actor, via=via, note=note)
        tx.record(Change(event=event, execution_before=execution, execution=ended, effects=effects, of=request))
        if due is not None:
            tx.record(due)
            effects += due.effects
        turned = self._ends(tx, request, state)
        others = turned.others if due is None or due.after is None else (*turned.others, due.after)
        return Deed(after, effects + turned.effects, ended, others=others)

    async def report(
        self, request_id: str, *, agent: str, state: ExecutionState, result: Any = None, error: str | None = None
    ) -> Request:
        """The agent that ran an approved action itself says how it ended; once, also after its time was over."""

        def work(tx: Tx) -> Deed:
            request = self._load(tx, request_id, agent=agent)
            execution = request.execution
            if execution is None or not execution.by_agent:
                raise errors.Conflict("This request has no execution that its agent runs.", state=str(request.state))
            if execution.state is ExecutionState.WAITING:
                raise errors.Conflict("The action may not run yet: its undo window is open, or replays are stopped.")
            if execution.state not in (ExecutionState.EXECUTING, ExecutionState.UNKNOWN):
                raise errors.Conflict(
                    f"The outcome is already recorded: {execution.state}.", execution=str(execution.state)
                )
            return self._end(
                tx,
                request,
                execution,
                state,
                "execution.reported",
                actor=f"agent:{agent}",
                via="api",
                result=result,
                error=error,
            )

        return (await self._ledger.commit(work, about=About(requests=(request_id,)))).given

    async def settle(self, request_id: str, *, by: str, via: str = "api", state: ExecutionState, note: str) -> Request:
        """A person found out how an `unknown` execution ended, or that one happened of which its agent said it failed.

        ``by`` is ``admin:<key>`` or ``person:<id>``.
        """

        def work(tx: Tx) -> Deed:
            request = self._load(tx, request_id)
            execution = request.execution
            # That it failed, its agent said: it need not be said again.
            known = execution is not None and execution.state is state
            if execution is None or known or not may_be_settled(execution):
                now = "none" if execution is None else str(execution.state)
                raise errors.Conflict(f"Only an unknown outcome can be settled; this one is: {now}.", execution=now)
            error = note if state is ExecutionState.FAILED else None
            result = {"settled": note} if state is ExecutionState.EXECUTED else None
            return self._end(
                tx,
                request,
                execution,
                state,
                "execution.settled",
                actor=by,
                via=via,
                result=result,
                error=error,
                note=note,
            )

        return (await self._ledger.commit(work, about=About(requests=(request_id,)))).given

    async def recover(self) -> tuple[Execution, ...]:
        """After a start: what was running when the bot died is unknown, or tried again where that is declared safe.

        Returns every execution that is still to run or to be reported.
        """
        for execution in await self._ledger.store.write(lambda tx: tx.unfinished()):
            if execution.state is ExecutionState.EXECUTING and not execution.by_agent:
                await self.lost(execution.id)
        return await self._ledger.store.write(lambda tx: tx.unfinished())

    async def lost(self, execution_id: str) -> None:
        """The bot stopped while this ran, and will not hear how it ended."""

        def work(tx: Tx) -> Deed:
            execution = tx.execution(execution_id)
            if execution is None or execution.state is not ExecutionState.EXECUTING:
                return Deed(None)
            if not tx.has_execution(execution_id):
                return Deed(None)
            request = self._load(tx, execution.request)
            error = "bot_stopped: the bot stopped while this ran; it may have happened"
            if execution.idempotent and execution.attempts < execution.attempts_allowed:
                return self._retried(tx, request, execution, Outcome(kind=OutcomeKind.UNKNOWN, error=error))
            return self._end(tx, request, execution, ExecutionState.UNKNOWN, "execution.ended", error=error)

        await self._ledger.commit(work, about=About(executions=(execution_id,)))

    def sure(self) -> bool:
        """Whether what was claimed is still this process's own to run; see `Ledger.sure`."""
        return self._ledger.sure()

    async def paused(self) -> bool:
        """Whether replays are stopped."""
        return await self._ledger.store.paused()

    async def stopped(self) -> Stopped:
        """Whose replays are stopped."""
        return await self._ledger.store.stopped()
