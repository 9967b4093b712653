"""The words that pages say from Python; what belongs to one page alone stands in its template."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.core.model import DeliveryState, ExecutionState, Person, PersonRole, Request, Risk, Severity, State
from bot.core.policy import REVIEW_AFTER
from bot.web.inbox.language import words

STATES = {
    State.PENDING: words("Waiting for a decision"),
    State.NEEDS_INFO: words("Waiting for the agent’s answer"),
    State.BLOCKED: words("Blocked by rule"),
}
"""What pages say otherwise than `bot.core.card.ended`, which tells of the other states."""

TONES = {
    State.PENDING: "wait",
    State.NEEDS_INFO: "wait",
    State.APPROVED: "good",
    State.APPROVED_WITH_EDITS: "good",
    State.REJECTED: "bad",
    State.EXPIRED: "flat",
    State.CANCELLED: "flat",
    State.BLOCKED: "bad",
}

RISKS = {
    Risk.READ_ONLY: words("Read only"),
    Risk.REVERSIBLE: words("Reversible"),
    Risk.IRREVERSIBLE: words("Irreversible"),
}

CATEGORIES = {
    "wrong_target": words("Wrong target"),
    "wrong_amount": words("Wrong amount"),
    "not_needed": words("Not needed"),
    "policy": words("Against policy"),
    "unclear": words("Unclear"),
    "other": words("Something else"),
}

SEVERITIES = {
    Severity.LOW: words("Low: noticed, and no harm done"),
    Severity.MEDIUM: words("Medium: harm that is put right with some work"),
    Severity.HIGH: words("High: harm to people or money"),
    Severity.CRITICAL: words("Critical: harm that goes on, or cannot be put right"),
}
"""How bad an incident is; a rejection in a review afterwards says the same."""

CHANNELS = {
    "inbox": words("the inbox"),
    "slack": words("Slack"),
    "email": words("mail"),
    "push": words("push"),
    "api": words("the API"),
}

DELIVERIES = {
    DeliveryState.QUEUED: words("on its way"),
    DeliveryState.SENT: words("sent"),
    DeliveryState.FAILED: words("failed"),
    DeliveryState.SKIPPED: words("skipped"),
}

EXECUTION_TONES = {
    ExecutionState.EXECUTED: "good",
    ExecutionState.FAILED: "bad",
    ExecutionState.UNKNOWN: "alarm",
}

INCIDENT = words("{state}, and did harm")
RAN = {
    ExecutionState.FAILED: words("{state}, but it failed"),
    ExecutionState.UNKNOWN: words("{state}, outcome unknown"),
    ExecutionState.ROLLED_BACK: words("{state}, rolled back"),
    ExecutionState.CANCELLED: words("{state}, stopped"),
}
"""What came of an approval where it is not what was approved: a list that says "Approved" alone would hide it."""

VOTED = words("You have approved this revision. It waits for the others who are asked.")
NOT_ASKED = words("You are not asked to review this request: you can read it, but not decide it.")
NOT_YET = words("You are not asked to review this request yet: you can read it, and decide it once you are.")
TIME_OVER = words("The time to decide this is over.")
FOREIGN_FORM = words(
    "This form did not come from {origin}, so nothing was changed. Open the inbox there and try again."
)
FORGED_FORM = words(
    "This form does not belong to your session, so nothing was changed. Open the page anew and try again."
)
SESSION_OVER = words("You are not signed in any more, so nothing was changed. Sign in and decide again.")
LINK_SPENT = words("This link was used already, or it is too old. Ask for a new one.")
NOTHING_CHANGED = words("You changed nothing. Change a value, or approve it as it is.")
UNKNOWN_DECISION = words(
    "The form does not say what you decided, so nothing was changed. Open the page anew and try again."
)
NO_WHY = words("Say why you approve it: of this risk an approval needs a reason.")
NO_REASON = words("Say why, so that the agent and the next reviewer can learn from it.")
NO_CATEGORY = words("Pick what is wrong with it.")
NO_QUESTION = words("Write the question that the agent shall answer.")
NO_ANSWER = words("Write an answer.")
NO_PICK = words("Pick one of the options.")
NO_EMERGENCY = words("Say what the emergency is. Whoever reviews this afterwards reads it first.")
NO_BATCH = words("No request of this batch waits for you.")
NO_BUTTON = words("Nothing was decided. Press one of the two buttons at the end.")
NONE_TICKED = words("Tick at least one request.")
CHANGED_SINCE = words("It changed after this page was opened, so nothing was decided. Look at it as it is now.")
DECIDED_ALREADY = words("It was already {state} by {who}; your decision was not counted.")
VOTE_COUNTED = words("Your vote is counted; it waits for others")
BY_ITSELF = words("It is decided on its own page, never together with others.")
NO_NOTE = words("Say how you found out, so that the record can be trusted.")
TOO_LONG = words("At most {limit:,} characters, please.")
NO_SEVERITY = words("Say how bad it was.")
NO_HARM = words("Say what happened, so that others can act on it.")
NO_SETTLEMENT = words("Say whether it happened or not.")
NOT_YOURS_TO_SETTLE = words(
    "Only people who were asked about this request, and admins, can say how it ended. You were not asked."
)
NO_REVISION = words("The form does not say which revision was read, so nothing was written down.")
FOREIGN_STREAM = words("Only a page of this house is told of changes here.")
SIGNED_OUT = words("You are not signed in.")
NOWHERE = words("There is nothing at this address. If you followed a link, part of it may be missing.")
NOT_SHOWN = words(
    "Something went wrong inside, so this cannot be shown. Whoever runs the bot finds what happened in its log."
)
WENT_WRONG = words(
    "Something went wrong inside, so whether it was done is not sure. Open the page anew to see. "
    "Whoever runs the bot finds what happened in its log."
)
NO_SUCH_REQUEST = words("There is no request with this id.")

ROLES = {
    PersonRole.REVIEWER: words("reviewer"),
    PersonRole.ADMIN: words("admin"),
    PersonRole.AUDITOR: words("auditor"),
}

ROLES_AT_LENGTH = {
    PersonRole.REVIEWER: words("Reviewer: decides what they are asked"),
    PersonRole.ADMIN: words("Admin: decides what they are asked, and runs Sayso"),
    PersonRole.AUDITOR: words("Auditor: reads everything and decides nothing"),
}


def categories_of(request: Request) -> Mapping[str, str]:
    """What a rejection may be called; in a review afterwards, how bad what ran was."""
    return {str(key): said for key, said in SEVERITIES.items()} if request.action == REVIEW_AFTER else CATEGORIES


_MINUTE = 60
_HOUR = 3600
_DAY = 86400


def span(length: timedelta) -> str:
    """A length of time in its two largest units: ``2 h 10 min``."""
    seconds = max(int(length.total_seconds()), 0)
    if seconds < _MINUTE:
        return f"{seconds} s"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE} min"
    if seconds < _DAY:
        hours, rest = divmod(seconds, _HOUR)
        return f"{hours} h {rest // _MINUTE} min" if rest >= _MINUTE else f"{hours} h"
    days, rest = divmod(seconds, _DAY)
    return f"{days} d {rest // _HOUR} h" if rest >= _HOUR else f"{days} d"


def distance(at: datetime, now: datetime) -> str:
    """How far off a moment is: ``in 2 h 10 min``, ``5 min ago``, ``just now``."""
    if abs(at - now) < timedelta(seconds=5):
        return "just now"
    return f"in {span(at - now)}" if at > now else f"{span(now - at)} ago"


def clock_time(at: datetime, person: Person | None, now: datetime) -> str:
    """A moment on the reader's own clock, its zone named; the year only where it is another one."""
    zone = ZoneInfo(person.timezone if person else "UTC")
    there = at.astimezone(zone)
    year = f" {there.year}" if there.year != now.astimezone(zone).year else ""
    return f"{there:%a} {there.day} {there:%b}{year}, {there:%H:%M} {there.tzname()}"


def size_of(text: str) -> str:
    """``1,204 characters, 31 lines`` where a text is long enough for that to matter, else nothing."""
    lines = text.count("\n") + 1
    if lines == 1 and len(text) <= 300:  # noqa: PLR2004  # as in core.card.literal
        return ""
    return f"{len(text):,} characters, {lines:,} line{'s' if lines > 1 else ''}"
