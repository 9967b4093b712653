"""T15: a history that was made to earn something earns nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from bot.core.insight.fact import Fact
from bot.core.model import ExecutionState, Risk, Severity, State, Verb
from bot.core.policy.trust import Trust
from bot.core.trust.evidence import Evidence, earned_level, gathered
from bot.core.trust.wording import band
from tests.core.trust.histories import BEGAN, fact, judged, spread, with_judges

TRUST = Trust(ask="admins", bands={"/amount": (50.0, 200.0)})
NOW = BEGAN + timedelta(days=21)


def weigh(facts: Sequence[Fact], trust: Trust = TRUST, *, now: datetime = NOW, **told: Any) -> tuple[Evidence, ...]:
    """The evidence of the agent that the histories are of."""
    return gathered(trust, facts, rule="refunds", agent="billing", action="refund.issue", now=now, **told)


def test_what_many_people_approved_over_many_days_is_enough() -> None:
    """An honest history earns its band, and that alone."""
    low, high = weigh(spread(120))
    assert low.enough
    assert (low.counted, low.unchanged, low.days, low.reviewers) == (120, 120, 20, 2)
    assert low.bound > 0.95
    assert not high.enough
    assert earned_level((low, high)) == 0


def test_t15_500_approvals_of_1_are_no_evidence_for_1000() -> None:
    """Each band needs evidence of its own, and above the last nothing is ever earned, whatever stands there."""
    low, high = weigh(spread(500))
    assert (low.counted, high.counted) == (500, 0)
    assert earned_level((low, high)) == 0
    assert earned_level(weigh(spread(500, amount=1000.0))) is None
    # Large ones without small ones earn nothing either: bands are earned from the lowest on.
    assert earned_level(weigh(spread(500, amount=150.0))) is None
    assert earned_level(weigh((*spread(500), *spread(500, amount=150.0)))) == 1


@pytest.mark.parametrize(
    "hidden", [{"risk": Risk.IRREVERSIBLE}, {"numbers": {"/amount": -1.0}}, {"numbers": {}}, {"confidence": None}]
)
def test_t15_no_word_of_its_agent_hides_a_rejection(hidden: dict[str, Any]) -> None:
    """What it called irreversible, or left the amount or the confidence out of, was rejected all the same."""
    good = [replace(each, confidence=0.95) for each in spread(120)]
    rejected = [replace(each, state=State.REJECTED, **{"confidence": 0.95, **hidden}) for each in spread(20)]
    facts = sorted((*good, *rejected), key=lambda each: each.created_at)
    for trust in (TRUST, replace(TRUST, confidence=0.9)):
        low, _ = weigh(facts, trust)
        assert (low.counted, low.unchanged, low.enough) == (140, 120, False)
    # Nor does it, asked about 40, answer with 40,000 and have that rejected in no band.
    raised = [replace(each, numbers={"/amount": 4e4}, judged=(judged(Verb.ASK), *each.judged)) for each in rejected]
    assert weigh((*good, *raised))[0].counted == 140
    # By which it may become another rule's, and an edit may, too; what goes well there is of that rule alone.
    moved = [replace(each, rule="large", first="refunds") for each in (*raised, *good)]
    assert weigh((*good, *moved))[0].counted == 140
    # What it said itself not to be sure of is nothing that would have run.
    doubtful = [replace(each, confidence=0.5) for each in rejected if each.confidence is not None]
    assert weigh((*good, *doubtful), replace(TRUST, confidence=0.9))[0].enough


POISONED: dict[str, tuple[tuple[Fact, ...], str]] = {
    "a burst of one day": (spread(500, days=1), "days"),
    "a burst, and a crumb on each of ten days": (
        (*(fact(n, BEGAN + timedelta(days=n)) for n in range(10)), *spread(490, days=1)),
        "days",
    ),
    "clicks too fast to have read": (with_judges(spread(500), fast=True), "decisions"),
    "one reviewer": (with_judges(spread(500), by="ana"), "people"),
    "one reviewer, and a crumb of another": (
        (fact(0, judged=(judged(by="ben"),)), *with_judges(spread(500), by="ana")),
        "people",
    ),
    "past the review": (with_judges(spread(500), broke_glass=True), "decisions"),
    "asked about first": (
        tuple(replace(f, judged=(judged(Verb.ASK), *f.judged)) for f in spread(500)),
        "decisions",
    ),
    "drills of the team": (tuple(replace(f, practice=True) for f in spread(500)), "decisions"),
    "another rule's": (tuple(replace(f, rule="small") for f in spread(500)), "decisions"),
    "called irreversible": (tuple(replace(f, risk=Risk.IRREVERSIBLE) for f in spread(500)), "decisions"),
    "no amount at all": (tuple(replace(f, numbers={}) for f in spread(500)), "decisions"),
    "amounts below nothing": (spread(500, amount=-1.0), "decisions"),
    "too long ago": (spread(500, began=BEGAN - timedelta(days=100)), "decisions"),
    "one in ten rejected, too fast to have read": (
        tuple(
            fact(
                n,
                f.created_at,
                right=n % 10 > 0,
                judged=(judged(Verb.APPROVE if n % 10 else Verb.REJECT, "ana", fast=n % 10 == 0),),
            )
            for n, f in enumerate(spread(500))
        ),
        "unchanged",
    ),
    "one in ten edited": (
        tuple(replace(f, state=State.APPROVED_WITH_EDITS) if n % 10 == 0 else f for n, f in enumerate(spread(500))),
        "unchanged",
    ),
    "one in ten taken back": (
        tuple(replace(f, undone=True) if n % 10 == 0 else f for n, f in enumerate(spread(500))),
        "unchanged",
    ),
    "one in ten withdrawn once asked about": (
        tuple(
            replace(f, state=State.CANCELLED, judged=(judged(Verb.ASK),)) if n % 10 == 0 else f
            for n, f in enumerate(spread(500))
        ),
        "unchanged",
    ),
    "rejections behind a crowd of numbers": (
        (
            *spread(120),
            *(fact(900 + n, BEGAN, right=False, numbers={f"/a{k}": 1.0 for k in range(16)}) for n in range(9)),
        ),
        "unchanged",
    ),
    "rolled back since": (
        tuple(replace(f, execution=ExecutionState.ROLLED_BACK) for f in spread(500)),
        "decisions",
    ),
    "a night's cards cleared in a minute, each day": (
        tuple(
            replace(
                f,
                judged=(
                    judged(by=f.judged[0].by, at=f.created_at.replace(hour=9, minute=0, second=n % 60), length=200),
                ),
            )
            for n, f in enumerate(spread(500))
        ),
        "decisions",
    ),
    "an incident": (
        (*spread(500), fact(900, NOW - timedelta(days=1), rule="elsewhere", incident=Severity.LOW, incident_at=NOW)),
        "incident",
    ),
}


@pytest.mark.parametrize("named", POISONED)
def test_t15_a_poisoned_history_earns_nothing_and_is_told_why(named: str) -> None:
    """Each way to make a history look better than it is leaves the lowest band without what it needs."""
    facts, missing = POISONED[named]
    low = weigh(facts)[0]
    assert earned_level((low,)) is None
    assert missing in " ".join(low.missing)


def test_t15_of_one_day_only_so_many_approvals_count_and_every_failure() -> None:
    """`per_day` drops approvals over it, so that a busy day earns no more; a failure is never dropped."""
    trust = Trust(ask="admins", per_day=5)
    bad = tuple(fact(900 + n, BEGAN + timedelta(hours=n), right=False) for n in range(9))
    low = weigh((*bad, *spread(200, days=10)), trust)[0]
    assert low.unchanged == 50
    assert low.counted == 59
    assert sum(low.dropped.values()) == 150


def test_t15_history_before_a_tightening_counts_no_more() -> None:
    """After a setback the agent begins anew, though the old approvals lie within the window."""
    assert earned_level(weigh(spread(500), since=BEGAN + timedelta(days=19))) is None


def test_t15_a_window_that_slides_gives_no_second_chance() -> None:
    """The bound holds over the longer run as well: a bad quarter is not forgotten because its window has passed."""
    began = NOW - timedelta(days=108)
    bad = tuple(fact(n, began + timedelta(hours=n), right=n % 4 > 0) for n in range(400))
    good = spread(150, began=NOW - timedelta(days=30))
    low = weigh((*bad, *good))[0]
    assert low.counted == low.unchanged == 150
    assert low.bound < 0.95
    assert earned_level((low,)) is None


def test_without_bands_there_is_one_and_what_claims_too_little_is_no_evidence() -> None:
    """A rule without ceilings has one band; `confidence` bounds what counts as it bounds what would run."""
    trust = Trust(ask="admins", confidence=0.9)
    assert earned_level(weigh(tuple(replace(f, confidence=0.95) for f in spread(150)), trust)) == 0
    assert weigh(tuple(replace(f, confidence=0.8) for f in spread(150)), trust)[0].counted == 0
    assert weigh(spread(150), trust)[0].counted == 0


def test_t15_what_its_agent_took_from_people_counts_as_if_they_had_rejected_it() -> None:
    """Withdrawn before anybody said a word, or given less time than the rule gives: it is not merely missing."""
    assert weigh(spread(120))[0].enough
    hour, day = timedelta(hours=1), timedelta(hours=24)
    gone = tuple(fact(5000 + n, NOW, state=State.CANCELLED, judged=()) for n in range(30))
    short = tuple(replace(f, state=State.EXPIRED, decided_at=f.created_at + hour) for f in gone)
    for dodged in (gone, short):
        low = weigh((*spread(120), *dodged), expires=day)[0]
        assert (low.counted, low.unchanged, low.enough) == (150, 120, False)
    slept = tuple(replace(f, decided_at=f.created_at + day) for f in short)
    assert weigh((*spread(120), *slept), expires=day)[0].undecided == 30


def test_t15_what_was_decided_under_other_terms_is_no_evidence_and_a_failure_still_is() -> None:
    """A wider condition begins anew; one rule more above only narrows what came, and nothing is known of no terms."""
    old, wider, narrowed = ("own", "a"), ("other", "a"), ("own", "a", "b")
    shown = tuple(replace(f, terms=old) for f in spread(120))
    assert [weigh(shown, terms=now)[0].enough for now in (old, wider, narrowed)] == [True, False, True]
    assert weigh(shown, terms=wider)[0].dropped == {"under other terms of the rule": 120}
    # A rule above is gone: what it took away reaches this one by now.
    assert not weigh(tuple(replace(f, terms=narrowed) for f in shown), terms=old)[0].enough
    assert not weigh(spread(120), terms=old)[0].enough
    bad = tuple(fact(900 + n, BEGAN, right=False, terms=wider) for n in range(9))
    assert not weigh((*shown, *bad), terms=old)[0].enough


def test_t15_a_band_is_granted_no_further_than_people_have_seen_often() -> None:
    """Of 0 to 10,000 with evidence of 1 to 10, no more than 10, though a few were 9,999; two digits, rounded up."""
    trust = Trust(ask="admins", bands={"/amount": (10_000.0,)})
    small = tuple(fact(n, f.created_at, amount=float(1 + n % 10)) for n, f in enumerate(spread(500)))
    few = tuple(fact(900 + n, BEGAN + timedelta(days=n), amount=9999.0) for n in range(4))
    assert weigh((*small, *few), trust)[0].shown == {"/amount": 10.0}
    assert weigh(spread(120, amount=48_217.37 / 10), trust)[0].shown == {"/amount": 4900.0}
    assert weigh(spread(120, amount=9_999.0), trust)[0].shown == {"/amount": 10_000.0}
    assert weigh(spread(4), trust)[0].shown == {"/amount": 0.0}


def test_t15_ten_days_cards_that_are_cleared_on_one_are_of_one_day() -> None:
    """Days are those on which people looked, as `per_day` counts them; how busy a day was is said by submissions."""
    cleared = tuple(replace(f, decided_at=NOW) for f in spread(200))
    low = weigh(cleared)[0]
    assert (low.counted, low.days, low.busiest) == (200, 1, 10)
    assert "spread over 1 of 10 days" in low.missing
    assert weigh(cleared, Trust(ask="admins", per_day=5))[0].unchanged == 5


def test_t15_what_nobody_took_the_time_to_read_makes_no_day_busy_and_what_was_never_decided_is_told() -> None:
    """The limit of a grant is three times the busiest day of what counts; what ran out is on the card."""
    burst = tuple(replace(f, request=f"x{f.request}") for f in with_judges(spread(1000, days=1), fast=True))
    gone = tuple(fact(5000 + n, NOW, state=State.EXPIRED, judged=()) for n in range(7))
    # Two more on one day: the busiest is what counts, not any other.
    more = tuple(replace(f, request=f"y{f.request}") for f in spread(120)[-2:])
    low = weigh((*burst, *spread(120), *more, *gone))[0]
    assert low.enough
    assert low.busiest == 8
    assert low.undecided == 7
    assert 7 in band(low).values()
