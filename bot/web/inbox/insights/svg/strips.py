"""Charts of strips: a row for each name, its value above and drawn below on one scale for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from bot.web.inbox.insights.svg import scale
from bot.web.inbox.insights.svg.marks import Bar, Cell, Chart, Dot, Key, Line, Mark, Strip, Table, Word
from bot.web.inbox.insights.svg.scale import SHARES, Scale, length, percent
from bot.web.inbox.language import Said, words

MIDDLE = 9.0
"""Pixels down to the line of a strip, which is twice as high."""

_AXIS = 16.0
FEW = words("{count} of {of}: too few to say")
_OF = words("{count} of {of}")
_BEFORE = words("before: {share}")
NONE = words("There is nothing to count.")
_NAME, _SHARE, _LOW, _HIGH = words("Name"), words("Share"), words("At least"), words("At most")
_COUNT, _ALL, _WAS = words("Count"), words("Of all"), words("Period before")
_MEDIAN, _P90, _P99 = words("Median"), words("Nine of ten within"), words("99 of 100 within")
_NUMBER = words("Number")
_KEYS = (
    Key("main", "dot", words("share, with its 95 % interval")),
    Key("before", "line", words("the period before")),
)
_SPREAD_KEYS = (
    Key("main", "dot", _MEDIAN),
    Key("p90", "line", words("nine of ten within")),
    Key("p99", "bar", words("99 of 100 within")),
)


class Rate(Struct, frozen=True, kw_only=True):
    """A share of ``count`` out of ``of``, between ``low`` and ``high``; ``before`` what it was in the period before.

    ``few``: of so few that the share itself says little. ``note`` stands below instead of how many there were.
    """

    name: str
    share: float
    low: float
    high: float
    count: int
    of: int
    few: bool = False
    before: float | None = None
    href: str | None = None
    note: str = ""


class Amount(Struct, frozen=True, kw_only=True):
    """A number of a name; ``text`` is how it is written (empty: as it is)."""

    name: str
    number: float
    text: str = ""
    note: str = ""
    before: float | None = None
    href: str | None = None


class Spread(Struct, frozen=True, kw_only=True):
    """How long something took: ``median``, ``p90`` and ``p99`` in seconds, of ``of``."""

    name: str
    median: float
    p90: float
    p99: float
    of: int
    few: bool = False
    before: float | None = None
    href: str | None = None


def rates(key: str, title: str, desc: str, rows: Iterable[Rate], *, note: str = "") -> Chart:
    """Shares with their intervals, from none to all."""
    rows = tuple(row for row in rows if row.of)
    return Chart(
        id=key,
        title=title,
        desc=desc,
        note=note,
        height=_AXIS,
        marks=_axis(SHARES, percent) if rows else (),
        strips=tuple(_rate(row) for row in rows),
        legend=(_KEYS if any(row.before is not None for row in rows) else _KEYS[:1]) if rows else (),
        table=Table((_NAME, _SHARE, _LOW, _HIGH, _COUNT, _ALL, _WAS), tuple(_told(row) for row in rows)),
        empty="" if rows else NONE,
    )


def _rate(row: Rate) -> Strip:
    low, high = SHARES.across(row.low), SHARES.across(row.high)
    tone = "few" if row.few else "main"
    marks: list[Mark] = [
        Line(0, MIDDLE, 100, MIDDLE, "track"),
        Line(low, MIDDLE, high, MIDDLE, f"whisker {tone}"),
        Line(low, MIDDLE - 4, low, MIDDLE + 4, f"end {tone}"),
        Line(high, MIDDLE - 4, high, MIDDLE + 4, f"end {tone}"),
    ]
    if row.before is not None:
        at = SHARES.across(row.before)
        marks.append(Line(at, 1, at, 2 * MIDDLE - 1, "before"))
    marks.append(Dot(SHARES.across(row.share), MIDDLE, 5, tone))
    few = row.few
    said = Said(FEW, count=f"{row.count:,}", of=f"{row.of:,}") if few else percent(row.share)
    note = row.note or ("" if few else Said(_OF, count=f"{row.count:,}", of=f"{row.of:,}"))
    return Strip(name=row.name, href=row.href, value=said, note=note, marks=tuple(marks), few=few)


def _told(row: Rate) -> tuple[str | Cell, ...]:
    shares = (percent(row.share), percent(row.low), percent(row.high))
    was = "" if row.before is None else percent(row.before)
    return (Cell(row.name, row.href), *shares, f"{row.count:,}", f"{row.of:,}", was)


def amounts(key: str, title: str, desc: str, rows: Iterable[Amount], *, note: str = "", unit: str = "") -> Chart:
    """Bars from nought; ``unit`` heads the column of numbers."""
    rows = tuple(rows)
    most = max((max(row.number, row.before or 0) for row in rows), default=0)
    across = scale.numbers(most)
    return Chart(
        id=key,
        title=title,
        desc=desc,
        note=note,
        strips=tuple(_amount(row, across) for row in rows),
        legend=(Key("main", "bar", unit or _NUMBER), _KEYS[1]) if any(row.before is not None for row in rows) else (),
        table=Table(
            (_NAME, unit or _NUMBER, _WAS),
            tuple(
                (Cell(r.name, r.href), r.text or f"{r.number:,.0f}", "" if r.before is None else f"{r.before:,.0f}")
                for r in rows
            ),
        ),
        empty="" if rows else NONE,
    )


def _amount(row: Amount, across: Scale) -> Strip:
    marks: list[Mark] = [Bar(0, 3, across.across(row.number), 12, "main")]
    if row.before is not None:
        at = across.across(row.before)
        marks.append(Line(at, 0, at, 2 * MIDDLE, "before"))
    value = row.text or f"{row.number:,.0f}"
    return Strip(name=row.name, href=row.href, value=value, note=row.note, marks=tuple(marks))


def spreads(key: str, title: str, desc: str, rows: Iterable[Spread]) -> Chart:
    """How long things took, in equal ratios: median, nine of ten, 99 of 100."""
    rows = tuple(row for row in rows if row.of)
    across = scale.seconds(min((r.median for r in rows), default=1), max((r.p99 for r in rows), default=60))
    return Chart(
        id=key,
        title=title,
        desc=desc,
        height=_AXIS,
        marks=_axis(across, _tick) if rows else (),
        strips=tuple(_spread(row, across) for row in rows),
        legend=_SPREAD_KEYS if rows else (),
        table=Table(
            (_NAME, _MEDIAN, _P90, _P99, _COUNT, _WAS),
            tuple(
                (
                    Cell(row.name, row.href),
                    *(length(at) for at in (row.median, row.p90, row.p99)),
                    f"{row.of:,}",
                    "" if row.before is None else length(row.before),
                )
                for row in rows
            ),
        ),
        empty="" if rows else NONE,
    )


def _spread(row: Spread, across: Scale) -> Strip:
    median, p90, p99 = (across.across(at) for at in (row.median, row.p90, row.p99))
    tone = "few" if row.few else "main"
    marks: tuple[Mark, ...] = (
        Line(0, MIDDLE, 100, MIDDLE, "track"),
        Line(median, MIDDLE, p90, MIDDLE, f"thick {tone}"),
        Line(p90, MIDDLE, p99, MIDDLE, f"whisker {tone}"),
        Line(p90, MIDDLE - 6, p90, MIDDLE + 6, "end p90"),
        Bar(p99, MIDDLE - 4, 0.9, 8, "p99"),
        Dot(median, MIDDLE, 5, tone),
    )
    note = Said(words("of {of}"), of=f"{row.of:,}")
    if row.few:
        note = Said(words("{of}: too few to say"), of=f"{row.of:,}")
    elif row.before is not None:
        note = Said(_BEFORE, share=length(row.before))
    return Strip(name=row.name, href=row.href, value=length(row.median), note=note, marks=marks, few=row.few)


def _tick(value: float) -> str:
    return length(value) if value >= 10 else f"{value:.0f} s"  # noqa: PLR2004  # a mark has no tenths


def _axis(across: Scale, write: Callable[[float], str]) -> tuple[Mark, ...]:
    return tuple(Word(across.across(t), 12, write(t), _anchor(at, across.ticks)) for at, t in enumerate(across.ticks))


def _anchor(at: int, ticks: Sequence[float]) -> str:
    """Within the chart's own width: the first begins at its edge, the last ends at its edge."""
    return "start" if at == 0 else ("end" if at == len(ticks) - 1 else "middle")
