"""Draws several requests of one place as one message: what they come to, a line each, and buttons for all of them.

`chosen` says which of them stand in it and how much of each, within Slack's limits; who may not approve from that is
decided there, once, and written down before the message is sent (threat T2).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from bot.core.card import KINDS, Asked, Card, Line, by_house
from bot.core.card.summary import summary_of
from bot.core.model import Kind, Person, Risk, Verb
from bot.core.ports import KeyItem
from channels.slack.draw import Button, date, draw, fallback, web
from channels.slack.names import named
from channels.slack.sizes import ONE_TEXT, clip, size
from channels.slack.words import status_of

MOST_ROWS = 20
_ROOM = 9_600
"""Characters of all rows; heading, summary, names and buttons take the rest of `sizes.TOTAL` at most."""
_HEADING, _ACTIONS, _SUMMARY, _ASKED, _DONE = 150, 5, 240, 1_000, 120
_SHARES = {"title": 4, "what": 6, "marks": 4, "says": 4}
"""How a row's room is shared, in parts, where not everything fits; the last part is for its number."""
_PARTS = sum(_SHARES.values()) + 1
_AROUND = 80

_SPEAKER = "The agent says (unchecked): "
ITS_OWN = "Some of these are decided one by one: they cannot be undone, or are no approvals. Open each of them."
CUT = "✂ Not everything of each request is shown here, so they cannot be approved together. Open them to see it all."


class Row(Struct, frozen=True, kw_only=True):
    """One request in its message; every text is plain and on one line.

    ``what`` would run, ``marks`` the house warns of and knows, ``says`` the agent. ``done`` is how it ended. ``whole``:
    nothing is left out.
    """

    number: int
    title: str
    what: str = ""
    marks: str = ""
    says: str = ""
    speaker: str = _SPEAKER
    done: str = ""
    url: str | None = None
    whole: bool = True

    @property
    def sizes(self) -> tuple[int, ...]:
        """Its texts' lengths as Slack may count them."""
        return tuple(map(size, (self.title, self.what, self.marks, self.says, self.done)))

    @property
    def length(self) -> int:
        """All of it, with what the template puts around it."""
        return sum(self.sizes) + _AROUND


class Bundle(Struct, frozen=True, kw_only=True):
    """What one message shows of so many requests, ``items`` in the same order as they were sent.

    ``alike`` is what all that wait would do, where that is the same and so no row repeats it.

    An item's number is 0 where a button for all does not decide it: it is over, or waits for its agent.
    """

    cards: tuple[Card, ...]
    rows: tuple[Row, ...]
    items: tuple[KeyItem, ...]
    alike: str = ""

    @property
    def decidable(self) -> tuple[KeyItem, ...]:
        """What the buttons for all decide."""
        return tuple(item for item in self.items if item.number)

    @property
    def approvable(self) -> bool:
        """Whether all of it may be approved from the message."""
        return approvable(self.items)

    @property
    def stamp(self) -> str:
        """What a person who sees this message has been shown: other as soon as anything of that is."""
        return hashlib.sha256(repr(self.items).encode()).hexdigest()[:16]


def approvable(items: Sequence[KeyItem]) -> bool:
    """Whether those that a button for all decides may all be approved by it."""
    decided = [item for item in items if item.number]
    return bool(decided) and all(item.fully_shown and not item.by_page for item in decided)


def chosen(parts: Sequence[tuple[Card, str]]) -> Bundle:
    """The message of these requests, each with its delivery's id; where they are too many, those that wait go first."""
    cards = [card for card, _ in parts]
    waiting = [index for index, card in enumerate(cards) if card.state.open]
    over = [index for index, card in enumerate(cards) if not card.state.open]
    shown = sorted((waiting + over)[:MOST_ROWS])
    alike = _alike([cards[index] for index in waiting])
    rows = {index: _row(index + 1, cards[index], alike=alike is not None) for index in shown}
    crowded = sum(row.length for row in rows.values()) > _ROOM
    each = _ROOM // max(len(rows), 1) if crowded else _ROOM
    rows = {index: _shortened(row, each - _AROUND) for index, row in rows.items()}
    items = [_item(index, card, delivery, rows.get(index)) for index, (card, delivery) in enumerate(parts)]
    return Bundle(cards=tuple(cards), rows=tuple(rows.values()), items=tuple(items), alike=alike or "")


def _alike(waiting: Sequence[Card]) -> str | None:
    """What all of them would do, and who asks it; said once, where it is short enough to be said whole."""
    told = {_flat(f"Each of them: {_kind(card)}{card.action}, asked by {card.agent}") for card in waiting}
    line = next(iter(told)) if len(told) == 1 else None
    return line if line is not None and size(line) <= _SUMMARY else None


def _item(index: int, card: Card, delivery: str, row: Row | None) -> KeyItem:
    decides = card.state.open and Verb.APPROVE in card.buttons and Verb.REJECT in card.buttons
    return KeyItem(
        request=card.request,
        revision=card.revision,
        digest=card.digest,
        delivery=delivery,
        fully_shown=row is not None and row.whole and card.fully_shown,
        number=index + 1 if decides else 0,
        by_page=card.kind is not Kind.APPROVAL or card.risk == Risk.IRREVERSIBLE or card.needs_reason,
    )


def _row(number: int, card: Card, *, alike: bool) -> Row:
    title, url = _flat(card.title or card.action or "Untitled"), web(card.url)
    if not card.state.open:
        last = card.verdicts[-1] if card.verdicts else None
        ended = f"{last.title} by {last.by}" if last and last.by else last.title if last else status_of(card)
        ran = f" · {card.execution.label}" if card.execution else ""
        return Row(number=number, title=clip(title, _DONE)[0], done=clip(_flat(ended + ran), _DONE)[0], url=url)
    listed = [f"{line.label} {line.text}" for line in card.arguments]
    does = () if alike else (f"{_kind(card)}{card.action} by {card.agent}",)
    waits = "" if card.buttons else f"{status_of(card)}. "
    sure = (f"confidence {card.confidence}",) if card.below_gate else ()
    warned = [f"⚠ {mark}" for mark in (*card.marks, *sure)]
    noted = [card.progress] if card.progress else []
    noted += [f"{line.label}: {line.text}" for line in card.notes]
    says = " · ".join(f"{line.label}: {line.text}" for line in card.claims)
    return Row(
        number=number,
        title=title,
        what=_flat(waits + " · ".join((*does, *listed))),
        marks=_flat(" · ".join((*warned, *noted))),
        says=_flat(says),
        speaker="Sayso says: " if by_house(card) else _SPEAKER,
        url=url,
    )


def _kind(card: Card) -> str:
    return "" if card.kind is Kind.APPROVAL else f"{KINDS[card.kind]}: "


def _flat(text: str) -> str:
    """On one line; newlines that were in the text itself are marked as such already (`scrutiny.visible`)."""
    return " ".join(text.split("\n"))


def _shortened(row: Row, room: int) -> Row:
    """A row within ``room``, none of its texts longer than Slack takes; it says what it leaves out."""
    if sum(row.sizes) <= room and max(row.sizes) <= ONE_TEXT:
        return row
    room = min(room, ONE_TEXT)
    cut = {name: clip(getattr(row, name), room * share // _PARTS) for name, share in _SHARES.items()}
    texts = {name: text for name, (text, _) in cut.items()}
    return replace(row, whole=not any(c for _, c in cut.values()), **texts)


def heading_of(bundle: Bundle) -> str:
    """The batch's name where it is one, which the agent gave; else how many there are."""
    name = bundle.cards[0].batch
    if name is None or not is_batch(bundle):
        return f"{len(bundle.cards)} requests"
    return clip(f"Batch: {_flat(name)}", _HEADING)[0]


def is_batch(bundle: Bundle) -> bool:
    """Whether all of them belong to one batch."""
    return bundle.cards[0].batch is not None and len({card.batch for card in bundle.cards}) == 1


def message(bundle: Bundle, token: str, page: str, person: Callable[[str], Person | None]) -> dict[str, Any]:
    """The message: ``text`` (the fallback) and ``blocks``, within every limit whatever it holds."""
    waiting = [card for card in bundle.cards if card.state.open]
    heading, status = heading_of(bundle), _status(len(waiting), len(bundle.cards))
    decided = bundle.decidable
    blocks = draw(
        "bundle.json.j2",
        heading=heading,
        status=status,
        summary=[_comes_to(line) for line in summary_of(waiting, _ACTIONS)] + ([bundle.alike] if bundle.alike else []),
        rows=bundle.rows,
        more=len(bundle.cards) - len(bundle.rows),
        facts=_facts(waiting, person),
        why=_why_not(bundle) if decided else "",
        buttons=_buttons(bundle, token) if decided else [],
        count=len(decided),
        url=web(page),
    )
    return {"text": fallback(f"{heading}: {status}"), "blocks": blocks}


def _comes_to(line: Line) -> str:
    return clip(_flat(f"{line.label}: {line.text}"), _SUMMARY)[0]


def _status(waiting: int, count: int) -> str:
    if not waiting:
        return "✔ None of these waits any more"
    return f"● {waiting} of {count} wait{'s' if waiting == 1 else ''} for a decision"


def _facts(waiting: Sequence[Card], person: Callable[[str], Person | None]) -> str:
    if not waiting:
        return ""
    asked: dict[str, Asked] = {}
    for card in waiting:
        for one in card.asked:
            asked.setdefault(one.person, one)
    told = named(tuple(asked.values()), person, _ASKED) or "nobody"
    first = min(card.expires_at for card in waiting)
    return f"Asked: {told}\nThe first expires: {date(first)}"


def _why_not(bundle: Bundle) -> str:
    if bundle.approvable:
        return ""
    return ITS_OWN if any(item.by_page for item in bundle.decidable) else CUT


def _buttons(bundle: Bundle, token: str) -> list[Button]:
    offered = [Button("approve_all", "Approve all", "primary", token)] if bundle.approvable else []
    return [*offered, Button("reject_all", "Reject all", "danger", token)]
