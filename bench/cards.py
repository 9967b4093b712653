"""Cards a second: what a card says (core), what Slack is sent for it (the templates), and slack_sdk's own models.

The models make the very blocks that we send, from values that are at hand: nothing is escaped, fitted or signed. Ours
are drawn from cards that are worked out, which they escape, fit and sign. Both end in JSON.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import cycle
from typing import Any

from msgspec.json import Encoder, decode
from msgspec.structs import replace
from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    ContextBlock,
    DividerBlock,
    HeaderBlock,
    MarkdownTextObject,
    PlainTextObject,
    RichTextBlock,
    RichTextElement,
    RichTextElementParts,
    RichTextPreformattedElement,
    RichTextQuoteElement,
    RichTextSectionElement,
    SectionBlock,
    TextObject,
)

from bench.report import Table
from bench.store_floor import proposal
from bot.core.card import Card, card_of, fit
from bot.core.model import Person, Request
from bot.core.token import Tokens
from channels.slack import draw

_PEOPLE = {name: Person(id=name, name=name.title(), slack=f"U0{name.upper()}") for name in ("ana", "ben", "lea")}
_LIMIT = 2_900
_TURNS, _AT_ONCE = 20, 50
_OURS, _MODELS = "cards for Slack, fitted, drawn and signed", "the same blocks by slack_sdk's models"


def _text(value: dict[str, Any]) -> TextObject:
    if value["type"] == "mrkdwn":
        return MarkdownTextObject(text=value["text"], verbatim=value.get("verbatim"))
    return PlainTextObject(text=value["text"], emoji=value.get("emoji"))


def _part(value: dict[str, Any]) -> RichTextElement:
    if value["type"] == "text":
        style = value.get("style")
        styled = RichTextElementParts.TextStyle(**style) if style else None
        return RichTextElementParts.Text(text=value["text"], style=styled)
    kind = _RICH[value["type"]]
    return kind(elements=[_part(element) for element in value["elements"]])


_RICH: dict[str, Callable[..., RichTextElement]] = {
    "rich_text_section": RichTextSectionElement,
    "rich_text_quote": RichTextQuoteElement,
    "rich_text_preformatted": RichTextPreformattedElement,
}


def _button(value: dict[str, Any]) -> ButtonElement:
    return ButtonElement(
        text=_text(value["text"]),
        action_id=value["action_id"],
        value=value.get("value"),
        style=value.get("style"),
        url=value.get("url"),
    )


def modelled(block: dict[str, Any]) -> Block:
    """One of our blocks by slack_sdk's classes."""
    match block["type"]:
        case "header":
            return HeaderBlock(text=_text(block["text"]))
        case "section":
            return SectionBlock(text=_text(block["text"]))
        case "context":
            return ContextBlock(elements=[_text(element) for element in block["elements"]])
        case "actions":
            return ActionsBlock(elements=[_button(element) for element in block["elements"]])
        case "rich_text":
            return RichTextBlock(elements=[_part(element) for element in block["elements"]])
    return DividerBlock()


def _card(request: Request) -> Card:
    return card_of(request, people=_PEOPLE, url="https://sayso.example.com/requests/x", undo="Cannot be undone.")


def _in_turn(kinds: Sequence[Callable[[Request], object]], requests: Iterator[Request], seconds: float) -> list[float]:
    """How many of each a second of processor time, in many short turns: the machine is never the same for long."""
    done, spent = [0] * len(kinds), [0.0] * len(kinds)
    for _ in range(_TURNS):
        for number, once in enumerate(kinds):
            some = [next(requests) for _ in range(_AT_ONCE)]
            began = time.process_time()
            while (passed := time.process_time() - began) < seconds / _TURNS:
                for request in some:
                    once(request)
                done[number] += _AT_ONCE
            spent[number] += passed
    return [made / time for made, time in zip(done, spent, strict=True)]


def _proposals() -> Iterator[Request]:
    """Requests that differ, so that no cache of one card answers for all."""
    sample = [proposal(datetime.now(UTC)) for _ in range(64)]
    number = 0
    while True:
        number += 1
        request = sample[number % len(sample)]
        arguments = {**request.content.arguments, "order": str(number)}
        yield replace(request, content=replace(request.content, arguments=arguments))


def cards(table: Table, seconds: float) -> None:
    """How many a second of each kind, one after the other in this process."""
    tokens = Tokens(("a-secret-that-signs-cards",), "slack.card")
    encode = Encoder().encode
    requests = _proposals()
    blocks = decode(draw.message(_card(next(requests)), "dlv_1", tokens, _PEOPLE.get)["blocks"])
    if [modelled(block).to_dict() for block in blocks] != blocks:
        raise RuntimeError("slack_sdk's models do not make the blocks that we send")

    def core(request: Request) -> Card:
        return fit(_card(request), line=_LIMIT, lines=20, total=12_000)

    def slack(request: Request) -> bytes:
        return encode(draw.message(_card(request), "dlv_1", tokens, _PEOPLE.get))

    worked_out = [_card(next(requests)) for _ in range(64)]
    turns = cycle(worked_out)

    def drawn(_: Request) -> bytes:
        return encode(draw.message(next(turns), "dlv_1", tokens, _PEOPLE.get))

    def models(_: Request) -> bytes:
        return encode([modelled(block).to_dict() for block in blocks])

    kinds = (
        ("cards, the core's part", core),
        ("cards for Slack, worked out too", slack),
        (_OURS, drawn),
        (_MODELS, models),
    )
    for (name, _), made in zip(kinds, _in_turn([once for _, once in kinds], requests, seconds), strict=True):
        table.add(name, made, unit="a second")
    table.ratio("cards, times slack_sdk's models", _OURS, _MODELS, aim=">= 20")
