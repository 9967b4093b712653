"""A card within a channel's limits."""

from __future__ import annotations

from msgspec.structs import replace

from bot.core.card.values import Card, Line
from bot.core.model import Replies, Verb

ELISION = "… [shortened: {shown} of {total} characters shown]"


def shorten(text: str, limit: int) -> tuple[str, bool]:
    """The text within ``limit`` characters, the elision stated; and whether anything was left out."""
    if len(text) <= limit:
        return text, False
    mark = ELISION.format(shown=limit, total=len(text))
    keep = max(limit - len(mark), 0)
    return text[:keep] + ELISION.format(shown=keep, total=len(text)), True


def fit(card: Card, *, line: int, lines: int, total: int) -> Card:
    """The card within a channel's limits: ``line`` characters a text, ``lines`` lines, ``total`` characters in all.

    Arguments are served first, then the agent's claims. Where anything was left out the card is not fully shown
    and offers no Approve (nor Edit, which approves too), by button or by reply.
    """
    arguments, room, left, cut = _fit_lines(card.arguments, line, lines, total)
    claims, _, _, cut_claims = _fit_lines(card.claims, line, max(left, 0), max(room, 0))
    title, cut_title = shorten(card.title, min(line, 150))
    if not (cut or cut_claims or cut_title):
        return card
    return without_approval(replace(card, arguments=arguments, claims=claims, title=title))


def without_approval(card: Card) -> Card:
    """The card as one that does not show everything, and so may not be approved from, by button or by reply."""
    kept = tuple(b for b in card.buttons if b not in (Verb.APPROVE, Verb.APPROVE_WITH_EDITS))
    replies = max(card.replies, Replies.REJECT_ONLY, key=lambda mode: mode.rank)
    return replace(card, buttons=kept, replies=replies, fully_shown=False)


def _fit_lines(texts: tuple[Line, ...], line: int, lines: int, total: int) -> tuple[tuple[Line, ...], int, int, bool]:
    kept: list[Line] = []
    cut = False
    for index, item in enumerate(texts):
        if len(kept) >= lines or total < len(ELISION) * 2:
            missing = len(texts) - index
            kept = kept[: max(lines - 1, 0)]
            kept.append(Line("…", f"[{missing} more not shown here]", elided=True))
            return tuple(kept), 0, 0, True
        label, cut_label = shorten(item.label, 150)
        text, cut_text = shorten(item.text, min(line, max(total - len(label), len(ELISION) * 2)))
        elided = cut_label or cut_text
        cut = cut or elided
        kept.append(Line(label, text, elided=elided))
        total -= len(label) + len(text)
    return tuple(kept), total, lines - len(kept), cut
