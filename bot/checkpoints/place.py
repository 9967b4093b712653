"""What a place of checkpoints is: each takes one as often as it is given, and keeps it once."""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol

from bot.core.checkpoint import Signed
from bot.core.keyring import Attested

WITHIN = timedelta(seconds=20)
"""For how long one attempt may take."""


class PlaceFailed(Exception):
    """A checkpoint could not be put or read there; says why, in a line."""


class Place(Protocol):
    """One place. ``name`` is what people call it; there is no secret in it."""

    name: str

    async def put(self, signed: Signed) -> None:
        """Put it there durably, unless it is there. Raises `PlaceFailed`."""

    async def read(self) -> tuple[Attested, ...]:
        """What is there, in any order, or the newest of it; nothing where a place cannot be read. As `put`."""
