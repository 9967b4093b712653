"""Lists that stay short however long a period is: so many are kept, all are counted."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct, field

MOST = 300
"""Entries of one list that a report shows; the audit has all of them."""


class Entry(Struct, frozen=True, kw_only=True):
    """One thing that happened: the audit's line (0: it is told by a row), when, by whom, about which request."""

    seq: int
    at: datetime
    what: str
    by: str
    request: str | None = None
    note: str = ""


class Listed(Struct):
    """Some of many: ``entries`` are the first `MOST`, ``count`` is how many there were."""

    entries: list[Entry] = field(default_factory=list)
    count: int = 0

    def add(self, entry: Entry) -> None:
        """One more."""
        self.count += 1
        if len(self.entries) < MOST:
            self.entries.append(entry)

    @property
    def left_out(self) -> int:
        """How many are only counted."""
        return self.count - len(self.entries)


class Fold(Struct):
    """A set of texts boiled down, in whatever order they come: two sets are the same where both members are.

    ``total`` adds up the SHA-256 of each, modulo 2^256, so that no set has to be held to be compared.
    """

    count: int = 0
    total: int = 0

    def add(self, digest: bytes) -> None:
        """One more, by its SHA-256."""
        self.count += 1
        self.total = (self.total + int.from_bytes(digest, "big")) % (1 << 256)
