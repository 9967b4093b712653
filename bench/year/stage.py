"""Where the year is played: the real desk on a real store, a clock that is driven, and hands that deliver cards."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from bot.core.card import Card
from bot.core.model import Delivery, DeliveryState, Execution, Person
from bot.core.policy import Policy
from bot.core.ports import Effect, EffectKind, Letter, Order, Place
from bot.desk import Desk, Ledger, Rounds
from bot.routing import parse
from store import SqlStore, open_store

RULES = Path(__file__).parent / "routing.yaml"
CARD_AFTER = timedelta(milliseconds=400)
"""How long a card takes to arrive."""


class DrivenClock:
    """Stands where it is driven to."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        """Now."""
        return self.at


class Room:
    """A channel in which everybody has a place of their own. Its cards are seen to by `Hands`."""

    name = "slack"
    redraws = True

    def place(self, person: Person) -> Place | None:
        """Their own place."""
        return Place(person.slack, person.id) if person.slack else None

    async def send(self, card: Card, delivery: Delivery) -> dict[str, Any]:
        """A card stands where it is sent."""
        return {"channel": delivery.to, "ts": card.request}

    async def stands(self, delivery: Delivery) -> dict[str, Any] | None:
        """Nobody else posts here."""
        del delivery

    async def update(self, card: Card, delivery: Delivery) -> dict[str, Any] | None:
        """It is drawn anew where it stands."""
        del card, delivery

    async def remind(self, card: Card, delivery: Delivery, note: str) -> None:
        """Who is asleep is not woken by it."""

    def gathers(self, person: Person, step: timedelta | None, *, ended: bool) -> timedelta | None:
        """It gathers nothing."""
        del person, step, ended

    async def digest(
        self, asks: Sequence[tuple[Card, Delivery]], tells: Sequence[tuple[Card, Delivery]]
    ) -> Sequence[dict[str, Any]]:
        """There is none, for nothing is gathered."""
        return [{} for _ in (*asks, *tells)]

    async def write(self, letter: Letter, name: str) -> None:
        """Nobody writes here."""

    async def start(self) -> None:
        """Nothing to connect."""

    async def stop(self) -> None:
        """Nothing to close."""

    async def fault(self) -> str | None:
        """Never any."""


class Hands:
    """The courier of the play: it keeps what it is given until time is driven on."""

    def __init__(self) -> None:
        self.effects: list[Effect] = []
        self.executions: list[Execution] = []

    def take(self, effects: Sequence[Effect]) -> None:
        """Keep effects."""
        self.effects += effects

    def take_execution(self, execution: Execution) -> None:
        """Keep an execution."""
        self.executions.append(execution)

    def promise(self) -> bool:
        """Agents run all there is; nothing begins here."""
        return False

    def unpromise(self, places: int) -> None:
        """None are given."""

    def take_order(self, order: Order) -> None:
        """None come, for none are promised."""


@dataclass
class Stage:
    """What the play holds on to."""

    store: SqlStore
    clock: DrivenClock
    ledger: Ledger
    desk: Desk
    room: Room
    hands: Hands
    policy: Policy
    line: int = 0

    async def deliver(self) -> None:
        """See to what the last act owes: cards arrive a moment later, what is to be drawn anew is."""
        while self.hands.effects:
            effects, self.hands.effects = self.hands.effects, []
            cards = [e for e in effects if e.kind in (EffectKind.CARD, EffectKind.NOTICE)]
            rest = [e for e in effects if e not in cards]
            if cards:
                self.clock.at += CARD_AFTER
            for effect in cards:
                await self._card(effect)
            if rest:
                await self.desk.done(rest)

    async def _card(self, effect: Effect) -> None:
        shown = await self.store.request(effect.request)
        found = [d for d in await self.store.deliveries(effect.request) if d.id == effect.ref]
        if shown is None or not found or found[0].state is not DeliveryState.QUEUED:
            await self.desk.done([effect])
            return
        if not shown.state.open and effect.kind is EffectKind.CARD:
            await self.desk.skipped(effect, found[0], "decided before it was sent")
            return
        handle = await self.room.send(self.desk.card_of(shown), found[0])
        await self.desk.sent(effect, found[0], shown, handle)

    async def changed(self) -> tuple[str, ...]:
        """Ids of the requests that changed since this was asked last, as the trail tells."""
        found: dict[str, None] = {}
        while moved := await self.store.changes(self.line, 500):
            self.line = moved[-1].seq
            found |= {each.request: None for each in moved if each.request}
        return tuple(found)


@asynccontextmanager
async def open_stage(url: str, start: datetime, draw: Random, rules: str | None = None) -> AsyncIterator[Stage]:
    """The stage on a store (an address as SAYSO_DATABASE_URL), at a moment; chance comes from ``draw``."""
    store = await open_store(url, exclusive=url.startswith("sqlite"))
    policy = parse(rules or RULES.read_text(encoding="utf-8"), "routing.yaml")
    clock, room, hands = DrivenClock(start), Room(), Hands()
    ledger = Ledger(store, clock, draw.randbytes)
    ledger.courier = hands
    stage: Stage
    desk = Desk(
        ledger, Rounds(ledger, {room.name: room}), lambda: stage.policy, lambda request: f"http://localhost/{request}"
    )
    stage = Stage(store, clock, ledger, desk, room, hands, policy)
    try:
        yield stage
    finally:
        await store.close()
