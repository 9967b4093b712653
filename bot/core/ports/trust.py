"""The seam to what was earned: grants, each a row of its own."""

from __future__ import annotations

from typing import Protocol

from bot.core.trust.grants import Grant


class TrustTx(Protocol):
    """The part of `Tx` about grants."""

    def grant(self, grant_id: str) -> Grant | None:
        """A grant, by key."""

    def grants(self) -> tuple[Grant, ...]:
        """Every grant, in whatever state, oldest first."""

    def put_grant(self, grant: Grant) -> None:
        """Write a grant, over what stood there."""


class TrustStore(Protocol):
    """The part of `Store` about grants."""

    async def grants(self) -> tuple[Grant, ...]:
        """As `TrustTx.grants`, outside any write."""
