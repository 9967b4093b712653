"""Since when what is owed outside has been failing.

What failed is put off, so that it is never long past its time: the store says when it is tried next, and this since
when it is tried in vain. It is of this process, and begins anew where that does.
"""

from __future__ import annotations

from datetime import datetime


class Failing:
    """The effects whose last try failed."""

    def __init__(self) -> None:
        self._since: dict[str, datetime] = {}

    def note(self, effect_id: str, now: datetime) -> None:
        """A try of it failed, and there will be another."""
        self._since.setdefault(effect_id, now)

    def ended(self, effect_id: str) -> None:
        """It is done, or given up."""
        self._since.pop(effect_id, None)

    def drop(self) -> None:
        """Others see to all of it."""
        self._since.clear()

    def longest(self, now: datetime) -> float:
        """Seconds since the first failure of the one that failed first; 0 where none does."""
        return max(0.0, (now - min(self._since.values(), default=now)).total_seconds())
