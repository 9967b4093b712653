"""How what was approved begins to run: in the hands of its agent, or as an order to the replayer.

It is committed as begun before the first byte leaves (law 4). Where nothing stands in the way that happens in the very
transaction that approves it: one sync less before it runs, and a crash right after leaves what it always left, an
execution of which nobody knows whether anything of it was sent.
"""

from __future__ import annotations

from msgspec.structs import replace

from bot.core.model import Execution, ExecutionState, Request
from bot.core.policy import Execute
from bot.core.ports import Change, Order, Tx
from bot.desk.attempts import mismatch
from bot.desk.ledger import Deed
from bot.desk.switch import whose
from bot.desk.taking_back import TakingBack


class Beginning(TakingBack):
    """The first step of a run."""

    def begin(self, tx: Tx, deed: Deed) -> Deed:
        """The deed, and where what it approved may run at once, its order: begun in the same transaction."""
        request, execution = deed.request, deed.execution
        if request is None or execution is None or execution.state is not ExecutionState.WAITING:
            return deed
        if tx.paused(*whose(request, by_agent=execution.by_agent)):
            return deed
        how = self._policy().action(request.content.action).execute
        early = execution.due_at is not None and execution.due_at > self._ledger.clock.now()
        # What is amiss is left to the claim, which says so; a rollback too, for it begins for two requests.
        amiss = request.execution != execution or mismatch(request, execution, how)
        if early or how.agent or amiss or request.content.takes_back is not None:
            return deed
        begun, order = self._begun(tx, request, execution, how)
        # Whoever waits for the decision is told that it waits to run: to an agent, what runs may mean that it has to.
        return replace(deed, execution=begun.given.execution, order=order)

    def _begun(self, tx: Tx, request: Request, execution: Execution, how: Execute) -> tuple[Deed, Order | None]:
        now = self._ledger.clock.now()
        began = execution.started_at or now
        begun = replace(
            execution,
            state=ExecutionState.EXECUTING,
            attempts=execution.attempts + 1,
            started_at=began,
            due_at=now + how.timeout if how.agent else None,
        )
        event = self._event("execution.started", request, actor="sayso", via="replay", digest=execution.digest)
        # Of what comes into its agent's hands later than it was decided, as after an undo window, no other event tells.
        told = self._rounds.tell_agent(request, self._policy(), "request.executing") if how.agent else ()
        tx.record(Change(event=event, execution_before=execution, execution=begun, effects=told))
        after, turned = replace(request, execution=begun), self._begins(tx, request)
        if how.agent:
            return Deed(after, told + turned.effects, begun, others=turned.others), None
        order = Order(
            execution=begun.id,
            request=request.id,
            revision=begun.revision,
            digest=begun.digest,
            agent=request.agent,
            action=request.content.action,
            arguments=request.content.arguments,
            approved_by=tuple(dict.fromkeys(v.by for v in request.votes)),
            how=how,
            attempt=begun.attempts,
            at=began,
        )
        return Deed(after, turned.effects, others=turned.others), order
