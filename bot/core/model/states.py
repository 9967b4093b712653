"""Where things stand, and what may be decided: the closed lists of the contract.

What is asked of a member again and again is settled when it is made: comparing members costs ten times as much.
"""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """What is asked of the person."""

    APPROVAL = "approval"
    QUESTION = "question"
    CHOICE = "choice"
    EXCEPTION = "exception"

    @property
    def runs(self) -> bool:
        """Whether an approval runs the action; an answered question and a settled exception run nothing."""
        return self in (Kind.APPROVAL, Kind.CHOICE)


class Risk(StrEnum):
    """How much harm a wrong approval can do; later members are stricter."""

    READ_ONLY = "read_only"
    REVERSIBLE = "reversible"
    IRREVERSIBLE = "irreversible"

    @property
    def rank(self) -> int:
        """0 for the mildest."""
        return tuple(Risk).index(self)


class State(StrEnum):
    """Where a request stands."""

    open: bool
    """Whether a decision is still to come."""
    approved: bool
    """Whether the action may run."""

    PENDING = "pending"
    NEEDS_INFO = "needs_info"
    APPROVED = "approved"
    APPROVED_WITH_EDITS = "approved_with_edits"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    BLOCKED = "blocked"

    def __init__(self, value: str) -> None:
        self.open = value in ("pending", "needs_info")
        self.approved = value in ("approved", "approved_with_edits")

    @property
    def spends(self) -> bool:
        """Whether a request weighs on limits now: what is open may still run; what ended without approval did not."""
        return self.open or self.approved


class Verb(StrEnum):
    """What a person decides."""

    is_vote: bool
    """Votes count toward a stage, one a person; asking and escalating do not."""

    APPROVE = "approve"
    APPROVE_WITH_EDITS = "approve_with_edits"
    REJECT = "reject"
    ASK = "ask"
    ESCALATE = "escalate"

    def __init__(self, value: str) -> None:
        self.is_vote = value in ("approve", "approve_with_edits", "reject")


class ExecutionState(StrEnum):
    """Where the replay of an approved action stands."""

    NONE = "none"
    WAITING = "waiting"
    EXECUTING = "executing"
    EXECUTED = "executed"
    FAILED = "failed"
    UNKNOWN = "unknown"
    ROLLING_BACK = "rolling_back"
    ROLLED_BACK = "rolled_back"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self not in (ExecutionState.WAITING, ExecutionState.EXECUTING, ExecutionState.ROLLING_BACK)


class DeliveryState(StrEnum):
    """Where one card on its way to one place stands."""

    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"
    SKIPPED = "skipped"


class Then(StrEnum):
    """What the rules answer; later members are stricter."""

    APPROVE = "approve"
    STAGES = "stages"
    BLOCK = "block"

    @property
    def rank(self) -> int:
        """0 for the laxest."""
        return tuple(Then).index(self)


class OnExpiry(StrEnum):
    """What silence turns into; never an approval."""

    EXPIRE = "expire"
    REJECT = "reject"


class OnUndeliverable(StrEnum):
    """What becomes of a step of which nobody was reached: the next one is asked at once, or its wait goes on."""

    NEXT = "next"
    WAIT = "wait"


class Opinion(StrEnum):
    """What an advisor thinks of a request; no vote, and later members are stricter."""

    AGREE = "agree"
    DOUBT = "doubt"
    DISAGREE = "disagree"


class Replies(StrEnum):
    """What a reply in writing may decide; later members are stricter."""

    APPROVE = "approve"
    REJECT_ONLY = "reject_only"
    OFF = "off"

    @property
    def rank(self) -> int:
        """0 for the laxest."""
        return tuple(Replies).index(self)


class OnIrreversible(StrEnum):
    """Where what cannot be undone is approved; later members are stricter."""

    REPLY = "reply"
    PAGE = "page"

    @property
    def rank(self) -> int:
        """0 for the laxest."""
        return tuple(OnIrreversible).index(self)


class Severity(StrEnum):
    """How much harm an executed action did; later members are worse."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for the least."""
        return tuple(Severity).index(self)
