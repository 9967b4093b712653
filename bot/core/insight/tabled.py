"""Figures as a table of one figure a line, for a spreadsheet: whoever wants another shape makes a pivot table of it."""

from __future__ import annotations

from collections.abc import Iterator

from bot.core.insight.figures import Figure, Figures, Group, Spread
from bot.core.insight.intervals import Change, Share

COLUMNS = (
    "group",
    "kind",
    "figure",
    "value",
    "low",
    "high",
    "count",
    "of",
    "few",
    "before",
    "change",
    "change_low",
    "change_high",
)
"""``kind`` is count, rate, time (seconds), category, edited or calibration."""

WHOLE = "*"
"""Stands for everything in the column of groups."""

Row = dict[str, str | int | float | None]


def rows_of(figures: Figures) -> Iterator[Row]:
    """A row a figure, those of everything first; what is not in a row is empty."""
    for group in (figures.whole, *figures.groups):
        name = WHOLE if group is figures.whole else group.name
        for row in _group(group):
            yield {"group": name, **row}


def _group(group: Group) -> Iterator[Row]:
    now, before = group.now, group.before
    for name, count in now.counts.items():
        was = before.counts.get(name, 0) if before else None
        yield {"kind": "count", "figure": name, "value": count, "before": was}
    for name, rate in now.rates.items():
        old = before.rates.get(name) if before else None
        told = _changed(group.changes.get(name))
        yield {"kind": "rate", "figure": name, **_share(rate), "before": old.share if old else None, **told}
    for name, spread in now.times.items():
        yield from _spread(name, spread, before.times.get(name) if before else None)
    for one in now.categories:
        yield {"kind": "category", "figure": one.name, "value": one.count}
    for edited in now.edited:
        yield {"kind": "edited", "figure": edited.pointer, **_share(edited.edits)}
        if edited.median is not None:
            named = f"{edited.pointer} median percent moved"
            yield {"kind": "edited", "figure": named, "value": edited.median, "count": edited.numbers}
    yield from _calibration(now)


def _share(share: Share) -> Row:
    return {
        "value": share.share,
        "low": share.low,
        "high": share.high,
        "count": share.count,
        "of": share.of,
        "few": int(share.few),
    }


def _changed(change: Change | None) -> Row:
    if change is None:
        return {}
    return {"change": change.change, "change_low": change.low, "change_high": change.high}


def _spread(name: str, now: Spread, before: Spread | None) -> Iterator[Row]:
    for which in ("median", "p90", "p99"):
        was = None if before is None else getattr(before, which)
        yield {
            "kind": "time",
            "figure": f"{name} {which}",
            "value": getattr(now, which),
            "count": now.count,
            "few": int(now.few),
            "before": was,
        }


def _calibration(figure: Figure) -> Iterator[Row]:
    told = figure.calibration
    if told is None:
        return
    known: Row = {"kind": "calibration", "count": told.count, "few": int(told.few)}
    yield {**known, "figure": "claimed", "value": told.claimed}
    for name, bounded in (("brier", told.brier), ("error", told.error)):
        yield {**known, "figure": name, "value": bounded.value, "low": bounded.low, "high": bounded.high}
    for one in told.bins:
        named = f"right from {one.least:.2f} to {one.most:.2f}"
        yield {"kind": "calibration", "figure": named, **_share(one.right), "before": None}
