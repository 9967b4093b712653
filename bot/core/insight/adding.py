"""Facts become cells: what each counts as, and what a changed one changes. What is counted: `bot.core.insight.names`.

Everything added is whole numbers, so that taking a fact away again leaves exactly what was there without it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from bot.core.insight import names, sketch
from bot.core.insight.cell import Bin, Cell, CellKey, Corrected, Drawn, Grain, Sort
from bot.core.insight.fact import Correction, Fact, Judgement
from bot.core.insight.summing import Sum
from bot.core.model import ExecutionState, Kind, State, Then, Verb

EMPTY = Cell()
BINS = 20
_MILLION = 1_000_000
_RAN = (ExecutionState.EXECUTED, ExecutionState.ROLLING_BACK, ExecutionState.ROLLED_BACK)
_APPROVALS = (Verb.APPROVE, Verb.APPROVE_WITH_EDITS)


def cells_of(fact: Fact) -> dict[CellKey, Cell]:
    """All that one fact adds to, and what it adds there."""
    return difference(None, fact)


def difference(before: Fact | None, after: Fact | None) -> dict[CellKey, Cell]:
    """What is to be added to cells where ``after`` stands from now on and ``before`` stood; None: nothing."""
    return differences([(before, after)])


def differences(pairs: Iterable[tuple[Fact | None, Fact | None]]) -> dict[CellKey, Cell]:
    """What several such pairs come to as one."""
    hours: defaultdict[_Place, Sum] = defaultdict(Sum)
    for before, after in pairs:
        old, new = _placed(before), _placed(after)
        for place, cell in new.items():
            if old.get(place) != cell:
                hours[place].add(cell)
        for place, cell in old.items():
            if new.get(place) != cell:
                hours[place].add(cell, -1)
    found: dict[CellKey, Cell] = {}
    # Most are of the same hour: what that comes to is added to its day and its month once, not fact by fact.
    for (hour, sort, named), sums in hours.items():
        cell = sums.cell()
        for grain in Grain:
            key = CellKey(grain, begins(grain, hour), sort, named)
            found[key] = plus(found[key], cell) if key in found else cell
    return {key: cell for key, cell in found.items() if cell != EMPTY}


_Place = tuple[datetime, Sort, tuple[str, ...]]
"""The hour, and what a cell is about."""


def _placed(fact: Fact | None) -> dict[_Place, Cell]:
    """What a fact adds to the cells of its hour."""
    if fact is None:
        return {}
    hour = begins(Grain.HOUR, fact.created_at)
    found: dict[_Place, Cell] = {}
    if not fact.practice:
        case = _case(fact)
        found[hour, Sort.WHOLE, ()] = case
        found[hour, Sort.CASE, (fact.agent, fact.action, fact.rule, ended_through(fact))] = case
        for name, value in fact.labels.items():
            found[hour, Sort.LABEL, (f"{name}={value}", fact.agent, fact.action)] = case
    for judgement in fact.judged:
        whose = ("", "") if fact.practice else (fact.agent, fact.action)
        place = (hour, Sort.REVIEWER, (judgement.by, *whose, judgement.channel))
        cell = _practised(judgement) if fact.practice else _judged(judgement)
        found[place] = plus(found[place], cell) if place in found else cell
    return found


def plus(first: Cell, second: Cell) -> Cell:
    """Two cells as one; what comes to nothing is left out."""
    both = Sum()
    both.add(first)
    both.add(second)
    return both.cell()


def begins(grain: Grain, at: datetime) -> datetime:
    """When the hour, day or month (UTC) begins in which a moment lies."""
    hour = at.replace(minute=0, second=0, microsecond=0)
    if grain is Grain.HOUR:
        return hour
    return hour.replace(hour=0) if grain is Grain.DAY else hour.replace(day=1, hour=0)


def ended_through(fact: Fact) -> str:
    """The channel of the vote that ended it; empty where no vote did."""
    if not fact.by_person:
        return ""
    return next((made.channel for made in reversed(fact.judged) if made.verb.is_vote), "")


def _case(fact: Fact) -> Cell:
    counts = [names.REQUESTS, *_endings(fact), *_afterwards(fact)]
    if fact.escalated:
        counts.append(names.ESCALATED)
    return Cell(
        counts=dict.fromkeys(counts, 1),
        spreads={name: sketch.sketch_of((seconds,)) for name, seconds in _times(fact).items()},
        categories={fact.category: 1} if fact.category else {},
        corrected=_corrections(fact.corrections),
        bins=_bin(fact),
        drawn=_drawn(fact),
    )


def _endings(fact: Fact) -> list[str]:
    """How it was decided."""
    if fact.state.open:
        return [names.OPEN]
    if fact.by_person:
        if fact.kind is Kind.QUESTION and fact.state.approved:
            return [names.ANSWERED]
        below = fact.confidence is not None and fact.gate is not None and fact.confidence < fact.gate
        return [names.DECIDED, _VERDICTS[fact.state], *([names.GATED] if below else [])]
    if fact.then is Then.APPROVE and fact.state.approved:
        return [names.BY_RULE, *([names.BY_GRANT] if fact.grant else [])]
    if fact.state in _UNDECIDED:
        return [_UNDECIDED[fact.state]]
    return []


_VERDICTS = {
    State.APPROVED: names.APPROVED,
    State.APPROVED_WITH_EDITS: names.EDITED,
    State.REJECTED: names.REJECTED,
}
_UNDECIDED = {
    State.EXPIRED: names.EXPIRED,
    State.REJECTED: names.EXPIRED,
    State.CANCELLED: names.CANCELLED,
    State.BLOCKED: names.BLOCKED,
}


def _afterwards(fact: Fact) -> list[str]:
    """What came of it."""
    harmed, judged = fact.incident is not None, fact.by_person and fact.state.approved
    sampled = fact.sampled and fact.by_person
    return [
        name
        for name, holds in (
            (names.EXECUTED, fact.execution in _RAN),
            (names.FAILED, fact.execution is ExecutionState.FAILED),
            (names.UNKNOWN, fact.execution is ExecutionState.UNKNOWN),
            (names.ROLLED_BACK, fact.execution is ExecutionState.ROLLED_BACK),
            (names.INCIDENTS, harmed),
            (names.FALSE_APPROVALS, harmed and judged),
            (names.SAMPLED, sampled),
            (names.SAMPLED_WRONG, sampled and _wrong(fact)),
            (names.REVIEWED, fact.reviewed is not None),
            (names.REVIEWED_WRONG, fact.reviewed == "incident"),
            (names.UNDONE, fact.undone),
        )
        if holds
    ]


def _wrong(fact: Fact) -> bool:
    return fact.incident is not None or fact.state is not State.APPROVED


def _drawn(fact: Fact) -> dict[int, Drawn]:
    """The sample that it is of, whose weight is one over the share."""
    if not (fact.sampled and fact.by_person):
        return {}
    return {max(1, round(fact.share * _MILLION)): Drawn(1, int(_wrong(fact)))}


def _times(fact: Fact) -> dict[str, float]:
    """How long what took, in seconds, of what has happened."""
    found: dict[str, float] = {}
    if fact.viewed_at is not None:
        found[names.VIEW] = (fact.viewed_at - fact.created_at).total_seconds()
    if fact.decided_at is not None and fact.by_person:
        found[names.DECISION] = (fact.decided_at - fact.created_at).total_seconds()
        last = next((made for made in reversed(fact.judged) if made.verb.is_vote), None)
        if last is not None and last.worked is not None:
            found[names.WORKED] = last.worked
    if fact.ended_at is not None and fact.execution in _RAN:
        found[names.EXECUTION] = (fact.ended_at - (fact.decided_at or fact.created_at)).total_seconds()
    return found


def _corrections(made: tuple[Correction, ...]) -> dict[str, Corrected]:
    found = Sum()
    for one in made:
        far: dict[int, int] = {}
        if one.before is not None and one.after is not None:
            far = sketch.sketch_of((distance(one.before, one.after),))
        found.add(Cell(corrected={one.pointer: Corrected(1, len(far), far)}))
    return found.cell().corrected


def distance(before: float, after: float) -> float:
    """How far a number was moved: its distance as a share of the greater of the two, in percent (0 to 200)."""
    # Each as a share first: the difference of two numbers near the largest there is cannot be written down.
    greater = max(abs(before), abs(after))
    return 0.0 if greater == 0 else abs(after / greater - before / greater) * 100


def _bin(fact: Fact) -> dict[int, Bin]:
    asked = fact.kind is not Kind.QUESTION
    if fact.confidence is None or not (asked and fact.by_person):
        return {}
    came = float(fact.unchanged)
    squares = round((fact.confidence - came) ** 2 * _MILLION)
    at = min(BINS - 1, max(0, int(fact.confidence * BINS)))
    return {at: Bin(1, int(fact.unchanged), round(fact.confidence * _MILLION), squares)}


def _judged(made: Judgement) -> Cell:
    counts = [made.verb.value]
    if not made.verb.is_vote:
        return Cell(counts=dict.fromkeys(counts, 1))
    counts += [names.FAST] * made.fast + [names.COMMENTED] * made.commented + [names.GLASS] * made.broke_glass
    times = {names.HAD: made.had, names.WAITED: made.waited}
    if made.worked is not None:
        times[names.WORKED] = made.worked
    return Cell(
        counts=dict.fromkeys(counts, 1),
        spreads={name: sketch.sketch_of((seconds,)) for name, seconds in times.items()},
    )


def _practised(made: Judgement) -> Cell:
    if not made.verb.is_vote:
        return EMPTY
    missed = [names.PRACTICE_MISSED] if made.verb in _APPROVALS else []
    return Cell(counts=dict.fromkeys([names.PRACTISED, *missed], 1))
