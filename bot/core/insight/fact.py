"""A request as a measurement: what its stored rows say of how it was judged, how fast, and how it ended.

A fact follows from the rows alone, so it can be made anew at any time, and making it twice changes nothing.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from bot.core.model import ExecutionState, Kind, Risk, Severity, State, Then, Verb


class Judgement(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One decision of a person. Times are in seconds.

    ``shown_at`` is when a card of that revision first reached the person or a place where they are asked (None: by no
    channel), ``opened_at`` when they first opened it in the inbox. ``had`` is how long they can have had it before
    them: from when they opened it, else from when it was shown, else from when it could be decided, to the decision.
    ``worked`` is how much of the wait, from when they could decide, lay in their working hours (None: they have none
    written down). ``length`` is how many characters the card has to read, ``fast`` whether ``had`` is too short for
    that.
    """

    by: str
    verb: Verb
    at: datetime
    channel: str
    stage: str
    revision: int
    shown_at: datetime | None = None
    opened_at: datetime | None = None
    had: float = 0.0
    waited: float = 0.0
    worked: float | None = None
    length: int = 0
    fast: bool = False
    category: str | None = None
    commented: bool = False
    broke_glass: bool = False


class Correction(Struct, frozen=True, omit_defaults=True):
    """One argument that a person changed, of ``pointer``; the values only of numbers that no card hides."""

    pointer: str
    before: float | None = None
    after: float | None = None


class Fact(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is measured of one request.

    ``then`` is what the rules answered and ``rule`` the rule's name, ``terms`` what that said where it has trust
    (`bot.core.policy.terms`), ``first`` the rule that answered before an edit or an answer made it another's (empty:
    this one); ``grant`` the earned grant under which it ran.
    ``sampled``: a rule held and would have approved, and chance put it before a person all the same, ``share`` being
    that chance (0 to 1). ``gate`` is the rule's confidence gate. ``labels`` and ``numbers`` (by JSON pointer into the
    arguments as proposed) are those that no card hides; both are bounded in how many and how long. ``viewed_at`` is
    when anybody first opened it or a card first reached somebody's own place. ``corrections`` are from the arguments
    as proposed to those approved. ``undone``: an approval was taken back. ``reviewed`` is what a review afterwards
    came to: ``confirmed`` or ``incident``. ``practice``: a declared drill of the team, which counts in no figure of
    agents. ``escalated`` is its escalation level.
    """

    request: str
    created_at: datetime
    agent: str
    action: str
    rule: str
    kind: Kind
    risk: Risk
    state: State
    then: Then
    grant: str | None = None
    terms: tuple[str, ...] = ()
    first: str = ""
    sampled: bool = False
    share: float = 1.0
    confidence: float | None = None
    gate: float | None = None
    labels: dict[str, str] = {}
    numbers: dict[str, float] = {}
    escalated: int = 0
    viewed_at: datetime | None = None
    decided_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    execution: ExecutionState = ExecutionState.NONE
    corrections: tuple[Correction, ...] = ()
    category: str | None = None
    undone: bool = False
    incident: Severity | None = None
    incident_at: datetime | None = None
    reviewed: str | None = None
    practice: bool = False
    judged: tuple[Judgement, ...] = ()

    @property
    def by_person(self) -> bool:
        """Whether people decided it: it ended by a vote, not by a rule, by silence or by its agent."""
        if self.state is State.REJECTED:  # silence may be turned into that, too
            return any(made.verb is Verb.REJECT for made in self.judged)
        return self.state.approved and any(made.verb.is_vote for made in self.judged)

    @property
    def unchanged(self) -> bool:
        """Whether people approved it exactly as it was proposed."""
        return self.by_person and self.state is State.APPROVED
