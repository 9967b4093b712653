"""What became of a request: the decisions, the end, the run."""

from __future__ import annotations

from collections.abc import Mapping

from bot.core.alignment import Effort
from bot.core.card.texts import edit_text, literal, name_of
from bot.core.card.values import Line, Verdict
from bot.core.card.words import ANSWERED, DECLINED
from bot.core.joiners import prose
from bot.core.model import Decision, Execution, ExecutionState, Kind, Person, Request, State, Verb
from bot.core.scrutiny import visible

_DONE = {
    Verb.APPROVE: "Approved",
    Verb.APPROVE_WITH_EDITS: "Approved with edits",
    Verb.REJECT: "Rejected",
    Verb.ASK: "Asked for more information",
    Verb.ESCALATE: "Escalated by hand",
}


def verdicts_of(request: Request, people: Mapping[str, Person]) -> tuple[Verdict, ...]:
    """Every decision, oldest first, and the last word where that was not a person's."""
    return tuple(_verdict(request, d, people) for d in request.decisions) + _ending(request)


def _title(request: Request, decision: Decision) -> str:
    """What was decided, in the words of what was asked."""
    if decision.broke_glass:
        return "Approved by breaking the glass"
    if request.kind is not Kind.APPROVAL and decision.decision is Verb.REJECT:
        return DECLINED
    if request.kind is Kind.APPROVAL or decision.decision is not Verb.APPROVE:
        return _DONE[decision.decision]
    return ANSWERED[request.kind]


def _answer(request: Request, decision: Decision) -> str | None:
    """What was answered; of an option, what it is called."""
    picked = next((option.title for option in request.content.options if option.id == decision.answer), decision.answer)
    return None if picked is None else visible(picked)


def _verdict(request: Request, decision: Decision, people: Mapping[str, Person]) -> Verdict:
    name, effort = name_of(decision.by, people), Effort()
    return Verdict(
        title=_title(request, decision),
        by=name if decision.instead_of is None else f"{name}, for {name_of(decision.instead_of, people)} who was away",
        person=decision.by,
        at=decision.at,
        channel=decision.channel,
        comment=prose(decision.comment) if decision.comment else None,
        category=decision.category,
        answer=_answer(request, decision),
        edits=tuple(Line(visible(edit.pointer), edit_text(edit, effort)) for edit in decision.edits),
    )


def _ending(request: Request) -> tuple[Verdict, ...]:
    """The last word where it was not a person's."""
    by_rule = {
        State.APPROVED: "Approved by rule",
        State.BLOCKED: "Blocked by rule",
        State.EXPIRED: "Expired without a decision",
        State.CANCELLED: "Withdrawn by the agent",
        State.REJECTED: "Rejected because nobody decided in time",
    }
    if request.route.practice is not None and request.state is State.CANCELLED:
        return (Verdict(title="Ended by that question", by=None, at=request.decided_at, channel=None),)
    if request.state.open or any(d.decision.is_vote and d.at == request.decided_at for d in request.decisions):
        return ()
    title = by_rule.get(request.state)
    if title is None:
        return ()
    if request.state in (State.APPROVED, State.BLOCKED):
        title += f" {request.route.rule!r}"
    return (Verdict(title=title, by=None, at=request.decided_at, channel=None),)


_EXECUTION = {
    ExecutionState.WAITING: "Waiting to run",
    ExecutionState.EXECUTING: "Running",
    ExecutionState.EXECUTED: "Executed",
    ExecutionState.FAILED: "Failed",
    ExecutionState.UNKNOWN: "Outcome unknown: it may have happened, and somebody has to find out",
    ExecutionState.ROLLING_BACK: "Being rolled back",
    ExecutionState.ROLLED_BACK: "Rolled back",
    ExecutionState.CANCELLED: "Cancelled before it ran",
}


def execution_line(execution: Execution | None) -> Line | None:
    """How the replay stands, and what came of it."""
    if execution is None:
        return None
    label = _EXECUTION.get(execution.state, str(execution.state))
    if execution.state is ExecutionState.EXECUTING and execution.by_agent:
        label = "Handed to the agent, which has not reported yet"
    text = execution.error or ("" if execution.result is None else literal(execution.result))
    return Line(label, visible(text) if execution.error else text)
