"""Reviewers compared on like requests: whether somebody rejects or edits more, or less, of the same kind than others.

Like are requests of one agent for one action by one rule. Within each such stratum the others' share is what would be
expected of anybody; over the strata the differences are added up (Mantel and Haenszel 1959), and how far that is from
chance is corrected for how many people are compared (Holm). What it cannot see is in what else requests differ:
somebody who is given the hard ones rejects more, and should.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from enum import StrEnum
from math import sqrt

from msgspec import Struct

from bot.core.insight.weighing import FEW, Z, holm, two_sided

SURE = 0.05
"""The chance to call anybody different where nobody is."""


class Voice(Struct, frozen=True):
    """One decision to compare: whose, of what kind, and whether it was an edit or a rejection."""

    person: str
    stratum: tuple[str, ...]
    changed: bool


class Leaning(StrEnum):
    """What comparing comes to."""

    MORE = "more"
    LESS = "less"
    AS_OTHERS = "as_others"
    TOO_FEW = "too_few"


class Likeness(Struct, frozen=True, kw_only=True):
    """One person beside the others: ``share`` changed of ``of`` decisions, ``expected`` by the others' on like ones.

    ``low`` to ``high`` is the 95 % interval of the difference; ``chance`` (corrected) how often chance alone makes one
    so large.
    """

    person: str
    of: int
    share: float
    expected: float
    low: float
    high: float
    chance: float

    @property
    def leaning(self) -> Leaning:
        """What that says, where anything."""
        if self.of < FEW:
            return Leaning.TOO_FEW
        if self.chance >= SURE:
            return Leaning.AS_OTHERS
        return Leaning.MORE if self.share > self.expected else Leaning.LESS


def likenesses(voices: Iterable[Voice]) -> tuple[Likeness, ...]:
    """Everybody who decided something of a kind that others decided too, by name."""
    counts: dict[tuple[str, ...], dict[str, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0]))
    for voice in voices:
        cell = counts[voice.stratum][voice.person]
        cell[0] += 1
        cell[1] += voice.changed
    people = sorted({person for cells in counts.values() for person in cells})
    found = [each for person in people if (each := _compared(person, counts)) is not None]
    corrected = holm([two_sided(each[1]) for each in found])
    return tuple([_told(each[0], chance) for each, chance in zip(found, corrected, strict=True)])


def _compared(
    person: str, counts: Mapping[tuple[str, ...], Mapping[str, list[int]]]
) -> tuple[tuple[str, int, float, float, float], float] | None:
    """Who, how many, share, expected, standard error of the difference; and how far from chance that is."""
    of, own, expected, error, apart, spread = 0, 0, 0.0, 0.0, 0.0, 0.0
    for cells in counts.values():
        mine = cells.get(person)
        if mine is None:
            continue
        others = sum(n for who, (n, _) in cells.items() if who != person)
        theirs = sum(m for who, (_, m) in cells.items() if who != person)
        if not others:
            continue
        n, m = mine
        every, changed = n + others, m + theirs
        of, own, expected = of + n, own + m, expected + n * theirs / others
        apart += m - n * changed / every
        spread += n * others * changed * (every - changed) / (every * every * max(every - 1, 1))
        # With a half more on either side, so that a share of none or all is not taken for certain.
        one, other = (m + 0.5) / (n + 1), (theirs + 0.5) / (others + 1)
        error += n * n * (one * (1 - one) / n + other * (1 - other) / others)
    if not of:
        return None
    far = apart / sqrt(spread) if spread > 0 else 0.0
    return (person, of, own / of, expected / of, sqrt(error) / of), far


def _told(found: tuple[str, int, float, float, float], chance: float) -> Likeness:
    person, of, own, expected, error = found
    apart = own - expected
    return Likeness(
        person=person,
        of=of,
        share=own,
        expected=expected,
        low=max(apart - Z * error, -1.0),
        high=min(apart + Z * error, 1.0),
        chance=chance,
    )
