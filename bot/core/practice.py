"""What a declared practice came to: whether the people who were asked noticed that something was wrong."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum

from bot.core.model import Request, State

NOTHING = "nothing"
"""The target of a practice, which no action of a file can have: there is nothing that could run."""
_CHANCES = 2**32


class Practised(StrEnum):
    """How a practice ended."""

    CAUGHT = "caught"
    PASSED = "passed"
    UNANSWERED = "unanswered"


PRACTISED: Mapping[Practised, str] = {
    Practised.CAUGHT: "Nothing ran, and nothing could have. It was noticed.",
    Practised.PASSED: "Nothing ran, and nothing could have. It went through this time; that is what practices are for.",
    Practised.UNANSWERED: "Nothing ran, and nothing could have. Nobody decided it in time.",
}
"""What its card says once it has ended; never who."""


def outcome_of(request: Request) -> Practised:
    """What an ended practice came to.

    Noticed is: rejected, asked about (which ends it: there is no agent that could answer), or approved only with edits.
    """
    if request.state in (State.REJECTED, State.CANCELLED, State.APPROVED_WITH_EDITS) and request.decisions:
        return Practised.CAUGHT
    return Practised.PASSED if request.state.approved else Practised.UNANSWERED


def pause(every: timedelta, lot: int) -> timedelta:
    """How long until the next practice: from nothing to twice ``every``, each as likely; ``lot`` has 32 bits."""
    return 2 * every * ((lot % _CHANCES) / _CHANCES)
