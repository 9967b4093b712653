"""Whether a review's clocks fit together: its steps are asked before it expires, and it does not wait in silence.

A wait on a calendar is reckoned in a plain week, without holidays, from every sixth hour of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from bot.core.calendars import openings, worked
from bot.core.model import Calendar
from bot.core.policy import OWN_CLOCK, Chain, ChainStep, Exhausted, Policy, WorkTime
from bot.routing.faults import listed, quoted
from bot.routing.lint.reviews import reviews, steps_of
from bot.routing.spans import span_text

_MONDAY = datetime(2001, 1, 1, tzinfo=UTC)
_STARTS = tuple(_MONDAY + timedelta(hours=hours) for hours in range(0, 7 * 24, 6))
_NEVER = timedelta(days=3650)
_SILENT = 2
"""What part of its time a request may wait in silence before that is told: more than one in this many."""
_HASTY, _AT_ONCE = timedelta(seconds=10), timedelta(seconds=1)
"""A reminder and a wait that are shorter are slips of the pen: ``5ms`` for ``5m``."""
_SHORT = timedelta(hours=1)
"""A silence shorter than this is none."""


class _Asked(Struct, frozen=True):
    """A chain in the time of the reviews that ask it; ``where`` names them."""

    name: str
    chain: Chain
    expires: timedelta
    where: str


def doubts(policy: Policy) -> Iterator[str]:
    """Every warning of waits, reminders and expiries."""
    for name, chain in policy.chains.items():
        yield from _chain(name, chain)
    asked: dict[tuple[str, timedelta], list[str]] = {}
    for review in reviews(policy):
        for stage in (stage for stage in review.stages if policy.chains[stage.chain].steps):
            asked.setdefault((stage.chain, review.expires), []).append(review.where)
    begins = {name: _begins(policy, policy.chains[name]) for name in {name: None for name, _ in asked}}
    for (name, expires), where in asked.items():
        one = _Asked(name, policy.chains[name], expires, listed(dict.fromkeys(where), limit=4))
        yield from _timed(policy, one, begins[name])


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
        for key, span, least in (("remind", step.remind, _HASTY), ("wait", step.wait, _AT_ONCE)):
            if span and span < least:
                yield f"{where} says {key}: {span_text(span)}, in which nobody can answer; write minutes, as 5m"
        if step.remind and step.wait and step.remind >= step.wait:
            yield f"{where} never reminds: `remind` is not shorter than `wait`"


def _begins(policy: Policy, chain: Chain) -> list[list[timedelta]]:
    """How long after it began each step is asked, and last its end, by each hour at which it may begin."""
    last = chain.steps[-1]
    steps = chain.steps if last.wait is not None else chain.steps[:-1]
    known = [[_passed(policy, steps[:number], start) for start in _STARTS] for number in range(len(steps) + 1)]
    return known if last.wait is not None else [*known, known[-1]]


def _timed(policy: Policy, asked: _Asked, begins: list[list[timedelta]]) -> Iterator[str]:
    steps = asked.chain.steps
    for number in range(2, len(steps) + 1):
        if min(begins[number - 1]) >= asked.expires:
            if all(step.wait is not None for step in steps[: number - 1]):
                yield (
                    f"step {number} of the chain {quoted(asked.name)} is never asked by {asked.where}: "
                    "the request expires before; shorten a `wait` or lengthen `expires`"
                )
            return
    for number, step in enumerate(steps, start=1):
        if number < len(steps) or asked.chain.repeat or asked.chain.exhausted != Exhausted():
            yield from _closed(policy, asked, number, step)
    yield from _silence(asked, max(begins[-1]))


def _closed(policy: Policy, asked: _Asked, number: int, step: ChainStep) -> Iterator[str]:
    """A wait that runs only while a calendar is open, which it may not be for long enough before the expiry."""
    clock = policy.calendars.get(step.clock or "")
    if clock is None or step.wait is None:
        return
    least = min(_open(clock, start, asked.expires) for start in _STARTS)
    if least < step.wait:
        yield (
            f"{steps_of(asked.name, number)} waits {span_text(step.wait)} of the calendar {quoted(clock.name)}, which "
            f"may be open for only {span_text(least)} of the {span_text(asked.expires)} before requests of "
            f"{asked.where} expire: then nobody further is asked; shorten the `wait`, or lengthen `expires`"
        )


def _silence(asked: _Asked, once: timedelta) -> Iterator[str]:
    """From when on nobody is asked or reminded, for most of the time that the request has."""
    chain, last = asked.chain, asked.chain.steps[-1]
    timed = any(step.wait is not None for step in chain.steps[:-1]) or (last.wait is not None and chain.repeat > 0)
    if not timed or last.remind is not None or chain.exhausted.then is not None:
        return
    ends = once * (chain.repeat + 1)
    silent = asked.expires - ends
    if silent > _SHORT and silent * _SILENT > asked.expires:
        yield (
            f"the chain {quoted(asked.name)} comes to its end {span_text(ends)} after it began, and for "
            f"{span_text(silent)} more, until requests of {asked.where} expire, nobody is asked or reminded; "
            "add remind, repeat or exhausted, or shorten `expires`"
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
