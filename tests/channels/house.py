"""A small house in memory behind the `Reviews` port: the core's own rules, no store, and a courier of ten lines."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from bot.core import errors, lifecycle
from bot.core.card import Card, card_of
from bot.core.digest import digest_of
from bot.core.forms import Field, fields_of
from bot.core.model import (
    Delivery,
    DeliveryState,
    Execution,
    ExecutionState,
    Kind,
    Person,
    Request,
    Revision,
    Risk,
    Route,
    Stage,
    State,
    Step,
    Then,
)
from bot.core.ports import Ballot, Channel
from tests.channels.ruling import ruled

REFUND = {"order": "10428", "amount": 240.0, "currency": "USD"}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["order", "amount"],
    "properties": {
        "order": {"type": "string"},
        "amount": {"type": "number", "minimum": 0, "description": "What is paid back"},
        "currency": {"enum": ["USD", "EUR", ""]},
    },
}
PEOPLE = (
    Person(id="ana", name="Ana Silva", slack="U0ANA"),
    Person(id="ben", name="Ben <Okri>", slack="U0BEN"),
    Person(id="lea", name="Lea", slack="U0LEA"),
    Person(id="gus", name="Gus", slack="U0GUEST"),
    Person(id="sue", name="Sue", slack="U0STRANGER"),
    Person(id="old", name="Old", slack="U0GONE"),
    Person(id="nil", name="Nil"),
)
_OF_CONTENT = ("reason", "confidence", "context", "options", "differs")


class TestClock:
    """The time, which tests move; it runs along with the real one."""

    __test__ = False

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def now(self) -> datetime:
        """Now, moved."""
        return datetime.now(UTC) + self.ahead


class House:
    """Requests, deliveries and what was refused. ``slow`` seconds pass in each decision before it is committed."""

    def __init__(self) -> None:
        self.clock = TestClock()
        self.people = {person.id: person for person in PEOPLE}
        self.requests: dict[str, Request] = {}
        self.deliveries: list[Delivery] = []
        self.refusals: list[tuple[str | None, str, str, str]] = []
        self.ballots: list[Ballot] = []
        self.schema: dict[str, Any] | None = SCHEMA
        self.editable: tuple[str, ...] | None = None
        self.slow = 0.0
        self.practises: str | None = None
        self.broken: Exception | None = None
        self.channel: Channel | None = None
        self._numbers = itertools.count(1)
        self._tasks: set[asyncio.Task[None]] = set()

    def submit(self, arguments: dict[str, Any] | None = None, **changes: Any) -> Request:
        """Put a request to Ana and Ben, and Lea after them; ``changes`` are fields of the request or its revision."""
        now, request_id = self.clock.now(), f"req_{next(self._numbers)}"
        arguments = REFUND if arguments is None else arguments
        action = changes.pop("action", "refund.issue")
        content = {name: changes.pop(name) for name in _OF_CONTENT if name in changes}
        steps = (
            Step(notify=("ana", "ben"), people=("ana", "ben", "gus", "sue", "old"), wait=timedelta(minutes=15)),
            Step(notify=("lea",), people=("lea",)),
        )
        route = Route(
            then=Then.STAGES,
            rule="refunds",
            why='held: action == "refund.issue"',
            stages=(Stage(name="finance", chain="finance", steps=steps),),
            gate=0.85,
            warnings=changes.pop("warnings", ()),
        )
        request = Request(
            id=request_id,
            state=State.PENDING,
            kind=changes.pop("kind", Kind.APPROVAL),
            agent="billing-assistant",
            action=action,
            title=changes.pop("title", "Refund 240.0 USD on order 10428"),
            risk=Risk.IRREVERSIBLE,
            route=route,
            content=self._revision(request_id, 1, action, arguments, **content),
            created_at=now,
            expires_at=now + timedelta(hours=24),
        )
        self.requests[request_id] = replace(lifecycle.begin(request, now), **changes)
        return self.requests[request_id]

    def _revision(self, request: str, number: int, action: str, arguments: dict[str, Any], **more: Any) -> Revision:
        bound = digest_of(
            request=request, revision=number, agent="billing-assistant", action=action, arguments=arguments,
            target="agent",
        )  # fmt: skip
        return Revision(
            request=request,
            number=number,
            digest=bound,
            author="agent:billing-assistant",
            created_at=self.clock.now(),
            action=action,
            arguments=arguments,
            target="agent",
            **more,
        )

    async def send(self, request: Request, person: str = "ana", *, to: str | None = None) -> Delivery:
        """Send the request's card where the channel reaches the person (or ``to``), and keep its handle."""
        channel, delivery = self._queued(request, person, to)
        return self._sent(delivery, await channel.send(self.card_of(request), delivery))

    async def send_all(self, requests: Sequence[Request], person: str = "ana") -> list[Delivery]:
        """Send them as one message, and keep its handles."""
        queued = [self._queued(request, person, None) for request in requests]
        asks = [(self.card_of(request), d) for request, (_, d) in zip(requests, queued, strict=True)]
        handles = await queued[0][0].digest(asks, ())
        return [self._sent(delivery, handle) for (_, delivery), handle in zip(queued, handles, strict=True)]

    def _queued(self, request: Request, person: str, to: str | None) -> tuple[Channel, Delivery]:
        channel = self.channel
        assert channel is not None
        place = channel.place(self.people[person])
        assert place is not None
        return channel, Delivery(
            id=f"dlv_{next(self._numbers)}", request=request.id, channel=channel.name, to=to or place.to,
            person=place.person, stage=0, step=0, state=DeliveryState.QUEUED, at=self.clock.now(),
            revision=request.revision,
        )  # fmt: skip

    def _sent(self, delivery: Delivery, handle: dict[str, Any]) -> Delivery:
        sent = replace(delivery, state=DeliveryState.SENT, handle=handle)
        self.deliveries.append(sent)
        return sent

    async def refresh(self, request_id: str) -> None:
        """Bring every card of a request up to date, as the courier does."""
        channel, request = self.channel, self.requests[request_id]
        assert channel is not None
        for index, delivery in enumerate(self.deliveries):
            if delivery.request == request_id:
                await channel.update(self.card_of(request), delivery)
                self.deliveries[index] = replace(delivery, revision=request.revision)

    async def settle(self) -> None:
        """Wait until the courier has nothing left to do."""
        while self._tasks:
            await asyncio.gather(*self._tasks)
            # From Python 3.12 on gather gives no turn away for what is done, and only in one does that leave the set.
            await asyncio.sleep(0)

    def execute(self, request_id: str, state: ExecutionState, **more: Any) -> None:
        """Put an execution on a request."""
        request = self.requests[request_id]
        execution = Execution(
            id="exe_1", request=request.id, revision=request.revision, digest=request.digest, state=state,
            due_at=None, **more,
        )  # fmt: skip
        self.requests[request_id] = replace(request, execution=execution)

    async def decide(self, ballot: Ballot) -> Request:
        """As the desk does: judge, commit, then let the courier update the cards; refusals are recorded."""
        self.ballots.append(ballot)
        if self.slow:
            await asyncio.sleep(self.slow)
        if self.broken is not None:
            raise self.broken
        try:
            after = self._decided(ballot)
        except errors.SaysoError as refusal:
            await self.refused(
                request_id=ballot.request, actor=f"person:{ballot.by}", via=ballot.channel, reason=refusal.code
            )
            raise
        if after is self.requests.get(after.id):
            return after
        self.requests[after.id] = after
        if self.channel is not None:
            task = asyncio.get_running_loop().create_task(self.refresh(after.id))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return after

    def _decided(self, ballot: Ballot) -> Request:
        request = self.requests.get(ballot.request)
        if request is None:
            raise errors.NotFound
        if any(kept.id == ballot.id for kept in request.decisions):
            return request
        return ruled(request, ballot, ballot.id or f"dec_{next(self._numbers)}", self.clock.now(), self._next)

    def _next(self, request: Request, arguments: dict[str, Any], **more: Any) -> Revision:
        return self._revision(request.id, request.revision + 1, request.action, arguments, **more)

    def revise(self, request_id: str, arguments: dict[str, Any]) -> None:
        """Give a request its next revision, as when the agent answers a question."""
        request = self.requests[request_id]
        self.requests[request_id] = replace(request, content=self._next(request, arguments))

    async def request(self, request_id: str) -> Request | None:
        """The request as it stands."""
        return self.requests.get(request_id)

    async def card(self, request_id: str) -> Card | None:
        """Its card as it stands."""
        request = self.requests.get(request_id)
        return self.card_of(request) if request else None

    def card_of(self, request: Request) -> Card:
        """The card of a request at hand."""
        url = f"https://sayso.example/requests/{request.id}"
        return card_of(request, people=self.people, url=url, undo="reverse the refund")

    def announced(self) -> str | None:
        """As the test says."""
        return self.practises

    async def queue(self, person: str) -> tuple[Card, ...]:
        """The cards that wait for this person."""
        return tuple(self.card_of(r) for r in self.requests.values() if person in r.assignees)

    async def refused(self, *, request_id: str | None, actor: str, via: str, reason: str) -> None:
        """Keep who was refused and why."""
        self.refusals.append((request_id, actor, via, reason))

    async def delivery_at(self, channel: str, place: Mapping[str, str]) -> Delivery | None:
        """Which card stands at this place."""
        for delivery in self.deliveries:
            if delivery.channel == channel and place.items() <= (delivery.handle or {}).items():
                return delivery
        return None

    def person(self, person_id: str) -> Person | None:
        """A person by id."""
        return self.people.get(person_id)

    def person_by_slack(self, user: str) -> Person | None:
        """A person by Slack user id."""
        return next((p for p in self.people.values() if p.slack == user), None)

    def fields(self, request: Request) -> tuple[Field, ...]:
        """The form for editing this request's arguments."""
        return fields_of(self.schema, request.content.arguments, self.editable)

    @property
    def reasons(self) -> list[str]:
        """Why people were refused, oldest first."""
        return [reason for *_, reason in self.refusals]
