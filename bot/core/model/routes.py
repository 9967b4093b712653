"""Who is asked, in which order, for how long: the route that a request got."""

from __future__ import annotations

from datetime import timedelta

from msgspec import Struct

from bot.core.model.states import OnExpiry, OnIrreversible, Replies, Risk, Then

_EVERY = ""
"""Stands for every channel, in a step that names none."""


class Step(Struct, frozen=True, kw_only=True):
    """One step of a chain as the request got it: whom (``people`` resolved, ``notify`` as written), how, how long.

    ``wait`` is how long before the next step is asked too (None: this step never gives way);
    ``remind`` is how often the asked are reminded while this step is the newest (None: never);
    ``digest`` for how long a channel of letters gathers before it asks (None: as each person wishes).
    """

    notify: tuple[str, ...]
    people: tuple[str, ...]
    via: tuple[str, ...] = ()
    wait: timedelta | None = None
    remind: timedelta | None = None
    digest: timedelta | None = None

    @property
    def ways(self) -> set[tuple[str, str]]:
        """Whom the step asks, through what; a step that names no channel asks through every one."""
        return {(person, via) for person in self.people for via in self.via or (_EVERY,)}


class Stage(Struct, frozen=True, kw_only=True):
    """One round of review: a chain of people and how many approvals it takes."""

    name: str
    chain: str
    steps: tuple[Step, ...]
    approvals: int = 1

    def following(self, current: int) -> int | None:
        """The next step after ``current`` that asks somebody not asked yet, or through a channel not used yet."""
        asked = {way for step in self.steps[: current + 1] for way in step.ways}
        for index in range(current + 1, len(self.steps)):
            if any(way not in asked and (way[0], _EVERY) not in asked for way in self.steps[index].ways):
                return index
        return None


class Route(Struct, frozen=True, kw_only=True):
    """What the rules answered for a request; the request keeps it whatever the file says later.

    ``rule`` is the rule's name (``default`` where none held), ``why`` the named reason. ``excluded`` are people who
    may not review this request; they are already absent from the steps. ``policy`` is the configuration's hash.
    ``replies`` says what a letter written back may decide, ``irreversible`` where what cannot be undone is approved.
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
