"""Which lines, or words, two texts share, found in bounded time whatever they are (threat T22).

`difflib` looks for the longest run that both share, and for that of what is left: of many that repeat, or that differ
at every second place, it makes the square and more, and a text of an agent's would stop the house for seconds. Here the
ends that are alike go first, what is small is left to it, and what is not is parted at what stands once in both
(Bram Cohen's patience diff). Where the effort is spent the rest is told as gone and come: true, if less to the point.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from difflib import Match, SequenceMatcher

_DEEPEST = 8
"""Times that a part is parted again: what an agent made for it could be parted without end."""

EFFORT = 2_000_000
"""Steps for one card: at the very worst some 100 ms, and a thousand lines against a thousand that are each another."""


class Effort:
    """What is left of the steps that may be taken, for all that is drawn at once."""

    def __init__(self, steps: int = EFFORT) -> None:
        """``steps``: as `_cost` counts them; ``lines`` are those that whoever draws has shown with it so far."""
        self.left = steps
        self.lines = 0

    def spend(self, steps: int) -> bool:
        """Whether there is enough left for so many; if so, it is spent."""
        if steps > self.left:
            return False
        self.left -= steps
        return True


class Aligned(SequenceMatcher[str]):
    """`difflib.SequenceMatcher`, its blocks found with so much effort and no more."""

    def __init__(self, old: Sequence[str], new: Sequence[str], effort: Effort) -> None:
        """``effort`` may be shared with others."""
        super().__init__(None, old, new, autojunk=False)
        self._blocks = _blocks(old, new, effort)

    def get_matching_blocks(self) -> list[Match]:
        """As `difflib` has them: in order, none beside another, an empty one at the end."""
        return self._blocks


def _blocks(old: Sequence[str], new: Sequence[str], effort: Effort) -> list[Match]:
    found: list[Match] = []
    parts = [(0, len(old), 0, len(new), 0)]
    while parts:
        a, b, c, d, depth = parts.pop()
        head = _alike(zip(old[a:b], new[c:d], strict=False))
        found.append(Match(a, c, head))
        a, c = a + head, c + head
        tail = _alike(zip(reversed(old[a:b]), reversed(new[c:d]), strict=False))
        b, d = b - tail, d - tail
        found.append(Match(b, d, tail))
        if a == b or c == d:
            continue
        if effort.spend(_cost(old[a:b], new[c:d])):
            within = SequenceMatcher(None, old[a:b], new[c:d], autojunk=False).get_matching_blocks()
            found += [Match(a + one.a, c + one.b, one.size) for one in within]
        elif depth < _DEEPEST:
            marks = [(a + i, c + j) for i, j in _anchors(old[a:b], new[c:d])]
            edges = [(a, c), *((i + 1, j + 1) for i, j in marks)]
            found += [Match(i, j, 1) for i, j in marks]
            if marks:
                ends = zip(edges, [*marks, (b, d)], strict=True)
                parts += [(i, until, j, upto, depth + 1) for (i, j), (until, upto) in ends]
    return [*_joined(sorted(one for one in found if one.size)), Match(len(old), len(new), 0)]


def _cost(old: Sequence[str], new: Sequence[str]) -> int:
    """The most steps that `difflib` may take: it goes through all equal pairs once for each run that it finds."""
    counted = Counter(new)
    pairs = sum(times * counted[text] for text, times in Counter(old).items())
    return (pairs + len(old)) * min(pairs, len(old), len(new))


def _alike(pairs: zip[tuple[str, str]]) -> int:
    """How many of the first are pairs of equals."""
    count = 0
    for one, other in pairs:
        if one != other:
            break
        count += 1
    return count


def _anchors(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """The places of what stands once in both: the longest row of them that goes up in both."""
    once, counted = Counter(old), Counter(new)
    places = {text: at for at, text in enumerate(new) if counted[text] == 1 == once[text]}
    pairs = [(at, places[text]) for at, text in enumerate(old) if text in places]
    # Patience sorting: the tops of the heaps, and for each card the one that it was laid beside.
    tops: list[int] = []
    last: list[int] = []
    before: list[int] = []
    for index, (_, place) in enumerate(pairs):
        heap = bisect_left(tops, place)
        before.append(last[heap - 1] if heap else -1)
        tops[heap : heap + 1] = [place]
        last[heap : heap + 1] = [index]
    row: list[tuple[int, int]] = []
    at = last[-1] if last else -1
    while at >= 0:
        row.append(pairs[at])
        at = before[at]
    return row[::-1]


def _joined(blocks: list[Match]) -> list[Match]:
    """Blocks of which none begins where another ends in both."""
    joined: list[Match] = []
    for one in blocks:
        last = joined[-1] if joined else None
        if last is not None and (last.a + last.size, last.b + last.size) == (one.a, one.b):
            joined[-1] = Match(last.a, last.b, last.size + one.size)
        else:
            joined.append(one)
    return joined
