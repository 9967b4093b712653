"""Where the run of an approved request stands, with every attempt so far, and who may still take it back."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from bot.core.model import Execution, ExecutionState, Person, PersonRole, Request, Verb
from bot.desk.undoing import may_be_stopped
from bot.web.inbox.trail import Entry, Who

_APPROVALS = (Verb.APPROVE, Verb.APPROVE_WITH_EDITS)


class Try(Struct, frozen=True):
    """One attempt that has ended or runs: its number from 1, when it began, and why it came to nothing (raw)."""

    number: int
    at: datetime
    error: str


class Stopped(Struct, frozen=True):
    """Who kept it from running, when and why (raw)."""

    who: Who
    at: datetime
    why: str


class Running(Struct, frozen=True, kw_only=True):
    """``state`` is the execution's, or ``retrying`` between two attempts, or ``handed`` while the agent runs it.

    ``may_undo``: this reader may take the approval back; ``late``: its time to start has come. ``paused``: all replays
    are stopped.
    """

    execution: Execution
    state: str
    tries: tuple[Try, ...]
    may_undo: bool
    late: bool
    paused: bool
    stopped: Stopped | None


def running_of(
    request: Request, trail: tuple[Entry, ...], *, person: Person, now: datetime, paused: bool
) -> Running | None:
    """The run of a decided request; None where nothing was to run, or it waits for a decision (again)."""
    run = request.execution
    if run is None or request.state.open:
        return None
    return Running(
        execution=run,
        state=_state(run),
        tries=_tries(run, trail),
        may_undo=may_undo(request, person),
        late=run.due_at is not None and run.due_at <= now,
        paused=paused,
        stopped=_stopped(run, trail),
    )


def may_undo(request: Request, person: Person) -> bool:
    """Whether this person approved it, and nothing of it has begun."""
    approved = any(vote.by == person.id and vote.decision in _APPROVALS for vote in request.votes)
    return approved and person.role is not PersonRole.AUDITOR and may_be_stopped(request)


def state_key(request: Request) -> str:
    """Where the whole stands, in the model's words: the run's state once there is one, else the request's."""
    if request.execution is None or request.state.open:
        return str(request.state)
    return _state(request.execution)


def _state(run: Execution) -> str:
    if run.state is ExecutionState.WAITING and run.attempts:
        return "retrying"
    if run.state is ExecutionState.EXECUTING and run.by_agent:
        return "handed"
    return str(run.state)


def _tries(run: Execution, trail: tuple[Entry, ...]) -> tuple[Try, ...]:
    """Every attempt of this run that the trail tells of."""
    found: list[Try] = []
    for entry in trail:
        told = entry.execution
        if told.get("id") != run.id:
            continue
        if entry.type == "execution.started":
            found.append(Try(int(told.get("attempts", 0)), entry.at, ""))
        elif entry.type in ("execution.retried", "execution.ended") and found:
            found[-1] = Try(found[-1].number, found[-1].at, str(told.get("error") or ""))
    return tuple(found)


def _stopped(run: Execution, trail: tuple[Entry, ...]) -> Stopped | None:
    if run.state is not ExecutionState.CANCELLED:
        return None
    ends = [e for e in trail if e.execution.get("id") == run.id and e.execution.get("state") == run.state]
    return Stopped(ends[-1].who, ends[-1].at, str(ends[-1].data.get("reason") or "")) if ends else None
