"""Which events of the audit are out of the ordinary, and under which heading a report lists them."""

from __future__ import annotations

from collections.abc import Mapping

EXCEPTIONS: Mapping[str, str] = {
    "glass": "Glass broken in an emergency",
    "undone": "Approvals taken back before anything ran",
    "settled": "Unknown outcomes, and who settled them",
    "incidents": "Incidents reported after an approval",
    "rollbacks": "Rollbacks",
    "trust": "Autonomy: granted, tightened, ended",
    "reviews": "Reviews afterwards that found it right",
    "practice": "Practice of the team, which never runs",
    "stops": "Stops and resumptions",
    "undelivered": "Cards and addresses that reached nobody",
    "erasures": "Data that was erased",
    "keys": "API keys made and revoked",
    "taken": "Copies that left the house",
    "store": "The database: backups, restores, moves",
    "refused": "Changed rules that were refused",
}
"""The headings, by name, in the order in which they stand."""

_NAMED = {
    "request.glass_broken": "glass",
    "request.undone": "undone",
    "execution.settled": "settled",
    "review.confirmed": "reviews",
    "practice.ended": "practice",
    "delivery.failed": "undelivered",
    "address.unreachable": "undelivered",
    "subject.erased": "erasures",
    "request.erased": "erasures",
    "key.created": "keys",
    "key.revoked": "keys",
    "audit.exported": "taken",
    "examples.exported": "taken",
    "report.taken": "taken",
    "config.refused": "refused",
}
_BEGIN = {"trust.": "trust", "grant.": "trust", "store.": "store"}
_HOLD = {"incident": "incidents", "rollback": "rollbacks", "rolled_back": "rollbacks", "rolling_back": "rollbacks"}
_END = {".paused": "stops", ".resumed": "stops"}

DECISIONS = frozenset(
    {
        *("request.decided", "request.approve", "request.approve_with_edits", "request.ask", "request.escalate"),
        "request.glass_broken",
    }
)
"""Types of the events that carry a person's decision."""

ENDED = frozenset({"request.cancelled", "request.expired", "request.decided", "request.glass_broken"})
"""Types of the events after which a request waits for nobody."""


def heading_of(kind: str) -> str | None:
    """The heading of an event's type; None where it is in the ordinary."""
    found = _NAMED.get(kind)
    if found is not None:
        return found
    for table, fits in ((_BEGIN, kind.startswith), (_END, kind.endswith), (_HOLD, kind.__contains__)):
        for text, name in table.items():
            if fits(text):
                return name
    return None
