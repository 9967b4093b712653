"""What a decision written back, in a thread or a letter, comes to: edits out of words, and words for people."""

from __future__ import annotations

from collections.abc import Mapping

from bot.core.errors import Conflict, Fault, Invalid, SaysoError
from bot.core.forms import Field, parse_form
from bot.core.grammar import OPTION, Command, Form
from bot.core.model import Arguments, Kind, OnIrreversible, Replies, Request, Risk, Route, Verb

UNDERSTOOD: Mapping[Verb, str] = {
    Verb.APPROVE: "approved",
    Verb.APPROVE_WITH_EDITS: "approved with these edits",
    Verb.REJECT: "rejected",
    Verb.ASK: "the agent is asked",
    Verb.ESCALATE: "the next in the chain are asked",
}
"""What a command was taken for, for the answer to whoever wrote it."""

_SAID: Mapping[Kind, str] = {Kind.QUESTION: "answered", Kind.EXCEPTION: "handled"}
_APPROVALS = (Verb.APPROVE, Verb.APPROVE_WITH_EDITS)
_NAME, _NAMES = 40, 10
"""How long a name that may be edited is at most, to be named to whoever misspelt one, and how many are."""


class AnswerOtherwise(Conflict):
    """This is answered in other words."""

    code = "answer_otherwise"


class NoSuchOption(Conflict):
    """There is no such option."""

    code = "no_such_option"


def understood(kind: Kind, verb: Verb, picked: str | None) -> str:
    """What a command was taken for, about a request of this kind; ``picked`` is the option of a choice."""
    if kind is Kind.APPROVAL or verb not in (Verb.APPROVE, Verb.REJECT):
        return UNDERSTOOD[verb]
    if verb is Verb.REJECT:
        return "declined"
    return _SAID.get(kind) or f"the option {picked} is chosen"


def answer_to(request: Request, command: Command) -> str | None:
    """What a ballot's ``answer`` is by a command: a text, the id of an option, or None where nothing is asked.

    Raises `AnswerOtherwise` where what is asked is not answered in these words, `NoSuchOption` for another option; each
    says what to write instead. Of a request that has ended the house says what became of it.
    """
    if not request.state.open or command.verb not in _APPROVALS:
        return command.answer
    offered = [option.id for option in request.content.options]
    if command.form not in _words_for(request) or (command.edits and request.kind is not Kind.APPROVAL):
        raise AnswerOtherwise(_instead(request.kind, offered))
    if command.form is not Form.CHOOSE:
        return command.answer
    return _picked(command.answer or "", offered)


def _words_for(request: Request) -> tuple[Form, ...]:
    """In which words a request is approved."""
    if request.kind is Kind.APPROVAL:
        return (Form.PLAIN,)
    if request.kind is Kind.EXCEPTION:
        return (Form.PLAIN, Form.HANDLED, Form.ANSWER)
    if request.kind is Kind.CHOICE:
        return (Form.CHOOSE,) if request.content.chosen is None else (Form.CHOOSE, Form.PLAIN)
    return (Form.CHOOSE,) if request.content.options else (Form.ANSWER,)


def _picked(written: str, offered: list[str]) -> str:
    """The option that was meant: as it is written, else in any case where that leaves one."""
    same = [option for option in offered if option == written]
    alike = same or [option for option in offered if option.casefold() == written.casefold()]
    if len(alike) == 1:
        return alike[0]
    if alike:
        raise NoSuchOption(f"Write the option in its own case; there are: {_named(offered)}.")
    raise NoSuchOption(f"There is no option {written}; there are: {_named(offered)}.")


def _instead(kind: Kind, offered: list[str]) -> str:
    """What to write, said to whoever wrote something else."""
    if kind is Kind.APPROVAL:
        return "Nothing is asked that could be answered here: write approve, or reject: and your reason."
    if kind is Kind.EXCEPTION:
        return "This is an exception: write handled, or answer: and your words."
    if offered:
        return f"This is a {kind}: write choose and one of its options, {_named(offered)}."
    return "This is a question: write answer: and your words."


def _named(offered: list[str]) -> str:
    """The options' ids; what is no id is no word of a sentence of ours."""
    return ", ".join(option for option in offered if OPTION.fullmatch(option))


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
    """What a letter written back about this request may decide; where nothing runs, nothing is irreversible."""
    return replies_by(request.route, request.risk if request.kind.runs else Risk.READ_ONLY)


def replies_by(route: Route, risk: Risk) -> Replies:
    """What a letter written back may decide: as the route says, and no approval of what only the page may approve."""
    at_page = risk is Risk.IRREVERSIBLE and route.irreversible is OnIrreversible.PAGE
    return max(route.replies, Replies.REJECT_ONLY if at_page else Replies.APPROVE, key=lambda mode: mode.rank)


def allowed(mode: Replies, verb: Verb) -> bool:
    """Whether a reply may decide this; asking and escalating approve nothing, so only ``off`` forbids them."""
    if mode is Replies.OFF:
        return False
    return mode is Replies.APPROVE or verb not in _APPROVALS
