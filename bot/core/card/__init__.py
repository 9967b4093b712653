"""What a card says: which facts, in which order, and what of it was left out. No markup; channels draw it.

The facts come from the stored request and the admin's own words; what the agent says of itself stands apart
(`Card.claims`), so that no text of an agent can pass for the house's (threat T1). What a channel cannot show whole is
shortened by `fit`, with a mark that states the true length, and then the card may not be approved there (T2).
"""

from bot.core.card.claims import answers_in, by_house, claims_of
from bot.core.card.endings import execution_line
from bot.core.card.fitting import ELISION, fit, shorten, without_approval
from bot.core.card.measures import Measure
from bot.core.card.telling import buttons_of, card_of, held_until
from bot.core.card.texts import confidence_text, edit_text, literal, name_of, why_text
from bot.core.card.values import Asked, Card, Line, Offer, Verdict
from bot.core.card.words import KINDS, ended
from bot.core.tracks import next_step_at

__all__ = [
    "ELISION",
    "KINDS",
    "Asked",
    "Card",
    "Line",
    "Measure",
    "Offer",
    "Verdict",
    "answers_in",
    "buttons_of",
    "by_house",
    "card_of",
    "claims_of",
    "confidence_text",
    "edit_text",
    "ended",
    "execution_line",
    "fit",
    "held_until",
    "literal",
    "name_of",
    "next_step_at",
    "shorten",
    "why_text",
    "without_approval",
]
