"""``sayso drill CHAIN``, or ``--practice NAME``: a harmless request goes to people for real, and what becomes of it."""

from __future__ import annotations

import argparse
import json
import sys
import time
from datetime import datetime
from typing import Any

from bot.commands.calls import Bot, add_bot, bot_of
from bot.commands.surroundings import GOOD, NO, add_json, say
from bot.core.model import DeliveryState, State
from bot.core.scrutiny import visible

_CARDS_OUT = 5.0
"""Seconds in which cards usually are where they belong; what is still on its way then is said to be."""

_LOOKS = 2
"""Seconds between two looks with ``--wait``: the API holds its answer back for a decision, not for a card."""


def add_parsers(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    drill = commands.add_parser("drill", help="send a harmless request down a chain, to see whom it reaches")
    which = drill.add_mutually_exclusive_group(required=True)
    which.add_argument("chain", nargs="?", help="the chain, by its name in routing.yaml")
    which.add_argument("--practice", metavar="NAME", help="a declared practice instead, by its name in routing.yaml")
    drill.add_argument("--wait", action="store_true", help="stay until somebody decides; status 1 where nobody does")
    add_bot(drill, "an admin's")
    add_json(drill)
    drill.set_defaults(run=run_drill)


def run_drill(args: argparse.Namespace) -> int:
    """Start a drill and tell who is asked, through what and when; 1 where it reaches nobody."""
    bot = bot_of(args, "an admin's", "sayso key create NAME --admin")
    made = bot.call("POST", "/v1/drills", json.dumps(_asked(args)).encode())
    now = _once_out(bot, made["id"])
    if not args.wait:
        text = "\n".join([f"{now['id']}  {visible(now['title'])}", *news(None, now), now["url"]])
        say(args, now, text)
        return GOOD if _reached(now) else NO
    quiet = args.json
    _tell([f"{now['id']}  {visible(now['title'])}", now["url"], *news(None, now)], quiet=quiet)
    while now["state"] == State.PENDING:
        before, now = now, bot.call("GET", f"/v1/requests/{now['id']}?wait={_LOOKS}")
        _tell(news(before, now), quiet=quiet)
    say(args, now, f"{now['id']}  {now['state']}")
    return GOOD if now["decisions"] else NO


def _asked(args: argparse.Namespace) -> dict[str, str]:
    return {"chain": args.chain} if args.practice is None else {"practice": args.practice}


def _once_out(bot: Bot, request_id: str) -> dict[str, Any]:
    """The request once its first cards have gone out, or as it is after a while."""
    until = time.monotonic() + _CARDS_OUT
    while True:
        now = bot.call("GET", f"/v1/requests/{request_id}")
        queued = any(card["state"] == DeliveryState.QUEUED for card in now["deliveries"])
        if not queued or time.monotonic() >= until:
            return now
        time.sleep(0.2)


def _tell(lines: list[str], *, quiet: bool) -> None:
    if lines and not quiet:
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()


def _reached(now: dict[str, Any]) -> bool:
    """Whether somebody is asked and every card went where it should."""
    return bool(now["assignees"]) and all(card["state"] != DeliveryState.FAILED for card in now["deliveries"])


def news(before: dict[str, Any] | None, now: dict[str, Any]) -> list[str]:
    """What is new since ``before``, a line each with its time: people asked, cards, decisions, what comes next.

    Both are requests as the API gives them.
    """
    known = before or {"assignees": [], "deliveries": [], "decisions": [], "deadline": None, "held_until": None}
    fresh = [person for person in now["assignees"] if person not in known["assignees"]]
    lines = [f"{_clock(_asked_at(before, now))}  asked: {', '.join(fresh)}"] if fresh else []
    if before is None and not now["deliveries"] and fresh:
        lines.append(f"{'':8}  no channel takes a card to them: they see it in the inbox alone")
    if before is None and not fresh and not now["held_until"]:
        lines.append(f"{'':8}  nobody can be asked now")
    for index, card in enumerate(now["deliveries"]):
        if index >= len(known["deliveries"]) or known["deliveries"][index]["state"] != card["state"]:
            lines.append(_card(card))
    lines += [
        f"{_clock(made['at'])}  {made['decision']} by {made['by']} through {made['channel']}"
        for made in now["decisions"][len(known["decisions"]) :]
    ]
    return lines + _coming(known, now)


def _asked_at(before: dict[str, Any] | None, now: dict[str, Any]) -> str:
    """When the people who are new were asked: steps count from when they were due, not from when somebody looks."""
    if before is None:
        return str(now["created_at"])
    return str(before["held_until"] or before["deadline"] or now["deadline"] or now["created_at"])


def _card(card: dict[str, Any]) -> str:
    whose = f", {card['person']}" if card["person"] else ""
    error = ": " + visible(" ".join(card["error"].split())) if card["error"] else ""
    return f"{_clock(card['at'])}  {card['channel']} to {visible(card['to'])}{whose}: {card['state']}{error}"


def _coming(known: dict[str, Any], now: dict[str, Any]) -> list[str]:
    if now["state"] != State.PENDING:
        return []
    lines = []
    if now["held_until"] and now["held_until"] != known["held_until"]:
        lines.append(f"{_clock(now['held_until'])}  the first are asked, as nobody is there before")
    if now["deadline"] and now["deadline"] != known["deadline"] and now["deadline"] != now["held_until"]:
        lines.append(f"{_clock(now['deadline'])}  the next step is asked too, unless somebody decides before")
    return lines


def _clock(at: str) -> str:
    """The time, with its day where that is not today."""
    moment = datetime.fromisoformat(at)
    today = datetime.now(moment.tzinfo).date() == moment.date()
    return f"{moment:%H:%M:%S}" if today else f"{moment:%Y-%m-%d %H:%M:%S}"
