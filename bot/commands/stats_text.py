"""Figures as a person reads them in a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta

from bot.core.insight import names
from bot.core.insight.figures import Figure, Figures, Group, Spread
from bot.core.insight.intervals import FEW, Change, Share
from bot.core.insight.rates import size_of
from bot.core.insight.waiting import Ages, Queue

_PERCENT = 100
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_MOST = 5
"""Categories and arguments that are told; all of them are in --json and --csv."""

_RATES = {
    "approved": "approved as proposed",
    "edited": "approved with edits",
    "rejected": "rejected",
    "gated": "below their rule's gate",
    "by_rule": "run by rule",
    "by_grant": "  of an earned grant",
    "escalated": "escalated",
    "expired": "expired",
    "cancelled": "cancelled",
    "blocked": "blocked by rule",
    "undone": "approval taken back",
    "failed": "failed to run",
    "unknown": "unknown whether it ran",
    "rolled_back": "rolled back",
    "incidents": "reported as an incident",
    "false_approvals": "false approvals",
    "sampled_wrong": "samples people would not pass",
    "reviewed_wrong": "reviewed after, found wrong",
    "approve": "approved as proposed",
    "approve_with_edits": "approved with edits",
    "reject": "rejected",
    "ask": "asked back",
    "escalate": "escalated",
    "fast": "sooner than it can be read",
    "commented": "with a comment",
    "broke_glass": "broke glass",
    "practice_missed": "practices missed",
}
_WHERE_ANY = ("gated", "by_grant", "cancelled", "blocked", "undone", "unknown", "rolled_back", "broke_glass")
"""Told only where there are any: of these none is what one expects."""
_TIMES = {
    names.VIEW: "to the first view",
    names.DECISION: "to the decision",
    names.WORKED: "  in working hours",
    names.EXECUTION: "from there until it had run",
    names.HAD: "had it open",
    names.WAITED: "from being asked",
}


def told(figures: Figures, queue: Queue) -> str:
    """The whole text."""
    return "\n".join([*_head(figures), *_whole(figures.whole), *_groups(figures), *_waiting(queue)])


def _head(figures: Figures) -> Iterator[str]:
    decisions = figures.of == "decisions"
    beside = f", beside the {_long(figures)} before" if figures.before_since else ""
    yield f"{figures.since:%Y-%m-%d %H:%M} to {figures.until:%Y-%m-%d %H:%M} UTC ({_long(figures)}{beside})"
    if figures.only:
        yield "only " + ", ".join(f"{name} {value}" for name, value in figures.only.items())
    whole = figures.whole
    now = size_of(whole.now.counts, decisions=decisions)
    was = f" (before: {size_of(whole.before.counts, decisions=decisions):,})" if whole.before else ""
    still = whole.now.counts.get(names.OPEN, 0)
    yield f"{now:,} {figures.of}{was}" + (f", {still:,} still open" if still else "")
    if figures.behind:
        lines = "line of the audit trail is" if figures.behind == 1 else "lines of the audit trail are"
        yield f"{figures.behind:,} {lines} not in these figures yet; a running bot adds them."


def _long(figures: Figures) -> str:
    length = figures.until - figures.since
    return f"{length.days} d" if length >= timedelta(days=2) else f"{length // timedelta(hours=1)} h"


def _whole(group: Group) -> Iterator[str]:
    now = group.now
    if now.rates:
        told = {name: rate for name, rate in now.rates.items() if rate.count or name not in _WHERE_ANY}
        rows = [_rate(_RATES[name], rate, group.changes.get(name)) for name, rate in told.items()]
        yield from ["", *_table(("share", "", "95 %", "", "change" if group.before else ""), rows)]
        if any(rate.few for rate in told.values()):
            yield f"? of fewer than {FEW}: too few to act on."
    if now.times:
        rows = [_time(name, now.times[name]) for name in _TIMES if name in now.times]
        yield from ["", *_table(("time", "half", "90 %", "99 %", "of"), rows)]
    yield from _edits(now)
    yield from _claims(now)


def _rate(name: str, rate: Share, change: Change | None) -> tuple[str, ...]:
    moved = ""
    if change is not None:
        moved = f"{change.change * _PERCENT:+.1f}{'' if change.sure else ' (may be chance)'}"
    between = f"{rate.low * _PERCENT:.1f} to {rate.high * _PERCENT:.1f}"
    return name, share(rate), between, f"{rate.count:,} of {rate.of:,}", moved


def share(rate: Share | None) -> str:
    """A share in percent; ``?`` where it is of few."""
    if rate is None or rate.share is None:
        return "–"
    return f"{rate.share * _PERCENT:.1f} %{' ?' if rate.few else ''}"


def _time(name: str, spread: Spread) -> tuple[str, ...]:
    return _TIMES[name], *(length(one) for one in (spread.median, spread.p90, spread.p99)), f"{spread.count:,}"


def length(seconds: float) -> str:
    """A time, in its two largest units."""
    whole = round(seconds)
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE} s"
    if whole < _DAY:
        return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"
    return f"{whole // _DAY} d {whole % _DAY // _HOUR} h"


def _edits(now: Figure) -> Iterator[str]:
    if now.categories:
        yield ""
        yield "why: " + ", ".join(f"{_plain(one.name)} {one.count:,}" for one in now.categories[:_MOST])
    if now.edited:
        yield ""
        rows = [
            (
                _plain(one.pointer),
                f"{one.edits.count:,}",
                "" if one.median is None or one.p90 is None else f"{one.median:.0f} % (90 %: {one.p90:.0f} %)",
            )
            for one in now.edited[:_MOST]
        ]
        yield from _table(("edited argument", "edits", "half are moved by at most"), rows)


def _claims(now: Figure) -> Iterator[str]:
    told = now.calibration
    if told is None:
        return
    yield ""
    few = f" (fewer than {FEW}: too few to act on)" if told.few else ""
    right = (told.right.share or 0.0) * _PERCENT
    yield f"confidence: {told.claimed * _PERCENT:.1f} % claimed, {right:.1f} % came true, of {told.count:,}{few}"
    for name, bounded in (("Brier score", told.brier), ("calibration error", told.error)):
        yield f"  {name} {bounded.value:.3f} ({bounded.low:.3f} to {bounded.high:.3f})"


_COLUMNS = {
    "requests": ("approved", "edited", "rejected", "expired", "by_rule"),
    "decisions": ("approve", "approve_with_edits", "reject", "fast"),
}
_HEADS = {
    "requests": ("requests", "as proposed", "edited", "rejected", "expired", "by rule", "half decided in"),
    "decisions": ("decisions", "as proposed", "edited", "rejected", "too fast", "half had it"),
}


def _groups(figures: Figures) -> Iterator[str]:
    if not figures.groups:
        return
    decisions = figures.of == "decisions"
    rows = []
    for group in figures.groups:
        now = group.now
        half = now.times.get(names.HAD if decisions else names.DECISION)
        rates = [share(now.rates.get(name)) for name in _COLUMNS[figures.of]]
        size = f"{size_of(now.counts, decisions=decisions):,}"
        rows.append((_plain(group.name) or "(none)", size, *rates, "–" if half is None else length(half.median)))
    yield ""
    yield from _table((figures.by, *_HEADS[figures.of]), rows)
    if figures.left_out:
        yield f"and {figures.left_out:,} smaller ones"


def _waiting(queue: Queue) -> Iterator[str]:
    yield ""
    yield f"waiting now: {_ages(queue.open)}"
    yield from (f"  {one.person}: {_ages(one.ages)}" for one in queue.by_person)


def _ages(ages: Ages) -> str:
    if ages.oldest is None or ages.median is None:
        return "nothing"
    return f"{ages.count:,}, the oldest for {length(ages.oldest)}, half for {length(ages.median)} at least"


def _plain(text: str) -> str:
    """What an agent may have named, without what moves a terminal's cursor."""
    return "".join(letter if letter.isprintable() else "�" for letter in text)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    every = [tuple(head), *map(tuple, rows)]
    wide = [max(len(row[at]) for row in every) for at in range(len(head))]
    for row in every:
        first, *rest = row
        cells = [first.ljust(wide[0]), *(cell.rjust(wide[at + 1]) for at, cell in enumerate(rest))]
        yield "  ".join(cells).rstrip()
