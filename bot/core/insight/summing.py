"""Cells added up in place: thousands of them, for which a new cell each time would copy too much."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from bot.core.insight.cell import Bin, Cell, Corrected, Drawn

_Key = TypeVar("_Key", str, int)


class Sum:
    """What cells come to; its counts may be read while more is added."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.spreads: dict[str, dict[int, int]] = {}
        self.categories: dict[str, int] = {}
        self.corrected: dict[str, tuple[int, int, dict[int, int]]] = {}
        self.bins: dict[int, tuple[int, int, int, int]] = {}
        self.drawn: dict[int, tuple[int, int]] = {}

    def add(self, cell: Cell, times: int = 1) -> None:
        """One more, ``times`` over; -1 takes it away."""
        _into(self.counts, cell.counts, times)
        if cell.categories:
            _into(self.categories, cell.categories, times)
        for name, spread in cell.spreads.items():
            _into(self.spreads.setdefault(name, {}), spread, times)
        for pointer, one in cell.corrected.items():
            count, numbers, far = self.corrected.get(pointer, (0, 0, {}))
            _into(far, one.far, times)
            self.corrected[pointer] = (count + times * one.count, numbers + times * one.numbers, far)
        for at, made in cell.bins.items():
            old = self.bins.get(at, (0, 0, 0, 0))
            self.bins[at] = (
                old[0] + times * made.count,
                old[1] + times * made.right,
                old[2] + times * made.claimed,
                old[3] + times * made.squares,
            )
        for share, sample in cell.drawn.items():
            of, wrong = self.drawn.get(share, (0, 0))
            self.drawn[share] = (of + times * sample.count, wrong + times * sample.wrong)

    def cell(self) -> Cell:
        """What they came to, as one cell; what came to nothing is not in it."""
        corrected = {
            pointer: Corrected(count, numbers, _left(far)) for pointer, (count, numbers, far) in self.corrected.items()
        }
        return Cell(
            counts=_left(self.counts),
            spreads={name: left for name, spread in self.spreads.items() if (left := _left(spread))},
            categories=_left(self.categories),
            corrected={pointer: one for pointer, one in corrected.items() if one != _UNCORRECTED},
            bins={at: Bin(*one) for at, one in self.bins.items() if any(one)},
            drawn={share: Drawn(*one) for share, one in self.drawn.items() if any(one)},
        )


_UNCORRECTED = Corrected(0, 0, {})


def _into(sums: dict[_Key, int], more: Mapping[_Key, int], times: int) -> None:
    for key, count in more.items():
        sums[key] = sums.get(key, 0) + times * count


def _left(sums: Mapping[_Key, int]) -> dict[_Key, int]:
    return {key: count for key, count in sums.items() if count}
