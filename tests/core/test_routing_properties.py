"""Random policies as values: one answer to each submission, and a timeline that only ever leads forward.

Schedules, calendars, hours and absences are in zones whose clocks change while the request waits.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.core import lifecycle, tracks
from bot.core.consent import consented
from bot.core.duty import standing_in
from bot.core.lifecycle import Turn, Woken
from bot.core.model import (
    Absence,
    IfEmpty,
    OnExpiry,
    Opening,
    Person,
    Request,
    Schedule,
    Shift,
    State,
    Submission,
    Then,
    Track,
)
from bot.core.policy import OWN_CLOCK, AgentSpec, Chain, ChainStep, Exhausted, Policy, Rule, StageSpec, WorkTime, route
from tests.core.requests import HOUR, MINUTE, ballot, decision, request
from tests.core.shifts import on_duty
from tests.core.zones import ZONES

DAY = 24 * HOUR
FOLK = ("ana", "ben", "lea", "kim", "dan")
OWNER = "dan"
NAMES = (*FOLK, "finance", "legal", "duty", "night")
CHANGES = (
    datetime(2026, 3, 27, 12, tzinfo=UTC),
    datetime(2026, 10, 23, 12, tzinfo=UTC),
    datetime(2024, 2, 28, 12, tzinfo=UTC),
    datetime(2026, 11, 1, 3, tzinfo=UTC),
    datetime(2026, 4, 4, 9, tzinfo=UTC),
)
"""Before clocks change in Europe, America and Australia, and before a leap day."""
QUICK = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SPANS = st.sampled_from([None, 7 * MINUTE, HOUR, 5 * HOUR, 30 * HOUR])
ZONE = st.sampled_from(ZONES)
ANYBODY = st.sampled_from(FOLK)


@st.composite
def weeks(draw: st.DrawFn) -> tuple[Opening, ...]:
    """Opening hours, of some days of the week."""
    opens = draw(st.sampled_from([0, 60, 9 * 60, 22 * 60]))
    closes = draw(st.sampled_from([opens + 30, opens + 2 * 60, 24 * 60]))
    days = draw(st.sets(st.integers(0, 6), min_size=1, max_size=7))
    return tuple(Opening(day, opens, min(closes, 24 * 60)) for day in sorted(days))


@st.composite
def spans(draw: st.DrawFn, now: datetime) -> tuple[datetime, datetime]:
    """A time around the request's."""
    since = now + draw(st.integers(-50, 90)) * HOUR
    return since, since + draw(st.integers(1, 70)) * HOUR


@st.composite
def schedules(draw: st.DrawFn, name: str, now: datetime) -> Schedule:
    """Turns of one or more days, with gaps or without, and overrides."""
    turns = [Shift(draw(ANYBODY), *draw(spans(now))) for _ in range(draw(st.integers(0, 2)))]
    return Schedule(
        name=name,
        timezone=draw(ZONE),
        people=tuple(draw(st.lists(ANYBODY, min_size=1, max_size=3))),
        start=now.date() - timedelta(days=draw(st.integers(-2, 30))),
        days=draw(st.sampled_from([1, 2, 7])),
        handover=draw(st.sampled_from([0, 2 * 60 + 30, 9 * 60])),
        week=draw(st.one_of(st.just(()), weeks())),
        overrides=tuple(turns),
        gaps=draw(st.sampled_from(IfEmpty)),
        fallback=draw(st.one_of(st.none(), st.none(), ANYBODY)),
    )


@st.composite
def chains(draw: st.DrawFn) -> Chain:
    """One to three steps, and how they end."""
    steps = [
        ChainStep(
            notify=tuple(draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=2, unique=True))),
            wait=draw(SPANS),
            remind=draw(st.sampled_from([None, None, 5 * HOUR, 30 * HOUR])),
            clock=draw(st.sampled_from([None, None, "office", OWN_CLOCK])),
            if_empty=draw(st.sampled_from(IfEmpty)),
            fallback=tuple(draw(st.one_of(st.just([]), st.lists(st.sampled_from(NAMES), max_size=1)))),
        )
        for _ in range(draw(st.integers(1, 3)))
    ]
    then = draw(st.one_of(st.none(), st.none(), st.sampled_from(OnExpiry)))
    told = tuple(draw(st.one_of(st.just([]), st.lists(st.sampled_from(NAMES), max_size=1))))
    return Chain(steps=tuple(steps), repeat=draw(st.integers(0, 2)), exhausted=Exhausted(notify=told, then=then))


@st.composite
def policies(draw: st.DrawFn, now: datetime) -> Policy:
    """Five people in two groups and two schedules, two chains, one to three stages that may run together."""
    away = {p: tuple(Absence(*draw(spans(now)), draw(st.one_of(st.none(), ANYBODY))) for _ in range(2)) for p in FOLK}
    working = {p: WorkTime(name=p, timezone=draw(ZONE), week=draw(weeks())) for p in draw(st.sets(ANYBODY))}
    stages = tuple(
        StageSpec(
            name=f"s{index}",
            chain=draw(st.sampled_from(("a", "b"))),
            approvals=draw(st.integers(1, 2)),
            parallel=draw(st.sampled_from([0, 1])),
            distinct_groups=draw(st.booleans()),
        )
        for index in range(draw(st.integers(1, 3)))
    )
    expires = draw(st.sampled_from([6 * HOUR, 3 * DAY, 10 * DAY]))
    return Policy(
        hash="sha256:0",
        people={p: Person(id=p, name=p, email=f"{p}@x.io") for p in FOLK},
        groups={"finance": ("ana", "ben", OWNER), "legal": ("lea", "kim")},
        schedules={name: draw(schedules(name, now)) for name in ("duty", "night")},
        calendars={"office": WorkTime(name="office", timezone=draw(ZONE), week=draw(weeks()))},
        hours=working,
        away=away if draw(st.booleans()) else {},
        agents={"robot": AgentSpec(name="robot", owner=OWNER)},
        channels={},
        actions={},
        chains={"a": draw(chains()), "b": draw(chains())},
        rules=(),
        default=Rule(name="default", then=Then.STAGES, stages=stages, expires=expires),
    )


@st.composite
def cases(draw: st.DrawFn) -> tuple[Policy, Request]:
    """A policy, and a request that has just begun under it."""
    now = draw(st.sampled_from(CHANGES)) + draw(st.integers(0, 60)) * HOUR
    policy = draw(policies(now))
    way = route(policy, Submission(action="refund.issue"), agent="robot", now=now).route
    return policy, request(way=way, at=now, expires=way.expires)


def on_time(about: Request) -> list[tuple[datetime, Woken]]:
    """Everything that comes due, at the moment when it does."""
    found: list[tuple[datetime, Woken]] = []
    while about.due_at is not None and len(found) < 5000:
        at = about.due_at
        assert lifecycle.wake(about, at - timedelta.resolution) is None
        woken = lifecycle.wake(about, at)
        assert woken is not None, "a due time at which nothing is due"
        found.append((at, woken))
        about = woken.request
    return found


def newest(about: Request, track: Track) -> set[str]:
    """Whom a track's newest step asks, where it is not held."""
    step = about.route.stages[track.stage].steps[track.step]
    return set() if track.held_until is not None else set(step.people)


@QUICK
@given(cases())
def test_a_timeline_leads_forward_and_ends_in_time(case: tuple[Policy, Request]) -> None:
    """Each thing comes due no earlier than the one before, steps never go back, and it ends when it expires at last."""
    _, about = case
    before, last = about, about.created_at
    for at, woken in on_time(about):
        after = woken.request
        assert last <= at <= about.expires_at
        assert after.due_at is None or at <= after.due_at <= about.expires_at
        assert after.escalation_level - before.escalation_level == (woken.turn is Turn.NEXT_STEP)
        assert OWNER in after.route.excluded
        assert not set(after.route.excluded) & set(after.assignees)
        for old, new in zip(before.tracks, after.tracks, strict=True):
            assert (new.round, new.step) >= (old.round, old.step)
            assert old.step_at is None or (new.step_at is not None and new.step_at >= old.step_at)
        before, last = after, at
    assert before.state in (State.EXPIRED, State.REJECTED)
    assert before.decided_at is not None
    assert before.decided_at <= about.expires_at


@QUICK
@given(cases(), st.lists(st.integers(1, 60 * 60 * 40), max_size=12))
def test_p07_however_late_the_desk_wakes_the_same_happens(case: tuple[Policy, Request], late: list[int]) -> None:
    """Every turn but reminders happens once, in the same order, counted from when it was due, and ends the same."""
    _, about = case
    punctual = [woken for _, woken in on_time(about)]
    told = [(w.turn, w.stage) for w in punctual if w.turn is not Turn.REMIND]
    moments = [about.created_at + timedelta(seconds=s) for s in sorted(late)] + [about.expires_at + DAY]
    current, found = about, []
    for at in moments:
        while (woken := lifecycle.wake(current, at)) is not None:
            if woken.turn is not Turn.REMIND:
                found.append((woken.turn, woken.stage))
            current = woken.request
        assert current.due_at is None or current.due_at > at
    assert found == told
    ended = punctual[-1].request
    assert (current.state, current.escalation_level) == (ended.state, ended.escalation_level)
    assert [(t.stage, t.step, t.round, t.step_at) for t in current.tracks] == [
        (t.stage, t.step, t.round, t.step_at) for t in ended.tracks
    ]


@QUICK
@given(cases())
def test_whoever_is_asked_is_there(case: tuple[Policy, Request]) -> None:
    """By name, in a group, on duty or as a fallback; else standing in for one of those. Nobody else is ever asked."""
    policy, about = case
    before = replace(about, tracks=())
    asked = [(about.created_at, about), *((at, woken.request) for at, woken in on_time(about))]
    for at, after in asked:
        known = {track.stage: track for track in before.tracks}
        for track in after.tracks:
            old = known.get(track.stage)
            if old is not None and (old.step, old.round, old.held_until) == (track.step, track.round, track.held_until):
                continue
            spec = policy.chains[after.route.stages[track.stage].chain]
            there = _there(policy, spec, track.step, at)
            assert newest(after, track) <= there - set(after.route.excluded), (at, track, there)
        before = after


def _there(policy: Policy, chain: Chain, number: int, at: datetime) -> set[str]:
    """Whom a step of a chain may ask at a moment, as the file says it."""
    ends = number == len(chain.steps)
    names = chain.exhausted.notify if ends else chain.steps[number].notify
    found: set[str | None] = set()
    for name in names:
        schedule = policy.schedules.get(name)
        people: tuple[str | None, ...] = policy.groups.get(name, (name,))
        if schedule is not None:
            turn = on_duty(schedule, at)
            # Whoever is away without a delegate leaves a gap, too.
            people = (turn if turn and standing_in(policy.away, turn, at) else schedule.fallback,)
        found |= {standing_in(policy.away, person, at) for person in people if person}
    fallback = () if ends else policy.members(chain.steps[number].fallback)
    found |= {standing_in(policy.away, person, at) for person in fallback}
    return {person for person in found if person is not None}


@QUICK
@given(cases(), st.randoms(use_true_random=False), st.lists(st.integers(1, 60 * 60 * 9), max_size=20))
def test_a_vote_counts_once_and_enough_of_them_approve(
    case: tuple[Policy, Request], chance: Any, hours: list[int]
) -> None:
    """People who are asked approve, whoever and whenever; then it is approved by as many different people as needed."""
    policy, about = case
    now = about.created_at
    del policy
    for after in hours:
        now += timedelta(seconds=after)
        while (woken := lifecycle.wake(about, now)) is not None:
            about = woken.request
        left = sorted({*about.assignees} - {vote.by for vote in about.votes})
        if not left or about.state is not State.PENDING:
            continue
        about = _voted(about, chance.choice(left), now)
        given_in_all = sum(about.given(index) for index in range(len(about.route.stages)))
        assert given_in_all <= len({vote.by for vote in about.votes})
        for track in about.open_tracks:
            elsewhere = {vote.by for vote in about.votes if vote.stage != track.stage}
            assert not elsewhere & set(about.asked(track))
    if about.state is State.APPROVED:
        needed = sum(stage.approvals for stage in about.route.stages)
        assert len({vote.by for vote in about.votes}) >= needed
    assert tracks.timed(about) == about or not about.state.open


def _voted(about: Request, by: str, now: datetime) -> Request:
    lifecycle.authorise(about, ballot(about, by), now)
    after = lifecycle.approve(about, decision(about, by, at=now), now)
    assert consented(after) == after.state.approved
    return after
