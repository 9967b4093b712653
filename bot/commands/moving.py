"""``sayso migrate-store``: a whole store from one database to another, as from SQLite to PostgreSQL."""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
import sys
from typing import Any

from bot.clock import SystemClock
from bot.commands.backup import shown
from bot.commands.progress import Progress
from bot.commands.surroundings import GOOD, CommandError, add_json, say, who
from bot.core.errors import SaysoError
from bot.core.model import Event
from bot.core.ports import Tx
from store import open_store
from store.contents import Contents, hold
from store.engine import database_at
from store.snapshots import Placed, origin_at, place


def add_parsers(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    moving = commands.add_parser("migrate-store", help="take a whole store to another database, as to PostgreSQL")
    moving.add_argument("source", metavar="FROM", help="its address, as SAYSO_DATABASE_URL")
    moving.add_argument("target", metavar="TO", help="the address of an empty database")
    moving.add_argument("--force", action="store_true", help="write over a database that has something in it")
    add_json(moving)
    moving.set_defaults(run=move)


def move(args: argparse.Namespace) -> int:
    """Copy all of it or nothing, verify it, and stop replays in what it came from."""
    return asyncio.run(_move(args))


async def _move(args: argparse.Namespace) -> int:
    if database_at(args.source) == database_at(args.target):
        raise CommandError("FROM and TO are the same database.")
    progress = Progress("copying")
    try:
        async with origin_at(args.source, still=True) as origin:
            await origin.ask(lambda cursor: hold(cursor, "nothing was moved, for the trail does not hold"))
            placed = await place(origin, args.target, _arrival(args.source), replace=args.force, told=progress)
    except (OSError, sqlite3.Error) as error:
        raise CommandError(f"{shown(args.source)} cannot be moved: {error}") from error
    finally:
        took = progress.end()
    await _leave(args, placed)
    say(args, _document(args, placed, took), _text(args, placed, took))
    return GOOD


def _arrival(source: str) -> Any:
    def work(tx: Tx, held: Contents) -> None:
        data = {"source": shown(source), "seq": held.seq, "hash": held.hash, "rows": held.total}
        tx.append(Event(type="store.moved_in", at=SystemClock().now(), actor=who(), via="cli", data=data))

    return work


async def _leave(args: argparse.Namespace, placed: Placed[None]) -> None:
    """Stop replays in what was moved: a bot that is started there by mistake would do all of it a second time."""
    held = placed.contents
    data = {"target": shown(args.target), "seq": held.seq, "hash": held.hash}

    def work(tx: Tx) -> None:
        event = Event(type="store.moved_out", at=SystemClock().now(), actor=who(), via="cli", data=data)
        tx.pause(on=True, event=event)

    try:
        store = await open_store(args.source, exclusive=True)
        try:
            await store.write(work)
        finally:
            await store.close()
    except (SaysoError, OSError) as problem:
        sys.stderr.write(
            f"The store is moved, but in {shown(args.source)} replays are not stopped: {problem}\n"
            "Start no bot on it: it would run once more what runs there.\n"
        )


def _document(args: argparse.Namespace, placed: Placed[None], took: float) -> dict[str, Any]:
    return {
        "from": shown(args.source),
        "to": shown(args.target),
        "rows": placed.contents.rows,
        "seq": placed.contents.seq,
        "hash": placed.contents.hash,
        "seconds": round(took, 3),
    }


def _text(args: argparse.Namespace, placed: Placed[None], took: float) -> str:
    held = placed.contents
    lines = [
        f"Moved {held.total:,} rows ({held.rows['requests']:,} requests) in {took:.1f} s.",
        f"The audit trail holds there as it did here: {held.seq} lines, the last is {held.hash}.",
        f"In {shown(args.source)} replays are stopped now; nothing else there is changed.",
    ]
    return "\n".join([*lines, "", "Put this into .env, then start the bot:", f"SAYSO_DATABASE_URL={args.target}"])
