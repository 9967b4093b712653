"""``sayso demo``: the main job on this machine, with no account anywhere."""

from __future__ import annotations

import argparse
import asyncio
import base64
import logging
import secrets
import shutil
import socket
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

from bot.app import Bot, build
from bot.commands.surroundings import GOOD, NO, CommandError
from bot.core.errors import SaysoError
from bot.core.model import Role
from bot.demo.agent import Agent
from bot.demo.receiver import Receiver
from bot.logs import log_to_stderr
from bot.serving import listen, run
from bot.settings import VARIABLES, SettingsError, settings_of
from store.chain import verify_store
from store.lock import AlreadyRunning, Lock

_BY = "cli:demo"
_MARK = "sayso-demo"
_DATABASE = "sayso.db"


def add_parsers(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    demo = commands.add_parser("demo", help="run the bot, a sample agent and a receiver on this machine")
    demo.add_argument("--port", type=_port, default=8000, help="the inbox's port; another is taken if it is not free")
    demo.add_argument(
        "--directory", type=_folder, default=Path(".demo"), help="where its files go; emptied at each start"
    )
    demo.add_argument("--exit", action="store_true", help="stop once everything is decided and has run")
    demo.set_defaults(run=run_demo)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 1 << 16):
        raise argparse.ArgumentTypeError(f"{text!r} is no port: write a number from 0 (any free one) to 65535")
    return int(text)


def _folder(text: str) -> Path:
    """A folder; the address of a database ends at a question mark, so that it would stand beside the folder."""
    if "?" in text:
        raise argparse.ArgumentTypeError(f"{text!r} has a question mark, which no address of a database can hold")
    return Path(text)


def run_demo(args: argparse.Namespace) -> int:
    """Run until stopped."""
    log_to_stderr("text", logging.WARNING)
    try:
        _make_empty(args.directory)
    except OSError as problem:
        line = f"{args.directory} cannot be made: {problem.strerror}. Choose another: sayso demo --directory FOLDER"
        raise CommandError(line) from None
    try:
        status: int = run(_demo(args, args.directory))
    except KeyboardInterrupt:
        return GOOD
    return status


def _make_empty(directory: Path) -> None:
    """A folder with nothing but the demo's mark in it; one that is another's, or in use, is left alone."""
    if directory.exists():
        # Never empty a folder that this command did not make.
        if not (directory / _MARK).is_file():
            raise CommandError(
                f"{directory} exists and is not the demo's. Choose another: sayso demo --directory FOLDER"
            )
        _not_in_use(directory)
        shutil.rmtree(directory)
    directory.mkdir(parents=True)
    (directory / _MARK).write_text("Made by `sayso demo`, which empties this folder at each start.\n", encoding="utf-8")


def _not_in_use(directory: Path) -> None:
    """Refuse a folder that another demo runs on: what it writes would be gone."""
    try:
        Lock(directory / _DATABASE).release()
    except AlreadyRunning:
        line = f"A demo is running in {directory} already. Stop it, or choose another: sayso demo --directory FOLDER"
        raise CommandError(line) from None


def say(line: str) -> None:
    """Print a line at once, for whoever follows."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def _demo(args: argparse.Namespace, directory: Path) -> int:
    webhook_secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    receiver = Receiver(webhook_secret, say)
    address = await receiver.start()
    rules = files("bot.demo").joinpath("routing.yaml").read_text(encoding="utf-8")
    (directory / "routing.yaml").write_text(rules.replace("RECEIVER", address), encoding="utf-8")
    values = {variable.name: variable.default for variable in VARIABLES} | {
        "SAYSO_CONFIG": str(directory / "routing.yaml"),
        "SAYSO_DATABASE_URL": f"sqlite+aiosqlite:///{directory / _DATABASE}",
        "SAYSO_LISTEN": f"127.0.0.1:{_free_port(args.port)}",
        "SAYSO_SECRET": secrets.token_urlsafe(32),
        "SAYSO_WEBHOOK_SECRET": webhook_secret,
    }
    try:
        settings = settings_of(values)
        bot = await build(settings)
        listener = listen(settings)
    except (SettingsError, SaysoError, OSError) as problem:
        sys.stderr.write(f"{problem}\n")
        await receiver.stop()
        return NO
    opened = asyncio.Event()
    try:
        await bot.start()
        serving = asyncio.ensure_future(bot.serve(opened.set, listener))
        await opened.wait()
        await _play(bot, serving, stop=args.exit)
    finally:
        await bot.stop()
        await receiver.stop()
    return GOOD


async def _play(bot: Bot, serving: asyncio.Future[None], *, stop: bool) -> None:
    _, key = await bot.access.new_key("billing-assistant", Role.AGENT, by=_BY)
    token = await bot.access.new_link("you", by=_BY)
    base = bot.settings.public_url
    say(f"Sayso is up at {base}, with a sample agent. Nothing here leaves this machine.\n")
    agent = Agent(base, key, say)
    working = asyncio.ensure_future(agent.work())
    proposed = asyncio.ensure_future(agent.proposed.wait())
    first: set[asyncio.Future[Any]] = {working, proposed, serving}
    await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
    proposed.cancel()
    say(f"\nYour inbox, signed in once by this link:\n\n    {base}/sign-in/{token}\n")
    say("Approve, edit or reject there; here you see what the agent gets. Ctrl-C ends the demo.\n")
    closing = asyncio.ensure_future(bot.house.closing.wait())
    ends: set[asyncio.Future[Any]] = {working, serving, closing}
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    closing.cancel()
    if serving.done() or bot.house.closing.is_set():
        # The agent would be turned away at the door from now on.
        working.cancel()
    else:
        working.result()
        say(f"\nEverything is decided and done. The trail of it: {(await verify_store(bot.store)).text()}")
        if stop:
            return
    await serving


def _free_port(wanted: int) -> int:
    for port in (wanted, 0):
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(trial.getsockname()[1])
    raise CommandError("No port is free on 127.0.0.1.")
