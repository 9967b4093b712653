"""Who is asked, in which order, for how long: the route that a request got."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cached_property

from msgspec import Struct

from bot.core.model.states import OnExpiry, OnIrreversible, OnUndeliverable, Replies, Risk, Then
from bot.core.model.times import Absence, Calendar, IfEmpty, Shift

_EVERY = ""
"""Stands for every channel, in a step that names none."""


class Seat(Struct, frozen=True, omit_defaults=True):
    """One place in a step, where whom it asks depends on when: a ``person``, or whoever has the ``shifts`` then.

    ``name`` is what the file wrote: the person, their group, the schedule. While nobody has a shift, or whoever has it
    is away and nobody stands in, ``fallback`` is asked, if anybody.
    """

    name: str
    person: str | None = None
    shifts: tuple[Shift, ...] = ()
    fallback: str | None = None


class Step(Struct, frozen=True, kw_only=True, omit_defaults=True, dict=True):
    """One step of a chain as the request got it: whom (``people`` resolved, ``notify`` as written), how, how long.

    ``wait`` is how long before the next step is asked too (None: this step never gives way);
    ``remind`` is how often the asked are reminded while this step is the newest (None: never);
    ``digest`` for how long a channel of letters gathers before it asks (None: as each person wishes).

    Where ``seats`` are given, ``people`` is whom the step asked when it was asked (before that: whom it would ask at
    submission), ``stands_for`` for whom somebody stands in, ``names`` under which of the file's names each is asked.
    ``clock``: calendars in whose open time ``wait`` and ``remind`` run (none: wall time); ``own_clock``: in the hours
    of whoever is asked instead. ``anytime``: people are told outside their hours, too. Where it asks nobody, those in
    ``fallback`` are asked, or else ``if_empty`` holds. ``wishes``: through which one channel somebody wishes to be
    asked, where the step names none.
    """

    notify: tuple[str, ...]
    people: tuple[str, ...]
    via: tuple[str, ...] = ()
    wait: timedelta | None = None
    remind: timedelta | None = None
    digest: timedelta | None = None
    seats: tuple[Seat, ...] = ()
    stands_for: dict[str, str] = {}
    names: dict[str, tuple[str, ...]] = {}
    if_empty: IfEmpty = IfEmpty.SKIP
    fallback: tuple[str, ...] = ()
    wishes: dict[str, str] = {}
    on_undeliverable: OnUndeliverable = OnUndeliverable.NEXT
    clock: tuple[Calendar, ...] = ()
    own_clock: bool = False
    anytime: bool = False

    @cached_property
    def ways(self) -> frozenset[tuple[str, str]]:
        """Whom the step asks, through what; a step that names no channel asks as they wish, or through every one."""
        ways = [(person, via) for person in self.people for via in self.via or (self.wishes.get(person, _EVERY),)]
        return frozenset(ways)


class Ending(Struct, frozen=True, omit_defaults=True):
    """What becomes of a request whose chain came to its end: who is told, and how it ends."""

    then: OnExpiry
    notify: tuple[str, ...] = ()


class Stage(Struct, frozen=True, kw_only=True, omit_defaults=True, dict=True):
    """One round of review: a chain of people, how many approvals it takes, and how many rejections end the request.

    Stages next to each other with the same ``parallel`` (not 0) are asked together. ``distinct_groups``: each approval
    has to come from another of the names that the chain's steps ask. The chain begins again ``repeat`` times before it
    has come to its end; ``ending`` None: then the request waits on, until it expires.
    """

    name: str
    chain: str
    steps: tuple[Step, ...]
    approvals: int = 1
    rejections: int = 1
    distinct_groups: bool = False
    parallel: int = 0
    repeat: int = 0
    ending: Ending | None = None

    def following(self, current: int) -> int | None:
        """The next step after ``current`` that asks somebody not asked yet, or through a channel not used yet.

        A step with seats may: whom it asks shows when it is asked.
        """
        return self._following[current] if current < len(self.steps) else None

    @cached_property
    def _following(self) -> tuple[int | None, ...]:
        return tuple([self._after(index) for index in range(len(self.steps))])

    def _after(self, current: int) -> int | None:
        asked = self.ways_up_to[current + 1]
        for index in range(current + 1, len(self.steps)):
            step = self.steps[index]
            if step.seats or any(way not in asked and (way[0], _EVERY) not in asked for way in step.ways):
                return index
        return None

    @cached_property
    def ways_up_to(self) -> tuple[frozenset[tuple[str, str]], ...]:
        """By how many of the steps were asked: all their ways."""
        known = [frozenset[tuple[str, str]]()]
        for step in self.steps:
            known.append(known[-1] | step.ways)
        return tuple(known)

    @cached_property
    def people_up_to(self) -> tuple[tuple[str, ...], ...]:
        """By how many of the steps were asked: all their people, each once, in the order in which they were asked."""
        known: list[tuple[str, ...]] = [()]
        for step in self.steps:
            known.append(tuple(dict.fromkeys((*known[-1], *step.people))))
        return tuple(known)

    @cached_property
    def people(self) -> frozenset[str]:
        """Everybody whom the stage may ask, at any time."""
        return frozenset(p for step in self.steps for p in (*step.people, *step.fallback, *_seated(step)))


def _seated(step: Step) -> list[str]:
    found = [p for seat in step.seats for p in (seat.person, seat.fallback) if p]
    return found + [shift.person for seat in step.seats for shift in seat.shifts]


class Check(Struct, frozen=True, omit_defaults=True):
    """One of the house's own checks of a request: did it pass (None: it could not be answered), and why not."""

    name: str
    passed: bool | None
    detail: str = ""


class Route(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the rules answered for a request; the request keeps it whatever the file says later.

    ``rule`` is the rule's name (``default`` where none held), ``why`` the named reason. ``excluded`` are people who
    may not review this request; they are already absent from the steps. ``policy`` is the configuration's hash.
    ``replies`` says what a letter written back may decide, ``irreversible`` where what cannot be undone is approved.

    ``absences`` and ``hours`` are those of the people whom it may ask, for as long as the request can wait. ``checks``
    are the action's own, as they came out; ``refused`` is an earlier request of the same content that was rejected.
    ``advisors`` are asked for their opinion first, for ``advice_within`` at most. ``hidden`` are pointers of what no
    card shows (`bot.core.redaction`), ``subject`` that of the argument which says whose data the request carries.
    ``terms`` are those of a rule with trust (`bot.core.policy.terms`): what was decided under others is no evidence.
    ``first`` is the rule that answered at submission, where an edit or an answer made ``rule`` another.
    ``grant`` is the earned grant whose rule answered, or that this is a sample of (then people are asked). ``sampled``
    is the share (0 to 1) of what a rule would have approved that chance puts before people, where this is among it; 1
    where it was sure to be, as what is owed is.
    ``review_after`` is the chain that is asked, once it ran, whether that was right, of the share ``review_share`` (0
    to 1) by chance. ``practice`` names the declared drill that this is: nothing runs, whatever is decided, and its
    ``lesson`` is told once it is. ``needs_reason``: an approval has to say why (`bot.core.policy.Attention`). ``notes``
    are what the house adds to the card, as (label, text); ``of`` is another request whose content this one repeats, so
    that it is erased with that, and ``unsaid`` are the texts which that one hides, to be taken out of all that is said
    of this one (they are shown nowhere). ``asked`` is who asked for it in the agent's name, who then cannot withdraw it
    (None: the agent itself); ``joined`` who wants it, too, once the agent has asked.
    """

    then: Then
    rule: str
    why: str
    stages: tuple[Stage, ...] = ()
    gate: float | None = None
    expires: timedelta = timedelta(hours=24)
    on_expiry: OnExpiry = OnExpiry.EXPIRE
    excluded: tuple[str, ...] = ()
    risk: Risk = Risk.IRREVERSIBLE
    warnings: tuple[str, ...] = ()
    policy: str = ""
    replies: Replies = Replies.APPROVE
    irreversible: OnIrreversible = OnIrreversible.PAGE
    absences: dict[str, tuple[Absence, ...]] = {}
    hours: dict[str, Calendar] = {}
    checks: tuple[Check, ...] = ()
    refused: str | None = None
    advisors: tuple[str, ...] = ()
    advice_within: timedelta | None = None
    hidden: tuple[str, ...] = ()
    subject: str | None = None
    grant: str | None = None
    terms: tuple[str, ...] = ()
    first: str = ""
    sampled: float = 0.0
    review_after: str | None = None
    review_share: float = 1.0
    practice: str | None = None
    lesson: str | None = None
    needs_reason: bool = False
    notes: tuple[tuple[str, str], ...] = ()
    of: str | None = None
    unsaid: tuple[str, ...] = ()
    asked: str | None = None
    joined: str | None = None

    def beside(self, first: int) -> range:
        """A stage and those after it that are asked together with it, by index."""
        group = self.stages[first].parallel
        last = first + 1
        while group and last < len(self.stages) and self.stages[last].parallel == group:
            last += 1
        return range(first, last)


class Track(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A stage under way: ``stage`` and ``step`` index into the route; every step up to ``step`` is being asked.

    ``step_at`` is when the newest step was due, which the next one counts from, so a late tick shifts nothing; until
    ``held_until`` it is not asked yet. ``round`` counts how often the chain began again; ``exhausted``: it has ended.
    """

    stage: int
    step: int = 0
    step_at: datetime | None = None
    remind_at: datetime | None = None
    held_until: datetime | None = None
    round: int = 0
    exhausted: bool = False
