"""One numbered letter for all that waits for a person, each request shown whole or decided on its own page."""

from __future__ import annotations

from collections.abc import Sequence

from bot.core.card import Card
from bot.core.model import Person, Replies, Risk, State
from channels.email.inbound.text import MARKER
from channels.email.letters.parts import WHAT, moment, status
from channels.email.letters.sheets import Drawn, Section, Sheet, draw, entries
from channels.email.letters.sizes import clip, one_line, size

MOST_ASKS = 20
"""Requests in one digest; with each of them as long as it may be, the letter stays below `sizes.HTML`."""
_MOST_TELLS = 12
_ARGUMENTS = 1_500
"""Characters of arguments that are read in a list."""
_SHOWN = 2_400
"""Bytes of HTML that an ask shown whole takes: title, action, arguments, warnings."""
_LEAST = 20
_TITLE, _ACTION, _REASON, _NAME = 400, 300, 300, 150


def shown_in_digest(card: Card) -> bool:
    """Whether a digest shows all of it that a decision needs: what would run, and every warning."""
    texts = [card.title, card.action, card.agent, *card.marks]
    for line in card.arguments:
        texts += (line.label, line.text)
    arguments = sum(len(line.label) + len(line.text) for line in card.arguments)
    rows = _LEAST * (len(card.arguments) + len(card.marks))
    elided = any(line.elided for line in card.arguments) or not card.fully_shown
    return not elided and arguments <= _ARGUMENTS and rows + sum(map(size, texts)) <= _SHOWN


def approvable_in_digest(card: Card) -> bool:
    """Whether an answer to a digest may approve it; what cannot be undone is approved on its page."""
    if card.state is not State.PENDING or card.replies is not Replies.APPROVE or card.risk == Risk.IRREVERSIBLE:
        return False
    return shown_in_digest(card)


def digest_letter(
    asks: Sequence[tuple[int, Card, str]],
    tells: Sequence[tuple[Card, str]],
    *,
    person: Person,
    hears: bool,
    inbox: str,
) -> Drawn:
    """One letter for ``asks`` (number, card, link to its page) and ``tells`` (what others decided meanwhile).

    ``inbox`` is the address of all that waits. Raises ValueError for more than `MOST_ASKS`: those need more letters.
    """
    if len(asks) > MOST_ASKS:
        raise ValueError(f"a digest holds {MOST_ASKS} requests at most, not {len(asks)}: write more letters")
    sections = [_ask(number, card, link, person, hears=hears) for number, card, link in asks]
    sections += [_tell(card, link, first=not index) for index, (card, link) in enumerate(tells[:_MOST_TELLS])]
    more = len(tells) - _MOST_TELLS
    lead = (f"And {more} more were decided: the inbox shows them.",) if more > 0 else ()
    how = _how(asks, hears=hears)
    sections.append(Section(kind="answer", lead=lead, how=how, link=inbox, link_says="Open the inbox"))
    count = _count(len(asks), len(tells))
    return draw(
        Sheet(
            subject=f"[Sayso] {count}",
            preheader=f"{count}: " + ", ".join(clip(card.title, _NAME)[0] for _, card, _ in asks[:3]),
            what=count,
            tone="wait" if asks else "flat",
            marker=MARKER if hears and asks else "",
            to=one_line(person.name),
            sections=sections,
            foot=f"Written to {one_line(person.name)}. Its links are yours alone, so do not pass it on.",
        )
    )


def _count(asks: int, tells: int) -> str:
    if not asks:
        return "1 request was decided" if tells == 1 else f"{tells} requests were decided"
    return "1 request waits for you" if asks == 1 else f"{asks} requests wait for you"


def _ask(number: int, card: Card, link: str, person: Person, *, hears: bool) -> Section:
    whole = shown_in_digest(card)
    title, action, agent = one_line(card.title), one_line(card.action), one_line(card.agent)
    if not whole:
        title, action, agent = clip(title, _TITLE)[0], clip(action, _ACTION)[0], clip(agent, _NAME)[0]
    facts = f"{clip(status(card), _TITLE)[0]} · expires {moment(card.expires_at, person)}"
    lead = [facts]
    reason = next((line.text for line in card.claims if line.label == "Reason"), "")
    claimed = f"The agent says (its own words, unchecked): {clip(one_line(reason), _REASON)[0]}" if reason else ""
    lead.append(f"Action: {action}, asked by {agent}" + (", with:" if card.arguments and whole else ""))
    return Section(
        kind="item",
        head=f"{number}. ",
        title=title,
        marks=_marks(card, whole=whole),
        lead=tuple(lead),
        entries=entries(card.arguments) if whole else (),
        after=claimed,
        how=_why_not(card, whole=whole, hears=hears),
        link=link,
        link_says=f"Open request {number}",
    )


def _marks(card: Card, *, whole: bool) -> tuple[str, ...]:
    """The warnings; how many there are, where they are read on the page."""
    if whole or not card.marks:
        return tuple(f"⚠ {one_line(mark)}" for mark in card.marks)
    count = len(card.marks)
    return (f"⚠ {count} warning{'s stand' if count > 1 else ' stands'} on its page.",)


def _why_not(card: Card, *, whole: bool, hears: bool) -> str:
    """Why an answer cannot approve it; empty where it can, or where no answer arrives."""
    if not hears or approvable_in_digest(card):
        return ""
    if card.replies is Replies.OFF:
        return "It is decided on its page alone."
    if not whole:
        return "✂ Not everything is shown here, so it can be approved only on its page."
    if card.risk == Risk.IRREVERSIBLE:
        return "It cannot be undone, so it can be approved only on its page."
    return "By the rules it can be approved only on its page."


def _tell(card: Card, link: str, *, first: bool) -> Section:
    what, _ = WHAT[card.state]
    last = card.verdicts[-1] if card.verdicts else None
    by = f" by {clip(one_line(last.by), _NAME)[0]}" if last and last.by else ""
    return Section(
        kind="item",
        head=f"{'Meanwhile decided. ' if first else ''}{what}{by}: ",
        title=clip(one_line(card.title), _TITLE)[0],
        link=link,
        link_says="Open it",
    )


def _how(asks: Sequence[tuple[int, Card, str]], *, hears: bool) -> str:
    """The sentence that says how to answer, with numbers that are in the letter."""
    if not asks:
        return ""
    answered = [number for number, card, _ in asks if card.replies is not Replies.OFF] if hears else []
    if not answered:
        return "Decide on the requests’ pages. An answer to this letter decides nothing."
    approved = [number for number, card, _ in asks if approvable_in_digest(card)]
    approve = f"`approve {', '.join(map(str, approved[:2]))}`, or " if approved else ""
    return f"Answer with a line for each: {approve}`reject {answered[-1]}: why`. What you do not name goes on waiting."
