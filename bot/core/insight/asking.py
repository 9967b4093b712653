"""What figures are asked for: a period, a grouping and a narrowing; what cannot be known together is said.

Cells keep what belongs together (`bot.core.insight.cell.Sort`): a person's decisions know agent, action and channel,
labels know agent and action. A period is rounded outward to whole hours, UTC.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from bot.core.insight.cell import CellKey, Grain, Sort

LABEL = "label:"
"""``label:tier`` groups by the values of the label ``tier``."""

GROUPINGS = ("agent", "action", "rule", "channel", "reviewer", "day", "week")
LONGEST = timedelta(days=2 * 366)
"""Of one period."""
USUAL = timedelta(days=30)

_GROUPED = f"must be one of {', '.join(GROUPINGS)}, or label:NAME"
_TWO_LABELS = "must be of the label that is grouped by: two labels are not known together"
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_KNOWN: dict[Sort, tuple[str, ...]] = {
    Sort.WHOLE: (),
    Sort.CASE: ("agent", "action", "rule", "channel"),
    Sort.REVIEWER: ("reviewer", "agent", "action", "channel"),
    Sort.LABEL: ("label", "agent", "action"),
}


class Question(Struct, frozen=True, kw_only=True):
    """``by`` is one of `GROUPINGS`, ``label:NAME`` or empty; what narrows is empty where it does not.

    ``label`` is ``NAME=VALUE``. ``compare``: with the period before. ``most`` groups are answered.
    """

    since: datetime
    until: datetime
    by: str = ""
    agent: str = ""
    action: str = ""
    rule: str = ""
    channel: str = ""
    reviewer: str = ""
    label: str = ""
    compare: bool = True
    most: int = 200

    @property
    def only(self) -> dict[str, str]:
        """What it is narrowed to, by name."""
        every = ("agent", "action", "rule", "channel", "reviewer", "label")
        return {name: value for name in every if (value := getattr(self, name))}

    @property
    def timed(self) -> bool:
        """Whether its groups are days or weeks."""
        return self.by in ("day", "week")

    @property
    def sort(self) -> Sort:
        """Which cells know the answer; raises ``LookupError`` where none do."""
        grouped = "label" if self.by.startswith(LABEL) else self.by
        asked = {*self.only} | ({grouped} if grouped and not self.timed else set())
        for sort, known in _KNOWN.items():
            if asked <= {*known}:
                return sort
        raise LookupError(" and ".join(sorted(asked)))

    @property
    def labelled(self) -> str:
        """With what the labels that it is about begin; empty where it is about none."""
        return self.label or (self.by[len(LABEL) :] + "=" if self.by.startswith(LABEL) else "")

    @property
    def of_decisions(self) -> bool:
        """Whether it is about decisions of people, rather than about requests."""
        return self.sort is Sort.REVIEWER

    def wrong(self) -> tuple[str, str] | None:
        """Which part of it cannot be answered, and why: ``("by", "must be …")``."""
        label = self.by.removeprefix(LABEL) if self.by.startswith(LABEL) else ""
        long = self.until - self.since > LONGEST
        checks = (
            (not self.by or self.by in GROUPINGS or bool(label), "by", _GROUPED),
            (not self.label or "=" in self.label[1:], "label", "must be NAME=VALUE"),
            (not (self.label and label) or self.label.startswith(f"{label}="), "label", _TWO_LABELS),
            (self.since < self.until, "from", "must be before to"),
            (not long, "from", f"must be at most {LONGEST.days} days before to"),
        )
        for right, name, why in checks:
            if not right:
                return name, why
        try:
            self.sort  # noqa: B018  # it is asked for whether it raises
        except LookupError as unknown:
            return "by", f"cannot be answered: {unknown} are not known together"
        return None

    def rounded(self) -> Question:
        """The same of whole hours: from the one in which it begins to the end of the one in which it ends."""
        since, until = self.since.astimezone(UTC), self.until.astimezone(UTC)
        begun = until.replace(minute=0, second=0, microsecond=0)
        first = since.replace(minute=0, second=0, microsecond=0)
        return replace(self, since=first, until=begun if begun == until else begun + _HOUR)

    def earlier(self) -> Question:
        """The same of the period before, which is as long and ends where this one begins."""
        return replace(self, since=self.since - (self.until - self.since), until=self.since)

    def names(self, key: CellKey) -> dict[str, str]:
        """What a cell is about, by name."""
        return dict(zip(_KNOWN[key.sort], key.parts, strict=True))

    def group_of(self, key: CellKey) -> str | None:
        """In which group a cell counts; None where it is not asked about."""
        about = self.names(key)
        if any(about[name] != value for name, value in self.only.items()):
            return None
        if self.timed:
            return begin_of(self.by, key.at)
        if self.by.startswith(LABEL):
            name, label = self.by[len(LABEL) :] + "=", about["label"]
            return label[len(name) :] if label.startswith(name) else None
        return about[self.by] if self.by else ""


def begin_of(by: str, at: datetime) -> str:
    """The date on which a moment's day or week (Monday, ISO 8601) begins, UTC."""
    day = at.date()
    return str(day - timedelta(days=day.weekday()) if by == "week" else day)


def slots(question: Question) -> tuple[str, ...]:
    """Every day or week of the period, in order."""
    found: dict[str, None] = {}
    at = question.since
    while at < question.until:
        found[begin_of(question.by, at)] = None
        at = at.replace(hour=0) + _DAY
    return tuple(found)


def spans(question: Question) -> Iterator[tuple[Grain, datetime, datetime]]:
    """Which cells to read for a rounded period: months and days where they are whole, hours at the edges.

    Where days or weeks are asked for, no months.
    """
    since, until = question.since, question.until
    first = since if since.hour == 0 else since.replace(hour=0) + _DAY
    last = until.replace(hour=0)
    if first >= last:
        yield Grain.HOUR, since, until
        return
    if since < first:
        yield Grain.HOUR, since, first
    yield from [(Grain.DAY, first, last)] if question.timed else _months(first, last)
    if last < until:
        yield Grain.HOUR, last, until


def _months(first: datetime, last: datetime) -> Iterator[tuple[Grain, datetime, datetime]]:
    """Whole days as months where those are whole."""
    since = first if first.day == 1 else (first.replace(day=1) + 32 * _DAY).replace(day=1)
    until = last.replace(day=1)
    if since >= until:
        yield Grain.DAY, first, last
        return
    if first < since:
        yield Grain.DAY, first, since
    yield Grain.MONTH, since, until
    if until < last:
        yield Grain.DAY, until, last
