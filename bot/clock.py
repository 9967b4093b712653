"""The machine's time and randomness, behind the ports."""

from __future__ import annotations

import os
from datetime import UTC, datetime


class SystemClock:
    """The machine's clock, UTC."""

    def now(self) -> datetime:
        """Now."""
        return datetime.now(UTC)


def entropy(size: int) -> bytes:
    """So many random bytes from the operating system."""
    return os.urandom(size)
