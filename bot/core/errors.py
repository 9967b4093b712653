"""What can be refused and why. An error's class docstring is its message; ``code`` is its stable name outside."""

from __future__ import annotations

from typing import Any, ClassVar

from msgspec import Struct


class Fault(Struct, frozen=True):
    """One thing wrong with one field: its JSON Pointer, the rule it broke, and what would be right."""

    pointer: str
    rule: str
    detail: str


class SaysoError(Exception):
    """Something went wrong."""

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 500

    def __init__(self, detail: str | None = None, *, faults: tuple[Fault, ...] = (), **extra: Any) -> None:
        """``detail`` overrides the class's own sentence; ``extra`` reaches the caller as members of the problem."""
        self.detail = detail or (type(self).__doc__ or "").strip()
        self.faults = faults
        self.extra = extra
        super().__init__(self.detail)


class Malformed(SaysoError):
    """The body is not JSON that can be accepted."""

    code = "malformed"
    status = 400


class TooLarge(SaysoError):
    """The body is larger than it may be here."""

    code = "too_large"
    status = 413


class Invalid(SaysoError):
    """A field does not hold what it must."""

    code = "invalid"
    status = 422

    @classmethod
    def at(cls, pointer: str, rule: str, detail: str) -> Invalid:
        """Of one field, named in the message too."""
        return cls(f"{pointer}: {detail}", faults=(Fault(pointer, rule, detail),))


class ReasonNeeded(Invalid):
    """Whoever approves this has to say why."""

    code = "reason_needed"


class Unauthorized(SaysoError):
    """The call needs a key: send Authorization: Bearer <key>."""

    code = "unauthorized"
    status = 401


class Forbidden(SaysoError):
    """This key may not do that."""

    code = "forbidden"
    status = 403


class NotAssigned(SaysoError):
    """You are not asked to review this request."""

    code = "not_assigned"
    status = 403


class OnlyReads(SaysoError):
    """An auditor reads everything and decides nothing."""

    code = "only_reads"
    status = 403


class SelfReview(SaysoError):
    """You asked for this, own the agent that did, or are acted for, so someone else must decide it."""

    code = "self_review"
    status = 403


class NotFound(SaysoError):
    """There is no such thing, or it is not yours to see."""

    code = "not_found"
    status = 404


class Conflict(SaysoError):
    """The request is not in a state that allows this."""

    code = "conflict"
    status = 409


class AlreadyDecided(Conflict):
    """The request has already been decided."""

    code = "already_decided"


class AlreadyVoted(Conflict):
    """You have already decided on this revision."""

    code = "already_voted"


class AlreadyAssessed(Conflict):
    """You have already said what you think of this revision."""

    code = "already_assessed"


class Expired(Conflict):
    """The request expired before this decision."""

    code = "expired"


class Stale(Conflict):
    """The request has changed since you saw it: look at its newest revision and decide again."""

    code = "stale"


class NeedsInfo(Conflict):
    """The request waits for the agent's answer; it can be decided once that is there."""

    code = "needs_info"


class NotFullyShown(Conflict):
    """Not everything that would run was shown here: open the full request and decide there."""

    code = "not_fully_shown"


class ChainEnded(Conflict):
    """There is nobody further to escalate to."""

    code = "chain_ended"


class Resting(Conflict):
    """You decided very much without a pause: rest a little before you approve more."""

    code = "resting"


class DigestMismatch(Conflict):
    """What is stored is not what was approved, so nothing ran."""

    code = "digest_mismatch"


class IdempotencyMismatch(SaysoError):
    """This Idempotency-Key was used with another body: use a new key for a new request."""

    code = "idempotency_mismatch"
    status = 422


class Unavailable(SaysoError):
    """The store cannot be written right now; nothing was changed. Try again."""

    code = "unavailable"
    status = 503


class Unheard(Unavailable):
    """The store was told, and its answer was lost: nobody knows whether it was changed. Look, then try again."""

    code = "unheard"


class Overloaded(SaysoError):
    """Too much at once; nothing was changed. Try again later."""

    code = "overloaded"
    status = 429


class SendFailed(SaysoError):
    """The card could not be sent."""

    code = "send_failed"

    def __init__(
        self,
        detail: str,
        *,
        temporary: bool,
        retry_after: float | None = None,
        unreachable: bool = False,
        gone: bool = False,
    ) -> None:
        """``temporary`` failures are tried again, after ``retry_after`` seconds where the service named them.

        ``detail`` holds codes and our own words alone: what the far side says may quote the card (threat T23), and
        this reaches the trail and the log.

        ``unreachable``: it is the address, at which nobody will be reached with anything else either. ``gone``: the
        card stood there and does not any more, so that a new one may.
        """
        super().__init__(detail)
        self.temporary = temporary
        self.retry_after = retry_after
        self.unreachable = unreachable
        self.gone = gone
