"""The seam for the channel that reaches people on the screens of their devices."""

from __future__ import annotations

from typing import Protocol

from bot.core.ports.channel import Reviews
from bot.core.ports.rows import Subscription


class Pushes(Reviews, Protocol):
    """What the push channel may ask of the house."""

    async def subscriptions(self, person: str | None = None) -> tuple[Subscription, ...]:
        """Every browser that takes push (of one person), oldest first."""

    async def unsubscribe(self, subscription_id: str, *, by: str, reason: str) -> bool:
        """Forget a browser (``by`` an actor), as when its push service knows it no more; False where there is none."""

    async def keep(self, name: str, value: str) -> str:
        """Keep what was made at first start, unless something stands there; what stands there now."""
