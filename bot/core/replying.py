"""What a decision written back, in a thread or a letter, comes to: edits out of words, and words for people."""

from __future__ import annotations

from collections.abc import Mapping

from bot.core.errors import Fault, Invalid, SaysoError
from bot.core.forms import Field, parse_form
from bot.core.grammar import Command
from bot.core.model import Arguments, OnIrreversible, Replies, Request, Risk, Route, Verb

UNDERSTOOD: Mapping[Verb, str] = {
    Verb.APPROVE: "approved",
    Verb.APPROVE_WITH_EDITS: "approved with these edits",
    Verb.REJECT: "rejected",
    Verb.ASK: "the agent is asked",
    Verb.ESCALATE: "the next in the chain are asked",
}
"""What a command was taken for, for the answer to whoever wrote it."""

_APPROVALS = (Verb.APPROVE, Verb.APPROVE_WITH_EDITS)
_NAME, _NAMES = 40, 10
"""How long a name that may be edited is at most, to be named to whoever misspelt one, and how many are."""


def edited_by(fields: tuple[Field, ...], command: Command, arguments: Arguments) -> Arguments:
    """The arguments with a command's edits, typed by the form. Raises `Invalid` with a fault for each bad edit."""
    known = {field.name for field in fields}
    # A name may be the agent's own: only what is a single word stands in a sentence of the house's.
    words = [name for name in known if len(name) <= _NAME and name.replace("_", "").isalnum()]
    there = f" (there is: {', '.join(sorted(words)[:_NAMES])})" if words else ""
    faults = tuple(
        Fault(f"/{name}", "not_editable", f"{name} is not an argument that may be edited here{there}")
        for name, _ in command.edits
        if name not in known
    )
    edited, misread = parse_form(fields, dict(command.edits), arguments)
    if faults or misread:
        raise Invalid(faults=faults + misread)
    return edited


def reasons(refusal: SaysoError) -> str:
    """A refusal in a sentence or several: each fault's, where there are any."""
    if not refusal.faults:
        return refusal.detail
    return "; ".join(dict.fromkeys(fault.detail for fault in refusal.faults)) + "."


def replies_to(request: Request) -> Replies:
    """What a letter written back about this request may decide."""
    return replies_by(request.route, request.risk)


def replies_by(route: Route, risk: Risk) -> Replies:
    """What a letter written back may decide: as the route says, and no approval of what only the page may approve."""
    at_page = risk is Risk.IRREVERSIBLE and route.irreversible is OnIrreversible.PAGE
    return max(route.replies, Replies.REJECT_ONLY if at_page else Replies.APPROVE, key=lambda mode: mode.rank)


def allowed(mode: Replies, verb: Verb) -> bool:
    """Whether a reply may decide this; asking and escalating approve nothing, so only ``off`` forbids them."""
    if mode is Replies.OFF:
        return False
    return mode is Replies.APPROVE or verb not in _APPROVALS
