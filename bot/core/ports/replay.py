"""The seam to whatever runs approved actions."""

from __future__ import annotations

from datetime import datetime, timedelta
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
    """One approved action, ready to run; ``execution`` is the idempotency key, ``attempt`` counts from 1.

    ``at`` is when the first attempt began, of every later one, too: what is sent again under a key is the same bytes.
    """

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
    at: datetime


class Replayer(Protocol):
    """Runs approved actions."""

    async def run(self, order: Order) -> Outcome:
        """Make one attempt; never raises for what the target does."""


class Herald(Protocol):
    """Tells agents what became of their requests, at webhooks of their own."""

    async def post_event(
        self, url: str, *, event_id: str, event_type: str, at: datetime, data: dict[str, Any], within: timedelta
    ) -> Outcome:
        """Make one attempt; never raises for what the agent does. ``at`` is when it happened.

        A repeat carries the same ``event_id`` and ``at``.
        """
