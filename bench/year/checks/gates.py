"""Thresholds: what is suggested from one half of a history, on the other half, against 0.85 for everybody.

Agents of one action whose confidence means different things: one that knows, one that boasts, one that guesses, one
that is shy. People decide everything, so the truth is known. Both halves are of the same life, drawn by lot.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from datetime import timedelta
from math import sqrt
from random import Random

from msgspec import Struct
from msgspec.structs import replace

from bench.year.checks.histories import START, fact
from bench.year.findings import Finding
from bot.core.insight.fact import Fact
from bot.core.insight.thresholds import gates_of

CHECK = "4. Suggested thresholds catch more of what is wrong than 0.85, at the same load"
GATE = 0.85
EACH = 600
"""Requests of each agent, of both halves together."""
BEYOND = 4.0
"""Standard errors beyond which worse is worse, and not noise."""

KNOWS, BOASTS, GUESSES, SHY = "knows", "boasts", "guesses", "shy"
WORLDS: dict[str, tuple[tuple[str, float], ...]] = {
    "four kinds of agents": ((KNOWS, 0.08), (BOASTS, 0.15), (GUESSES, 0.1), (SHY, 0.03)),
    "three kinds, none of them shy": ((KNOWS, 0.08), (BOASTS, 0.15), (GUESSES, 0.1)),
    "one that knows": ((KNOWS, 0.1),),
    "one that guesses": ((GUESSES, 0.1),),
}


class Tried(Struct, frozen=True):
    """On the half that nothing was fitted on: what is caught at which load, by the suggestion, and by 0.85.

    ``equal`` is what one threshold for everybody catches at the suggestion's load, ``error`` the standard error of the
    difference to it.
    """

    caught: float
    load: float
    gate_caught: float
    gate_load: float
    equal: float
    error: float

    @property
    def gain(self) -> float:
        """How much more of what is wrong, at the same load."""
        return self.caught - self.equal


def lived(draw: Random, world: Sequence[tuple[str, float]], each: int = EACH) -> list[Fact]:
    """A life of these agents, each with how often it is wrong."""
    found: list[Fact] = []
    for kind, wrong in world:
        for _ in range(each):
            chance = min(1.0, wrong * 4 * draw.random() ** 3)
            at = START + timedelta(hours=len(found))
            one = fact(len(found), at, draw, right=draw.random() >= chance, amount=10.0)
            found.append(replace(one, agent=kind, confidence=_claimed(kind, chance, draw), gate=GATE))
    draw.shuffle(found)
    return found


def _claimed(kind: str, chance: float, draw: Random) -> float:
    if kind == KNOWS:
        said = 1 - chance + draw.gauss(0, 0.05)
    elif kind == BOASTS:
        said = 0.99 - 0.15 * chance + draw.gauss(0, 0.01)
    elif kind == SHY:
        said = 0.75 - 0.5 * chance + draw.gauss(0, 0.05)
    else:
        said = draw.uniform(0.6, 1.0)
    return round(min(max(said, 0.0), 1.0), 3)


def tried(facts: Sequence[Fact]) -> Tried | None:
    """One half fitted, the other half counted; None where nothing was suggested."""
    known, other = facts[::2], facts[1::2]
    gate = gates_of(known)[0]
    if gate.suggestion is None:
        return None
    own = {agent.agent: agent.threshold for agent in gate.agents if agent.threshold is not None}
    looked = [(one.confidence or 0.0) < own.get(one.agent, 2.0) for one in other]
    wrong = [not one.unchanged for one in other]
    gated = [(one.confidence or 0.0) < GATE for one in other]
    mistakes = sum(wrong)
    load = sum(looked) / len(other)
    same = _in_order(other, load)
    equal = sum(part for part, bad in zip(same, wrong, strict=True) if bad) / mistakes
    apart = [look - part for look, part, bad in zip(looked, same, wrong, strict=True) if bad]
    return Tried(
        caught=_caught(looked, wrong),
        load=load,
        gate_caught=_caught(gated, wrong),
        gate_load=sum(gated) / len(other),
        equal=equal,
        error=sqrt(sum(each**2 for each in apart)) / mistakes,
    )


def _caught(looked: Sequence[bool], wrong: Sequence[bool]) -> float:
    return sum(a and b for a, b in zip(looked, wrong, strict=True)) / sum(wrong)


def _in_order(facts: Sequence[Fact], load: float) -> list[float]:
    """How much of each is looked at where people look at the least sure, whoever's, until they looked at ``load``."""
    left = load * len(facts)
    found = [0.0] * len(facts)
    by_claim: dict[float, list[int]] = {}
    for index, one in enumerate(facts):
        by_claim.setdefault(one.confidence or 0.0, []).append(index)
    for claim in sorted(by_claim):
        part = min(1.0, left / len(by_claim[claim]))
        for index in by_claim[claim]:
            found[index] = part
        left -= part * len(by_claim[claim])
    return found


def trials(seed: int, world: Sequence[tuple[str, float]], *, seeds: int, each: int = EACH) -> list[Tried]:
    """So many lives, each of a seed of its own."""
    draws = (Random(f"{seed} gates {number}") for number in range(seeds))  # noqa: S311  # the same each time
    return [one for one in (tried(lived(draw, world, each)) for draw in draws) if one is not None]


def check(seed: int, *, seeds: int = 100) -> Iterator[Finding]:
    """The findings."""
    for name, world in WORLDS.items():
        found = trials(seed, world, seeds=seeds)
        yield Finding(
            check=CHECK,
            name=f"{name}: caught by what is suggested, and its load",
            found=f"{_mean([t.caught for t in found]):.1%} at {_mean([t.load for t in found]):.1%}",
        )
        yield Finding(
            check=CHECK,
            name=f"{name}: caught by {GATE:g} for everybody, and its load",
            found=f"{_mean([t.gate_caught for t in found]):.1%} at {_mean([t.gate_load for t in found]):.1%}",
        )
        gain, spread = _mean([t.gain for t in found]), statistics.stdev([t.gain for t in found])
        better = gain - BEYOND * spread / sqrt(len(found)) > 0
        several = len(world) > 1
        yield Finding(
            check=CHECK,
            name=f"{name}: more caught than by one threshold, at the same load",
            found=f"{gain:+.1%} (from {min(t.gain for t in found):+.1%} to {max(t.gain for t in found):+.1%})",
            wanted="more" if several else "as much",
            good=better if several else gain > -BEYOND * spread / sqrt(len(found)) - 0.01,
        )
        worse = sum(t.gain < -BEYOND * t.error for t in found)
        yield Finding(
            check=CHECK,
            name=f"{name}: lives in which it is worse beyond noise",
            found=f"{worse} of {len(found)}",
            wanted="0",
            good=worse == 0,
        )


def _mean(values: Sequence[float]) -> float:
    return statistics.fmean(values)
