"""``sayso restore``: a backup becomes a store again, whose replays are stopped until somebody has looked."""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
from pathlib import Path
from typing import Any

from msgspec import to_builtins

from bot.clock import SystemClock
from bot.commands.backup import shown
from bot.commands.outstanding import Outstanding, outstanding
from bot.commands.progress import Progress
from bot.commands.surroundings import GOOD, CommandError, add_json, environment, say, who
from bot.core.model import Event
from bot.core.ports import Tx
from store.contents import Contents
from store.origins import sqlite_origin
from store.pages import About
from store.snapshots import Placed, about, place


def add_parsers(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    restore = commands.add_parser("restore", help="bring a backup back, with replays stopped, and say what would run")
    restore.add_argument("backup", type=Path, metavar="BACKUP", help="what sayso backup wrote")
    restore.add_argument("--to", metavar="URL", help="the database to write (SAYSO_DATABASE_URL)")
    restore.add_argument("--force", action="store_true", help="write over a database that has something in it")
    add_json(restore)
    restore.set_defaults(run=bring_back)


def bring_back(args: argparse.Namespace) -> int:
    """Write the store, all of it or nothing, and tell what would run."""
    return asyncio.run(_bring_back(args))


async def _bring_back(args: argparse.Namespace) -> int:
    url = args.to or environment()["SAYSO_DATABASE_URL"]
    progress = Progress("restoring")
    try:
        told = await about(args.backup)
        async with sqlite_origin(args.backup, kept=True) as origin:
            placed = await place(
                origin, url, _work(args.backup, told), replace=args.force, told=progress, sign_out=True
            )
    except (OSError, sqlite3.Error) as error:
        raise CommandError(f"{args.backup} cannot be restored: {error}") from error
    finally:
        took = progress.end()
    say(args, _document(url, told, placed), _text(args.backup, url, told, placed, took))
    return GOOD


def _work(file: Path, told: About | None) -> Any:
    """What is done in the restored store before anybody sees it."""

    def work(tx: Tx, held: Contents) -> tuple[Outstanding, bool]:
        now = SystemClock().now()
        found = outstanding(tx, now)
        was = told.paused if told is not None else tx.paused()
        data: dict[str, Any] = {"file": file.name, "seq": held.seq, "hash": held.hash, "paused_before": was}
        if told is not None:
            data |= {"taken_at": told.taken_at, "source": told.source}
        tx.append(Event(type="store.restored", at=now, actor=who(), via="cli", data=data))
        tx.pause(on=True, event=Event(type="replays.paused", at=now, actor=who(), via="cli"))
        return found, was

    return work


def _document(url: str, told: About | None, placed: Placed[tuple[Outstanding, bool]]) -> dict[str, Any]:
    found, was = placed.answer
    return {
        "store": shown(url),
        "taken_at": told.taken_at if told is not None else None,
        "seq": placed.contents.seq,
        "hash": placed.contents.hash,
        "rows": placed.contents.rows,
        "paused": True,
        "paused_before": was,
        "would": to_builtins(found),
    }


def _text(file: Path, url: str, told: About | None, placed: Placed[tuple[Outstanding, bool]], took: float) -> str:
    found, was = placed.answer
    held = placed.contents
    taken = f"taken {told.taken_at[:19]} UTC of {told.source}" if told is not None else "a store, not a backup"
    before = " They were stopped when it was taken, too." if was else ""
    size = f"{held.rows['requests']:,} requests, {held.total:,} rows, in {took:.1f} s"
    lines = [
        f"{shown(url)} holds what {file} held ({taken}): {size}.",
        f"The audit trail holds: {held.seq} lines, the last is {held.hash}.",
        f"Replays are stopped.{before} Everybody has to sign in again.",
        *_keys(held),
        "",
        found.text(),
    ]
    return "\n".join(lines)


def _keys(held: Contents) -> list[str]:
    if not held.rows["keys"]:
        return []
    return ["Keys and rules' counts are as of then: what was revoked since is in force again (sayso key list)."]
