"""Thresholds that catch the most at a given load: each agent's confidence calibrated, then one cut for all of them.

Whatever is worth a person's look is worth it by how likely it is wrong, not by the number that its agent puts on it. So
each agent's confidence is calibrated by isotonic regression (pool adjacent violators, Ayer et al. 1955), which assumes
only that more confidence does not mean more often wrong, and people look at what is most often wrong first, until
their load is full: at the cut, one more look is worth the same with every agent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from math import inf

from msgspec import Struct

from bot.core.insight.separating import Claim

NEVER = 1.01
"""A threshold that no confidence reaches: everything is put before people."""
_NOTHING = -1.0
"""Nothing of an agent is looked at."""


class _Block(Struct, gc=False):
    """Confidences that are about equally often wrong: (confidence, weight) rising, how much of it was wrong."""

    agent: str
    steps: list[tuple[float, float]]
    wrong: float
    weight: float

    @property
    def error(self) -> float:
        return self.wrong / self.weight


def thresholds(claims: Sequence[Claim], load: float) -> dict[str, float]:
    """For each agent the confidence below which people look, so that they look at ``load`` (0 to 1) of all weight."""
    budget = load * sum(claim.weight for claim in claims)
    by_agent: dict[str, list[Claim]] = {}
    for claim in claims:
        by_agent.setdefault(claim.agent, []).append(claim)
    blocks = [block for agent, own in by_agent.items() for block in _calibrated(agent, own)]
    found = dict.fromkeys(by_agent, _NOTHING)
    # Of equally wrong ones those of less confidence first, so that an agent's threshold only rises.
    for block in sorted(blocks, key=lambda block: (-block.error, block.steps[0][0])):
        for at, (_, weight) in enumerate(block.steps):
            if weight > budget + 1e-9:
                return _between(found, by_agent)
            budget -= weight
            found[block.agent] = block.steps[at][0]
    return _between(found, by_agent)


def _calibrated(agent: str, claims: Sequence[Claim]) -> list[_Block]:
    """Blocks of rising confidence, each less often wrong than the one before."""
    blocks: list[_Block] = []
    for confidence, same in groupby(sorted(claims, key=lambda c: c.confidence), key=lambda c: c.confidence):
        some = list(same)
        weight = sum(claim.weight for claim in some)
        wrong = sum(claim.weight for claim in some if claim.wrong)
        blocks.append(_Block(agent, [(confidence, weight)], wrong, weight))
        while len(blocks) > 1 and blocks[-2].error <= blocks[-1].error:
            last = blocks.pop()
            blocks[-1].steps += last.steps
            blocks[-1].wrong += last.wrong
            blocks[-1].weight += last.weight
    return blocks


def _between(last: Mapping[str, float], by_agent: Mapping[str, Sequence[Claim]]) -> dict[str, float]:
    """Thresholds between the last confidence that is looked at and the next, by as few digits as do."""
    found: dict[str, float] = {}
    for agent, own in by_agent.items():
        beyond = min((claim.confidence for claim in own if claim.confidence > last[agent]), default=inf)
        if last[agent] == _NOTHING:
            found[agent] = 0.0
        elif beyond == inf:
            found[agent] = NEVER
        else:
            found[agent] = _short(last[agent], beyond)
    return found


def _short(low: float, high: float) -> float:
    """The shortest number above ``low`` and at most ``high``."""
    for digits in range(2, 8):
        middle = round((low + high) / 2, digits)
        if low < middle <= high:
            return middle
    return high


def sent(claim: Claim, thresholds: Mapping[str, float]) -> bool:
    """Whether a claim is put before people; all of an agent that has no threshold are."""
    return claim.confidence < thresholds.get(claim.agent, NEVER)
