"""Sketches are as near as they say, and the cells of any life are those counted from all its facts anew."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.insight import names, sketch
from bot.core.insight.adding import EMPTY, cells_of, difference, differences, distance, plus
from bot.core.insight.cell import Cell, CellKey, Grain, Sort
from bot.core.insight.fact import Correction, Fact, Judgement
from bot.core.insight.summing import Sum
from bot.core.model import ExecutionState, Kind, Risk, Severity, State, Then, Verb

START = datetime(2026, 3, 1, 23, 50, tzinfo=UTC)
SECONDS = st.floats(min_value=0, max_value=4e7) | st.sampled_from([0.0, 1e-6, 0.25, 1.0, 86400.0])


@settings(max_examples=50)
@given(st.lists(SECONDS, min_size=1, max_size=60), st.floats(min_value=0, max_value=1))
def test_a_quantile_is_within_a_hundredth(values: list[float], share: float) -> None:
    """Of the value that stands at that place, whatever the values are; zero is exact."""
    found = sketch.quantile(sketch.sketch_of(values), share)
    exact = next(v for i, v in enumerate(sorted(values), 1) if i >= share * len(values) - 1e-9)
    assert found is not None
    if exact < 1e-9:
        assert found == 0.0
    else:
        assert abs(found - exact) <= sketch.ACCURACY * exact * (1 + 1e-9)


@settings(max_examples=30)
@given(st.lists(st.lists(SECONDS, max_size=8), max_size=6))
def test_sketches_add_up(parts: list[list[float]]) -> None:
    """The sketch of all is the sum of sketches of parts; taking a part away leaves the sketch of the rest."""
    every = [value for part in parts for value in part]
    sums = Sum()
    for part in parts:
        sums.add(Cell(spreads={names.WORKED: sketch.sketch_of(part)}))
    assert sums.cell().spreads.get(names.WORKED, {}) == sketch.sketch_of(every)
    for part in parts:
        sums.add(Cell(spreads={names.WORKED: sketch.sketch_of(part)}), -1)
    assert sums.cell() == EMPTY
    assert sketch.quantile({}, 0.5) is None


def _judgement() -> st.SearchStrategy[Judgement]:
    return st.builds(
        Judgement,
        by=st.sampled_from(["ana", "ben"]),
        verb=st.sampled_from(Verb),
        at=st.just(START),
        channel=st.sampled_from(["slack", "inbox"]),
        stage=st.just("finance"),
        revision=st.just(1),
        had=SECONDS,
        waited=SECONDS,
        worked=st.none() | SECONDS,
        fast=st.booleans(),
        commented=st.booleans(),
        broke_glass=st.booleans(),
    )


def _number() -> st.SearchStrategy[float | None]:
    return st.none() | st.floats(min_value=-1e300, max_value=1e300)


_FACTS = st.builds(
    Fact,
    request=st.sampled_from(["req_1", "req_2", "req_3"]),
    created_at=st.integers(0, 30).map(lambda minutes: START + timedelta(minutes=minutes)),
    agent=st.sampled_from(["billing", "mailer"]),
    action=st.just("refund.issue"),
    rule=st.sampled_from(["refunds", "tiny"]),
    kind=st.sampled_from(Kind),
    risk=st.just(Risk.REVERSIBLE),
    state=st.sampled_from(State),
    then=st.sampled_from(Then),
    grant=st.none() | st.just("grt_1"),
    sampled=st.booleans(),
    confidence=st.none() | st.floats(min_value=0, max_value=1),
    gate=st.none() | st.just(0.85),
    labels=st.dictionaries(st.sampled_from(["region", "tier"]), st.sampled_from(["north", "a b", 'q"=']), max_size=2),
    escalated=st.integers(0, 2),
    viewed_at=st.none() | st.just(START + timedelta(hours=1)),
    decided_at=st.none() | st.just(START + timedelta(hours=2)),
    ended_at=st.none() | st.just(START + timedelta(hours=3)),
    execution=st.sampled_from(ExecutionState),
    corrections=st.lists(
        st.builds(Correction, pointer=st.sampled_from(["/amount", "/to"]), before=_number(), after=_number()),
        max_size=3,
    ).map(tuple),
    category=st.none() | st.just("wrong_amount"),
    undone=st.booleans(),
    incident=st.none() | st.sampled_from(Severity),
    reviewed=st.sampled_from([None, "confirmed", "incident"]),
    practice=st.booleans(),
    judged=st.lists(_judgement(), max_size=3).map(tuple),
)


@given(st.lists(_FACTS, max_size=12))
@settings(max_examples=40)
def test_cells_of_any_life_are_those_counted_anew(life: list[Fact]) -> None:
    """However often a request's fact changes: adding each difference leaves the sum over the facts that stand."""
    standing: dict[str, Fact] = {}
    cells: dict[CellKey, Cell] = {}
    for fact in life:
        for key, cell in difference(standing.get(fact.request), fact).items():
            cells[key] = plus(cells.get(key, EMPTY), cell)
            if cells[key] == EMPTY:
                del cells[key]
        standing[fact.request] = fact
    assert cells == differences((None, fact) for fact in standing.values())
    for fact in standing.values():
        assert difference(fact, fact) == {}
    total = sum(not fact.practice for fact in standing.values())
    for grain in Grain:
        mine = [cell.counts for key, cell in cells.items() if (key.sort, key.grain) == (Sort.CASE, grain)]
        assert sum(counts.get(names.REQUESTS, 0) for counts in mine) == total
        # Every ending is one of these, and one only.
        ways = (names.OPEN, names.DECIDED, names.ANSWERED, names.BY_RULE, names.EXPIRED, names.CANCELLED, names.BLOCKED)
        assert sum(counts.get(way, 0) for counts in mine for way in ways) <= total


def test_a_practice_is_in_no_figure_of_an_agent() -> None:
    """Only its reviewers' votes count, under names of their own, and no agent's."""
    vote = Judgement(by="ana", verb=Verb.APPROVE, at=START, channel="inbox", stage="", revision=1, had=3.0)
    fact = Fact(
        request="req_1",
        created_at=START,
        agent="billing",
        action="refund.issue",
        rule="refunds",
        kind=Kind.APPROVAL,
        risk=Risk.REVERSIBLE,
        state=State.APPROVED,
        then=Then.STAGES,
        labels={"region": "north"},
        practice=True,
        judged=(vote,),
    )
    found = cells_of(fact)
    assert {(key.sort, key.parts) for key in found} == {(Sort.REVIEWER, ("ana", "", "", "inbox"))}
    assert all(cell == Cell(counts={names.PRACTISED: 1, names.PRACTICE_MISSED: 1}) for cell in found.values())


@settings(max_examples=30)
@given(_number().filter(lambda n: n is not None), _number().filter(lambda n: n is not None))
def test_how_far_a_number_was_moved_is_between_0_and_200_percent(before: float, after: float) -> None:
    """Also for numbers whose difference no float can hold."""
    assert 0.0 <= distance(before, after) <= 200.0 * (1 + 1e-9)
    assert distance(240.0, 120.0) == 50.0
