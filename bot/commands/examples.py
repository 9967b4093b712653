"""``sayso examples export``: what people made of what agents proposed, for whoever teaches an agent."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path
from typing import IO

from bot.commands.surroundings import GOOD, CommandError, moment_given, open_ledger, output_part, who
from bot.core.examples import ExampleQuery, Verdict, left_out
from bot.desk.examples import Parcel, examples, packed, put_on_record


def add_parsers(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    group = commands.add_parser("examples", help="what people made of what agents proposed").add_subparsers(
        required=True
    )
    export = group.add_parser("export", help="write examples as JSONL, newest first; that it was taken is on record")
    export.add_argument("file", metavar="FILE", help="where to; - is standard output")
    export.add_argument(
        "--from", dest="since", type=moment_given, metavar="TIME", help="what was submitted from then on"
    )
    export.add_argument("--to", dest="until", type=moment_given, metavar="TIME", help="what was submitted before then")
    export.add_argument("--agent", metavar="NAME", help="only this agent's")
    export.add_argument("--action", metavar="NAME", help="only this action")
    export.add_argument("--verdict", type=_verdicts, metavar="LIST", help="approved, edited, rejected, or several")
    export.add_argument("--without", action="append", default=[], metavar="PATH", help="leave this out; repeatable")
    export.add_argument("--people", action="store_true", help="name who decided")
    export.add_argument("--labels", action="store_true", help="with the agent's labels")
    export.set_defaults(run=run)


def _verdicts(text: str) -> tuple[Verdict, ...]:
    try:
        return tuple(dict.fromkeys(map(Verdict, text.split(","))))
    except ValueError:
        known = ", ".join(Verdict)
        raise argparse.ArgumentTypeError(f"{text!r}: write one or more of {known}, with commas between") from None


def run(args: argparse.Namespace) -> int:
    """Gather, put on record, write."""
    if args.since and args.until and args.since >= args.until:
        raise CommandError("--from must be before --to.")
    asked = ExampleQuery(
        since=args.since,
        until=args.until,
        agent=args.agent,
        action=args.action,
        verdicts=args.verdict or tuple(Verdict),
        without=tuple(args.without),
        people=args.people,
        labels=args.labels,
    )
    try:
        left_out(asked.without)
    except ValueError as wrong:
        raise CommandError(f"--without: {wrong}.") from None
    target = None if args.file == "-" else Path(args.file)
    try:
        parcel = asyncio.run(_export(asked, target))
    except OSError as problem:
        raise CommandError(f"{args.file}: {problem.strerror}.") from None
    # Not on standard output, where the lines themselves may be.
    sys.stderr.write(f"{parcel.count} examples, SHA-256 {parcel.sha256}. It is on record that they were taken.\n")
    return GOOD


async def _export(asked: ExampleQuery, target: Path | None) -> Parcel:
    async with open_ledger(takes="examples") as ledger:
        parcel = await packed(examples(ledger.store, asked))
        with parcel.lines:
            if target is None:
                await put_on_record(ledger, parcel, asked, by=who(), via="cli")
                _written(parcel, sys.stdout.buffer)
                return parcel
            with output_part(target) as part:
                with part.path.open("wb") as file:
                    _written(parcel, file)
                # The file has its name only once the trail says that it left.
                await put_on_record(ledger, parcel, asked, by=who(), via="cli")
                part.keep()
    return parcel


def _written(parcel: Parcel, stream: IO[bytes]) -> None:
    while chunk := parcel.chunk():
        stream.write(chunk)
    stream.flush()
