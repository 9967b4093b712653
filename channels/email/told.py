"""What a letter's reader has been told so far, so that each change is told once. Kept in the delivery's handle."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from bot.core.card import Card
from bot.core.model import State


class Told(Struct, frozen=True, kw_only=True):
    """How the request stood in the last letter; ``run`` is how its run ended, empty before that."""

    revision: int
    level: int
    state: str
    run: str = ""

    @property
    def open(self) -> bool:
        """Whether a decision was still to come."""
        return State(self.state).open


def told_by(card: Card) -> Told:
    """What a letter about this card tells."""
    ended = card.run.value if card.run is not None and card.run.ended else ""
    return Told(revision=card.revision, level=card.escalation_level, state=card.state.value, run=ended)


def handle_of(thread: str, latest: str, told: Told, subject: str | None) -> dict[str, Any]:
    """A delivery's handle: what was told, the names of two letters, and the thread's subject.

    ``thread`` began the thread; ``latest`` is the last one that showed the request, to which answers are bound. Mail
    programs begin another thread where the subject changes: so an edit that changes the title leaves it. None in
    handles of before it was kept.
    """
    return {
        "thread": thread,
        "subject": subject,
        "latest": latest,
        "revision": told.revision,
        "level": told.level,
        "state": told.state,
        "run": told.run,
    }


def told_in(handle: dict[str, Any]) -> Told:
    """What a handle says was told."""
    return Told(
        revision=int(handle["revision"]),
        level=int(handle["level"]),
        state=str(handle["state"]),
        run=str(handle.get("run") or ""),
    )


def decided_by(card: Card) -> str | None:
    """The person whose vote ended it, or None where a rule, the agent or silence did."""
    last = card.verdicts[-1] if card.verdicts else None
    return None if last is None or card.state.open else last.person
