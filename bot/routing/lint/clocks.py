"""Whether a review's clocks fit together: its steps are asked before it expires, and it does not wait in silence.

A wait on a calendar is reckoned in a plain week, without holidays, from every sixth hour of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from bot.core.calendars import openings, worked
from bot.core.model import Calendar
from bot.core.policy import OWN_CLOCK, Chain, ChainStep, Policy, StageSpec, WorkTime
from bot.routing.faults import quoted
from bot.routing.lint.reviews import Review, reviews, steps_of
from bot.routing.spans import span_text

_MONDAY = datetime(2001, 1, 1, tzinfo=UTC)
_STARTS = tuple(_MONDAY + timedelta(hours=hours) for hours in range(0, 7 * 24, 6))
_NEVER = timedelta(days=3650)
_SILENT = 2
"""What part of its time a request may wait in silence before that is told: more than one in this many."""
_SHORT = timedelta(hours=1)
"""A silence shorter than this is none."""


def doubts(policy: Policy) -> Iterator[str]:
    """Every warning of waits, reminders and expiries."""
    for name, chain in policy.chains.items():
        yield from _chain(name, chain)
    for review in reviews(policy):
        for stage in review.stages:
            yield from _stage(policy, review, stage)


def _chain(name: str, chain: Chain) -> Iterator[str]:
    ends = bool(chain.repeat or chain.exhausted.notify or chain.exhausted.then)
    for number, step in enumerate(chain.steps, start=1):
        where = steps_of(name, number)
        last = number == len(chain.steps)
        if last and step.wait is not None and not ends:
            yield (
                f"{where} is the last and has a `wait`, after which nobody else is asked; "
                "add a step, repeat or exhausted, or remove it"
            )
        elif not last and step.wait is None:
            yield f"{where} has no `wait`, so the next step is only asked by hand; add one"
        if step.remind and step.wait and step.remind >= step.wait:
            yield f"{where} never reminds: `remind` is not shorter than `wait`"


def _stage(policy: Policy, review: Review, stage: StageSpec) -> Iterator[str]:
    chain = policy.chains[stage.chain]
    begins = [[_passed(policy, chain.steps[:number], start) for start in _STARTS] for number in range(len(chain.steps))]
    for number, offsets in enumerate(begins, start=1):
        if min(offsets) >= review.expires and number > 1:
            if all(step.wait is not None for step in chain.steps[: number - 1]):
                yield (
                    f"step {number} of the chain {quoted(stage.chain)} is never asked by {review.where}: "
                    "the request expires before; shorten a `wait` or lengthen `expires`"
                )
            return
    for number, step in enumerate(chain.steps, start=1):
        if number < len(chain.steps) or chain.exhausted != type(chain.exhausted)() or chain.repeat:
            yield from _closed(policy, review, stage.chain, number, step)
    yield from _silence(policy, review, stage, max(begins[-1]))


def _closed(policy: Policy, review: Review, chain: str, number: int, step: ChainStep) -> Iterator[str]:
    """A wait that runs only while a calendar is open, which it may not be for long enough before the expiry."""
    clock = policy.calendars.get(step.clock or "")
    if clock is None or step.wait is None:
        return
    least = min(_open(clock, start, review.expires) for start in _STARTS)
    if least < step.wait:
        yield (
            f"{steps_of(chain, number)} waits {span_text(step.wait)} of the calendar {quoted(clock.name)}, which may "
            f"be open for only {span_text(least)} of the {span_text(review.expires)} until a request of {review.where} "
            "expires: then nobody further is asked; shorten the `wait`, or lengthen `expires`"
        )


def _silence(policy: Policy, review: Review, stage: StageSpec, begins: timedelta) -> Iterator[str]:
    """From when on nobody is asked or reminded, for most of the time that the request has."""
    chain = policy.chains[stage.chain]
    last = chain.steps[-1]
    timed = any(step.wait is not None for step in chain.steps[:-1]) or (last.wait is not None and chain.repeat > 0)
    if not timed or last.remind is not None or chain.exhausted.then is not None:
        return
    once = begins + (
        max(_passed(policy, (last,), start) for start in _STARTS) if last.wait is not None else timedelta()
    )
    ends = once * (chain.repeat + 1)
    silent = review.expires - ends
    if silent > _SHORT and silent * _SILENT > review.expires:
        yield (
            f"{review.where} waits in silence: {span_text(ends)} after it began the chain {quoted(stage.chain)} has "
            f"come to its end, and for {span_text(silent)} more, until it expires, nobody is asked or reminded; "
            "add remind, repeat or exhausted, or a shorter `expires`"
        )


def _passed(policy: Policy, steps: tuple[ChainStep, ...], start: datetime) -> timedelta:
    """How long after ``start`` the waits of these steps are over, one after the other."""
    at = start
    for step in steps:
        if step.wait is None:
            return _NEVER
        clock = _clock(policy, step)
        ends = worked(clock, at, step.wait) if clock else at + step.wait
        if ends is None or ends - start >= _NEVER:
            return _NEVER
        at = ends
    return at - start


def _clock(policy: Policy, step: ChainStep) -> tuple[Calendar, ...]:
    if step.clock != OWN_CLOCK:
        time = policy.calendars.get(step.clock or "")
        return () if time is None else (_plain(time),)
    members = policy.members(step.notify)
    known = tuple(_plain(policy.hours[person]) for person in members if person in policy.hours)
    return known if len(known) == len(members) else ()


def _plain(time: WorkTime) -> Calendar:
    return Calendar(time.name, time.timezone, time.week)


def _open(time: WorkTime, start: datetime, span: timedelta) -> timedelta:
    """For how long a calendar is open in a span, of which a month is as good as all."""
    until = start + min(span, timedelta(days=31))
    return sum((end - begin for begin, end in openings((_plain(time),), start, until)), timedelta())
