"""One numbered letter for all that waits for a person, each request shown whole or decided on its own page."""

from __future__ import annotations

from collections.abc import Sequence

from bot.core.card import Card
from bot.core.model import Kind, Person, Replies
from channels.email.inbound.text import MARKER
from channels.email.letters.batches import Batch, rest, summary
from channels.email.letters.items import approvable_in_digest, item, shown_in_digest
from channels.email.letters.parts import what
from channels.email.letters.sheets import Drawn, Section, Sheet, draw
from channels.email.letters.sizes import clip, one_line

__all__ = ["MOST_ASKS", "approvable_in_digest", "digest_letter", "shown_in_digest"]

MOST_ASKS = 20
"""Requests in one digest; with each of them as long as it may be, the letter stays below `sizes.HTML`."""
_MOST_TELLS = 12
_TITLE, _NAME = 400, 150

Asks = Sequence[tuple[int, Card, str]]


def digest_letter(
    asks: Asks,
    tells: Sequence[tuple[Card, str]],
    *,
    person: Person,
    hears: bool,
    inbox: str,
    batch: Batch | None = None,
) -> Drawn:
    """One letter for ``asks`` (number, card, link to its page) and ``tells`` (what others decided meanwhile).

    ``inbox`` is the address of all that waits. Of a ``batch``, ``asks`` are those that `listed` chose. Raises
    ValueError for more than `MOST_ASKS` of no batch: those need more letters.
    """
    if batch is None and len(asks) > MOST_ASKS:
        raise ValueError(f"a digest holds {MOST_ASKS} requests at most, not {len(asks)}: write more letters")
    sections = [summary(batch)] if batch else []
    sections += [item(number, card, link, person, hears=hears) for number, card, link in asks]
    sections += [_tell(card, link, first=not index) for index, (card, link) in enumerate(tells[:_MOST_TELLS])]
    sections.append(_answer(asks, len(tells) - _MOST_TELLS, batch, inbox, hears=hears))
    count = _count(len(asks), len(tells)) if batch is None else f"{len(batch.cards)} requests of one batch wait for you"
    name = batch.says if batch else ""
    return draw(
        Sheet(
            subject=f"[Sayso] {count}" + (f": {one_line(name)}" if name else ""),
            preheader=f"{count}: " + (name or ", ".join(clip(card.title, _NAME)[0] for _, card, _ in asks[:3])),
            what=count,
            title=name,
            tone="wait" if asks or batch else "flat",
            marker=MARKER if hears and asks else "",
            to=one_line(person.name),
            sections=sections,
            foot=f"Written to {one_line(person.name)}. Its links are yours alone, so do not pass it on.",
        )
    )


def _answer(asks: Asks, untold: int, batch: Batch | None, inbox: str, *, hears: bool) -> Section:
    """The last section: what is not in the letter, how to answer, and where all of it is."""
    lead: tuple[str, ...] = (f"And {untold} more were decided: the inbox shows them.",) if untold > 0 else ()
    if batch is None:
        how = _how(asks, hears=hears)
        return Section(kind="answer", lead=lead, how=how, link=inbox, link_says="Open the inbox")
    how = _how(asks, hears=hears) if asks else "Decide on the batch’s page. An answer to this letter decides nothing."
    lead += rest(batch, len(asks))
    return Section(kind="answer", lead=lead, how=how, link=batch.link, link_says="Open the batch")


def _count(asks: int, tells: int) -> str:
    if not asks:
        return "1 request was decided" if tells == 1 else f"{tells} requests were decided"
    return "1 request waits for you" if asks == 1 else f"{asks} requests wait for you"


def _tell(card: Card, link: str, *, first: bool) -> Section:
    says, _ = what(card)
    last = card.verdicts[-1] if card.verdicts else None
    by = f" by {clip(one_line(last.by), _NAME)[0]}" if last and last.by else ""
    return Section(
        kind="item",
        head=f"{'Meanwhile decided. ' if first else ''}{says}{by}: ",
        title=clip(one_line(card.title), _TITLE)[0],
        link=link,
        link_says="Open it",
    )


def _how(asks: Asks, *, hears: bool) -> str:
    """The sentence that says how to answer, with numbers that are in the letter."""
    if not asks:
        return ""
    answered = [number for number, card, _ in asks if card.replies is not Replies.OFF] if hears else []
    if not answered:
        return "Decide on the requests’ pages. An answer to this letter decides nothing."
    approved = [n for n, card, _ in asks if card.kind is Kind.APPROVAL and approvable_in_digest(card)]
    approve = f"`approve {', '.join(map(str, approved[:2]))}`, or " if approved else ""
    every = "`approve all`, or `reject all: why`" if len(approved) > 1 else "`reject all: why`"
    all_of_it = f" Or with one line for all {len(asks)} that are listed: {every}." if len(asks) > 1 else ""
    return (
        f"Reply with a line for each: {approve}`reject {answered[-1]}: why`.{all_of_it} "
        "What you do not name goes on waiting."
    )
