"""Published figures against the diary: what `/v1/metrics` answers, counted once more from nothing."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bench.year.diary import Diary, Entry
from bench.year.findings import Finding
from bench.year.hours import worked
from bench.year.reckoned import Reckoned, by, final, of_person, reckon, submitted_in
from bot.core.insight.asking import Question
from bot.core.insight.fact import Fact
from bot.core.insight.figures import Figure
from bot.insight.reading import Reading

CHECK = "1. Published figures equal those counted from the diary"
WITHIN = 0.01
"""How far a quantile may be from the exact one, as a share of it: what the sketch promises."""
_HAIR = 1e-6

Key = Callable[[Entry], str | None]
GROUPS: dict[str, Key] = {
    "": lambda _: "",
    "agent": lambda entry: entry.proposal.agent,
    "action": lambda entry: entry.proposal.action,
    "rule": lambda entry: entry.last.route.rule,
    "channel": lambda entry: last.channel if (last := final(entry)) is not None else "",
    "label:tier": lambda entry: entry.proposal.labels.get("tier"),
    "label:country": lambda entry: entry.proposal.labels.get("country"),
    "day": lambda entry: str(entry.at.date()),
    "week": lambda entry: str(entry.at.date() - timedelta(days=entry.at.weekday())),
}
_SHARES = {
    "approved": (("approved",), ("approved", "edited", "rejected")),
    "edited": (("edited",), ("approved", "edited", "rejected")),
    "rejected": (("rejected",), ("approved", "edited", "rejected")),
    "false_approvals": (("false_approvals",), ("approved", "edited")),
    "incidents": (("incidents",), ("executed", "failed", "unknown")),
    "sampled_wrong": (("sampled_wrong",), ("sampled",)),
    "reviewed_wrong": (("reviewed_wrong",), ("reviewed",)),
    "escalated": (("escalated",), ("requests",)),
}
"""Some rates by what they are said to be: these counts of those."""


@dataclass
class Compared:
    """How many figures were compared, those that differ, and how far the worst quantile was off (a share)."""

    figures: int = 0
    quantiles: int = 0
    worst: float = 0.0
    differ: list[str] = field(default_factory=list)

    def same(self, what: str, published: object, counted: object) -> None:
        """One figure that has to be the same."""
        self.figures += 1
        if published != counted:
            self.differ.append(f"{what}: published {published}, counted {counted}")

    def near(self, what: str, published: float | None, values: Sequence[float], share: float) -> None:
        """One quantile, beside the least value at or below which that share of them lies."""
        ordered = sorted(values)
        exact = ordered[max(math.ceil(round(share * len(ordered), 9)) - 1, 0)]
        self.quantiles += 1
        if published is None:
            self.differ.append(f"{what}: not published, counted {exact:g}")
            return
        off = abs(published - exact) / exact if exact > _HAIR else abs(published - exact)
        self.worst = max(self.worst, off)
        if off > WITHIN + _HAIR:
            self.differ.append(f"{what}: published {published:g}, counted {exact:g}")


def periods(start: datetime, end: datetime) -> dict[str, tuple[datetime, datetime]]:
    """All of it, the middle third from an odd hour to another, and the last week."""
    third = (end - start) / 3
    odd = timedelta(hours=7)
    return {
        "all": (start, end),
        "the middle third": (_hour(start + third) + odd, _hour(end - third) - odd),
        "the last week": (end - timedelta(days=7), end),
    }


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


async def compare(reading: Reading, diary: Diary, since: datetime, until: datetime) -> Compared:
    """Every grouping of one period, with the period before."""
    found = Compared()
    entries = [e for e in diary.entries.values() if e.last.route.asked is None]
    now = [e for e in entries if submitted_in(since, until)(e)]
    before = [e for e in entries if submitted_in(since - (until - since), since)(e)]
    for grouping, key in GROUPS.items():
        figures = await reading.figures(Question(since=since, until=until, by=grouping, most=10_000))
        found.same(f"{grouping}: behind", figures.behind, 0)
        own, earlier = by(_plain(now), key), by(_plain(before), key)
        for group in figures.groups or (figures.whole,):
            mine = reckon(own.get(group.name, ()), diary.house.values())
            _compared(found, f"{grouping} {group.name}", group.now, mine)
            if group.before is not None:
                old = reckon(earlier.get(group.name, ()), diary.house.values())
                found.same(f"{grouping} {group.name} before", group.before.counts, _positive(old.counts))
        missing = {*own} - {group.name for group in figures.groups or (figures.whole,)}
        found.same(f"{grouping}: groups left out", missing, set())
    people = await reading.figures(Question(since=since, until=until, by="reviewer"))
    for group in people.groups:
        _compared(found, f"reviewer {group.name}", group.now, of_person(now, group.name))
    acted = {act.by for entry in now for act in entry.acts}
    found.same("reviewers", acted, {group.name for group in people.groups})
    return found


def _plain(entries: Sequence[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry.last.route.practice is None]


def _positive(counts: Counter[str]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count}


def _compared(found: Compared, what: str, published: Figure, counted: Reckoned) -> None:
    counts = _positive(counted.counts)
    found.same(f"{what}: counts", published.counts, counts)
    for name, (top, bottom) in _SHARES.items():
        of = sum(counts.get(one, 0) for one in bottom)
        if name in published.rates and of:
            rate = published.rates[name]
            found.same(f"{what}: {name}", (rate.count, rate.of), (sum(counts.get(one, 0) for one in top), of))
    found.same(f"{what}: times", {n: s.count for n, s in published.times.items()}, _sizes(counted))
    for name, spread in published.times.items():
        values = counted.times.get(name, [])
        for share, value in ((0.5, spread.median), (0.9, spread.p90), (0.99, spread.p99)) if values else ():
            found.near(f"{what}: {name} {share}", value, values, share)
    found.same(f"{what}: categories", {c.name: c.count for c in published.categories}, dict(counted.categories))
    edited = {e.pointer: e.numbers for e in published.edited}
    found.same(f"{what}: edits", edited, {pointer: len(far) for pointer, far in counted.edits.items()})
    for each in published.edited:
        if counted.edits.get(each.pointer):
            found.near(f"{what}: {each.pointer}", each.median, counted.edits[each.pointer], 0.5)
    made = published.calibration
    found.same(f"{what}: claims", 0 if made is None else made.count, len(counted.claims))
    if made is not None and counted.claims:
        brier = sum((claim - right) ** 2 for claim, right in counted.claims) / len(counted.claims)
        found.same(f"{what}: right", made.right.count, sum(right for _, right in counted.claims))
        # Each distance is kept in millionths.
        off = abs(made.brier.value - brier)
        found.same(f"{what}: Brier score off by more than a millionth", off > _HAIR, False)  # noqa: FBT003  # it is not


def _sizes(counted: Reckoned) -> dict[str, int]:
    return {name: len(values) for name, values in counted.times.items() if values}


async def check(reading: Reading, diary: Diary, start: datetime, end: datetime) -> list[Finding]:
    """The findings, period by period; of what differs the first ones are told."""
    findings: list[Finding] = []
    for name, (since, until) in periods(start, end).items():
        found = await compare(reading, diary, since, until)
        findings += _told(name, found)
    return findings


def decisions(diary: Diary, facts: Iterable[Fact]) -> list[str]:
    """What differs between the diary's decisions and those of the facts, one by one: no quantile can hide it."""
    differ = []
    for fact in facts:
        acts = diary.entries[fact.request].acts
        own = [
            (a.by, a.at, _micros((a.at - a.since).total_seconds()), _micros(worked(a.by, a.since, a.at))) for a in acts
        ]
        told = [(j.by, j.at, _micros(j.waited), _micros(j.worked or 0.0)) for j in fact.judged]
        if told != own:
            differ.append(f"{fact.request}: published {told}, counted {own}")
    return differ


def _micros(seconds: float) -> int:
    return round(seconds * 1e6)


def _told(name: str, found: Compared) -> Iterator[Finding]:
    yield Finding(
        check=CHECK,
        name=f"{name}: counts, rates, categories and scores that differ",
        found=f"{len(found.differ)} of {found.figures + found.quantiles:,}",
        wanted="0",
        good=not found.differ,
    )
    yield Finding(
        check=CHECK,
        name=f"{name}: quantiles, how far the worst is off",
        found=f"{found.worst:.2%} of {found.quantiles:,}",
        wanted=f"<= {WITHIN:.0%}",
        good=found.worst <= WITHIN + _HAIR,
    )
    for line in found.differ[:10]:
        yield Finding(check=CHECK, name=line, found="", good=False)
