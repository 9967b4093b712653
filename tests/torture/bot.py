"""``python -m tests.torture.bot``: `sayso up` with its ports wrapped, to be killed at a point (see `points`)."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp

from bot import app, scheduler
from bot.checkpoints import file as place
from bot.commands import up
from bot.replay import open_replayer, webhook
from bot.replay.answer import outcome_of
from store import open_store, postgres_line, sqlite
from store.postgres import PgCursor
from tests.torture.points import KILL_AT, PASSED, Points
from tests.torture.wraps import NotedChannel, NotedReplayer, NotedStore, NotedWeb


def put(place: Any, name: str, part: Any) -> Any:
    """Put a part of the program in the place of another; the one that was there."""
    was = getattr(place, name)
    setattr(place, name, part)
    return was


def noted_commit(owner: Any, name: str, points: Points) -> None:
    """Pass a point before and one after a connection's own commit, nothing of which is known outside yet."""
    commit = getattr(owner, name)

    def noted(connection: Any) -> Any:
        points.reach("commit:begins")
        done = commit(connection)
        points.reach("commit:done, nobody told")
        return done

    put(owner, name, noted)


def noted_commit_of_postgres(points: Points) -> None:
    """The same around the one COMMIT of a transaction that writes; those that only read have their own."""
    run, execute = postgres_line._Writing.run, PgCursor.execute  # noqa: SLF001  # the harness stands around the program
    writing: set[int] = set()

    def noted_run(connection: Any, *given: Any) -> Any:
        writing.add(id(connection.driver))
        try:
            return run(connection, *given)
        finally:
            writing.discard(id(connection.driver))

    def noted_execute(driver: PgCursor, sql: str, *given: Any) -> None:
        commits = sql == "COMMIT" and id(driver) in writing
        if commits:
            points.reach("commit:begins")
        execute(driver, sql, *given)
        if commits:
            points.reach("commit:done, nobody told")

    put(postgres_line._Writing, "run", noted_run)  # noqa: SLF001  # as above
    put(PgCursor, "execute", noted_execute)


class Scheduler(scheduler.Scheduler):
    """The scheduler, whose looks pass a point before and one after."""

    points: Points

    def __init__(self, *duties: Callable[[], Awaitable[object]]) -> None:
        super().__init__(*(self._noted(duty) for duty in duties))

    def _noted(self, duty: Callable[[], Awaitable[object]]) -> Callable[[], Awaitable[object]]:
        async def noted() -> object:
            done = await duty()
            if done:
                self.points.reach("tick:moved something")
            return done

        return noted


class Call(webhook.Call):
    """An outgoing request, with a point where it is connected and nothing is sent."""

    points: Points

    async def send(self, conn: aiohttp.connector.Connection) -> aiohttp.ClientResponse:
        """See `webhook.Call.send`."""
        self.points.reach("wire:connected, nothing sent")
        return await super().send(conn)


def wrap_wire(points: Points) -> None:
    """Points on the wire of the last hop: before the first byte, once the answer begins."""
    Call.points = points
    put(webhook, "Call", Call)
    read = outcome_of

    async def noted(*given: Any, **named: Any) -> Any:
        points.reach("wire:answer begun, not read")
        return await read(*given, **named)

    put(webhook, "outcome_of", noted)


def wrap_place(points: Points) -> None:
    """Points around where a signed checkpoint is kept outside of the store."""
    append = place.append

    def noted(path: Path, line: bytes) -> None:
        points.reach("checkpoint:signed, not at its place")
        append(path, line)
        points.reach("checkpoint:at its place, nobody told")

    put(place, "append", noted)


def wrap_program(points: Points) -> None:
    """Stand around the composition root: what it builds is the program, each of its ports inside a wrap."""
    noted_commit(sqlite.Connection, "commit", points)
    noted_commit_of_postgres(points)
    wrap_wire(points)
    wrap_place(points)
    Scheduler.points = points
    put(app, "Scheduler", Scheduler)
    put(app, "open_replayer", lambda **named: NotedReplayer(open_replayer(**named), points))

    put(app, "open_store", _opened(points))
    make = app.build

    async def build(*given: Any, **named: Any) -> app.Bot:
        bot = await make(*given, **named)
        for name, channel in bot.channels.items():
            noted: Any = NotedChannel(channel, points)
            bot.channels[name] = noted
        web: Any = NotedWeb(bot.web, points)
        bot.web = web
        wrap_life(bot, points)
        return bot

    put(up, "build", build)


def _opened(points: Points) -> Any:
    async def opened(url: str, **named: Any) -> Any:
        points.reach("start:store not open")
        store = NotedStore(await open_store(url, **named), points)
        points.reach("start:store open")
        return store

    return opened


def wrap_life(bot: app.Bot, points: Points) -> None:
    """Points between the parts that are started and stopped one after the other."""
    courier: Any = bot.courier
    stop = courier.stop

    def noted(start: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        async def started() -> None:
            points.reach("start:channels up, nothing taken up")
            await start()
            points.reach("start:taken up, not ticking")

        return started

    async def stopped(within: float) -> None:
        points.reach("stop:courier at work")
        await stop(within)
        points.reach("stop:courier stopped")

    courier.start, courier.stop = noted(courier.start), stopped
    # Of several, each begins with what nobody holds instead.
    replicas: Any = bot.replicas
    replicas.begin = noted(replicas.begin)


def main() -> int:
    """Run the program; its exit status."""
    points = Points(os.environ.get(KILL_AT, ""), os.environ.get(PASSED, ""))
    wrap_program(points)
    try:
        return up.up_and_running(argparse.Namespace())
    finally:
        points.tell()


if __name__ == "__main__":
    sys.exit(main())
