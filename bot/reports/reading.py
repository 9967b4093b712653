"""All that a report was made from."""

from __future__ import annotations

from datetime import datetime
from typing import IO, Any

from msgspec import Struct

from bot.core.policy import Policy
from bot.core.ports.reports import ReportAsked
from bot.core.proof import Proof
from bot.reports.lists import Entry
from bot.reports.rows import RowsReading
from bot.reports.trail import TrailReading


class Reading(Struct, frozen=True, kw_only=True):
    """All that was read for a report, at ``at``. ``house`` is what it calls itself.

    ``listed`` is the long list, drawn, until `close` lets go of it. ``agrees``: the decisions on the trail are those in
    the rows, compared by their ids, digests and people.
    """

    house: str
    at: datetime
    asked: ReportAsked
    policy: Policy
    trail: TrailReading
    rows: RowsReading
    proof: Proof
    trusting: bool
    listed: IO[bytes] | None

    def close(self) -> None:
        """Let go of the long list."""
        if self.listed is not None:
            self.listed.close()

    @property
    def agrees(self) -> bool:
        """Whether trail and rows tell the same decisions."""
        return (self.trail.fold.count, self.trail.fold.total) == (self.rows.fold.count, self.rows.fold.total)

    @property
    def whole(self) -> bool:
        """Whether there is a row for each request that the trail says was submitted in the period, and no other."""
        return self.trail.submitted == self.rows.known

    @property
    def good(self) -> bool:
        """Whether the trail holds, trail and rows agree, and no separation of duties was broken."""
        agree = self.agrees and self.whole and not self.rows.edited.count
        return self.proof.ok and agree and not self.rows.violations.count

    def reviewed(self, entry: Entry) -> str:
        """What became of the review of a broken glass."""
        review = self.rows.reviews.get(entry.request or "")
        return "no review of it is in the rows" if review is None else f"its review {review[0]}: {review[1]}"

    def figures(self) -> dict[str, Any]:
        """The counts as JSON values."""
        trail, rows = self.trail, self.rows
        return {
            "from": self.asked.since,
            "to": self.asked.until,
            "at": self.at,
            "good": self.good,
            "requests": {"submitted": rows.submitted, "states": dict(rows.states), "answers": dict(rows.answers)},
            "compared": {"rows": rows.compared, "edited": rows.edited.count, "whole": self.whole},
            "decisions": {
                "rows": rows.fold.count,
                "trail": trail.fold.count,
                "agree": self.agrees,
                "verbs": dict(rows.verbs),
                "people": {person: dict(verbs) for person, verbs in sorted(rows.people.items())},
                "approvals_by_channel": dict(trail.channels),
                "approvals_with_card": dict(trail.carded),
                "without_card": trail.unseen.count,
                "shown_other_digest": trail.differing.count,
            },
            "separation": {
                "checked": rows.checked,
                "violations": rows.violations.count,
                "to_look_at": rows.to_look_at.count,
                "allow_self": rows.allowed_self.count,
            },
            "exceptions": {name: listed.count for name, listed in trail.exceptions.items()},
            "refusals": dict(trail.refusals),
            "events": dict(trail.types),
            "policies": [span.policy for span in trail.spans],
            "trail": {
                "ok": self.proof.ok,
                "fault": self.proof.fault,
                "lines": self.proof.lines,
                "last": self.proof.seq,
                "hash": self.proof.hash,
                "checkpoints": self.proof.checkpoints,
                "unsigned": self.proof.unsigned,
            },
        }
