"""``sayso backup``: a copy of the store, of a running bot too, that is known to be whole."""

from __future__ import annotations

import argparse
import asyncio
import os
import sqlite3
import sys
from pathlib import Path

from sqlalchemy.engine import make_url

from bot.clock import SystemClock
from bot.commands.progress import Progress
from bot.commands.surroundings import GOOD, CommandError, add_json, environment, open_ledger, say, who
from bot.core.errors import SaysoError
from bot.core.model import Event
from store.engine import database_at
from store.pages import About
from store.snapshots import back_up

_NICE = 10


def add_parsers(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    backup = commands.add_parser("backup", help="write a consistent copy of the store, beside a running bot too")
    backup.add_argument("file", type=Path, metavar="FILE", help="a new file, a SQLite database")
    backup.add_argument("--force", action="store_true", help="write over a file that is there")
    add_json(backup)
    backup.set_defaults(run=write_backup)


def write_backup(args: argparse.Namespace) -> int:
    """Write it, verify it, and put a line on the store's own trail."""
    # The bot goes first: it is somebody's click, and this can wait.
    os.nice(_NICE)
    return asyncio.run(_write(args))


def shown(url: str) -> str:
    """An address without its password. Raises `store.BadAddress`."""
    database_at(url)  # or what is none would be said in a trace of ours, password and all
    return make_url(url).render_as_string(hide_password=True)


async def _write(args: argparse.Namespace) -> int:
    if not args.file.name:
        raise CommandError(f"{str(args.file)!r} is no name of a file: write sayso backup backup.db.")
    url = environment()["SAYSO_DATABASE_URL"]
    progress = Progress("backing up")
    try:
        about = await back_up(
            url, args.file, replace=args.force, now=SystemClock().now(), shown=shown(url), told=progress
        )
    except (OSError, sqlite3.Error) as error:
        raise CommandError(f"{args.file} cannot be written: {error}") from error
    finally:
        took = progress.end()
    size = args.file.stat().st_size
    await _note(about, args.file, size)
    text = (
        f"{args.file}: {size:,} bytes in {took:.1f} s. Its audit trail holds, {about.seq} lines, the last is"
        f" {about.hash}.\nBring it back with: sayso restore {args.file}"
    )
    document = {"file": str(args.file), "bytes": size, "seconds": round(took, 3), "seq": about.seq, "hash": about.hash}
    say(args, document | {"taken_at": about.taken_at}, text)
    return GOOD


async def _note(about: About, file: Path, size: int) -> None:
    """Say on the live trail that a backup was taken and where the trail stood in it; that attests the backup, too."""
    data = {"file": file.name, "bytes": size, "seq": about.seq, "hash": about.hash}
    try:
        async with open_ledger() as ledger:
            event = Event(type="store.backed_up", at=ledger.clock.now(), actor=who(), via="cli", data=data)
            await ledger.note(event)
    except SaysoError as problem:
        sys.stderr.write(f"The backup is good, but the trail could not be told: {problem}\n")
