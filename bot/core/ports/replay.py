"""The seam to whatever runs approved actions."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Protocol

from msgspec import Struct

from bot.core.policy import Execute


class OutcomeKind(StrEnum):
    """How one attempt at an approved action ended."""

    EXECUTED = "executed"
    FAILED = "failed"
    NOT_STARTED = "not_started"
    UNKNOWN = "unknown"


class Outcome(Struct, frozen=True, kw_only=True):
    """The end of one attempt: ``not_started`` means that nothing can have happened, ``unknown`` that it may have."""

    kind: OutcomeKind
    result: Any = None
    error: str | None = None


class Order(Struct, frozen=True, kw_only=True):
    """One approved action, ready to run; ``execution`` is the idempotency key, ``attempt`` counts from 1."""

    execution: str
    request: str
    revision: int
    digest: str
    agent: str
    action: str
    arguments: dict[str, Any]
    approved_by: tuple[str, ...]
    how: Execute
    attempt: int


class Replayer(Protocol):
    """Runs approved actions."""

    async def run(self, order: Order) -> Outcome:
        """Make one attempt; never raises for what the target does."""
