"""Where the year is played: the real desk on a real store, a clock that is driven, and hands that deliver cards."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from msgspec.structs import replace

from bot.core.card import Card
from bot.core.model import Delivery, DeliveryState, Execution, Person
from bot.core.policy import Policy
from bot.core.ports import Effect, EffectKind, Letter, Order, Place
from bot.desk import Desk, Ledger, Rounds
from bot.insight.follower import Follower
from bot.routing import parse
from store import SqlStore, open_store

RULES = Path(__file__).parent / "routing.yaml"
CARD_AFTER = timedelta(milliseconds=400)
"""How long a card takes to arrive."""
_ASKS = (EffectKind.CARD, EffectKind.DIGEST)
_CARDS = (*_ASKS, EffectKind.NOTICE, EffectKind.REFRESH)


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
        return None

    async def update(self, card: Card, delivery: Delivery) -> dict[str, Any] | None:
        """It is drawn anew where it stands."""
        del card, delivery
        return None

    async def remind(self, card: Card, delivery: Delivery, note: str) -> None:
        """Who is asleep is not woken by it."""

    def gathers(self, person: Person, step: timedelta | None, *, ended: bool) -> timedelta | None:
        """It gathers nothing."""
        del person, step, ended
        return None

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
    follower: Follower
    line: int = 0

    def owed(self) -> tuple[Effect, ...]:
        """What the last acts owe outside, once."""
        effects, self.hands.effects = tuple(self.hands.effects), []
        return effects

    async def deliver(self, effect: Effect) -> Delivery | None:
        """A card arrives, or is drawn anew where it stands: what somebody has before them now, in which revision."""
        request = await self.store.request(effect.request)
        found = next((d for d in await self.store.deliveries(effect.request) if d.id == effect.ref), None)
        if request is None or found is None or effect.kind not in _CARDS:
            await self.desk.done([effect])
        elif effect.kind not in _ASKS and found.state is DeliveryState.SENT:
            await self.desk.updated([effect], found, request)
            if found.revision != request.revision:
                # It stood there, and whoever opened it meanwhile saw what it had become.
                return replace(found, revision=request.revision, at=request.content.created_at)
        elif found.state is not DeliveryState.QUEUED:
            await self.desk.done([effect])
        elif not request.state.open and effect.kind in _ASKS:
            await self.desk.skipped(effect, found, "decided before it was sent")
        else:
            handle = await self.room.send(self.desk.card_of(request), found)
            await self.desk.sent(effect, found, request, handle)
            return replace(found, revision=request.revision, at=self.clock.at)
        return None

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
    follower = Follower(store, clock, lambda: stage.policy)
    stage = Stage(store, clock, ledger, desk, room, hands, policy, follower)
    try:
        yield stage
    finally:
        await store.close()
