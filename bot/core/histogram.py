"""How long things took, counted by upper bounds as Prometheus reads it: the sum, and how many were at most so long."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds for what is answered while somebody waits: from a commit on a fast disk to a caller's patience."""


class Histogram:
    """Counts in the process's memory, from its start. One `note` costs a bisection."""

    __slots__ = ("_counts", "bounds", "total")

    def __init__(self, bounds: Sequence[float] = SECONDS) -> None:
        """``bounds``: ascending; what is above the last is counted, too."""
        self.bounds = tuple(bounds)
        self.total = 0.0
        self._counts = [0] * (len(self.bounds) + 1)

    def note(self, value: float) -> None:
        """Count one."""
        self._counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    @property
    def count(self) -> int:
        """How many there were."""
        return sum(self._counts)

    def below(self) -> Iterator[tuple[str, int]]:
        """(upper bound, how many were at most that), ascending, ``+Inf`` last."""
        so_far = 0
        for bound, counted in zip(self.bounds, self._counts, strict=False):
            so_far += counted
            yield f"{bound:g}", so_far
        yield "+Inf", so_far + self._counts[-1]
