"""A house without doors: the desk and the courier on a real SQLite file; time and channels are the test's."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from bot.core.card import Card
from bot.core.errors import SendFailed
from bot.core.model import Delivery, Person, Request, Submission, Track, Verb
from bot.core.policy import Policy
from bot.core.ports import Ballot, Letter, Place, Replayer
from bot.courier import Courier
from bot.desk import Access, Desk, Ledger, Rounds
from bot.replay import TargetReplayer, open_replayer
from bot.routing import parse
from store import SqlStore, open_store
from tests.databases import lay

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
REFUND: dict[str, Any] = {"order": "10428", "amount": 240.0}
RULES = (Path(__file__).parent / "routing.yaml").read_text(encoding="utf-8")


def at(request: Request) -> Track:
    """The stage that a request stands in, which it has to have."""
    if request.track is None:
        raise AssertionError("nobody was asked about this request")
    return request.track


class MovableClock:
    """A clock that stands still until it is moved."""

    def __init__(self, at: datetime = START) -> None:
        self.at = at

    def now(self) -> datetime:
        """Now."""
        return self.at

    def move(self, **by: float) -> None:
        """Move it, as ``timedelta`` takes it."""
        self.at += timedelta(**by)


@dataclass
class Wire:
    """A channel that keeps what it is told.

    ``faults`` are raised first, in turn; ``closed`` places answer each time that they are gone, ``lost`` ones that
    nobody will be reached there; ``gate`` holds sending up. Cards go out side by side, so that only ``closed`` and
    ``lost`` say whose fails. ``renamed`` is the handle that the next update gives.
    """

    name: str
    room: str | None = None
    redraws: bool = True
    said: list[tuple[str, str, str, int]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    letters: list[tuple[str, Letter]] = field(default_factory=list)
    digests: list[tuple[list[tuple[str, int]], list[str]]] = field(default_factory=list)
    renamed: dict[str, Any] | None = None
    standing: dict[str, dict[str, Any]] = field(default_factory=dict)
    tells_after: timedelta | None = None
    faults: list[Exception] = field(default_factory=list)
    closed: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)
    gate: asyncio.Event | None = None
    entered: asyncio.Event = field(default_factory=asyncio.Event)
    inside: int = 0
    numbers: Any = field(default_factory=lambda: count(1))

    def place(self, person: Person) -> Place | None:
        """The room, or the person's own place."""
        return Place(self.room, None) if self.room else Place(person.id, person.id)

    async def _say(self, what: str, card: Card, delivery: Delivery) -> None:
        self.entered.set()
        self.inside += 1
        if self.gate is not None:
            await self.gate.wait()
        if self.faults:
            raise self.faults.pop(0)
        if delivery.to in self.closed:
            raise SendFailed("gone", temporary=False)
        if delivery.to in self.lost:
            raise SendFailed("550 5.1.1 no such user", temporary=False, unreachable=True)
        self.said.append((what, delivery.to, str(card.state), card.revision))

    async def everybody(self, several: int) -> None:
        """Wait until so many are at the gate."""
        async with asyncio.timeout(10):
            while self.inside < several:
                await asyncio.sleep(0.001)

    async def send(self, card: Card, delivery: Delivery) -> dict[str, Any]:
        """Keep a card."""
        await self._say("send", card, delivery)
        return {"channel": delivery.to, "ts": str(next(self.numbers))}

    async def stands(self, delivery: Delivery) -> dict[str, Any] | None:
        """As a test sets ``standing``."""
        return self.standing.get(delivery.id)

    async def update(self, card: Card, delivery: Delivery) -> dict[str, Any] | None:
        """Keep an update; ``renamed``, once."""
        await self._say("update", card, delivery)
        handle, self.renamed = self.renamed, None
        return handle

    async def remind(self, card: Card, delivery: Delivery, note: str) -> None:
        """Keep a word."""
        await self._say("remind", card, delivery)
        self.notes.append(note)

    def gathers(self, person: Person, step: timedelta | None, *, ended: bool) -> timedelta | None:
        """As the step or the person says; where a test sets ``tells_after``, that long once it has ended."""
        return self.tells_after if ended else step or person.digest

    async def digest(
        self, asks: Sequence[tuple[Card, Delivery]], tells: Sequence[tuple[Card, Delivery]]
    ) -> Sequence[dict[str, Any]]:
        """Keep a digest: one line a card, and what was asked (with its revision) and told in one letter."""
        for card, delivery in asks:
            await self._say("digest", card, delivery)
        for card, delivery in tells:
            await self._say("told", card, delivery)
        self.digests.append(([(card.request, card.revision) for card, _ in asks], [card.request for card, _ in tells]))
        return [{"letter": next(self.numbers)} for _ in (*asks, *tells)]

    async def write(self, letter: Letter, name: str) -> None:
        """Keep a letter."""
        self.entered.set()
        if self.gate is not None:
            await self.gate.wait()
        if self.faults:
            raise self.faults.pop(0)
        self.letters.append((name, letter))

    async def start(self) -> None:
        """Nothing to connect."""

    async def stop(self) -> None:
        """Nothing to close."""

    async def fault(self) -> str | None:
        """Never anything."""
        return None

    def sent(self, what: str = "send") -> list[str]:
        """Where it said this, in order."""
        return [to for verb, to, _, _ in self.said if verb == what]


@dataclass
class House:
    """What a test holds on to. ``courier`` is made by `work`, ``policy`` may be replaced as a new file would."""

    path: Path
    store: SqlStore
    clock: MovableClock
    ledger: Ledger
    desk: Desk
    access: Access
    channels: dict[str, Wire]
    policy: Policy
    receiver: str = "http://127.0.0.1:9"
    courier: Courier | None = None
    replayer: TargetReplayer | None = None

    def rule(self, change: Callable[[str], str]) -> None:
        """Put changed rules in force."""
        self.policy = parse(change(RULES).replace("RECEIVER", self.receiver), "routing.yaml")

    async def submit(self, action: str = "refund.issue", agent: str = "billing", **content: Any) -> Request:
        """Submit as an agent; a refund unless told otherwise."""
        content.setdefault("arguments", REFUND if action.startswith("refund") else {})
        request, _ = await self.desk.submit(Submission(action=action, **content), agent=agent)
        return request

    async def now(self, request: Request | str) -> Request:
        """The request as it is stored."""
        found = await self.store.request(request if isinstance(request, str) else request.id)
        assert found is not None
        return found

    async def decide(self, request: Request, by: str = "ana", verb: Verb = Verb.APPROVE, **more: Any) -> Request:
        """Decide on a request as it was shown."""
        return await self.desk.decide(ballot(request, by, verb, **more))

    async def events(self, request: Request | str) -> list[str]:
        """The types of the request's audit lines; of a refusal, its reason too."""
        lines = await self.store.audit(request if isinstance(request, str) else request.id)
        return [_named(line.body) for line in lines]

    async def work(self, replayer: Replayer | None = None, *, at_once: bool = True) -> Courier:
        """A courier at work, as after a start; ``at_once``: runs begin in the transactions that approve them."""
        self.replayer = open_replayer(secrets=(SECRET,), allow_private=lambda: ("127.0.0.0/8",))
        courier = Courier(
            self.desk,
            self.clock,
            self.channels,
            replayer or self.replayer,
            herald=self.replayer,
            agent_url=lambda name: spec.webhook if (spec := self.policy.agents.get(name)) else None,
            describe=lambda request: {"id": request.id, "state": str(request.state)},
        )
        self.courier = self.ledger.courier = courier
        self.ledger.begin = self.desk.begin if at_once else None
        await courier.start()
        return courier

    async def rest(self, within: float = 5.0) -> None:
        """Wait until the courier has nothing under way (what sleeps until a later hour does not count)."""
        assert self.courier is not None
        async with asyncio.timeout(within):
            while self.courier._shift._tasks:  # noqa: SLF001  # there is no other way to see that it rests
                await asyncio.sleep(0.002)

    async def later(self, **by: float) -> None:
        """Time passes: the desk is woken, and the courier looks at what it put off."""
        self.clock.move(**by)
        await self.desk.wake()
        if self.courier is not None:
            self.ring()
            await self.rest()

    def ring(self) -> None:
        """Let every alarm of the courier look at the clock, which each does within a minute by itself."""
        assert self.courier is not None
        for alarm in tuple(self.courier._shift._alarms.values()):  # noqa: SLF001  # likewise
            look = alarm._callback  # type: ignore[attr-defined]  # noqa: SLF001  # gone once it is cancelled
            alarm.cancel()
            look()

    def sql(self, statement: str, *values: Any) -> list[Any]:
        """Lay hands on the file itself, as an intruder would."""
        with sqlite3.connect(self.path, timeout=5) as connection:
            found = connection.execute(statement, values).fetchall()
        connection.close()
        return found


def _named(body: str) -> str:
    event = json.loads(body)
    return f"refusal:{event['data']['reason']}" if event["type"] == "refusal" else str(event["type"])


def ballot(request: Request, by: str = "ana", verb: Verb = Verb.APPROVE, **more: Any) -> Ballot:
    """A ballot on a request as it was shown."""
    shown: dict[str, Any] = {"revision": request.revision, "digest": request.digest}
    return Ballot(request=request.id, decision=verb, by=by, channel="slack", **(shown | more))


def edits(request: Request, **changes: Any) -> Mapping[str, Any]:
    """The arguments with changes."""
    return {**request.content.arguments, **changes}


@asynccontextmanager
async def open_house(
    path: Path,
    *,
    channels: dict[str, Wire] | None = None,
    clock: MovableClock | None = None,
    receiver: str = "",
    url: str = "",
) -> AsyncIterator[House]:
    """Open a house on the file at ``path``, which another may have left behind, or on the database at ``url``."""
    if not url:
        lay(path)
    store = await open_store(url or f"sqlite+aiosqlite:///{path}", exclusive=True)
    moved = clock or MovableClock()
    numbers = count(1)
    ledger = Ledger(store, moved, lambda size: next(numbers).to_bytes(size, "big"))
    wires = {"slack": Wire("slack"), "email": Wire("email")} if channels is None else channels
    address = receiver or "http://127.0.0.1:9"
    policy = parse(RULES.replace("RECEIVER", address), "routing.yaml")
    house: House
    desk = Desk(ledger, Rounds(ledger, wires), lambda: house.policy, lambda request: f"https://sayso.test/{request}")
    house = House(path, store, moved, ledger, desk, Access(ledger), wires, policy, address)
    try:
        yield house
    finally:
        if house.courier is not None:
            await house.courier.stop(2)
        if house.replayer is not None:
            await house.replayer.close()
        await store.close()
