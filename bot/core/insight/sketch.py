"""A sketch of how values spread, from which any quantile comes out to within a hundredth of itself.

DDSketch (Masson, Rim and Lee, VLDB 2019), with buckets as a plain mapping: bucket ``i`` counts the values in
``(g ** (i - 1), g ** i]`` with ``g = (1 + a) / (1 - a)``. Its buckets are fixed, so sketches can be added, and what was
added can be taken away again. Nothing is collapsed: between a microsecond and a year there are some 1,600 buckets.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

Sketch = Mapping[int, int]
"""How many values there are, by bucket."""

ACCURACY = 0.01
"""How far a quantile may be from the value that it stands for, as a share of that."""

ZERO = -10_000
"""The bucket of what is nothing: zero, and all below `_LEAST`, negative values too."""

_GAMMA = (1 + ACCURACY) / (1 - ACCURACY)
_LOG_GAMMA = math.log(_GAMMA)
_LEAST = 1e-9
_MOST = 1e15


def bucket_of(value: float) -> int:
    """The bucket of one value, which may be anything but NaN."""
    if value < _LEAST:
        return ZERO
    return math.ceil(math.log(min(value, _MOST)) / _LOG_GAMMA)


def middle(bucket: int) -> float:
    """The value that stands for a bucket: at most `ACCURACY` from everything in it."""
    return 0.0 if bucket == ZERO else 2 * _GAMMA**bucket / (_GAMMA + 1)


def sketch_of(values: Iterable[float]) -> dict[int, int]:
    """The sketch of these values."""
    found: dict[int, int] = {}
    for value in values:
        bucket = bucket_of(value)
        found[bucket] = found.get(bucket, 0) + 1
    return found


def size(sketch: Sketch) -> int:
    """How many values it is of."""
    return sum(sketch.values())


def quantile(sketch: Sketch, share: float) -> float | None:
    """The least value below or at which this share (0 to 1) of all lies; None where there are none.

    Of n values in order it is that with the index `place`, so that of fourteen the 90 % quantile is the thirteenth.
    """
    total = size(sketch)
    if total <= 0:
        return None
    rank, seen = place(share, total), 0
    for bucket in sorted(sketch):
        seen += sketch[bucket]
        if seen > rank:
            return middle(bucket)
    raise AssertionError("the ranks of a sketch are below its size")


def place(share: float, total: int) -> int:
    """Which of so many values in order, counted from 0, is the first with that share of all at or below it."""
    # A share as it is written, though a float be a hair above it: 0.07 of 100 are seven and not eight.
    return min(max(math.ceil(round(share * total, 9)) - 1, 0), total - 1)
