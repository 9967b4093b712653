"""Every warning of a policy, subject by subject."""

from __future__ import annotations

from datetime import UTC, datetime

from bot.core.policy import Policy
from bot.routing.lint import (
    acting,
    attention,
    bounds,
    clocks,
    filling,
    mail,
    order,
    presence,
    reaching,
    reading,
    trust,
    unused,
    values,
)


def warnings(policy: Policy, now: datetime | None = None) -> tuple[str, ...]:
    """Every warning, each once, a sentence that says what to do.

    ``now`` (aware; None: this moment) is from when on shifts and absences are looked at, for a year. Order: rules,
    stages and their time, chains, people and their time, what nobody uses, mail, safeguards, actions, agents, network.
    """
    at = datetime.now(UTC) if now is None else now
    found = [
        *order.doubts(policy),
        *reading.doubts(policy),
        *values.doubts(policy),
        *filling.doubts(policy, at),
        *clocks.doubts(policy),
        *reaching.doubts(policy),
        *presence.doubts(policy, at),
        *unused.doubts(policy),
        *mail.doubts(policy),
        *bounds.doubts(policy),
        *attention.doubts(policy),
        *trust.doubts(policy),
        *acting.doubts(policy),
    ]
    return tuple(dict.fromkeys(found))
