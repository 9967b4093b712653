"""What the walk through the rules leaves behind: how each rule fared, and what bounded it from outside the file."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

from bot.core.model import Opinion, Route

CHECKS = "checks"
"""Stands for a rule where one of the action's own checks blocks."""
EXCEPTIONS = "exceptions"
"""Stands for a rule where an agent calls something out of its scope."""


class TrialOutcome(StrEnum):
    """How one rule fared."""

    HELD = "held"
    NOT_HELD = "did_not_hold"
    CONDITION_FAILED = "condition_failed"
    BELOW_GATE = "below_gate"
    SUSPICIOUS = "suspicious"
    CHECK_FAILED = "check_failed"
    NEEDS_PERSON = "needs_person"
    LIMITED = "limited"
    SAMPLED = "sampled"


class Trial(Struct, frozen=True):
    """One rule that was tried, how it fared, and in a sentence why; ``chosen`` marks the one that answered."""

    rule: str
    outcome: TrialOutcome
    detail: str
    chosen: bool = False


class Routing(Struct, frozen=True):
    """A route and the whole path to it.

    ``also`` is the rule that would approve it without the agent's own labels and risk, where that is another: what
    bounds that one bounds the request, too.
    """

    route: Route
    trials: tuple[Trial, ...]
    also: str | None = None


class Bounds(Struct, frozen=True, kw_only=True):
    """What is known of a request beside its content and the file, and can only make its route stricter.

    ``closed``: rules that would approve and may not this time, each with how and why. ``refused``: an earlier request
    of the same content that was rejected. ``advice``: what advisors said, by name.
    """

    closed: Mapping[str, tuple[TrialOutcome, str]] = {}
    refused: str | None = None
    advice: Mapping[str, Opinion] = {}

    @property
    def sampled(self) -> bool:
        """Whether chance put it before a person: then no rule further on answers instead."""
        return any(outcome is TrialOutcome.SAMPLED for outcome, _ in self.closed.values())


UNBOUND = Bounds()
