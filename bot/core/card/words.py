"""What requests are called by what they ask, and their ends: a question is answered, not approved.

Every channel says it alike. What a channel says while somebody is still to decide is its own.
"""

from __future__ import annotations

from collections.abc import Mapping

from bot.core.model import Kind, State

KINDS: Mapping[Kind, str] = {
    Kind.APPROVAL: "Approval",
    Kind.QUESTION: "Question",
    Kind.CHOICE: "Choice",
    Kind.EXCEPTION: "Exception",
}
ANSWERED: Mapping[Kind, str] = {Kind.QUESTION: "Answered", Kind.CHOICE: "Chosen", Kind.EXCEPTION: "Handled"}
"""What the approval of each is, where it is more than an approval."""
DECLINED = "Declined"
"""What the rejection of these is."""

_ENDED = {
    State.APPROVED: "Approved",
    State.APPROVED_WITH_EDITS: "Approved with edits",
    State.REJECTED: "Rejected",
    State.EXPIRED: "Expired",
    State.CANCELLED: "Withdrawn",
    State.BLOCKED: "Blocked",
}


def ended(kind: Kind, state: State) -> str:
    """How a request of this kind ended, in a word or two; ``state`` is not an open one."""
    if kind is not Kind.APPROVAL and state.approved:
        return ANSWERED[kind]
    return DECLINED if kind is not Kind.APPROVAL and state is State.REJECTED else _ENDED[state]
