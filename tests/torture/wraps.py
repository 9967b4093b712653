"""The program's ports, wrapped from outside: each says where it is, and does what it did."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from bot.core.card import Card
from bot.core.model import Delivery, Event
from bot.core.ports import Change, Channel, Letter, Order, Outcome, Store, Tx
from bot.replay.replayer import TargetReplayer
from tests.torture.points import Points

SILENT = {
    "beat": "replica.alive",
    "erase": "subject.erased",
    "finish": "effects.done",
    "follow": "insight.followed",
    "postpone": "effects.postponed",
    "put_grant": "grant.kept",
}
"""What of a `Tx` writes without a word on the trail, and what such a unit is called; all else of it has events."""


class NotedTx:
    """A `Tx` that remembers what its unit writes: the types of its events; where it has none, what it does."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self.wrote: list[str] = []

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._tx, name)

        def noted(*given: Any, **named: Any) -> Any:
            self.wrote += [event.type for value in (*given, *named.values()) for event in _events(value)]
            if name in SILENT and (name != "finish" or given[0]):
                self.wrote.append(SILENT[name])
            if name == "pause" and (named.get("agent") or named.get("action")):
                self.wrote.append("a switch by name")
            return method(*given, **named)

        return noted


def _steps(wrote: Sequence[str]) -> tuple[str, ...]:
    """What a unit did, each once; a run that begins in the transaction that lets it through has a name of its own."""
    done = dict.fromkeys(wrote)
    if "execution.started" in done and not done.keys().isdisjoint(("request.submitted", "request.decided")):
        done["a run begun as it is let through"] = None
    return tuple(done)


def _events(value: Any) -> list[Event]:
    """What a value given to a `Tx` puts on record, several changes at once too."""
    if isinstance(value, list | tuple):
        return [event for one in value for event in _events(one)]
    found = value.event if isinstance(value, Change) else value
    return [found] if isinstance(found, Event) else []


class NotedStore:
    """A `Store` whose writes pass two points for each event: in the open transaction, and after its commit."""

    def __init__(self, store: Store, points: Points) -> None:
        self._store = store
        self._points = points

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def write(self, work: Callable[[Tx], Any], **named: Any) -> Any:
        """See `Store.write`."""
        wrote: list[str] = []

        def unit(tx: Tx) -> Any:
            noted: Any = NotedTx(tx)
            value = work(noted)
            wrote[:] = _steps(noted.wrote)
            for what in wrote:
                self._points.reach(f"{what}:before commit")
            return value

        value = await self._store.write(unit, **named)
        for what in wrote:
            self._points.reach(f"{what}:after commit")
        return value


class NotedChannel:
    """A `Channel` that passes a point before it acts, and one once it has and nothing says so yet."""

    def __init__(self, channel: Channel, points: Points) -> None:
        self._channel = channel
        self._points = points

    def __getattr__(self, name: str) -> Any:
        return getattr(self._channel, name)

    async def _noted(self, what: str, doing: Awaitable[Any]) -> Any:
        name = f"{self._channel.name} {what}"
        self._points.reach(f"{name}:not sent")
        done = await doing
        self._points.reach(f"{name}:sent, not recorded")
        return done

    async def send(self, card: Card, delivery: Delivery) -> Any:
        """See `Channel.send`."""
        return await self._noted("card", self._channel.send(card, delivery))

    async def update(self, card: Card, delivery: Delivery) -> Any:
        """See `Channel.update`."""
        return await self._noted("update", self._channel.update(card, delivery))

    async def remind(self, card: Card, delivery: Delivery, note: str) -> None:
        """See `Channel.remind`."""
        await self._noted("words", self._channel.remind(card, delivery, note))

    async def digest(self, asks: Sequence[Any], tells: Sequence[Any]) -> Any:
        """See `Channel.digest`."""
        return await self._noted("digest", self._channel.digest(asks, tells))

    async def write(self, letter: Letter, name: str) -> None:
        """See `Channel.write`."""
        await self._noted("letter", self._channel.write(letter, name))


class NotedReplayer:
    """The replayer and herald: claimed and not yet sent, answered and not yet recorded."""

    def __init__(self, replayer: TargetReplayer, points: Points) -> None:
        self._replayer = replayer
        self._points = points

    def __getattr__(self, name: str) -> Any:
        return getattr(self._replayer, name)

    async def run(self, order: Order) -> Outcome:
        """See `Replayer.run`."""
        self._points.reach("replay:claimed, not connected")
        outcome = await self._replayer.run(order)
        self._points.reach("replay:ended, not recorded")
        return outcome

    async def post_event(self, url: str, **named: Any) -> Outcome:
        """See `Herald.post_event`."""
        self._points.reach("agent webhook:not sent")
        outcome = await self._replayer.post_event(url, **named)
        self._points.reach("agent webhook:sent, not recorded")
        return outcome


class NotedWeb:
    """The ASGI application: what a call changed is committed and its answer has not left; it has left."""

    def __init__(self, web: Any, points: Points) -> None:
        self._web = web
        self._points = points

    def __getattr__(self, name: str) -> Any:
        return getattr(self._web, name)

    async def __call__(self, scope: Mapping[str, Any], receive: Any, send: Any) -> None:
        """See ASGI."""
        what = _call(scope) if scope["type"] == "http" else None
        if what is None:
            await self._web(scope, receive, send)
            return

        async def noted(message: Mapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                self._points.reach(f"{what}:not answered")
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                self._points.reach(f"{what}:answered")

        await self._web(scope, receive, noted)


def _call(scope: Mapping[str, Any]) -> str | None:
    """What a call is named by: its last word; None for what changes nothing."""
    path = str(scope["path"]).strip("/").split("/")
    if scope["method"] != "POST" or len(path) < 2:
        return None
    named = "sign-in" if path[0] == "sign-in" else path[-1]
    return f"POST {'batch ' if path[1] == 'batches' else ''}{named}"
