"""What is said at a card that stands: a reminder to whoever is asked, or a word to whoever is only to know."""

from __future__ import annotations

from msgspec.structs import replace

from bot.core.card import Asked, Card
from bot.core.ports import Effect, EffectKind


def word_of(effect: Effect, card: Card) -> tuple[Card, str] | None:
    """The card as its channel is to say the word, which is for those whom it asks, and the word.

    None where it comes too late: what was to remind of something that has ended by now.
    """
    if effect.kind is EffectKind.REMIND:
        return (card, effect.note) if card.state.open else None
    people, _, word = effect.note.partition("\n")
    return replace(card, asked=tuple(Asked(person, person, 0) for person in people.split())), word
