"""Which share of what each rate is. A rate is left out where there is none of what it would be a share of."""

from __future__ import annotations

from collections.abc import Mapping

from bot.core.insight import names
from bot.core.insight.cell import Drawn
from bot.core.insight.intervals import Share, share_drawn, share_of

Of = tuple[str, tuple[str, ...], tuple[str, ...]]
"""The count, those that are added up to what it is a share of, and those that are taken off that."""

NO_SAMPLES: Mapping[int, Drawn] = {}
_MILLION = 1_000_000
_DECIDED = ((names.DECIDED,), ())
_CLOSED = ((names.REQUESTS,), (names.OPEN,))
_RUN = ((names.EXECUTED, names.FAILED, names.UNKNOWN), ())

OF_REQUESTS: Mapping[str, Of] = {
    "approved": (names.APPROVED, *_DECIDED),
    "edited": (names.EDITED, *_DECIDED),
    "rejected": (names.REJECTED, *_DECIDED),
    "gated": (names.GATED, *_DECIDED),
    "escalated": (names.ESCALATED, (names.REQUESTS,), ()),
    "undone": (names.UNDONE, (names.REQUESTS,), ()),
    "expired": (names.EXPIRED, *_CLOSED),
    "cancelled": (names.CANCELLED, *_CLOSED),
    "blocked": (names.BLOCKED, *_CLOSED),
    "by_rule": (names.BY_RULE, *_CLOSED),
    "by_grant": (names.BY_GRANT, *_CLOSED),
    "failed": (names.FAILED, *_RUN),
    "unknown": (names.UNKNOWN, *_RUN),
    "rolled_back": (names.ROLLED_BACK, *_RUN),
    "incidents": (names.INCIDENTS, *_RUN),
    "false_approvals": (names.FALSE_APPROVALS, (names.APPROVED, names.EDITED), ()),
    "sampled_wrong": (names.SAMPLED_WRONG, (names.SAMPLED,), ()),
    "reviewed_wrong": (names.REVIEWED_WRONG, (names.REVIEWED,), ()),
}
"""Of the figures of requests, in the order in which they are told."""

VOTES = (names.APPROVE, names.APPROVE_WITH_EDITS, names.REJECT)
DECISIONS = (*VOTES, names.ASK, names.ESCALATE)

OF_DECISIONS: Mapping[str, Of] = {
    "approve": (names.APPROVE, VOTES, ()),
    "approve_with_edits": (names.APPROVE_WITH_EDITS, VOTES, ()),
    "reject": (names.REJECT, VOTES, ()),
    "ask": (names.ASK, DECISIONS, ()),
    "escalate": (names.ESCALATE, DECISIONS, ()),
    "fast": (names.FAST, VOTES, ()),
    "commented": (names.COMMENTED, VOTES, ()),
    "broke_glass": (names.GLASS, VOTES, ()),
    "practice_missed": (names.PRACTICE_MISSED, (names.PRACTISED,), ()),
}
"""Of the figures of people, in the order in which they are told."""


def rates_of(
    counts: Mapping[str, int], drawn: Mapping[int, Drawn] = NO_SAMPLES, *, decisions: bool
) -> dict[str, Share]:
    """Every rate that these counts know, of decisions or of requests; ``drawn`` are the samples, as a cell has them."""
    found: dict[str, Share] = {}
    for name, (count, added, taken) in (OF_DECISIONS if decisions else OF_REQUESTS).items():
        of = sum(counts.get(one, 0) for one in added) - sum(counts.get(one, 0) for one in taken)
        if of > 0:
            found[name] = share_of(counts.get(count, 0), of)
    if names.SAMPLED_WRONG in found:
        found[names.SAMPLED_WRONG] = share_drawn(_by_lot(counts, drawn))
    return found


def _by_lot(counts: Mapping[str, int], drawn: Mapping[int, Drawn]) -> dict[float, tuple[int, int]]:
    """The samples by the share drawn; those of before shares were kept stand for as many as these do on average."""
    known = {share / _MILLION: (one.count, one.wrong) for share, one in drawn.items() if 0 <= one.wrong <= one.count}
    known = {share: pair for share, pair in known.items() if pair[0]}
    of = sum(count for count, _ in known.values())
    rest = counts[names.SAMPLED] - of
    if rest > 0:
        wrong = counts.get(names.SAMPLED_WRONG, 0) - sum(wrong for _, wrong in known.values())
        mean = of / sum(count / share for share, (count, _) in known.items()) if of else 1.0
        there = known.get(mean, (0, 0))
        known[mean] = there[0] + rest, there[1] + min(max(wrong, 0), rest)
    return known


def size_of(counts: Mapping[str, int], *, decisions: bool) -> int:
    """How many requests, or decisions, these are."""
    return sum(counts.get(one, 0) for one in (DECISIONS if decisions else (names.REQUESTS,)))
