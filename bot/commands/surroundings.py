"""What commands share: the settings they stand on, the store, how they print and how they fail."""

from __future__ import annotations

import argparse
import getpass
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from bot.clock import SystemClock, entropy
from bot.core.durations import duration_of
from bot.core.errors import Unavailable
from bot.core.ports import Store
from bot.desk import Ledger
from bot.settings import SettingsError, read_env
from store import open_store
from store.engine import database_at
from store.parts import Part, refuse_own

# Controls (but tabs and line ends), C1 among them, which JSON leaves as they are, and what turns a text's direction.
_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")

GOOD, NO, MISUSED = 0, 1, 2
"""Exit statuses: good; the answer is no, or the store has nothing of that name; used wrongly, or it cannot be done."""


class CommandError(Exception):
    """What a person at the terminal did wrong, in a line that says what to do."""


def add_json(parser: argparse.ArgumentParser) -> None:
    """Let the command print JSON instead of text."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def duration_given(text: str, example: str) -> timedelta:
    """A duration on the command line. Raises ``argparse.ArgumentTypeError``, which says how to write one."""
    try:
        found = duration_of(text)
    except OverflowError as problem:
        raise argparse.ArgumentTypeError(str(problem)) from None
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no duration{example}")
    return found


def moment_given(text: str) -> datetime:
    """A date or a time on the command line, UTC. Raises ``argparse.ArgumentTypeError``, which says how to write one."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date: write 2026-03-01, or 2026-03-01T09:00:00Z") from None
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def say(args: argparse.Namespace, document: Any, text: str) -> None:
    """Print the document as JSON where that was asked for, else the text.

    What a terminal would obey is an escape in the one, which says the same, and a mark in the other.
    """
    if getattr(args, "json", False):
        encoded = msgspec.json.format(msgspec.json.encode(document)).decode()
        sys.stdout.write(_OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", encoded) + "\n")
    else:
        sys.stdout.write(unobeyed(text.rstrip("\n")) + "\n")


def unobeyed(text: str) -> str:
    """The text for a terminal: lines stay lines, and whatever else it would obey is shown as its code point."""
    return _OBEYED.sub(lambda found: f"⟦U+{ord(found[0]):04X}⟧", text)


def told(problem: Exception) -> str:
    """What went wrong, of a database with its own words, too, which an answer by HTTP leaves out."""
    text, cause = str(problem), problem.__cause__
    if not isinstance(problem, Unavailable) or cause is None:
        return text
    said = str(getattr(cause, "orig", None) or cause).partition("\n")[0]
    return text if not said or said in text else f"{text} ({said})"


def who() -> str:
    """Who is at this terminal, for the audit trail."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):
        return f"cli:{os.getuid()}"


def environment() -> dict[str, str]:
    """The variables' values, from the environment and the ``.env`` here."""
    try:
        return read_env(os.environ, Path(".env"))
    except SettingsError as problem:
        raise CommandError(str(problem)) from None


def database_of(url: str) -> Path | None:
    """The file that SAYSO_DATABASE_URL names; None where it names a server."""
    return Path(url.partition(":///")[2].partition("?")[0]) if url.startswith("sqlite") else None


def output_part(file: Path) -> Part:
    """What a command writes: it takes the place of ``file`` once it is whole; until then what is there stays.

    Raises `CommandError` where it is no name of a file, `store.parts.InTheWay` where it is one of the store's own.
    """
    if not file.name:
        raise CommandError(f"{str(file)!r} is no name of a file.")
    store = database_at(environment()["SAYSO_DATABASE_URL"])
    if isinstance(store, Path):
        refuse_own(file, store)
    return Part(file, replace=True)


async def _must_exist(url: str) -> None:
    database = database_of(url)
    if database is None and url.startswith("postgresql"):
        from store.postgres_engine import schema_of  # noqa: PLC0415  # its driver takes 40 ms to load

        if await schema_of(url) is None:
            raise CommandError("There is nothing of sayso's in the database that SAYSO_DATABASE_URL names.")
    if database is not None and not database.exists():
        raise CommandError(
            f"There is no database at {database.resolve()}. Run this in the folder of the bot's .env, or set"
            " SAYSO_DATABASE_URL; sayso up makes a new one."
        )


@asynccontextmanager
async def open_ledger(*, make: bool = False, reads: bool = False, takes: str = "") -> AsyncIterator[Ledger]:
    """The store beside a running bot, or without one. Only with ``make`` is one made where there is none.

    ``reads``: nothing is to be written, so a file that may not be written will do. ``takes``: what leaves the house, of
    which nothing is written but that it did; who may not write here is told that.

    A command in the wrong folder would else answer for an empty store: `sayso pause` would say that replays are
    stopped while they run elsewhere.
    """
    url = environment()["SAYSO_DATABASE_URL"]
    if not make:
        await _must_exist(url)
    try:
        store: Store = await open_store(url, exclusive=False, reads=reads)
    except Unavailable as problem:
        if not takes:
            raise
        raise CommandError(
            f"{told(problem)} Taking {takes} is put on record in it: where that cannot be, take it from a copy of the"
            " store that you may write."
        ) from problem
    try:
        yield Ledger(store, SystemClock(), entropy)
    finally:
        await store.close()
