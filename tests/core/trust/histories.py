"""Histories of decisions, as the facts that they leave."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from bot.core.insight.fact import Fact, Judgement
from bot.core.model import Kind, Risk, State, Then, Verb

BEGAN = datetime(2026, 3, 1, tzinfo=UTC)


def judged(verb: Verb = Verb.APPROVE, by: str = "ana", **told: Any) -> Judgement:
    """One decision of a person."""
    usual: dict[str, Any] = {"at": BEGAN, "channel": "inbox", "stage": "finance", "revision": 1}
    return Judgement(by=by, verb=verb, **(usual | told))


def fact(number: int, at: datetime = BEGAN, *, right: bool = True, amount: float = 1.0, **told: Any) -> Fact:
    """A refund of the agent ``billing`` that ``refunds`` put before people."""
    verb = Verb.APPROVE if right else Verb.REJECT
    usual: dict[str, Any] = {
        "request": f"req_{number:06}",
        "created_at": at,
        "agent": "billing",
        "action": "refund.issue",
        "rule": "refunds",
        "kind": Kind.APPROVAL,
        "risk": Risk.REVERSIBLE,
        "state": State.APPROVED if right else State.REJECTED,
        "then": Then.STAGES,
        "numbers": {"/amount": amount},
        "judged": (judged(verb, by=("ana", "ben")[number % 2]),),
    }
    return Fact(**(usual | told))


def spread(count: int, *, days: int = 20, amount: float = 1.0, began: datetime = BEGAN) -> tuple[Fact, ...]:
    """So many approvals, evenly over so many days and two people."""
    return tuple(fact(n, began + timedelta(days=days) * n / count, amount=amount) for n in range(count))


def with_judges(facts: Sequence[Fact], **told: Any) -> tuple[Fact, ...]:
    """The same with this said of each judgement."""
    return tuple(replace(f, judged=tuple(replace(j, **told) for j in f.judged)) for f in facts)
