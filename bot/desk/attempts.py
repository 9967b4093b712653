"""One attempt at what was approved: whether it may begin, how it ends, when the next may be made."""

from __future__ import annotations

from datetime import timedelta

from bot.core.consent import consented
from bot.core.digest import recompute
from bot.core.model import Execution, ExecutionState, Request
from bot.core.policy import Execute
from bot.core.ports import Outcome, OutcomeKind

_BACKOFF = timedelta(seconds=1)
_LONGEST_BACKOFF = timedelta(minutes=5)


def mismatch(request: Request, execution: Execution, how: Execute) -> str | None:
    """Why what is stored is not what was approved, or None (laws 2 and 4; threat T5)."""
    content = request.content
    if request.route.practice is not None:
        return "practice: it is a declared practice, and never runs"
    bound = {execution.digest, content.digest, *(vote.digest for vote in request.votes)}
    try:
        bound.add(recompute(content, request.agent))
    except (ValueError, RecursionError):
        # Not even JSON that a digest can stand for, so nothing that anybody approved.
        bound.add("")
    same = len(bound) == 1 and execution.revision == content.number
    if not same or request.execution is None or request.execution.id != execution.id:
        return "digest_mismatch: what is stored is not what was approved, so nothing ran"
    if how.target != content.target:
        return "digest_mismatch: the target in routing.yaml is not the one that was approved; propose it again"
    if not consented(request):
        return "not_approved: no rule and not enough of the people asked stand behind this, so nothing ran"
    return None


def ending(execution: Execution, outcome: Outcome) -> tuple[ExecutionState, str | None]:
    """How an execution ends with its last attempt; one that may have run before is never called failed."""
    if outcome.kind is OutcomeKind.EXECUTED:
        return ExecutionState.EXECUTED, outcome.error
    if outcome.kind is OutcomeKind.UNKNOWN:
        return ExecutionState.UNKNOWN, outcome.error
    if execution.may_have_run:
        told = f"earlier_attempt: one before may have happened; the last did not: {outcome.error}"
        return ExecutionState.UNKNOWN, told
    return ExecutionState.FAILED, outcome.error


def backoff(attempts: int) -> timedelta:
    """The pause after so many attempts, doubling up to the longest (a hundred doublings would not fit a timedelta)."""
    return min(_BACKOFF * (1 << min(attempts - 1, 16)), _LONGEST_BACKOFF)
