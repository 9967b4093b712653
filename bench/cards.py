"""Cards a second: what a card says (core), and what Slack is sent for it (the templates), in one process."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from msgspec.json import Encoder
from msgspec.structs import replace

from bench.store_floor import proposal
from bot.core.card import Card, card_of, fit
from bot.core.model import Person, Request
from bot.core.token import Tokens
from channels.slack import draw

_PEOPLE = {name: Person(id=name, name=name.title(), slack=f"U0{name.upper()}") for name in ("ana", "ben", "lea")}
_LIMIT = 2_900


def _card(request: Request) -> Card:
    return card_of(request, people=_PEOPLE, url="https://sayso.example.com/requests/x", undo="Cannot be undone.")


def _a_second(once: Callable[[Request], object], requests: Iterator[Request], seconds: float) -> float:
    done = 0
    began = time.perf_counter()
    while (passed := time.perf_counter() - began) < seconds:
        once(next(requests))
        done += 1
    return done / passed


def _proposals() -> Iterator[Request]:
    """Requests that differ, so that no cache of one card answers for all."""
    sample = [proposal(datetime.now(UTC)) for _ in range(64)]
    number = 0
    while True:
        number += 1
        request = sample[number % len(sample)]
        arguments = {**request.content.arguments, "order": str(number)}
        yield replace(request, content=replace(request.content, arguments=arguments))


def cards(seconds: float) -> dict[str, float]:
    """How many a second of each kind: the core's card fitted to a limit, and Slack's message as sent, JSON included."""
    tokens = Tokens(("a-secret-that-signs-cards",), "slack.card")
    encode = Encoder().encode
    requests = _proposals()

    def core(request: Request) -> Card:
        return fit(_card(request), line=_LIMIT, lines=20, total=12_000)

    def slack(request: Request) -> bytes:
        return encode(draw.message(_card(request), "dlv_1", tokens, _PEOPLE.get))

    return {name: _a_second(once, requests, seconds) for name, once in (("core", core), ("slack", slack))}
