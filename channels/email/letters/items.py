"""One request in a letter that numbers several: shown whole, or decided on its own page."""

from __future__ import annotations

from bot.core.card import Card
from bot.core.grammar import OPTION
from bot.core.model import Kind, Person, Replies, Risk, State
from channels.email.letters.parts import moment, speaker, status
from channels.email.letters.sheets import Section, entries
from channels.email.letters.sizes import clip, one_line, size

_ARGUMENTS = 1_500
"""Characters of arguments that are read in a list."""
_SHOWN = 2_400
"""Bytes of HTML that an ask shown whole takes: title, action, arguments, warnings, notes."""
_LEAST = 20
_TITLE, _ACTION, _REASON, _NAME = 400, 300, 300, 150
_FRAME, _MARK, _NOTES = 1_350, 170, 600
"""Bytes of HTML around the texts of one (styles, labels, sentences of ours), around a warning, around all notes."""


def shown_in_digest(card: Card) -> bool:
    """Whether a digest shows all of it that a decision needs: what would run, every warning, every note."""
    arguments = sum(len(line.label) + len(line.text) for line in card.arguments)
    elided = any(line.elided for line in (*card.arguments, *card.notes)) or not card.fully_shown
    return not elided and arguments <= _ARGUMENTS and _taken(card) <= _SHOWN


def _taken(card: Card) -> int:
    texts = [card.title, card.action, card.agent, *card.marks]
    for line in (*card.arguments, *card.notes):
        texts += (line.label, line.text)
    return _LEAST * (len(card.arguments) + len(card.notes) + len(card.marks)) + sum(map(size, texts))


def weight(card: Card, link: str) -> int:
    """Bytes of HTML that an ask which is shown whole takes at most, with all that stands around it."""
    around = _FRAME + _MARK * len(card.marks) + (_NOTES if card.notes else 0)
    return around + _taken(card) + size(_facts(card)) + min(size(_reason(card)), _REASON) + size(link)


def approvable_in_digest(card: Card) -> bool:
    """Whether an answer to a digest may approve it; what cannot be undone is approved on its page."""
    if card.state is not State.PENDING or card.replies is not Replies.APPROVE or _irreversible(card):
        return False
    if card.needs_reason:
        return False
    return shown_in_digest(card)


def _irreversible(card: Card) -> bool:
    return card.risk == Risk.IRREVERSIBLE and card.kind.runs


def item(number: int, card: Card, link: str, person: Person, *, hears: bool) -> Section:
    """The request under its number."""
    whole = shown_in_digest(card)
    title, action, agent = one_line(card.title), one_line(card.action), one_line(card.agent)
    if not whole:
        title, action, agent = clip(title, _TITLE)[0], clip(action, _ACTION)[0], clip(agent, _NAME)[0]
    reason = _reason(card)
    claimed = f"{speaker(card)}: {clip(reason, _REASON)[0]}" if reason else ""
    return Section(
        kind="item",
        head=f"{number}. ",
        title=title,
        marks=_marks(card, whole=whole),
        lead=(
            f"{_facts(card)} · expires {moment(card.expires_at, person)}",
            f"Action: {action}, asked by {agent}" + (", with:" if card.arguments and whole else ""),
        ),
        entries=entries(card.arguments) if whole else (),
        notes=entries(card.notes, changes=True) if whole else (),
        after=claimed,
        how=_how(number, card, whole=whole, hears=hears),
        link=link,
        link_says=f"Open request {number}",
    )


def _facts(card: Card) -> str:
    return clip(status(card), _TITLE)[0]


def _reason(card: Card) -> str:
    return one_line(next((line.text for line in card.claims if line.label == "Reason"), ""))


def _marks(card: Card, *, whole: bool) -> tuple[str, ...]:
    """The warnings; how many there are, where they are read on the page."""
    if whole or not card.marks:
        return tuple(f"⚠ {one_line(mark)}" for mark in card.marks)
    count = len(card.marks)
    return (f"⚠ {count} warning{'s stand' if count > 1 else ' stands'} on its page.",)


def _how(number: int, card: Card, *, whole: bool, hears: bool) -> str:
    """In which words it is answered, where those are its own, or why it cannot be; empty where nothing is special."""
    if not hears:
        return ""
    if approvable_in_digest(card):
        return in_its_words(number, card)
    if card.replies is Replies.OFF:
        return "It is decided on its page alone."
    done = "approved" if card.kind is Kind.APPROVAL else "answered"
    if not whole:
        return f"✂ Not everything is shown here, so it can be {done} only on its page."
    if _irreversible(card):
        return f"It cannot be undone, so it can be {done} only on its page."
    return f"By the rules it can be {done} only on its page."


def in_its_words(number: int, card: Card) -> str:
    """How a question, a choice or an exception is answered; empty for an approval."""
    if card.kind is Kind.APPROVAL:
        return ""
    if card.kind is Kind.EXCEPTION:
        return f"An exception: write `handled {number}`, or `answer {number}: your words`."
    first = next((offer.id for offer in card.offers if OPTION.fullmatch(offer.id)), None)
    if first is None:
        return f"A question: write `answer {number}: your words`."
    return f"A {card.kind}: write `choose {number} {first}`, or another of its options."
