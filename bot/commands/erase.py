"""``sayso erase``: forget a subject for good."""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from bot.commands.surroundings import GOOD, CommandError, add_json, database_of, environment, open_ledger, say, who
from bot.core.errors import SaysoError
from bot.desk.erasing import Erased, erase
from store.scrubbing import scrub

_WAIT = 30.0
"""Seconds that rewriting the file waits for a bot that writes."""


def add_parsers(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser("erase", help="forget all that the requests of one subject say, for good")
    parser.add_argument("subject", help="whose data, as the action's subject argument says it")
    parser.add_argument("--yes", action="store_true", help="do it; nothing brings it back")
    parser.add_argument("--cancel", action="store_true", help="cancel what is still open, first")
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Erase, then rewrite what the database keeps in its files, so that their bytes hold nothing of it."""
    if not args.yes:
        raise CommandError("This destroys the subject's key for good. Say --yes, and see docs/erasure.md for backups.")
    erased = asyncio.run(_erase(args))
    url = environment()["SAYSO_DATABASE_URL"]
    path = database_of(url)
    emptied, left = _on_server(erased, url) if path is None else _in_file(erased, path)
    document = {
        "subject": erased.subject,
        "requests": erased.requests,
        "cancelled": erased.cancelled,
        "at": datetime.now(UTC),
        "rewritten": emptied,
    }
    told = f"Erased: {erased.requests} requests, {erased.cancelled} of them cancelled first; {erased.subject}{left}"
    say(args, document, told)
    return GOOD


def _in_file(erased: Erased, path: Path) -> tuple[bool, str]:
    try:
        emptied = scrub(path, busy_timeout=_WAIT)
    except sqlite3.Error as problem:
        raise CommandError(
            f"{erased.requests} requests are erased, but {path} still holds their old bytes: {problem}."
            " Run sqlite3's VACUUM on it once there is room."
        ) from None
    return emptied, "" if emptied else f"\nThe bot that runs on {path} takes the old bytes out within seconds."


def _on_server(erased: Erased, url: str) -> tuple[bool, str]:
    from store.vacuuming import vacuum  # noqa: PLC0415  # its driver takes 40 ms to load

    try:
        rewritten = asyncio.run(vacuum(url))
    except SaysoError as problem:
        raise CommandError(
            f"{erased.requests} requests are erased, but PostgreSQL still holds their old rows: {problem.detail}"
            " Run VACUUM (FULL) on its tables."
        ) from None
    free = "\nTheir old bytes are freed and not yet written over: VACUUM (FULL) does that, with the bots stopped."
    return rewritten, "" if rewritten else free


async def _erase(args: argparse.Namespace) -> Erased:
    async with open_ledger() as ledger:
        return await erase(ledger, args.subject, by=who(), via="cli", cancel=args.cancel)
