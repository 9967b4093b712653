"""Who is there at one moment: members of groups, whoever has the shift, who stands in for somebody away."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct

from bot.core.calendars import openings
from bot.core.card import name_of
from bot.core.duty import shifts, standing_in
from bot.core.model import Absence, Schedule, Shift
from bot.core.policy import LONGEST_VIEW, Policy, WorkTime, calendar
from bot.web.inbox.language import Said, words

FOR = words("{name}, for {holder} who is away")
AWAY = words("{name} is away, and nobody stands in")
NOBODY = words("nobody at this moment")

_OF_A_GROUP = 6
"""Members that are named; the others are counted."""
_LOOKS = (timedelta(days=8), timedelta(days=40), LONGEST_VIEW)
"""How far ahead the next shift is looked for: first near, since most rotas change within a week."""


class Whom(Struct, frozen=True, kw_only=True):
    """One name that a file asks: ``kind`` is person, group or schedule; who that is at this moment, ``more`` left out.

    ``people`` are sentences where somebody stands in, else display names.
    """

    name: str
    kind: str
    people: tuple[str, ...]
    more: int = 0


class Duty(Struct, frozen=True, kw_only=True):
    """Who has a schedule's shift now and until when, and who has the next one from when on.

    ``person`` None: nobody has it; ``there`` False: nor is anybody there for it; ``until`` and ``next_at`` None: that
    does not change within a year. ``instead`` is who is asked while nobody is there; ``holds``: then it is waited for
    somebody.
    """

    person: str | None
    there: bool
    until: datetime | None
    follows: str | None
    next_at: datetime | None
    instead: str | None
    holds: bool


class Hours(Struct, frozen=True, kw_only=True):
    """Whether working time runs now, and until when; ``changes`` None: for ever, as far as a year shows."""

    open: bool
    changes: datetime | None


class Roster:
    """The people of a policy at a moment."""

    def __init__(self, policy: Policy, now: datetime) -> None:
        self._policy = policy
        self._now = now
        self._whom: dict[str, Whom] = {}

    def name(self, person: str) -> str:
        """What somebody is called."""
        return name_of(person, self._policy.people)

    def there(self, person: str) -> str:
        """Somebody as they are asked now: by name, by who stands in for them, or that nobody does."""
        instead = standing_in(self._policy.away, person, self._now)
        if instead is None:
            return Said(AWAY, name=self.name(person))
        if instead == person:
            return self.name(person)
        return Said(FOR, name=self.name(instead), holder=self.name(person))

    def whom(self, name: str) -> Whom:
        """A name of the file, and who that is now; the first few of a group."""
        known = self._whom.get(name)
        if known is None:
            known = self._whom[name] = self._asked(name)
        return known

    def _asked(self, name: str) -> Whom:
        schedule = self._policy.schedules.get(name)
        if schedule is not None:
            duty = self.duty(schedule)
            person = duty.person if duty.there else duty.instead or duty.person
            return Whom(name=name, kind="schedule", people=(person or NOBODY,))
        members = self._policy.groups.get(name)
        if members is None:
            return Whom(name=name, kind="person", people=(self.there(name),))
        shown = tuple(self.there(person) for person in members[:_OF_A_GROUP])
        return Whom(name=name, kind="group", people=shown, more=max(len(members) - _OF_A_GROUP, 0))

    def duty(self, schedule: Schedule) -> Duty:
        """Who has the shift, and who has the next one."""
        now = self._now
        found: tuple[Shift, ...] = ()
        current: Shift | None = None
        for ahead in _LOOKS:
            found = shifts(schedule, now, now + ahead)
            current = found[0] if found and found[0].since <= now else None
            if len(found) > (current is not None):
                break
        following = next((shift for shift in found if shift is not current), None)
        ends = current is not None and current.until < now + _LOOKS[-1]
        return Duty(
            person=self.there(current.person) if current else None,
            there=current is not None and standing_in(self._policy.away, current.person, now) is not None,
            until=current.until if current and (ends or following) else None,
            follows=self.name(following.person) if following else None,
            next_at=following.since if following else None,
            instead=self.there(schedule.fallback) if schedule.fallback else None,
            holds=schedule.gaps == "hold",
        )

    def hours(self, time: WorkTime) -> Hours:
        """Whether working time runs now, and when that changes."""
        for ahead in _LOOKS:
            until = self._now + ahead
            first = next(iter(openings((calendar(time, self._now, until),), self._now, until)), None)
            if first is None:
                continue
            begins, ends = first
            if begins > self._now:
                return Hours(open=False, changes=begins)
            if ends < until:
                return Hours(open=True, changes=ends)
        return Hours(open=first is not None, changes=None)

    def away(self, person: str) -> Absence | None:
        """The absence that somebody is in now, or else their next one."""
        return next((a for a in sorted(self._policy.away.get(person, ()), key=_begins) if a.until > self._now), None)


def _begins(absence: Absence) -> datetime:
    return absence.since
