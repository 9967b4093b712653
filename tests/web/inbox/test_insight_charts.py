"""Charts out of values: nothing is drawn outside of its scale, every number is in the table, and few numbers say so."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.web.inbox.assets import Assets
from bot.web.inbox.insights.svg.marks import Band, Bar, Chart, Dot, Line, Mark, Trace
from bot.web.inbox.insights.svg.plots import Bin, Marked, Moment, Point, curve, reliability, trend
from bot.web.inbox.insights.svg.scale import SHARES, length, numbers, percent, seconds, zoomed
from bot.web.inbox.insights.svg.strips import Amount, Rate, Spread, amounts, rates, spreads
from bot.web.inbox.pages import Pages

NOW = datetime(2026, 11, 26, tzinfo=UTC)
share = st.floats(0, 1, allow_nan=False)
counts = st.integers(0, 10**7)
times = st.floats(0, 10**8, allow_nan=False)
PAGES = Pages(Assets())


def rate(name: str, count: int, of: int, **more: object) -> Rate:
    """A share with an interval around it."""
    at = count / of if of else 0.0
    bounds = {"low": max(at - 0.1, 0.0), "high": min(at + 0.1, 1.0)}
    return Rate(name=name, count=count, of=of, share=at, few=of < 30, **bounds | more)  # type: ignore[arg-type]


def places(marks: tuple[Mark, ...]) -> list[tuple[float, float]]:
    """Where marks begin and end."""
    found: list[tuple[float, float]] = []
    for mark in marks:
        match mark:
            case Line():
                found += [(mark.x1, mark.y1), (mark.x2, mark.y2)]
            case Bar():
                found += [(mark.x, mark.y), (mark.x + mark.width, mark.y + mark.height)]
            case Dot():
                found.append((mark.x, mark.y))
            case Trace() | Band():
                found += mark.points
    return found


def shown(chart: Chart) -> str:
    """The chart on a page, as the macro draws it."""
    source = '{% import "insights/charts.html" as c with context %}{{ c.chart(chart) }}'
    return PAGES._templates.from_string(source).render(chart=chart, visitor=None, now=NOW)  # noqa: SLF001  # as pages do


@given(low=share, high=share, most=counts, least=times, longest=times)
def test_scales_rise_and_hold_what_they_are_made_for(
    low: float, high: float, most: int, least: float, longest: float
) -> None:
    """Marks rise, the greatest and least of what is drawn lie on the scale, and more is never further left."""
    made = [
        (SHARES, (low, high)),
        (zoomed(min(low, high), max(low, high)), (low, high)),
        (numbers(most), (0, most)),
        (seconds(min(least, longest), max(least, longest)), (max(least, 1.0), max(longest, 1.0))),
    ]
    for scale, values in made:
        assert all(first < second for first, second in pairwise(scale.ticks))
        assert all(scale.low - 1e-9 <= value <= scale.high + 1e-9 for value in values)
        small, large = sorted(values)
        assert 0 <= scale.across(small) <= scale.across(large) <= 100
        assert scale.down(large, 150) <= scale.down(small, 150)


@given(rows=st.lists(st.tuples(counts, share, share, share), max_size=8))
def test_every_mark_lies_within_its_chart(rows: list[tuple[int, float, float, float]]) -> None:
    """Whatever the figures are, of whichever kind of chart; and every row of them is a row of the table."""
    bounds = [(of, min(a, b, c), sorted((a, b, c))[1], max(a, b, c)) for of, a, b, c in rows]
    points = [Point(x=low, y=at, low=low, high=high) for _, low, at, high in bounds]
    charts = [
        rates("r", "r", "r", [Rate(name="n", share=s, low=lo, high=h, count=0, of=n) for n, lo, s, h in bounds]),
        amounts("a", "a", "a", [Amount(name="n", number=n, before=n / 2) for n, *_ in bounds]),
        spreads("s", "s", "s", [Spread(name="n", median=n * a, p90=n * b, p99=n * c, of=n) for n, a, b, c in bounds]),
        trend("t", "t", "t", [Moment(label="d", count=0, of=n, share=s, low=a, high=b) for n, a, s, b in bounds]),
        reliability("b", "b", "b", [Bin(claimed=s, share=s, low=a, high=b, count=n) for n, a, s, b in bounds]),
        curve("c", "c", "c", points, x="x", y="y", marked=[Marked(x=p.x, y=p.y, text="m") for p in points]),
    ]
    for chart in charts:
        drawn = [(chart.marks, chart.height), *((strip.marks, 18.0) for strip in chart.strips)]
        for marks, height in drawn:
            assert all(0 <= x <= 101 and 0 <= y <= height for x, y in places(marks)), chart.id
        some = any(of for of, *_ in bounds)
        assert bool(chart.empty) != bool(some or (bounds and chart.id in "ac"))
        if not chart.empty:
            assert len(chart.table.rows) == len([b for b in bounds if b[0] or chart.id in "act"])


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0 %"), (1.0, "100 %"), (0.001, "<1 %"), (0.9999, ">99 %"), (0.925, "92 %")]
)
def test_nearly_all_is_not_all(value: float, text: str) -> None:
    """A share that is rounded never says that there was none, or that it was every one."""
    assert percent(value) == text


def test_times_read_as_people_say_them() -> None:
    """Tenths of what is short, two units of what is long."""
    assert [length(at) for at in (0.24, 9.96, 42, 7800)] == ["0.2 s", "10.0 s", "42 s", "2 h 10 min"]


def test_small_numbers_say_so() -> None:
    """Of seven decisions no share is told, and what is drawn of it is another line and another dot."""
    few, enough = rates("r", "R", "d", [rate("few", 6, 7), rate("enough", 60, 70)]).strips
    assert (few.value, few.few) == ("6 of 7: too few to say", True)
    assert (enough.value, enough.note) == ("86 %", "60 of 70")
    tones = [{mark.tone for mark in strip.marks if isinstance(mark, Dot)} for strip in (few, enough)]
    assert tones == [{"few"}, {"main"}]


def test_a_gap_is_a_gap() -> None:
    """On a day of which nothing is known the line ends, instead of going through a share that nobody measured."""
    days = [Moment(label=str(of), count=0, of=of, share=0.5, low=0.4, high=0.6) for of in (9, 8, 0, 7, 6)]
    lines = [mark for mark in trend("t", "T", "d", days).marks if isinstance(mark, Trace)]
    assert [len(line.points) for line in lines] == [2, 2]


def test_a_chart_is_read_without_being_seen() -> None:
    """It has a title, a description and the same numbers in a table; names stay text, whatever they hold; no style."""
    evil = "<script>\u202eagent"
    charts = [
        rates("r", "Rates", "What rates are", [rate(evil, 90, 120, before=0.5, href="/insights/agents/x")]),
        trend("t", "Trend", "What trends are", [Moment(label="1 Nov", count=30, of=40, share=0.75, low=0.6, high=0.9)]),
    ]
    for chart in charts:
        drawn = shown(chart)
        assert chart.desc in drawn
        assert "<script>" not in drawn
        assert "\u202e" not in drawn
        assert not re.search(r"\sstyle=|<style", drawn)
        # Well formed: an SVG that a browser had to mend would be another picture.
        found = ET.fromstring(re.sub(r'(?<=[a-z"])\s(open|hidden)(?=[\s>])', "", drawn))  # noqa: S314  # our own page
        assert all(svg.find("title") is not None for svg in found.iter("svg") if svg.get("role") == "img")
        assert "75 %" in drawn.split("<table>")[1]
