"""From cells to figures. Pure and in whole numbers up to the last step, so that the order of cells changes nothing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from bot.core.insight import names, sketch
from bot.core.insight.asking import Question, slots
from bot.core.insight.calibration import calibration_of
from bot.core.insight.cell import Cell, CellKey, Corrected
from bot.core.insight.figures import Counted, Edited, Figure, Figures, Group, Spread
from bot.core.insight.intervals import FEW, Change, change_of, share_of
from bot.core.insight.rates import rates_of, size_of
from bot.core.insight.summing import Sum

Cells = Iterable[tuple[CellKey, Cell]]

MOST_NAMED = 50
"""Categories and arguments of one group: the most frequent; agents choose how arguments are called."""


def figures_of(
    question: Question, cells: Cells, before: Cells | None = None, *, as_of: datetime, behind: int = 0
) -> Figures:
    """The answer to a rounded question, from the cells of its period and (None: not compared) of the one before."""
    decisions = question.of_decisions
    sums, whole = _summed(question, cells)
    earlier = question.earlier() if before is not None else None
    old, old_whole = _summed(earlier, before) if earlier and before is not None else (None, None)
    groups: tuple[Group, ...] = ()
    left = 0
    if question.timed:
        empty = Sum()
        groups = tuple(_group(name, sums.get(name, empty), None, decisions=decisions) for name in slots(question))
    elif question.by:
        ordered = sorted(sums, key=lambda name: (-size_of(sums[name].counts, decisions=decisions), name))
        left = max(0, len(ordered) - question.most)
        groups = tuple(
            _group(name, sums[name], None if old is None else old.get(name, Sum()), decisions=decisions)
            for name in ordered[: question.most]
        )
    return Figures(
        since=question.since,
        until=question.until,
        before_since=earlier.since if earlier else None,
        by=question.by,
        only=question.only,
        of="decisions" if decisions else "requests",
        whole=_group("", whole, old_whole, decisions=decisions),
        groups=groups,
        left_out=left,
        as_of=as_of,
        behind=behind,
    )


def _summed(question: Question, cells: Cells) -> tuple[dict[str, Sum], Sum]:
    sums: dict[str, Sum] = {}
    for key, cell in cells:
        name = question.group_of(key)
        if name is None:
            continue
        if name not in sums:
            sums[name] = Sum()
        sums[name].add(cell)
    whole = Sum()
    for one in sums.values():
        whole.add(one.cell())
    if question.by in ("agent", "action"):
        # Practices belong to no agent: they count for the person, not as a group of their own.
        sums.pop("", None)
    return sums, whole


def _group(name: str, now: Sum, before: Sum | None, *, decisions: bool) -> Group:
    figure = figure_of(now.cell(), decisions=decisions)
    if before is None:
        return Group(name=name, now=figure)
    was = figure_of(before.cell(), decisions=decisions)
    return Group(name=name, now=figure, before=was, changes=_changes(figure, was))


def _changes(now: Figure, before: Figure) -> dict[str, Change]:
    found = {name: change_of(rate, before.rates[name]) for name, rate in now.rates.items() if name in before.rates}
    return {name: change for name, change in found.items() if change is not None}


def figure_of(cell: Cell, *, decisions: bool = False) -> Figure:
    """What one cell says, of decisions of people (``decisions``) or of requests."""
    asked = sum(cell.counts.get(name, 0) * sign for name, sign in _ASKED)
    most = sorted(cell.categories.items(), key=lambda named: (-named[1], named[0]))
    edited = sorted(cell.corrected.items(), key=lambda named: (-named[1].count, named[0]))
    return Figure(
        counts=dict(sorted(cell.counts.items())),
        rates=rates_of(cell.counts, cell.drawn, decisions=decisions),
        times={name: told for name, spread in sorted(cell.spreads.items()) if (told := spread_of(spread)) is not None},
        categories=tuple(Counted(name, count) for name, count in most[:MOST_NAMED] if count > 0),
        edited=tuple(_edited(pointer, one, asked) for pointer, one in edited[:MOST_NAMED] if one.count > 0),
        calibration=calibration_of(cell.bins),
    )


_ASKED = ((names.REQUESTS, 1), (names.BY_RULE, -1), (names.BLOCKED, -1))
"""How many requests people were asked about: those that were edited are among them, whatever came of them later."""


def spread_of(spread: sketch.Sketch) -> Spread | None:
    """The quantiles of a sketch, each within a hundredth of itself; None where nothing is in it."""
    found = [sketch.quantile(spread, share) for share in (0.5, 0.9, 0.99)]
    median, p90, p99 = found
    if median is None or p90 is None or p99 is None:
        return None
    count = sketch.size(spread)
    return Spread(count=count, median=median, p90=p90, p99=p99, few=count < FEW)


def _edited(pointer: str, one: Corrected, asked: int) -> Edited:
    return Edited(
        pointer=pointer,
        edits=share_of(one.count, max(asked, one.count)),
        numbers=one.numbers,
        median=sketch.quantile(one.far, 0.5),
        p90=sketch.quantile(one.far, 0.9),
    )
