"""What `sayso doctor` looks at in the house itself: rules, store, whether a bot runs, and its public address."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp

from bot import routing
from bot.commands.replays import stopped_text
from bot.commands.surroundings import open_ledger, who
from bot.core.checkup import Finding, doubtful, good, wrong
from bot.core.errors import SaysoError
from bot.core.model import Event
from bot.core.ports import Tx
from bot.core.scrutiny import visible
from bot.routing import RoutingErrors
from store.evidence import connect, may_write
from store.migrate import HEAD, Strange, revision

_BUSY = 5.0
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_MOST_LISTED = 20


async def rules(path: Path) -> tuple[Finding, ...]:
    """Whether routing.yaml loads."""
    try:
        policy = routing.load(path)
    except RoutingErrors as refused:
        first, more = refused.errors[0], len(refused.errors) - 1
        says = visible(str(first)) + (f" (and {more} more)" if more else "")
        return (wrong("rules", says, f"sayso check {path} says everything."),)
    told = len(routing.warnings(policy))
    if told:
        says = f"{path} loads, with {told} warning{'s' if told > 1 else ''}"
        return (doubtful("rules", says, f"sayso check {path} names them."),)
    return (good("rules", f"{path} loads: {len(policy.rules)} rules, {len(policy.people)} people"),)


def bot_runs(database: Path) -> bool:
    """Whether a bot holds the lock beside the database.

    The lock is tried, shared and for a moment; to take it for longer would keep a bot from starting.
    """
    try:
        lock = os.open(f"{database.resolve()}.lock", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


async def store(database: Path) -> tuple[Finding, ...]:  # noqa: PLR0911  # one return for each way it can be
    """Whether the database is there, of this version, and can be written; nothing is made or migrated."""
    shown = database.resolve()  # noqa: ASYNC240  # nothing else runs meanwhile
    if not database.exists():  # noqa: ASYNC240  # as above
        to_do = "Run this in the folder of the bot's .env, or set SAYSO_DATABASE_URL; sayso up makes a new one."
        return (doubtful("store", f"there is no database at {shown}", to_do),)
    try:
        schema = _schema(database)
    except Strange as refused:
        return (wrong("store", str(refused)),)
    except (sqlite3.Error, SaysoError) as broken:
        return (wrong("store", f"{shown} cannot be read: {broken}", "Is it the right file, and yours to read?"),)
    running = bot_runs(database)
    told = good("bot", "running on this database") if running else doubtful("bot", "not running", "sayso up starts it.")
    if schema != HEAD:
        says = f"{shown} has schema {schema or 'none'}; this sayso has {HEAD}"
        if schema is not None and schema > HEAD:
            return wrong("store", says, "Use the newer sayso that wrote it."), told
        if running:
            return wrong("store", says, "Use the same version as the bot, or start the bot anew."), told
        return doubtful("store", says, "The next start brings it up to date."), told
    try:
        async with open_ledger() as ledger:
            lost, stopped = await ledger.store.unreachable(), stopped_text(await ledger.store.stopped())
    except SaysoError as refused:
        return wrong("store", str(refused), "Who runs this must own the file and its folder."), told
    found = [good("store", f"{shown}, schema {schema}, writable"), told]
    found += [doubtful("replays", stopped, "sayso resume lets them run again.")] if stopped else []
    found += [
        doubtful(
            "unreachable",
            f"{visible(one.to)} by {one.channel}, since {one.at:%Y-%m-%d %H:%M} UTC: {visible(one.error)}",
            f"Once that is put right: sayso doctor --reachable {visible(one.to)}" if one.channel == "email" else "",
        )
        for one in lost[:_MOST_LISTED]
    ]
    if len(lost) > _MOST_LISTED:
        found.append(doubtful("unreachable", f"and {len(lost) - _MOST_LISTED} more"))
    return tuple(found)


def _schema(database: Path) -> str | None:
    address = f"{database.resolve().as_uri()}?mode=ro"
    opened = sqlite3.connect(address, uri=True) if may_write(database) else connect(database, timeout=_BUSY)
    with closing(opened) as driver:
        return revision(driver, database)


async def public_url(url: str, *, running: bool) -> tuple[Finding, ...]:
    """Whether the bot is reached where people are sent, and by https."""
    local = urlsplit(url).hostname in _LOOPBACK
    if not local and urlsplit(url).scheme != "https":
        to_do = "Put TLS before the bot, and write SAYSO_PUBLIC_URL with https://."
        return (wrong("address", f"{url} is not encrypted, and people sign in there", to_do),)
    try:
        async with aiohttp.ClientSession() as session, session.get(f"{url}/healthz", allow_redirects=False) as answer:
            if answer.status == 200:  # noqa: PLR2004 - HTTP's own number
                only = "; only this machine reaches it" if local else ""
                return (good("address", f"{url} answers{only}"),)
            says = f"{url}/healthz answers {answer.status}"
    except (aiohttp.ClientError, OSError) as fault:
        says = f"{url} does not answer: {visible(str(fault))}"
    if not running:
        return (doubtful("address", says, "No bot runs; start it with sayso up, and look again."),)
    return (wrong("address", says, "Check SAYSO_PUBLIC_URL and what stands before the bot."),)


async def forget(address: str) -> bool:
    """Forget that an address reaches nobody, with a line on the trail; False where that was not known."""
    async with open_ledger() as ledger:

        def work(tx: Tx) -> bool:
            if not tx.forget_unreachable("email", address):
                return False
            event = Event(
                type="address.reachable",
                at=ledger.clock.now(),
                actor=who(),
                via="cli",
                data={"address": address},
            )
            tx.append(event)
            return True

        return await ledger.store.write(work)
