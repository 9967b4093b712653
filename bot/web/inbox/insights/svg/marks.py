"""What charts are drawn of. Across: percent of the chart's width (0 to 100); down: pixels from its top."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct


class Line(Struct, frozen=True):
    """A straight line; ``tone`` is its class in ``insights.css``."""

    kind: ClassVar[str] = "line"
    x1: float
    y1: float
    x2: float
    y2: float
    tone: str


class Bar(Struct, frozen=True):
    """A rectangle, ``width`` in percent and ``height`` in pixels."""

    kind: ClassVar[str] = "bar"
    x: float
    y: float
    width: float
    height: float
    tone: str


class Dot(Struct, frozen=True):
    """A circle of ``r`` pixels."""

    kind: ClassVar[str] = "dot"
    x: float
    y: float
    r: float
    tone: str


class Word(Struct, frozen=True):
    """A text, ``dx`` pixels beside where it stands; ``anchor`` says which of its ends that is."""

    kind: ClassVar[str] = "word"
    x: float
    y: float
    text: str
    anchor: str = "middle"
    dx: float = 0.0
    tone: str = "axis"


class Trace(Struct, frozen=True):
    """A line through points."""

    kind: ClassVar[str] = "trace"
    points: tuple[tuple[float, float], ...]
    tone: str


class Band(Struct, frozen=True):
    """A filled shape with these corners."""

    kind: ClassVar[str] = "band"
    points: tuple[tuple[float, float], ...]
    tone: str


Mark = Line | Bar | Dot | Word | Trace | Band


class Key(Struct, frozen=True):
    """One line of a legend: how something is drawn (``tone``), as what (``shape``: line, dot, bar) and what it is."""

    tone: str
    shape: str
    text: str


class Cell(Struct, frozen=True):
    """A name within a table, and the page about it (None: none)."""

    text: str
    href: str | None = None


class Table(Struct, frozen=True):
    """The numbers of a chart; the first cell of a row is what the row is about."""

    head: tuple[str, ...]
    rows: tuple[tuple[str | Cell, ...], ...]


class Strip(Struct, frozen=True, kw_only=True):
    """One row of a chart of strips: a name, what is said of it, and what is drawn below."""

    name: str
    value: str
    marks: tuple[Mark, ...]
    note: str = ""
    href: str | None = None
    few: bool = False


class Chart(Struct, frozen=True, kw_only=True):
    """A chart. ``id`` is its own on its page; ``desc`` says to who cannot see it what it shows.

    Either ``marks`` within ``height`` pixels, or ``strips`` over one ``axis`` (its ``marks`` within ``height``).
    ``empty`` is what stands there instead where there is nothing to draw.
    """

    id: str
    title: str
    desc: str
    table: Table
    height: float = 0.0
    marks: tuple[Mark, ...] = ()
    strips: tuple[Strip, ...] = ()
    legend: tuple[Key, ...] = ()
    note: str = ""
    empty: str = ""
