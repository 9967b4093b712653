"""What the tests of this room share: where the data stands, a small good file, and the faults of a text."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from bot.core.policy import Policy
from bot.routing import RoutingError, RoutingErrors, parse

DATA = Path(__file__).parent.parent / "data" / "routing"
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

GROUND = """\
version: 1
people:
  ana: {name: Ana Silva, email: ana@example.com, slack: U0ANA, timezone: Europe/Lisbon}
  ben: {email: ben@example.com}
  lea: {email: lea@example.com}
groups: {finance: [ana, ben]}
chains:
  finance:
    - {notify: [finance], via: [slack, email], wait: 15m, remind: 5m}
    - {notify: lea}
"""
DEFAULT = "default: {stages: [{chain: finance}]}\n"


def policy(*, rules: str = "", ground: str = GROUND, default: str = DEFAULT, more: str = "") -> Policy:
    """A policy of the common ground with these rules (YAML lines under ``rules:``) and sections."""
    listed = f"rules:\n{rules}\n" if rules else ""
    return parse(f"{ground}{more}{listed}{default}", "routing.yaml")


def faults(text: str) -> tuple[RoutingError, ...]:
    """The faults of a text; none where it loads."""
    try:
        parse(text, "routing.yaml")
    except RoutingErrors as refused:
        return refused.errors
    return ()
