"""What a simulation found, and its words for the terminal."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Struct

from bot.routing.comparing import Verdict
from bot.routing.explanation import as_json, one_line

_SHOWN = 20
"""Rules told one by one; JSON holds all."""


class Passed(Struct, frozen=True, kw_only=True):
    """A request that a person rejected or edited (``what``), and that the new file's ``rule`` would have let through.

    ``said`` is what that person wrote, if anything.
    """

    request: str
    title: str
    at: datetime
    what: str
    by: str
    said: str
    rule: str


class Load(Struct, frozen=True, kw_only=True):
    """On how many requests somebody is asked, in all and on the day (UTC) with most: under the new file, and before."""

    person: str
    asked: int
    most: int
    asked_before: int
    most_before: int


class Report(Struct, frozen=True, kw_only=True):
    """What came of the requests from ``since`` to ``until``; all but the last three are how many requests.

    ``approved`` and ``blocked`` are by rule. ``limited``, ``sampled`` and ``cooled`` would have run by rule, and did
    not for a limit, a sample, or a rejection of the same before. ``sums`` is by rule: what was added up of what it
    approved, and to how much.
    """

    requests: int
    since: datetime | None
    until: datetime | None
    approved: int
    approved_before: int
    blocked: int
    blocked_before: int
    limited: int
    sampled: int
    cooled: int
    verdicts: dict[str, int]
    rules: dict[str, int]
    sums: dict[str, dict[str, float]]
    load: tuple[Load, ...]
    passed: tuple[Passed, ...]

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        document: dict[str, Any] = as_json(self)
        return document

    def text(self) -> str:
        """For the terminal."""
        if self.since is None or self.until is None:
            return "There are no requests in that time."
        days = f"{self.since:%Y-%m-%d} to {self.until:%Y-%m-%d}"
        lines = [f"{self.requests} requests, {days}, as the new file would have routed them", ""]
        lines += [f"  {name:<18}{now:>9}  (was {was})" for name, now, was in self._beside()]
        lines += [f"  {name:<18}{self.verdicts.get(name, 0):>9}" for name in Verdict]
        held = (
            (self.limited, "over a limit"),
            (self.sampled, "in a sample"),
            (self.cooled, "like one rejected before"),
        )
        lines += [f"  held for a person: {number} {why}" for number, why in held if number]
        return "\n".join([*lines, *self._answered(), *self._loads(), *self._let_through()])

    def _beside(self) -> tuple[tuple[str, int, int], ...]:
        approved = ("approved by rule", self.approved, self.approved_before)
        return approved, ("blocked", self.blocked, self.blocked_before)

    def _answered(self) -> list[str]:
        found = sorted(self.rules.items(), key=lambda pair: (-pair[1], pair[0]))
        lines = ["", "Which rule answers"]
        for name, number in found[:_SHOWN]:
            sums = ", ".join(f"{what} {amount:,.2f}" for what, amount in self.sums.get(name, {}).items())
            lines.append(f"  {number:>9}  {name}" + (f"  (approved: {sums})" if sums else ""))
        return [*lines, f"             and {len(found) - _SHOWN} more rules"] if len(found) > _SHOWN else lines

    def _loads(self) -> list[str]:
        if not self.load:
            return []
        head = f"{'Who is asked':<26}{'requests':>9}{'was':>9}{'a day at most':>15}{'was':>6}"
        counts = [(one.person, one.asked, one.asked_before, one.most, one.most_before) for one in self.load]
        return ["", head, *(f"  {who:<24}{now:>9}{was:>9}{day:>15}{then:>6}" for who, now, was, day, then in counts)]

    def _let_through(self) -> list[str]:
        if not self.passed:
            return ["", "Nothing that a person rejected or edited would have been let through."]
        lines = ["", f"{len(self.passed)} that a person rejected or edited would have been let through"]
        for one in self.passed:
            said = f": {one_line(one.said)}" if one.said else ""
            lines.append(f"  {one.request}  {one.at:%Y-%m-%d %H:%M}  {one_line(one.title)}")
            lines.append(f"      {one.what} by {one.by}{said}; let through by the rule {one.rule!r}")
        return lines
