"""Approved actions to run in these tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from bot.core.digest import digest_of
from bot.core.policy import Execute
from bot.core.ports import Order

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NEXT_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
AT = datetime(2026, 3, 2, 9, 0, 0, 123456, tzinfo=UTC)
ARGUMENTS: dict[str, Any] = {"order": "10428", "amount": 240.0, "currency": "USD"}


def order_for(
    how: Execute, *, execution: str = "exe_1", arguments: dict[str, Any] | None = None, digest: str | None = None
) -> Order:
    """An order whose digest is right, unless another is given."""
    bound: dict[str, Any] = {
        "request": "req_1",
        "revision": 2,
        "agent": "billing-assistant",
        "action": "refund.issue",
        "arguments": ARGUMENTS if arguments is None else arguments,
    }
    return Order(
        execution=execution,
        digest=digest or digest_of(**bound, target=how.target),
        approved_by=("ana", "ben"),
        how=how,
        attempt=1,
        at=AT,
        **bound,
    )
