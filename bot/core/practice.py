"""What a declared practice came to: whether the people who were asked noticed that something was wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum

from bot.core.model import Request, State

NOTHING = "nothing"
"""The target of a practice, which no action of a file can have: there is nothing that could run."""
_TELLING = ("practice", "lesson")
"""Members of a route that only a practice has."""


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


def apparent(request: Request, target: str) -> str:
    """Where a request would run: an open practice as if at ``target``, its action's own, like any other."""
    bound = request.content.target
    return target if request.route.practice is not None and request.state.open else bound


def like_any_other(line: str, agent: str, target: str) -> str:
    """The body of a line of an open practice's trail as that of a request which ``agent`` proposed for ``target``."""
    event = json.loads(line)
    if event["type"] == "request.submitted":
        event |= {"actor": f"agent:{agent}", "via": "api"}
    data = event["data"]
    if "revision" in data:
        data["revision"]["target"] = target
    if "route" in data.get("request", {}):
        route = data["request"]["route"]
        data["request"]["route"] = {name: told for name, told in route.items() if name not in _TELLING}
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"))


def pause(every: timedelta, chance: float) -> timedelta:
    """How long until the next practice: from nothing to twice ``every``, each as likely; ``chance`` is of 0 to 1."""
    return 2 * every * chance
