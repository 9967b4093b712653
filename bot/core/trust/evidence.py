"""What people's decisions show of an agent's action under a rule, band by band, and what is still missing.

Whoever wants to earn autonomy has an interest in the history, so it is read against them: an approval may be dropped
(given too fast, too many of one day), a failure never is; and what is evidence for small amounts is none for larger
ones. Bands are earned from the lowest on: a band that is not as good as it has to be is reached by passing its own
test alone, so the chance of any wrong grant is that of one test (a fixed sequence needs no Bonferroni).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from bot.core.insight.fact import Fact, Judgement
from bot.core.insight.making import READING
from bot.core.model import Kind, Risk, Verb
from bot.core.policy.trust import Trust
from bot.core.trust.bound import lower
from bot.core.trust.tally import Tally, failed, given_up, shown

WINDOWS = 4
"""The bound is also taken over a longer run, which begins anew once in so many windows.

A window that slides has another beginning at each look, and a sequence holds from one beginning alone.
"""
_TENTH = 10
"""A day or a person counts as one more only with a tenth of an even share, so that a burst is not spread by crumbs."""
_BEGINNING = datetime(2020, 1, 1, tzinfo=UTC)


class Evidence(Struct, frozen=True, kw_only=True):
    """What stands for one band. ``ceilings`` are its upper ends by pointer, ``level`` counts bands from 0.

    ``counted`` decisions within the window, ``unchanged`` of them approved as proposed and never regretted; ``dropped``
    are approvals that were not counted, by why. ``days`` and ``reviewers`` over which those that count are spread.
    ``incidents`` of the agent's action within the window, whatever let it run. ``bound`` is the lower bound of the
    share unchanged: the lesser of the window's and the longer run's. ``busiest`` is the most of one day. ``missing``
    says in words what is not enough, and is empty where all is. ``undecided``: so many of the window wait, were
    or ran out, so that nobody knows what they would have shown. ``shown`` is by pointer how large an amount people
    have approved often enough: the ceiling of a grant, which is never above the band's own.
    """

    rule: str
    agent: str
    action: str
    level: int
    ceilings: Mapping[str, float]
    counted: int
    unchanged: int
    dropped: Mapping[str, int]
    days: int
    reviewers: int
    incidents: int
    bound: float
    busiest: int
    missing: tuple[str, ...]
    undecided: int = 0
    shown: Mapping[str, float] = {}

    @property
    def enough(self) -> bool:
        """Whether this band has all that is asked for; it is earned only with every band below it."""
        return not self.missing


def begins(window: timedelta, now: datetime) -> datetime:
    """Since when history is read at all: the fixed beginning of the longer run, at least a window ago."""
    block = WINDOWS * window
    return _BEGINNING + (now - window - _BEGINNING) // block * block


def levels(trust: Trust) -> tuple[dict[str, float], ...]:
    """The ceilings band by band; where pointers have unlike numbers of them, the shorter stay at their last."""
    longest = max((len(ceilings) for ceilings in trust.bands.values()), default=1)
    return tuple(
        {pointer: ceilings[min(level, len(ceilings) - 1)] for pointer, ceilings in trust.bands.items()}
        for level in range(longest)
    )


def gathered(
    trust: Trust,
    facts: Sequence[Fact],
    *,
    rule: str,
    agent: str,
    action: str,
    now: datetime,
    since: datetime | None = None,
    reading: float = READING,
    expires: timedelta | None = None,
    terms: tuple[str, ...] = (),
) -> tuple[Evidence, ...]:
    """The evidence of each band, lowest first. ``facts`` are oldest first, at least those since `begins`.

    ``since``: what was submitted before counts no more, as after a tightening. ``reading``: characters a second that
    nobody reads faster. ``expires`` is how long the rule gives people: what ran out sooner, its agent let run out.
    ``terms`` are the rule's now (`bot.core.policy.terms`): an approval under terms by which less reached the rule, or
    under none that are known, does not count; a failure does.
    """
    start = max(begins(trust.window, now), since or _BEGINNING)
    recent = now - trust.window
    mine = [f for f in facts if f.agent == agent and f.action == action and not f.practice]
    mine = _one_by_one(mine, reading)
    incidents = sum(f.incident is not None and (f.incident_at or f.created_at) >= recent for f in mine)
    bands = levels(trust)
    found: list[list[Fact]] = [[] for _ in bands]
    for fact in mine:
        bad = failed(fact) or given_up(fact, expires)
        # What went wrong is of the rule that it came by, too, or a raised amount would carry it off to another's.
        its = rule in (fact.rule, fact.first) if bad else rule == fact.rule
        level = _level(trust, bands, fact, bad=bad) if its and fact.created_at >= start else None
        if level is not None:
            found[level].append(fact)
    return tuple(
        _weighed(
            trust,
            in_band,
            (rule, agent, action),
            recent,
            incidents=incidents,
            level=level,
            tally=partial(Tally, trust.per_day, expires, terms),
        )
        for level, in_band in enumerate(found)
    )


def earned_level(evidence: Iterable[Evidence]) -> int | None:
    """The highest band that is earned, and every one below it with it; None: not even the lowest."""
    highest: int | None = None
    for each in evidence:
        if not each.enough:
            break
        highest = each.level
    return highest


def _level(trust: Trust, bands: Sequence[Mapping[str, float]], fact: Fact, *, bad: bool) -> int | None:
    """The band that a fact speaks of; None where nothing that is granted could ever cover the like of it."""
    if fact.kind is not Kind.APPROVAL:
        return None
    # An agent may say of what it expects a no to that it cannot be undone: the no counts.
    if not bad and fact.risk is Risk.IRREVERSIBLE and fact.action not in trust.irreversible:
        return None
    # What its agent says it is not sure of goes to people under a grant, too. Of a failure that says nothing nobody
    # knows that: to leave the confidence out must not hide it.
    unsure = -1.0 if not bad else 1.0
    if trust.confidence is not None and (unsure if fact.confidence is None else fact.confidence) < trust.confidence:
        return None
    # A failure whose number is not known, be it hidden behind a crowd of others, is one of the lowest band; so is one
    # below nothing.
    unknown, least = (0.0, float("-inf")) if bad else (-1.0, 0.0)
    for level, ceilings in enumerate(bands):
        if all(least <= fact.numbers.get(pointer, unknown) <= ceiling for pointer, ceiling in ceilings.items()):
            return level
    # Whoever was asked about 40 could answer with 40,000, and the no to that would be in no band.
    return 0 if bad and any(j.verb is Verb.ASK for j in fact.judged) else None


def _one_by_one(facts: list[Fact], reading: float) -> list[Fact]:
    """The facts, with all that somebody approved in a row faster than they could be read one by one told as fast.

    Cards that wait overnight, or lie in one batch, were there long enough each, and yet one click clears them all.
    """
    cast = sorted(((j.at, j.by, n, i) for n, f in enumerate(facts) for i, j in enumerate(f.judged)))
    last: dict[str, datetime] = {}
    hurried: dict[int, set[int]] = {}
    for at, by, n, i in cast:
        if by in last and (at - last[by]).total_seconds() < facts[n].judged[i].length / reading:
            hurried.setdefault(n, set()).add(i)
        last[by] = at
    told = list(facts)
    for n, which in hurried.items():
        judged: tuple[Judgement, ...] = facts[n].judged
        told[n] = replace(facts[n], judged=tuple([replace(j, fast=j.fast or i in which) for i, j in enumerate(judged)]))
    return told


def _weighed(
    trust: Trust,
    facts: Sequence[Fact],
    about: tuple[str, str, str],
    recent: datetime,
    *,
    incidents: int,
    level: int,
    tally: Callable[[], Tally],
) -> Evidence:
    run, window = tally(), tally()
    for fact in facts:
        run.add(fact)
        if fact.created_at >= recent:
            window.add(fact)
    bound = min(lower(each.right, each.wrong, error=trust.error, toward=trust.unchanged) for each in (run, window))
    rule, agent, action = about
    weighed = Evidence(
        rule=rule,
        agent=agent,
        action=action,
        level=level,
        ceilings=levels(trust)[level],
        counted=window.right + window.wrong,
        unchanged=window.right,
        dropped=dict(window.dropped),
        days=_spread(window.days, trust.days),
        reviewers=_spread(window.people, trust.reviewers),
        incidents=incidents,
        bound=bound,
        busiest=max(window.all_days.values(), default=0),
        missing=(),
        undecided=window.undecided,
        shown={p: shown(window.numbers.get(p, ()), most) for p, most in levels(trust)[level].items()},
    )
    return replace(weighed, missing=_missing(trust, weighed))


def _spread(counts: Mapping[date, int] | Mapping[str, int], wanted: int) -> int:
    """Over how many it is spread; who has only crumbs does not count."""
    even = sum(counts.values()) / max(wanted, 1)
    return sum(count * _TENTH >= even for count in counts.values())


def _missing(trust: Trust, found: Evidence) -> tuple[str, ...]:
    told = []
    if found.incidents:
        told.append(f"{found.incidents} incident{'s' * (found.incidents > 1)} in the window")
    if found.counted < trust.at_least:
        told.append(f"{found.counted} of {trust.at_least} decisions")
    if found.days < trust.days:
        told.append(f"spread over {found.days} of {trust.days} days")
    if found.reviewers < trust.reviewers:
        told.append(f"by {found.reviewers} of {trust.reviewers} people")
    if found.bound < trust.unchanged:
        told.append(
            f"approved unchanged at least {found.bound:.1%} of the time, and {trust.unchanged:.1%} is asked for"
        )
    return tuple(told)
