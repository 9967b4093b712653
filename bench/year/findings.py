"""What a check found, beside what was wanted of it."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Struct


class Finding(Struct, frozen=True, kw_only=True):
    """One line of the table. ``good`` None: nothing is asked of it, it is told."""

    check: str
    name: str
    found: str
    wanted: str = ""
    good: bool | None = None


def table(findings: Iterable[Finding]) -> str:
    """The findings as lines, check by check."""
    lines, check = [], ""
    for it in findings:
        if it.check != check:
            check = it.check
            lines += ["", check]
        verdict = {None: "", True: "good", False: "NOT GOOD"}[it.good]
        lines.append(f"  {it.name:66} {it.found:>34}  {it.wanted:32} {verdict}".rstrip())
    return "\n".join(lines)


def as_json(seed: int, findings: Sequence[Finding]) -> bytes:
    """The findings with the seed that they are of."""
    return msgspec.json.format(msgspec.json.encode({"seed": seed, "findings": findings}))


def spread(values: Sequence[float]) -> str:
    """Median and the tenths at either end, of some values."""
    if not values:
        return "none"
    ordered = sorted(values)
    tenth = ordered[len(ordered) // 10], ordered[min(len(ordered) * 9 // 10, len(ordered) - 1)]
    return f"{statistics.median(ordered):,.0f} ({tenth[0]:,.0f} to {tenth[1]:,.0f})"


def share(count: int, of: int) -> str:
    """A share as people read it."""
    return f"{count} of {of:,} ({count / of:.1%})" if of else "none"


def at_most(chance: float, of: int, odds: float = 1e-6) -> int:
    """The most of ``of`` that a chance brings about, but for one time in a million (``odds``); exact."""
    left, term, number = 1.0, (1 - chance) ** of, 0
    while left - term > odds and number < of:
        left -= term
        term *= (of - number) / (number + 1) * chance / (1 - chance)
        number += 1
    return number
