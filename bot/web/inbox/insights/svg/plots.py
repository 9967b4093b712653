"""Charts with two axes: a trend over time, and one share over another with what is marked on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from msgspec import Struct

from bot.web.inbox.insights.svg.marks import Band, Bar, Chart, Dot, Key, Line, Mark, Table, Trace, Word
from bot.web.inbox.insights.svg.scale import SHARES, Scale, percent, zoomed
from bot.web.inbox.insights.svg.strips import NONE
from bot.web.inbox.language import words

HEIGHT = 150.0
"""Pixels of a plot, without what is written below it."""

_BELOW = 38.0
_VOLUME = 26.0
_DOTS_AT_MOST = 45
_HIGH, _LOW = words("At most"), words("At least")
_WHEN, _SHARE, _COUNT, _ALL = words("When"), words("Share"), words("Count"), words("Of all")


class Moment(Struct, frozen=True, kw_only=True):
    """A day or a week: the share of ``count`` out of ``of``, between ``low`` and ``high``. ``label`` is written below.

    Where ``of`` is 0 nothing is known: the line has a gap there.
    """

    label: str
    count: int
    of: int
    share: float = 0.0
    low: float = 0.0
    high: float = 1.0


class Point(Struct, frozen=True, kw_only=True):
    """A place of a curve: ``y`` at ``x``, between ``low`` and ``high`` (None: nothing is said of how sure that is)."""

    x: float
    y: float
    low: float | None = None
    high: float | None = None


class Marked(Struct, frozen=True, kw_only=True):
    """A place that is pointed at on a curve, by ``text``; ``tone`` as in ``insights.css``."""

    x: float
    y: float
    text: str
    tone: str = "main"


def trend(key: str, title: str, desc: str, moments: Iterable[Moment], *, what: str = "") -> Chart:
    """A share over time with its 95 % interval, and below how many there were; ``what`` names what is counted."""
    moments = tuple(moments)
    known = [m for m in moments if m.of]
    if not known:
        return Chart(id=key, title=title, desc=desc, table=_moments(moments), empty=NONE)
    up = zoomed(min(m.low for m in known), max(m.high for m in known))
    step = 100 / len(moments)
    middles = [round((at + 0.5) * step, 2) for at in range(len(moments))]
    marks: list[Mark] = [*grid(up, percent), *_volume(moments, step)]
    for run in _runs(moments):
        top = tuple((middles[at], up.down(moments[at].high, HEIGHT)) for at in run)
        bottom = tuple((middles[at], up.down(moments[at].low, HEIGHT)) for at in reversed(run))
        line = tuple((middles[at], up.down(moments[at].share, HEIGHT)) for at in run)
        marks += [Band((*top, *bottom), "band"), Trace(line, "line main")]
        if len(run) == 1 or len(moments) <= _DOTS_AT_MOST:
            marks += [Dot(x, y, 3, "main") for x, y in line]
    return Chart(
        id=key,
        title=title,
        desc=desc,
        height=HEIGHT + _BELOW + _VOLUME,
        marks=(*marks, *_dates(moments, middles)),
        legend=(
            Key("main", "line", words("share")),
            Key("band", "bar", words("its 95 % interval")),
            Key("volume", "bar", what or words("how many there were")),
        ),
        table=_moments(moments),
    )


def grid(up: Scale, write: Callable[[float], str]) -> Iterator[Mark]:
    """Lines across at the marks of what is drawn upwards, with their values beside."""
    for tick in up.ticks:
        y = up.down(tick, HEIGHT)
        yield Line(0, y, 100, y, "grid")
        yield Word(0, y + 4, write(tick), "end", -7)


def _volume(moments: Sequence[Moment], step: float) -> Iterator[Mark]:
    most = max(m.of for m in moments)
    floor = HEIGHT + 18 + _VOLUME
    for at, moment in enumerate(moments):
        if moment.of:
            height = max(round(_VOLUME * moment.of / most, 1), 1.5)
            yield Bar(round((at + 0.1) * step, 2), floor - height, round(0.8 * step, 2), height, "volume")
    yield Line(0, floor, 100, floor, "grid")
    yield Word(0, floor - _VOLUME + 9, f"{most:,}", "end", -7)
    yield Word(0, floor + 2, "0", "end", -7)


def _runs(moments: Sequence[Moment]) -> Iterator[tuple[int, ...]]:
    """Stretches without a gap."""
    run: list[int] = []
    for at, moment in enumerate(moments):
        if moment.of:
            run.append(at)
        elif run:
            yield tuple(run)
            run = []
    if run:
        yield tuple(run)


def _dates(moments: Sequence[Moment], middles: Sequence[float]) -> Iterator[Mark]:
    last = len(moments) - 1
    y = HEIGHT + _BELOW + _VOLUME - 4
    for at in sorted({0, last // 2, last}):
        if at in (0, last) or last > 1:
            # A single one stands in the middle; else the ends stay within the chart's own width.
            anchor = "middle" if last == 0 or 0 < at < last else ("start" if at == 0 else "end")
            x = middles[at] if anchor == "middle" else (0.0 if at == 0 else 100.0)
            yield Word(x, y, moments[at].label, anchor)


def _moments(moments: Sequence[Moment]) -> Table:
    return Table(
        (_WHEN, _SHARE, _LOW, _HIGH, _COUNT, _ALL),
        tuple(
            (
                m.label,
                *((percent(m.share), percent(m.low), percent(m.high)) if m.of else ("–",) * 3),
                f"{m.count:,}",
                f"{m.of:,}",
            )
            for m in moments
        ),
    )


def curve(
    key: str,
    title: str,
    desc: str,
    points: Iterable[Point],
    *,
    x: str,
    y: str,
    marked: Iterable[Marked] = (),
    even: bool = False,
    note: str = "",
) -> Chart:
    """One share over another, both from none to all; ``x`` and ``y`` name the axes.

    ``even`` draws the line on which both are alike; ``marked`` are pointed at and stand in the legend.
    """
    points, marked = tuple(points), tuple(marked)
    place = [(SHARES.across(p.x), SHARES.down(p.y, HEIGHT)) for p in points]
    marks: list[Mark] = [*grid(SHARES, percent), *_below(x)]
    if even:
        marks.append(Line(0, HEIGHT, 100, 0, "even"))
    sure = [p for p in points if p.low is not None and p.high is not None]
    if sure:
        top = tuple((SHARES.across(p.x), SHARES.down(p.high or 0, HEIGHT)) for p in sure)
        bottom = tuple((SHARES.across(p.x), SHARES.down(p.low or 0, HEIGHT)) for p in reversed(sure))
        marks.append(Band((*top, *bottom), "band"))
    marks.append(Trace(tuple(place), "line main"))
    for one in marked:
        at = (SHARES.across(one.x), SHARES.down(one.y, HEIGHT))
        marks += [Line(at[0], 0, at[0], HEIGHT, f"pointer {one.tone}"), Dot(*at, 5, one.tone)]
    said = tuple(_place(p) for p in points)
    return Chart(
        id=key,
        title=title,
        desc=desc,
        note=note,
        height=HEIGHT + _BELOW,
        marks=tuple(marks),
        legend=(Key("main", "line", y), *(Key(one.tone, "dot", one.text) for one in marked)),
        table=Table((x, y, _LOW, _HIGH), said),
        empty="" if points else NONE,
    )


def _place(point: Point) -> tuple[str, ...]:
    bounds = ("–" if bound is None else percent(bound) for bound in (point.low, point.high))
    return (f"{point.x:.2f}", percent(point.y), *bounds)


def _below(name: str) -> Iterator[Mark]:
    """What stands under a plot: the marks of what is drawn across, and its name."""
    for at, tick in enumerate(SHARES.ticks):
        end = at == len(SHARES.ticks) - 1
        yield Word(SHARES.across(tick), HEIGHT + 16, percent(tick), "end" if end else ("middle" if at else "start"))
    yield Word(50, HEIGHT + 33, name, tone="axis name")


class Bin(Struct, frozen=True, kw_only=True):
    """Requests of about one confidence: what the agent claimed on average, what share came true, of how many."""

    claimed: float
    share: float
    low: float
    high: float
    count: int


def reliability(key: str, title: str, desc: str, bins: Iterable[Bin], *, note: str = "") -> Chart:
    """Claimed confidence against what came true, with intervals: on the slanting line claims hold."""
    bins = tuple(each for each in bins if each.count)
    most = max((each.count for each in bins), default=1)
    marks: list[Mark] = [
        *grid(SHARES, percent),
        *_below(words("confidence that the agent claimed")),
        Line(0, HEIGHT, 100, 0, "even"),
    ]
    for each in bins:
        x, y = SHARES.across(each.claimed), SHARES.down(each.share, HEIGHT)
        low, high = SHARES.down(each.low, HEIGHT), SHARES.down(each.high, HEIGHT)
        marks += [
            Line(x, low, x, high, "whisker main"),
            Dot(x, y, round(3 + 4 * (each.count / most) ** 0.5, 1), "main"),
        ]
    return Chart(
        id=key,
        title=title,
        desc=desc,
        note=note,
        height=HEIGHT + _BELOW,
        marks=tuple(marks),
        legend=(
            Key("main", "dot", words("approved as proposed, with its 95 % interval; larger: of more")),
            Key("even", "line", words("as often right as claimed")),
        )
        if bins
        else (),
        table=Table(
            (words("Claimed"), words("Approved as proposed"), _LOW, _HIGH, _ALL),
            tuple((*(percent(share) for share in (b.claimed, b.share, b.low, b.high)), f"{b.count:,}") for b in bins),
        ),
        empty="" if bins else NONE,
    )
