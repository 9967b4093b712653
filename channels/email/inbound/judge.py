"""May this letter count? A short walk over what is known of it, with the reason where it may not."""

from __future__ import annotations

from channels.email.inbound.trust import Trust
from channels.email.inbound.values import Mail, Reason


def judged(mail: Mail, person_email: str, trust: Trust) -> Reason | None:
    """Why a letter may not decide for the person it was sent to, or None: it may. Pure.

    The first that holds, the gravest before: what cannot be read, machines, who it says it is from, whether that
    is so. ``person_email`` is the address of the token's person.
    """
    if mail.fault is not None:
        return mail.fault
    if mail.machine is not None:
        return mail.machine
    if mail.sender is None or mail.sender_fault is not None:
        return mail.sender_fault or Reason.FROM_NOT_ONE
    if mail.sender != person_email.strip().lower():
        return Reason.SENDER_NOT_RECIPIENT
    if trust is Trust.WEAK:
        return Reason.WEAK_AUTHENTICATION
    return None if trust is Trust.PASS else Reason.NOT_AUTHENTICATED
