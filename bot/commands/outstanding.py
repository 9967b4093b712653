"""What a store would do once a bot runs on it: what it would run, send and escalate, and what it cannot know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from bot.core.model import Execution, ExecutionState
from bot.core.ports import Tx

_MOST = 1000
"""Requests that are listed by name; counts are of all."""

_TOLD = 10
_BY_KIND = {
    "waiting": "waits to run",
    "agents": "waits for its agent's report",
    "again": "was running, and is tried again, for it is declared idempotent",
    "unknown": "was running, and will be unknown: whether it happened has to be found out",
}


class Line(Struct, frozen=True):
    """A request that something would come of; ``at``: when, at the earliest, or when it was due."""

    request: str
    action: str
    title: str
    at: datetime | None


class Outstanding(Struct, frozen=True, kw_only=True):
    """At most 1,000 lines each; ``counts`` are of all.

    ``waiting`` would run; ``again`` would be tried again and ``unknown`` become unknown, for they were running;
    ``agents`` are in their agents' hands. ``escalations`` and ``expiries`` are due. ``effects`` are by kind.
    """

    counts: dict[str, int]
    waiting: tuple[Line, ...]
    again: tuple[Line, ...]
    unknown: tuple[Line, ...]
    agents: tuple[Line, ...]
    escalations: tuple[Line, ...]
    expiries: tuple[Line, ...]
    effects: dict[str, int]

    def text(self) -> str:
        """As a person reads it."""
        lines = ["Once replays run again (sayso resume):"]
        for kind, says in _BY_KIND.items():
            lines += self._some(kind, getattr(self, kind), says)
        if not any(self.counts[kind] for kind in _BY_KIND):
            lines.append("  nothing waits to run")
        lines += ["", "As soon as a bot runs on it (sayso up), replays stopped or not:"]
        lines += self._some("escalations", self.escalations, "is due: its reminder goes out, or the next are asked")
        lines += self._some("expiries", self.expiries, "is past its time, and expires")
        sent = ", ".join(f"{count} {kind}" for kind, count in sorted(self.effects.items()))
        lines.append(f"  to be sent: {sent}" if sent else "  nothing is to be sent")
        return "\n".join(lines)

    def _some(self, kind: str, found: Sequence[Line], says: str) -> list[str]:
        if not found:
            return []
        count = self.counts[kind]
        lines = [f"  {count} {says}"]
        lines += [f"    {one.request}  {one.action}  {one.title}" for one in found[:_TOLD]]
        return [*lines, f"    and {count - _TOLD} more"] if count > _TOLD else lines


def outstanding(tx: Tx, now: datetime) -> Outstanding:
    """Look at a store that nobody runs on; ``now`` is when it would be started."""
    kinds: dict[str, list[Execution]] = {kind: [] for kind in _BY_KIND}
    for execution in tx.unfinished():
        kinds[_kind(execution)].append(execution)
    runs = {kind: _lines(tx, [(one.request, one.due_at) for one in found]) for kind, found in kinds.items()}
    due = [tx.request(request_id) for request_id in tx.due(now, _MOST_DUE)]
    late = [(one.id, one.expires_at) for one in due if one is not None and one.expires_at <= now]
    asked = [(one.id, one.due_at) for one in due if one is not None and one.expires_at > now]
    counts = {kind: len(found) for kind, found in kinds.items()}
    return Outstanding(
        counts=counts | {"escalations": len(asked), "expiries": len(late)},
        **runs,
        escalations=_lines(tx, asked),
        expiries=_lines(tx, late),
        effects=dict(Counter(str(effect.kind) for effect in tx.effects())),
    )


_MOST_DUE = 1_000_000


def _kind(execution: Execution) -> str:
    """As `bot.desk.runs.Runs.recover` will see it at the next start."""
    if execution.by_agent:
        return "agents" if execution.state is ExecutionState.EXECUTING else "waiting"
    if execution.state is ExecutionState.WAITING:
        return "waiting"
    return "again" if execution.idempotent and execution.attempts < execution.attempts_allowed else "unknown"


def _lines(tx: Tx, found: Sequence[tuple[str, datetime | None]]) -> tuple[Line, ...]:
    lines = []
    for request_id, at in found[:_MOST]:
        request = tx.request(request_id)
        if request is not None:
            lines.append(Line(request_id, request.action, request.title, at))
    return tuple(lines)
