"""What a webhook is sent, to the byte: built here so that a page can show what a replay will send."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from bot.core.ports.replay import Order

EXECUTE = "action.execute"
"""The ``type`` of a webhook that runs an approved action."""

HEADERS: Mapping[str, str] = {
    "User-Agent": "sayso",
    "Content-Type": "application/json",
    "Accept": "application/json",
    "Accept-Encoding": "identity",
}
"""Sent with every webhook. No compression is asked for and none is undone, so no answer can swell in memory."""

MADE_HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature", "Idempotency-Key")
"""Headers whose values are made for each message (Standard Webhooks 1.0, and the key under which a repeat is known)."""


def payload(order: Order) -> dict[str, Any]:
    """The ``data`` of a webhook that runs an approved action."""
    return {
        "request": order.request,
        "execution": order.execution,
        "revision": order.revision,
        "digest": order.digest,
        "agent": order.agent,
        "action": order.action,
        "arguments": order.arguments,
        "approved_by": order.approved_by,
    }


def message(kind: str, at: datetime, data: Mapping[str, Any]) -> bytes:
    """The body of a webhook, as it is signed and sent."""
    return msgspec.json.encode({"type": kind, "timestamp": at, "data": data})
