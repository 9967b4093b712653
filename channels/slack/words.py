"""What buttons and states are called in Slack; a question, a choice and an exception have words of their own."""

from __future__ import annotations

from collections.abc import Mapping

from bot.core.card import Card, ended
from bot.core.model import Kind, State, Verb

ACTION_IDS = {
    Verb.APPROVE: "approve",
    Verb.APPROVE_WITH_EDITS: "edit",
    Verb.REJECT: "reject",
    Verb.ASK: "ask",
    Verb.ESCALATE: "escalate",
}
ANSWER = "answer"
"""The form in which a question is answered, an option picked, an exception settled: it decides what Approve does."""
VERBS: Mapping[str, Verb] = {name: verb for verb, name in ACTION_IDS.items()} | {ANSWER: Verb.APPROVE}
ALL = {"approve_all": Verb.APPROVE, "reject_all": Verb.REJECT}
"""The buttons of a message that holds several requests."""

_STYLES = {Verb.APPROVE: "primary", Verb.REJECT: "danger"}
_BUTTONS = {
    Verb.APPROVE: "Approve",
    Verb.APPROVE_WITH_EDITS: "Edit…",
    Verb.REJECT: "Reject",
    Verb.ASK: "Ask…",
    Verb.ESCALATE: "Escalate",
}
_ANSWERS = {Kind.QUESTION: "Answer", Kind.CHOICE: "Choose", Kind.EXCEPTION: "Handled"}
_SIGNS = {
    State.APPROVED: "✔",
    State.APPROVED_WITH_EDITS: "✔",
    State.REJECTED: "✘",
    State.EXPIRED: "✘",
    State.CANCELLED: "↩",
    State.BLOCKED: "✘",
}
_WAITS = {
    Kind.APPROVAL: "● Waits for a decision",
    Kind.QUESTION: "● Question: waits for an answer",
    Kind.CHOICE: "● Choice: waits for somebody to pick an option",
    Kind.EXCEPTION: "● Exception: waits for somebody to handle it",
}


def button_of(verb: Verb, kind: Kind) -> str:
    """What a card's button says, 24 characters at most: it is a modal's title and its button too."""
    if kind is not Kind.APPROVAL and verb is Verb.APPROVE:
        return _ANSWERS[kind]
    if kind is not Kind.APPROVAL and verb is Verb.REJECT:
        return "Decline"
    return _BUTTONS[verb]


def style_of(verb: Verb) -> str | None:
    """A button's colour, where it has one."""
    return _STYLES.get(verb)


def status_of(card: Card) -> str:
    """Where a request stands."""
    if card.state is State.PENDING:
        return _WAITS[card.kind]
    if card.state is State.NEEDS_INFO:
        return "● Waits for the agent's answer"
    return f"{_SIGNS[card.state]} {ended(card.kind, card.state)}"
