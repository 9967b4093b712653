"""What was earned in a house: a grant as an admin gave it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from bot.core.trust.grants import Grant, GrantState
from tests.web.inbox.house import AGENT, Standing


async def granted(house: Standing, **told: Any) -> Grant:
    """A grant in force for refunds of up to 50, in the store."""
    now = house.clock.now()
    usual: dict[str, Any] = {
        "id": "grt_1",
        "rule": "refunds",
        "terms": "sha256:0",
        "agent": AGENT,
        "action": "refund.issue",
        "ceilings": {"/amount": 50.0},
        "level": 0,
        "confidence": None,
        "irreversible": False,
        "sample": 0.1,
        "per_day": 18,
        "lasts": timedelta(days=30),
        "ask": "admins",
        "request": "req_1",
        "proposed_at": now,
        "state": GrantState.IN_FORCE,
        "by": "kim",
        "granted_at": now,
        "until": now + timedelta(days=30),
    }
    grant = Grant(**(usual | told))
    await house.store.write(lambda tx: tx.put_grant(grant))
    return grant
