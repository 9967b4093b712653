"""How decisions are made, counted from facts whose truth is known."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from bot.core.insight.fact import Fact, Judgement
from bot.core.insight.likeness import Leaning, Voice, likenesses
from bot.core.insight.stretches import stretch
from bot.core.insight.watching import Watched, watched
from bot.core.model import State, Verb
from tests.core.insight.test_thresholds import AT, fact

DAYS = 10


def vote(by: str, verb: Verb = Verb.APPROVE, hours: float = 0, **more: Any) -> Judgement:
    """A decision, so many hours after the beginning."""
    at = AT + timedelta(hours=hours)
    return Judgement(by=by, verb=verb, at=at, channel="slack", stage="finance", revision=1, **more)


def of(*judged: Judgement, **more: Any) -> Fact:
    """A request with these decisions."""
    verb = judged[-1].verb if judged else Verb.APPROVE
    wrong = verb is Verb.REJECT
    return fact("billing", 0.9, wrong=wrong, **({"judged": judged} | more))


def report(*facts: Fact, **waiting: int) -> Watched:
    """The report of ten days, everybody in UTC."""
    until = AT + timedelta(days=DAYS)
    return watched(facts, since=AT, until=until, waiting=waiting, local=lambda _, at: at)


def test_reviewers_are_compared_on_like_requests_alone() -> None:
    """Who gets the hard ones rejects more and is not called strict for that; who rejects half of easy ones is."""
    dice = random.Random(7)  # noqa: S311  # a simulation
    voices = []
    for who, kind, share, number in (
        ("ana", "easy", 0.05, 300),
        ("ben", "easy", 0.05, 300),
        ("lea", "easy", 0.25, 300),
        ("ana", "hard", 0.5, 20),
        ("kim", "hard", 0.5, 300),
        ("dan", "alone", 0.9, 300),
        ("eva", "easy", 1.0, 3),
    ):
        voices += [Voice(who, (kind,), dice.random() < share) for _ in range(number)]
    found = {each.person: each for each in likenesses(voices)}
    assert "dan" not in found, "nobody decided the like"
    assert {who: each.leaning for who, each in found.items() if who != "ben"} == {
        "ana": Leaning.LESS,
        "lea": Leaning.MORE,
        "kim": Leaning.AS_OTHERS,
        "eva": Leaning.TOO_FEW,
    }
    assert found["lea"].low > 0
    assert found["kim"].low < 0 < found["kim"].high


def test_among_alike_hardly_anybody_is_called_different() -> None:
    """Twenty reviewers, fifty teams, one truth for all: a false word in about one team of twenty, not in most."""
    wrong = 0
    for seed in range(50):
        dice = random.Random(seed)  # noqa: S311  # a simulation
        voices = [Voice(f"p{who}", ("same",), dice.random() < 0.2) for who in range(20) for _ in range(40)]
        wrong += any(each.leaning in (Leaning.MORE, Leaning.LESS) for each in likenesses(voices))
    assert wrong <= 8


def test_a_long_row_is_told_beside_what_chance_makes() -> None:
    """Of 90 % approvals a row of forty is usual; sixty after every other one was rejected are not."""
    dice = random.Random(3)  # noqa: S311  # a simulation
    rows = [stretch("a", [dice.random() < 0.9 for _ in range(500)]) for _ in range(200)]
    assert sum(row.far for row in rows) <= 10
    expected = sum(row.expected or 0 for row in rows) / 200
    assert abs(sum(row.longest for row in rows) / 200 - expected) < 5
    assert stretch("a", [True, False] * 50 + [True] * 60).far
    every = stretch("a", [True] * 80)
    assert (every.longest, every.expected, every.far) == (80, None, False)


def test_the_team_comes_first_and_a_practice_counts_as_nothing_else() -> None:
    """Fast ones, practices, the flow; a practice is no decision of the figures, whoever decided it."""
    real = [of(vote("ana", fast=at < 5, hours=at)) for at in range(40)]
    caught = of(vote("ben", Verb.REJECT), practice=True)
    asked = of(vote("ben", Verb.ASK), practice=True, state=State.CANCELLED)
    passed = of(vote("ana"), practice=True)
    silent = of(practice=True, state=State.EXPIRED)
    drill = of(vote("ana", Verb.REJECT), action="sayso.drill")
    found = report(*real, caught, asked, passed, silent, drill)
    assert (found.votes, found.fast.count, found.fast.of, found.fast.share) == (40, 5, 40, 0.125)
    assert (found.practices.caught.count, found.practices.caught.of, found.practices.unanswered) == (2, 3, 1)
    ana, ben = found.of("ana"), found.of("ben")
    assert ana is not None
    assert ben is not None
    assert (ana.practices.caught.count, ana.practices.caught.of, ana.votes) == (0, 1, 40)
    assert (ben.practices.caught.count, ben.votes, ben.fast.of) == (2, 0, 0)
    assert ana.practices.caught.few
    assert found.of("kim") is None


def test_a_queue_is_long_by_what_its_person_decides() -> None:
    """Forty waiting for who decides four a day is too long; four for who decides none is not."""
    facts = [of(vote("ana")) for _ in range(4 * DAYS)] + [of(vote("ben")) for _ in range(20 * DAYS)]
    found = report(*facts, ana=40, ben=40, kim=4)
    assert {queue.person: queue.long for queue in found.queues} == {"ana": True, "ben": False, "kim": False}
    assert not found.flow.grows
    left = [replace(of(), state=State.EXPIRED, judged=()) for _ in range(400)]
    assert report(*facts, *left).flow.grows


def test_hours_differ_only_where_they_do() -> None:
    """Late in the day nothing is rejected any more; on one's own clock, corrected for how many hours are compared."""
    dice = random.Random(11)  # noqa: S311  # a simulation
    facts = []
    for at in range(1200):
        hour = dice.choice((9, 14, 19))
        share = 0.02 if hour == 19 else 0.25
        verb = Verb.REJECT if dice.random() < share else Verb.APPROVE
        when = datetime(2026, 3, 2 + at % 20, hour, tzinfo=UTC)
        facts.append(of(replace(vote("ana", verb), at=when)))
    found = {block.hour: block.differs for block in report(*facts).blocks if block.hour is not None}
    assert found[16] is True
    days = [block for block in report(*facts).blocks if block.day is not None]
    assert len(days) == 7
    assert not any(block.differs for block in days)
