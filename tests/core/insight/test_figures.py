"""Figures are what plain counting of the facts comes to; their intervals are those of the books."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.core.insight.adding import differences
from bot.core.insight.asking import Question, spans
from bot.core.insight.cell import Cell, CellKey
from bot.core.insight.fact import Fact, Judgement
from bot.core.insight.figures import Figure, Figures
from bot.core.insight.reckoning import figures_of
from bot.core.insight.tabled import COLUMNS, rows_of
from bot.core.insight.waiting import queue_of
from bot.core.model import ExecutionState, Kind, Risk, State, Then, Verb
from tests.core.insight.drawn import AGENTS, BEGIN, PEOPLE, a_fact


def cells_for(question: Question, facts: Sequence[Fact]) -> list[tuple[CellKey, Cell]]:
    """The cells that a store would answer for a period."""
    every = differences((None, fact) for fact in facts)
    return [
        (key, cell)
        for grain, since, until in spans(question)
        for key, cell in every.items()
        if key.grain is grain and key.sort is question.sort and since <= key.at < until
    ]


def asked(question: Question, facts: Sequence[Fact]) -> Figures:
    """The figures."""
    question = question.rounded()
    before = cells_for(question.earlier(), facts) if question.compare else None
    return figures_of(question, cells_for(question, facts), before, as_of=question.until)


def within(facts: Sequence[Fact], since: datetime, until: datetime) -> list[Fact]:
    """Those submitted in a period of whole hours."""
    return [fact for fact in facts if since <= fact.created_at < until]


def agrees(figure: Figure, facts: Sequence[Fact]) -> None:
    """One group is what counting its requests one by one comes to."""
    count = Counter[str]()
    for fact in facts:
        count[fact.state] += 1
        count["people"] += bool(fact.judged)
        count["rule"] += fact.then is Then.APPROVE
        count["ran"] += fact.execution is not ExecutionState.NONE
        count["harm"] += fact.incident is not None
        count["harm passed"] += fact.incident is not None and bool(fact.judged)
        count["sampled"] += fact.sampled and bool(fact.judged)
        wrong = fact.state is not State.APPROVED or fact.incident is not None
        count["sampled wrong"] += fact.sampled and bool(fact.judged) and wrong
        count["escalated"] += fact.escalated
        passed = bool(fact.judged) and fact.state in (State.APPROVED, State.APPROVED_WITH_EDITS)
        count["passed"] += passed
        count["as proposed"] += bool(fact.judged) and fact.state is State.APPROVED
    every, closed = len(facts), len(facts) - count["pending"]
    expected = {
        "approved": (count["as proposed"], count["people"]),
        "edited": (count["approved_with_edits"], count["people"]),
        "rejected": (count["rejected"], count["people"]),
        "escalated": (count["escalated"], every),
        "expired": (count["expired"], closed),
        "blocked": (count["blocked"], closed),
        "by_rule": (count["rule"], closed),
        "incidents": (count["harm"], count["ran"]),
        "false_approvals": (count["harm passed"], count["passed"]),
        "sampled_wrong": (count["sampled wrong"], count["sampled"]),
    }
    told = {name: (rate.count, rate.of) for name, rate in figure.rates.items() if name in expected}
    assert told == {name: pair for name, pair in expected.items() if pair[1]}
    waits = sorted((f.decided_at - f.created_at).total_seconds() for f in facts if f.judged and f.decided_at)
    if waits:
        spread = figure.times["decision"]
        assert spread.count == len(waits)
        for found, percent in ((spread.median, 50), (spread.p90, 90), (spread.p99, 99)):
            least = -(-percent * len(waits) // 100)  # the fewest that are so large a part of them
            assert found == pytest.approx(waits[least - 1], rel=0.0101)
    else:
        assert "decision" not in figure.times
    moved = [fact for fact in facts if fact.corrections]
    assert [(one.pointer, one.edits.count) for one in figure.edited] == ([("/amount", len(moved))] if moved else [])
    assert {one.name: one.count for one in figure.categories} == ({"amount": len(moved)} if moved else {})
    calibrated(figure, [fact for fact in facts if fact.judged and fact.confidence is not None])


def calibrated(figure: Figure, facts: Sequence[Fact]) -> None:
    """Calibration by its definition, fact by fact."""
    if not facts:
        assert figure.calibration is None
        return
    told = figure.calibration
    assert told is not None
    came = [(fact.confidence or 0.0, float(fact.state is State.APPROVED)) for fact in facts]
    assert told.brier.value == pytest.approx(fmean((claim - right) ** 2 for claim, right in came), abs=1e-6)
    bins: dict[int, list[tuple[float, float]]] = {}
    for claim, right in came:
        bins.setdefault(min(19, int(claim * 20)), []).append((claim, right))
    distances = [abs(sum(right - claim for claim, right in one)) for one in bins.values()]
    assert told.error.value == pytest.approx(sum(distances) / len(came), abs=1e-6)
    for bounded in (told.brier, told.error):
        assert bounded.low - 1e-12 <= bounded.value <= bounded.high + 1e-12


GROUPS: dict[str, Callable[[Fact], str | None]] = {
    "agent": lambda fact: fact.agent,
    "action": lambda fact: fact.action,
    "rule": lambda fact: fact.rule,
    "channel": lambda fact: fact.judged[-1].channel if fact.judged else "",
    "label:tier": lambda fact: fact.labels.get("tier"),
    "day": lambda fact: str(fact.created_at.date()),
    "week": lambda fact: str(fact.created_at.date() - timedelta(days=fact.created_at.date().weekday())),
}


@settings(max_examples=60, deadline=None)
@given(
    st.lists(a_fact(), max_size=40),
    st.sampled_from(tuple(GROUPS)),
    st.sampled_from(("", "billing")),
    st.integers(0, 8 * 24 * 60),
    st.integers(1, 6 * 24 * 60),
)
def test_figures_are_what_counting_comes_to(facts: list[Fact], by: str, agent: str, begin: int, minutes: int) -> None:
    """Any grouping, narrowing and period: each group, the whole and the period before, as counted one by one."""
    since = BEGIN + timedelta(minutes=begin)
    question = Question(since=since, until=since + timedelta(minutes=minutes), by=by, agent=agent)
    told = asked(question, facts)
    assert told.since <= since < told.until
    assert (told.until - question.until) < timedelta(hours=1) > (since - told.since)
    mine = [fact for fact in facts if agent in ("", fact.agent)]
    mine = [fact for fact in mine if GROUPS[by](fact) is not None]
    now = within(mine, told.since, told.until)
    agrees(told.whole.now, now)
    assert told.whole.before is not None
    assert told.before_since == told.since - (told.until - told.since)
    agrees(told.whole.before, within(mine, told.before_since, told.since))
    named = {group.name: group.now for group in told.groups}
    assert {name for name, figure in named.items() if figure.counts} == {GROUPS[by](fact) for fact in now}
    for name, figure in named.items():
        agrees(figure, [fact for fact in now if GROUPS[by](fact) == name])
    if question.timed:
        assert list(named) == sorted(named)
    rows = list(rows_of(told))
    assert all(row.keys() <= {*COLUMNS} for row in rows)
    assert len({(row["group"], row["kind"], row["figure"]) for row in rows}) == len(rows)


@settings(max_examples=30, deadline=None)
@given(st.lists(a_fact(), max_size=40))
def test_figures_of_people_count_their_decisions(facts: list[Fact]) -> None:
    """By reviewer: votes by what they were, those that were too fast, and a practice that counts for no agent."""
    practice = Judgement(
        by="ana", verb=Verb.APPROVE, at=BEGIN + timedelta(hours=1), channel="web", stage="one", revision=1
    )
    drill = Fact(
        request="drill",
        created_at=BEGIN,
        agent="billing",
        action="refund",
        rule="practice",
        kind=Kind.APPROVAL,
        risk=Risk.IRREVERSIBLE,
        state=State.APPROVED,
        then=Then.STAGES,
        practice=True,
        judged=(practice,),
    )
    question = Question(since=BEGIN, until=BEGIN + timedelta(days=11), by="reviewer", compare=False)
    told = asked(question, [*facts, drill])
    assert told.of == "decisions"
    named = {group.name: group.now for group in told.groups}
    for person in PEOPLE:
        votes = [vote for fact in facts for vote in fact.judged if vote.by == person]
        expected = {
            "approve": sum(vote.verb is Verb.APPROVE for vote in votes),
            "reject": sum(vote.verb is Verb.REJECT for vote in votes),
            "fast": sum(vote.fast for vote in votes),
        }
        rates = named[person].rates if person in named else {}
        assert {name: (rates[name].count, rates[name].of) for name in expected if name in rates} == (
            {name: (count, len(votes)) for name, count in expected.items()} if votes else {}
        )
    assert named["ana"].rates["practice_missed"].count == 1
    by_agent = asked(replace(question, by="agent", reviewer="ana"), [*facts, drill])
    assert {group.name for group in by_agent.groups} <= {*AGENTS}


def test_what_cannot_be_known_together_is_said() -> None:
    """Each part that is wrong is named; what cells know together is not refused."""
    good = Question(since=BEGIN, until=BEGIN + timedelta(days=1))
    assert good.wrong() is None
    for fine in ({"by": "reviewer", "action": "refund"}, {"by": "label:tier", "label": "tier=gold"}, {"by": "week"}):
        assert replace(good, **fine).wrong() is None
    for bad, part in (
        ({"by": "colour"}, "by"),
        ({"by": "label:"}, "by"),
        ({"by": "rule", "reviewer": "ana"}, "by"),
        ({"label": "gold"}, "label"),
        ({"by": "label:tier", "label": "size=9"}, "label"),
        ({"until": BEGIN}, "from"),
        ({"until": BEGIN + timedelta(days=800)}, "from"),
    ):
        wrong = replace(good, **bad).wrong()
        assert wrong is not None
        assert wrong[0] == part


def test_what_waits_is_told_with_its_ages() -> None:
    """All that is open once, and each person's own; of nothing there is no oldest."""
    old, new = BEGIN, BEGIN + timedelta(minutes=50)
    found = queue_of([("", old), ("", new), ("ana", old), ("ana", new), ("ben", new)], BEGIN + timedelta(hours=1))
    assert (found.open.count, found.open.oldest, found.open.median) == (2, 3600, 2100)
    assert [(one.person, one.ages.count, one.ages.oldest) for one in found.by_person] == [
        ("ana", 2, 3600),
        ("ben", 1, 600),
    ]
    assert json.dumps(queue_of([], BEGIN).open.oldest) == "null"
