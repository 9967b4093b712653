"""What is written back to whoever answered a letter: what was understood, or why nothing was decided. Plain lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from msgspec import Struct

from bot.core.alignment import Effort
from bot.core.card import edit_text
from bot.core.errors import Conflict, SaysoError
from bot.core.grammar import NotUnderstood
from bot.core.joiners import prose
from bot.core.model import Decision, Kind, Person, Request, State, Verb
from bot.core.replying import reasons, understood
from bot.core.scrutiny import visible
from channels.email.inbound.values import Reason

NOTHING = "Nothing was decided."

_STANDS: Mapping[State, str] = {
    State.PENDING: "It still waits for others who are asked.",
    State.NEEDS_INFO: "It waits for the agent's answer; you will be asked again.",
    State.APPROVED: "It is approved.",
    State.APPROVED_WITH_EDITS: "It is approved with edits.",
    State.REJECTED: "It is rejected and will not run.",
}
_TOLD = "The agent is told."
"""How what runs nothing stands once it is decided."""

_WHY: Mapping[str, str] = {
    Reason.WEAK_AUTHENTICATION: (
        "Nothing proves that your mail is yours and was written to this address: neither DMARC, nor a DKIM signature "
        "over its To (Microsoft's is not). Open the request on its page; whoever runs Sayso can make replies work."
    ),
    Reason.TOO_LARGE: "Your mail is larger than 10 MiB. Answer without the attachments.",
}


class NeedsPage(Conflict):
    """This may not be approved by reply: open it on its page and approve it there. It can be rejected by reply."""

    code = "needs_page"


class RepliesOff(Conflict):
    """Replies by mail decide nothing about this request: open it on its page and decide there."""

    code = "replies_off"


class Outcome(Struct, frozen=True, kw_only=True):
    """What one command of a letter came to: a decision, or a refusal. ``title`` says of which request."""

    title: str
    number: int = 0
    request: Request | None = None
    decision: Decision | None = None
    refusal: SaysoError | None = None

    @property
    def word(self) -> str:
        """The named reason, for the trail."""
        if self.refusal is not None:
            return self.refusal.code
        return "command" if self.decision is None else str(self.decision.decision)


def lines_of(outcomes: Sequence[Outcome], person: Person) -> tuple[str, ...]:
    """What every command came to."""
    if len(outcomes) == 1 and not outcomes[0].number:
        refused = outcomes[0].refusal is not None
        return tuple(_one(outcomes[0], "" if refused else f"Understood, {person.name}: ", _STANDS))
    told = [f"{person.name}, this is what was understood."]
    for outcome in outcomes:
        told += _one(outcome, f"{outcome.number}. {visible(outcome.title)}: ".replace("\n", " "))
    return tuple(told)


def _one(outcome: Outcome, head: str, stands: Mapping[State, str] = MappingProxyType({})) -> list[str]:
    """What one command came to; ``stands`` says how the request stands now."""
    if outcome.refusal is not None:
        return [f"{head}{NOTHING} {reasons(outcome.refusal)}"]
    decision, request = outcome.decision, outcome.request
    if decision is None or request is None:
        return [f"{head}{NOTHING}"]
    told = [f"{head}{understood(request.kind, decision.decision, decision.answer)}."]
    if decision.answer and request.kind is not Kind.CHOICE and decision.decision is Verb.APPROVE:
        told.append(f"Your answer: {visible(decision.answer)}")
    effort = Effort()
    told += [f"{visible(edit.pointer.lstrip('/'))}: {edit_text(edit, effort)}" for edit in decision.edits]
    if decision.comment:
        told.append(f"Your words: {prose(decision.comment)}")
    now = stands.get(request.state)
    if now and not request.kind.runs and not request.state.open:
        now = _TOLD
    return [*told, now] if now else told


def not_understood(why: NotUnderstood) -> tuple[str, ...]:
    """Why a text gave no command."""
    return (f"Not understood, so nothing was decided. {why.detail}",)


def refused(reason: str) -> tuple[str, ...]:
    """Why a letter itself did not count."""
    return (f"{NOTHING} {_WHY.get(reason, 'Open the request on its page and decide there.')}",)
