"""``sayso stats``: the review figures of a period, read from the database, beside a running bot or without one."""

from __future__ import annotations

import argparse
import asyncio
import sys

from bot.commands import stats_watching
from bot.commands.stats_text import told
from bot.commands.surroundings import GOOD, CommandError, add_json, moment_given, open_ledger, say
from bot.core.insight.asking import GROUPINGS, USUAL, Question
from bot.core.insight.figures import Figures
from bot.core.insight.waiting import Queue
from bot.insight.reading import Reading
from bot.web.measured import shown, table_of

_NARROWING = (
    ("--agent", "NAME", "only this agent's"),
    ("--action", "NAME", "only this action"),
    ("--rule", "NAME", "only what this rule routed"),
    ("--channel", "NAME", "only what was decided through this channel"),
    ("--reviewer", "PERSON", "only this person's decisions"),
    ("--label", "NAME=VALUE", "only what has this label"),
)


def add_parsers(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser("stats", help="the review figures: rates, times, calibration, what waits")
    parser.add_argument(
        "--from", dest="since", type=moment_given, metavar="TIME", help=f"begin (default {USUAL.days} days before)"
    )
    parser.add_argument("--to", dest="until", type=moment_given, metavar="TIME", help="end (default now)")
    parser.add_argument("--by", default="", metavar="WHAT", help=f"{', '.join(GROUPINGS)} or label:NAME")
    for flag, meta, text in _NARROWING:
        parser.add_argument(flag, default="", metavar=meta, help=text)
    parser.add_argument("--alone", action="store_true", help="without the period before")
    parser.add_argument("--csv", action="store_true", help="print CSV, a line a figure")
    add_json(parser)
    stats_watching.add_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Read and print."""
    if args.csv and args.json:
        raise CommandError("--csv and --json: choose one.")
    if args.thresholds or args.attention:
        return asyncio.run(stats_watching.run(args))
    figures, queue = asyncio.run(_read(args))
    if args.csv:
        sys.stdout.write(table_of(figures).decode())
    else:
        say(args, shown(figures, queue), told(figures, queue))
    return GOOD


async def _read(args: argparse.Namespace) -> tuple[Figures, Queue]:
    async with open_ledger(reads=True) as ledger:
        now = ledger.clock.now()
        until = min(args.until or now, now)
        question = Question(
            since=args.since or until - USUAL,
            until=until,
            by=args.by,
            agent=args.agent,
            action=args.action,
            rule=args.rule,
            channel=args.channel,
            reviewer=args.reviewer,
            label=args.label,
            compare=not args.alone,
        )
        if (wrong := question.wrong()) is not None:
            raise CommandError(f"--{wrong[0]}: {wrong[1]}.")
        reading = Reading(ledger.store, ledger.clock)
        return await reading.figures(question), await reading.queue(args.agent or None, args.action or None)
