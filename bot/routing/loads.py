"""Whom a route would have asked of a recorded request, and on how many requests a day each person is asked. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, datetime

from msgspec.structs import replace

from bot.core import lifecycle
from bot.core.model import Request, Route, State, Then

_MOST_TURNS = 500
"""Steps of one request that are gone through; a chain that repeats longer than that asks nobody new."""


class Loads:
    """By person, on how many requests they were asked each day (UTC)."""

    def __init__(self, now: datetime) -> None:
        """What is still open is asked about until ``now``."""
        self._now = now
        self._days: defaultdict[str, Counter[date]] = defaultdict(Counter)

    def take(self, request: Request, answer: Route) -> None:
        """Whom a route asks until the request was decided in fact; of later stages, where it got so far."""
        if answer.then is not Then.STAGES or not answer.stages:
            return
        until = request.decided_at or self._now
        found = _asked(_anew(request, answer), until)
        if request.state.approved:
            for person in _later(answer):
                found.setdefault(person, until)
        for person, at in found.items():
            self._days[person][at.date()] += 1

    @property
    def people(self) -> tuple[str, ...]:
        """Everybody who was asked."""
        return tuple(self._days)

    def of(self, person: str) -> tuple[int, int]:
        """On how many requests somebody was asked: in all, and on the day with most."""
        days = self._days.get(person, Counter())
        return days.total(), max(days.values(), default=0)


def _later(answer: Route) -> list[str]:
    """Who is asked first in the stages after the first and those beside it."""
    after = answer.stages[answer.beside(0).stop :]
    steps = [next((step for step in stage.steps if step.people), None) for stage in after]
    return [person for step in steps if step is not None for person in step.people]


def _anew(request: Request, answer: Route) -> Request:
    """The request as it was submitted, on another route, which reminds nobody: that asks nobody new."""
    quiet = tuple(
        replace(stage, steps=tuple([replace(step, remind=None) if step.remind else step for step in stage.steps]))
        for stage in answer.stages
    )
    return replace(
        request,
        state=State.PENDING,
        route=replace(answer, stages=quiet),
        expires_at=request.created_at + answer.expires,
        tracks=(),
        due_at=None,
        decided_at=None,
        decisions=(),
        advice=(),
    )


def _asked(request: Request, until: datetime) -> dict[str, datetime]:
    """Who is asked from the submission until then, and when first."""
    request = lifecycle.begin(request, request.created_at)
    found = dict.fromkeys(request.assignees, request.created_at)
    for _ in range(_MOST_TURNS):
        due = request.due_at
        woken = None if due is None or due >= until else lifecycle.wake(request, due)
        if due is None or woken is None:
            break
        request = woken.request
        for person in request.assignees:
            found.setdefault(person, due)
    return found
