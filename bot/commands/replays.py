"""``sayso pause`` and ``sayso resume``: stop and start all replays at once."""

from __future__ import annotations

import argparse
import asyncio

from bot.commands.surroundings import GOOD, add_json, open_ledger, say, who
from bot.desk import pause


def add_parsers(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands."""
    for name, on, about in (
        ("pause", True, "stop all replays at once; decisions go on"),
        ("resume", False, "let replays run again, those that were held first"),
    ):
        parser = commands.add_parser(name, help=about)
        add_json(parser)
        parser.set_defaults(run=switch, on=on)


def switch(args: argparse.Namespace) -> int:
    """Flip the switch, which every claim reads in its own transaction."""
    return asyncio.run(_switch(args))


async def _switch(args: argparse.Namespace) -> int:

    async with open_ledger() as ledger:
        changed = await pause(ledger, on=args.on, by=who(), via="cli")
    word = "stopped" if args.on else "running"
    text = f"Replays are {word}." if changed else f"Replays were already {word}."
    say(args, {"paused": args.on, "changed": changed}, text)
    return GOOD
