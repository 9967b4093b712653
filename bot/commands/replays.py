"""``sayso pause`` and ``sayso resume``: stop and start replays at once, all of them or those of one agent or action."""

from __future__ import annotations

import argparse
import asyncio
import sys

from bot.commands.surroundings import GOOD, add_json, open_ledger, say, who
from bot.core.model import Role
from bot.core.ports import Filter, Stopped
from bot.core.scrutiny import visible
from bot.desk import Ledger, pause


def add_parsers(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands."""
    for name, on, about in (
        ("pause", True, "stop replays at once, all or those of one agent or action; decisions go on"),
        ("resume", False, "let replays run again, those that were held first"),
    ):
        parser = commands.add_parser(name, help=about)
        whose = parser.add_mutually_exclusive_group()
        whose.add_argument("--agent", metavar="NAME", help="only what this agent proposed")
        whose.add_argument("--action", metavar="NAME", help="only this action, whoever proposed it")
        add_json(parser)
        parser.set_defaults(run=switch, on=on)


def switch(args: argparse.Namespace) -> int:
    """Flip a switch, which every claim reads in its own transaction."""
    return asyncio.run(_switch(args))


async def _switch(args: argparse.Namespace) -> int:
    async with open_ledger() as ledger:
        changed = await pause(ledger, on=args.on, by=who(), via="cli", agent=args.agent, action=args.action)
        stopped = await ledger.store.stopped()
        known = await _known(ledger, args.agent, args.action)
    whose = f" of the agent {visible(args.agent)}" if args.agent else ""
    whose = f" of the action {visible(args.action)}" if args.action else whose
    if args.on and not known:
        # In an emergency a typo stops nothing, and says that it did.
        sys.stderr.write(f"Nothing{whose} was ever proposed, and no key has that name: is it spelt right?\n")
    word = "stopped" if args.on else "running"
    text = f"Replays{whose} are {word}." if changed else f"Replays{whose} were already {word}."
    others = "" if args.on else stopped_text(stopped)
    say(args, _document(args, stopped, changed=changed, known=known), f"{text}\n{others}" if others else text)
    return GOOD


def _document(args: argparse.Namespace, stopped: Stopped, *, changed: bool, known: bool) -> dict[str, object]:
    named = args.agent or args.action
    return {
        "paused": args.on if named else stopped.everything,
        "changed": changed,
        "agent": args.agent,
        "action": args.action,
        "known": known,
        "stopped": {"everything": stopped.everything, "agents": stopped.agents, "actions": stopped.actions},
    }


async def _known(ledger: Ledger, agent: str | None, action: str | None) -> bool:
    """Whether a name means anything here."""
    if agent is None and action is None:
        return True
    if agent is not None and any(key.name == agent and key.role is Role.AGENT for key in await ledger.store.keys()):
        return True
    return bool(await ledger.store.requests(Filter(agent=agent, action=action, limit=1)))


def stopped_text(stopped: Stopped) -> str:
    """What is stopped, in a line; nothing where all runs."""
    parts = ["all"] if stopped.everything else []
    for word, names in (("agent", stopped.agents), ("action", stopped.actions)):
        if names:
            parts.append(f"of the {word}{'s' * (len(names) > 1)} {', '.join(map(visible, names))}")
    return f"Replays are stopped: {'; '.join(parts)}." if parts else ""
