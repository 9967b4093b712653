"""A small year of the bench's: what is published is true, trust is earned by the good, what drifts is caught.

Every draw is from a seed, so that nothing here fails by chance. Were the seeds others, each statistical bound would be
missed less than once in a million times: `at_most` is exact, and the rest was measured over hundreds of runs.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from bench.year.checks import drift, gates, watchers
from bench.year.checks.figures import compare, decisions
from bench.year.checks.histories import CUNNING, STEADY, history
from bench.year.checks.trust import first_proposal, granted, share_at_bound
from bench.year.findings import at_most
from bench.year.life import Life
from bench.year.reckoned import reckon
from bench.year.stage import open_stage
from bot.core.policy.trust import Trust
from bot.core.ports.insight import FactQuery
from bot.insight.reading import Reading
from tests.databases import lay

START = datetime(2026, 3, 26, tzinfo=UTC)
"""A Thursday; on the Sunday after it clocks change."""
QUICK = Trust(ask="admins", window=timedelta(days=30), bands={"/amount": (50.0, 200.0, 1000.0)})


def drawn(seed: int = 7) -> Random:
    """The same numbers each time."""
    return Random(seed)  # noqa: S311  # see above


async def test_published_figures_equal_those_that_are_counted_from_the_diary(tmp_path: Path) -> None:
    """In every grouping, with the period before; and the check itself sees one decision that is not as it was."""
    lay(tmp_path / "year.db")
    draw = drawn(6)
    async with open_stage(f"sqlite+aiosqlite:///{tmp_path}/year.db", START, draw) as stage:
        life = Life(stage, draw, days=5)
        diary = await life.live()
        reading = Reading(stage.store, stage.clock)
        for since, until in ((life.start, life.end), (life.start + timedelta(days=2, hours=5), life.end)):
            found = await compare(reading, diary, since, until)
            assert found.differ == []
            assert found.figures > 200
        assert decisions(diary, await stage.store.facts_of(FactQuery(limit=10_000))) == []
        counted = reckon(diary.entries.values(), diary.house.values()).counts
        assert min(counted[name] for name in ("approved", "by_rule", "executed", "escalated")) > 5
        assert counted["edited"] + counted["rejected"] + counted["expired"] > 0
        first = next(entry for entry in diary.entries.values() if entry.acts and entry.last.route.practice is None)
        first.acts[-1].at += timedelta(hours=9)
        first.acts[-1].channel = "email"
        assert (await compare(reading, diary, life.start, life.end)).differ
        assert len(decisions(diary, await stage.store.facts_of(FactQuery(limit=10_000)))) == 1


def test_t15_whoever_is_at_the_bound_is_proposed_at_most_by_the_stated_error() -> None:
    """Looked at after each decision, however it tries; a bound that holds for one look alone would let a third in."""
    for cunning in (STEADY, CUNNING[2]):
        got = share_at_bound(drawn(), cunning, histories=80, days=120, trust=QUICK)
        assert got <= at_most(QUICK.error, 80)


def test_the_good_are_granted_after_as_many_decisions_as_are_asked_for() -> None:
    """A flawless agent after exactly a hundred; of those right 99% of the time, nearly all within their year."""
    assert [one.decisions for one in granted(drawn(), 1.0, histories=3, days=60, trust=QUICK) if one] == [100] * 3
    found = granted(drawn(), 0.99, histories=20, days=120, trust=QUICK)
    assert sum(one is not None for one in found) >= 10


def test_no_look_that_is_spared_would_have_found_anything() -> None:
    """Histories are looked at only where a proposal is possible; looking after each decision finds the same."""
    for seed in range(3):
        lives = [list(history(drawn(seed), 0.985, days=40)) for _ in range(2)]
        assert first_proposal(QUICK, lives[0]) == first_proposal(QUICK, lives[1], every=True)


def test_what_turns_is_tightened_within_the_stated_number_of_actions() -> None:
    """Twice as often, one standard deviation more, wrong one time in five: nine in ten within 50 actions."""
    found = drift.detections(drawn(), drift.TURNED[3], runs=30)
    assert sum(one.actions <= drift.WITHIN[3] for one in found) >= 20


def test_nights_and_weekends_are_no_drift() -> None:
    """A busy agent with office hours keeps its grant: of 12 that do not turn, most have no alarm within its 30 days."""
    way = drift.Way(name="busy", a_day=60.0)
    assert len(drift.alarms(drawn(), way, runs=12, days=30)) <= 9


def test_suggested_thresholds_catch_more_than_one_for_everybody() -> None:
    """At the same load, on the half that they were not fitted on; where there is one agent, they are as good."""
    found = gates.trials(7, gates.WORLDS["four kinds of agents"], seeds=4)
    assert min(trial.gain for trial in found) > 0.1
    alone = gates.trials(7, gates.WORLDS["one that knows"], seeds=2)
    assert all(trial.gain >= -gates.BEYOND * trial.error for trial in alone)


def test_the_hurried_and_the_biased_are_found_and_the_careful_are_not() -> None:
    """In nearly every team; and nobody careful is called hurried."""
    quick, biased = (watchers.trials(drawn(), team, teams=8) for team in watchers.TEAMS[1:])
    assert (quick.hurried >= 6, biased.biased >= 5) == (True, True)
    assert quick.called_hurried + biased.called_hurried <= at_most(0.01, quick.people + biased.people)
