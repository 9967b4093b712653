"""Taking an approval back while its undo window is open: nothing has run, and the request waits for people again.

Votes are not rubbed out. The request goes on as its next revision with the same content, for which nobody has voted,
so every card and button that showed the old one is dead, and the trail tells of the approval and of its end.
"""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from bot.core import errors, lifecycle
from bot.core.model import Decision, Execution, ExecutionState, Request, Verb
from bot.core.ports import Change, Tx
from bot.desk.ledger import Deed
from bot.desk.reviewers import Reviewers

_APPROVALS = (Verb.APPROVE, Verb.APPROVE_WITH_EDITS)


class Undoing(Reviewers):
    """The side of second thoughts."""

    async def undo(self, request_id: str, *, by: str, via: str, revision: int) -> Request:
        """Take back an approval of ``revision`` that this person (an id) gave; a refusal is recorded, then raised.

        Raises `NotAssigned` for who did not approve it, `Stale` where it is another revision by now, and `Conflict`
        once its execution began.
        """

        def work(tx: Tx) -> Deed:
            request = self._load(tx, request_id)
            self._may_decide(by)
            # Who approved an earlier one and names none that there is; a stranger is told nothing of it.
            if revision > request.revision and any(_approves(vote, by, vote.revision) for vote in request.decisions):
                raise lifecycle.stale(request, revision)
            # In the revision that was meant: who presses twice is told that it is done, not that it is not theirs.
            if not any(_approves(vote, by, revision) for vote in request.decisions):
                raise errors.NotAssigned("Only who approved this can take the approval back.")
            if request.revision != revision:
                raise lifecycle.stale(request, revision)
            return self._undone(tx, request, by, via)

        return (await self._allowed(work, request_id=request_id, actor=f"person:{by}", via=via)).given

    def _undone(self, tx: Tx, request: Request, by: str, via: str) -> Deed:
        now, policy = self._ledger.clock.now(), self._policy()
        execution = stopped(request, now)
        content = self._next_revision(request, author=f"person:{by}", arguments=request.content.arguments)
        after = lifecycle.undo(request, replace(request, content=content, execution=execution), now)
        standing = tx.deliveries(request.id)
        note = f"{policy.people[by].name} took the approval back before anything ran. It waits for a decision again."
        deliveries, asked = self._rounds.again(after, policy, standing, note)
        effects = self._rounds.refresh(after, policy, standing) + asked
        effects += self._rounds.tell_agent(after, policy, "request.undone")
        tx.record(
            Change(
                event=self._event("request.undone", request, actor=f"person:{by}", via=via),
                before=request,
                after=after,
                execution_before=request.execution,
                execution=execution,
                deliveries=deliveries,
                effects=effects,
            )
        )
        return Deed(after, effects + self._regretted(tx, request, "was taken back"), execution)


def _approves(vote: Decision, person: str, revision: int) -> bool:
    return vote.by == person and vote.revision == revision and vote.decision in _APPROVALS


def may_be_stopped(request: Request) -> bool:
    """Whether what was approved has not begun, so that it can still be kept from running."""
    run = request.execution
    return request.state.approved and run is not None and run.state is ExecutionState.WAITING and not run.attempts


def stopped(request: Request, now: datetime) -> Execution:
    """The execution of an approved request, cancelled before it began. Raises `Conflict` once it did."""
    run = request.execution
    if run is None or not may_be_stopped(request):
        if request.state.open:
            raise errors.Conflict("It is not decided yet, so there is nothing to take back.", state=str(request.state))
        how = "nothing of it is to run" if run is None else f"its execution is {run.state} already"
        raise errors.Conflict(f"It cannot be taken back any more: {how}.", state=str(request.state))
    return replace(run, state=ExecutionState.CANCELLED, due_at=None, ended_at=now)
