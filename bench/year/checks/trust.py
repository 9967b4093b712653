"""Earned autonomy over a thousand histories: the good are granted it, those at the bound seldom, however they look.

The evidence is weighed by `bot.core.trust.evidence.gathered`, after each decision. Most looks need not be made: where
even all approvals of the window, none of them dropped, do not bring the bound to the target, no evidence can, because
an approval that is not counted only lowers it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from random import Random

from msgspec import Struct

from bench.year.checks.histories import ACTION, AGENT, CUNNING, RULE, STEADY, Cunning, history
from bench.year.findings import Finding, at_most, share, spread
from bot.core.insight.fact import Fact
from bot.core.policy.trust import Trust
from bot.core.trust.bound import flawless, lower
from bot.core.trust.evidence import earned_level, gathered
from bot.core.trust.tally import failed

CHECK = "2. Trust is earned by the good, and by nobody else but for the stated error"
TRUST = Trust(ask="admins", bands={"/amount": (50.0, 200.0, 1000.0)})
_GOOD = (1.0, 0.995, 0.99, 0.98)


class Earned(Struct, frozen=True):
    """After how many decisions, and days, something was first proposed."""

    decisions: int
    days: float


def first_proposal(trust: Trust, facts: Iterable[Fact], *, every: bool = False) -> Earned | None:
    """When the evidence first was enough, looking after each fact; ``every``: skip no look."""
    known: list[Fact] = []
    likely = _Likely(trust)
    for number, one in enumerate(facts, 1):
        known.append(one)
        now = one.decided_at or one.created_at
        if not (likely.enough(one) or every):
            continue
        evidence = gathered(trust, known, rule=RULE, agent=AGENT, action=ACTION, now=now)
        if earned_level(evidence) is not None:
            return Earned(number, (now - known[0].created_at) / timedelta(days=1))
    return None


class _Likely:
    """Whether a look could find enough: the lowest band's approvals of the window, all of them taken to count."""

    def __init__(self, trust: Trust) -> None:
        self._trust = trust
        self._lowest = {pointer: ceilings[0] for pointer, ceilings in trust.bands.items()}
        self._window: deque[tuple[datetime, bool]] = deque()
        self._wrong = 0

    def enough(self, one: Fact) -> bool:
        now = one.decided_at or one.created_at
        if all(one.numbers[pointer] <= ceiling for pointer, ceiling in self._lowest.items()):
            self._window.append((one.created_at, failed(one)))
            self._wrong += failed(one)
        while self._window and self._window[0][0] < now - self._trust.window:
            self._wrong -= self._window.popleft()[1]
        right = len(self._window) - self._wrong
        if len(self._window) < self._trust.at_least or right < self._trust.unchanged * len(self._window):
            return False
        return lower(right, self._wrong, error=self._trust.error, toward=self._trust.unchanged) >= self._trust.unchanged


def share_at_bound(draw: Random, cunning: Cunning, *, histories: int, days: int, trust: Trust = TRUST) -> int:
    """How many agents whose true share is the target itself, no better, ever get a proposal."""
    lives = (history(draw, trust.unchanged, cunning, days=days) for _ in range(histories))
    return sum(first_proposal(trust, life) is not None for life in lives)


def granted(draw: Random, at: float, *, histories: int, days: int, trust: Trust = TRUST) -> list[Earned | None]:
    """When agents whose true share is ``at`` get their first proposal."""
    return [first_proposal(trust, history(draw, at, STEADY, days=days)) for _ in range(histories)]


def check(seed: int, *, histories: int = 1000, days: int = 360) -> Iterator[Finding]:
    """The findings; ``days`` is the time for which one promise of the error holds (four windows)."""
    draw = Random(f"{seed} trust")  # noqa: S311  # the same each time
    wanted = f"<= {TRUST.error:.0%}, as stated"
    for cunning in CUNNING:
        got = share_at_bound(draw, cunning, histories=histories, days=days)
        # Were the chance just what is stated, more than this many would come about once in a million times.
        good = got <= at_most(TRUST.error, histories)
        yield Finding(
            check=CHECK,
            name=f"at the bound ({TRUST.unchanged:.0%}) for {days} days, {cunning.name}: proposed",
            found=share(got, histories),
            wanted=wanted,
            good=good,
        )
    years, few = 3, histories // 4
    got = share_at_bound(draw, STEADY, histories=few, days=years * days)
    yield Finding(
        check=CHECK,
        name=f"at the bound for {years * days} days, {STEADY.name}: proposed",
        found=share(got, few),
        wanted=f"<= {TRUST.error:.0%} each {days} days",
        good=got <= at_most(1 - (1 - TRUST.error) ** years, few),
    )
    fewest = flawless(error=TRUST.error, toward=TRUST.unchanged)
    yield Finding(check=CHECK, name="decisions that a flawless agent needs, by the bound", found=f"{fewest}")
    for at in _GOOD:
        found = [one for one in granted(draw, at, histories=histories // 4, days=days) if one is not None]
        yield Finding(
            check=CHECK,
            name=f"right {at:.1%} of the time: proposed within {days} days",
            found=share(len(found), histories // 4),
        )
        name = f"right {at:.1%} of the time: decisions until then (the middle eight in ten)"
        yield Finding(check=CHECK, name=name, found=spread([one.decisions for one in found]))
