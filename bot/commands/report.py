"""``sayso report``: who may approve what, who approved what having seen what, and what was out of the ordinary."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from bot.commands.audit_proof import audit_settings
from bot.commands.policy import file_of, loaded
from bot.commands.surroundings import (
    GOOD,
    NO,
    CommandError,
    add_json,
    environment,
    moment_given,
    open_ledger,
    output_part,
    say,
    who,
)
from bot.core.checkpoint import SigningKey
from bot.core.model import Event
from bot.core.policy import Policy
from bot.core.ports.reports import ReportAsked
from bot.desk import Ledger
from bot.reports import Reports
from bot.reports.reading import Reading
from bot.settings import public_url_of


def add_parsers(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser("report", help="the compliance report of a period")
    parser.add_argument("--from", dest="since", type=moment_given, metavar="TIME", help="what happened from then on")
    parser.add_argument("--to", dest="until", type=moment_given, metavar="TIME", help="what happened before then (now)")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write the document, to be read and printed")
    parser.add_argument("--summary", action="store_true", help="leave the list of every decision out")
    parser.add_argument("--config", dest="file", type=Path, help="the rules that are in force (SAYSO_CONFIG)")
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Read the period; 1 where the trail does not hold, disagrees with the rows, or duties were not kept apart."""
    if args.since and args.until and args.since >= args.until:
        raise CommandError("--from must be before --to.")
    try:
        reading = asyncio.run(_report(args, loaded(file_of(args))))
    except OSError as problem:
        raise CommandError(f"{args.html}: {problem.strerror}.") from None
    say(args, reading.figures(), _text(reading))
    return GOOD if reading.good else NO


async def _report(args: argparse.Namespace, policy: Policy) -> Reading:
    values = environment()
    trusted = [SigningKey(key).public for key in audit_settings(values).keys]
    async with open_ledger(reads=args.html is None, takes="the document" if args.html else "") as ledger:
        until = args.until or ledger.clock.now()
        asked = ReportAsked(since=args.since, until=until, whole=args.html is not None and not args.summary)
        house = public_url_of(values)
        reports = Reports(ledger.store, lambda: policy, ledger.clock, trusted=trusted, house=house)
        reading = await reports.read(asked)
        try:
            if args.html is not None:
                await _written(ledger, reports, reading, args.html)
        finally:
            reading.close()
    return reading


async def _written(ledger: Ledger, reports: Reports, reading: Reading, target: Path) -> None:
    with output_part(target) as part:
        with part.path.open("wb") as file:
            for piece in reports.drawn(reading):
                file.write(piece)
        asked = reading.asked
        told = {"from": asked.since, "to": asked.until, "whole": asked.whole}
        data = {name: value for name, value in told.items() if value is not None}
        await ledger.note(Event(type="report.taken", at=ledger.clock.now(), actor=who(), via="cli", data=data))
        part.keep()


def _text(reading: Reading) -> str:
    told = reading.figures()
    rows = told["compared"]
    whole = "each submission has its row" if rows["whole"] else "submissions and rows do NOT match"
    decisions, apart, trail = told["decisions"], told["separation"], told["trail"]
    holds = f"The audit trail holds: {trail['lines']} lines." if trail["ok"] else f"Broken trail: {trail['fault']}"
    agree = "agree" if decisions["agree"] else "do NOT agree"
    odd = ", ".join(f"{name} {count}" for name, count in told["exceptions"].items()) or "nothing"
    own = f"{apart['allow_self']} allowed by allow_self"
    lines = [
        holds,
        f"Trail and rows {agree}: {decisions['trail']} and {decisions['rows']} decisions.",
        f"Rows held against the trail: {rows['rows']}, of which {rows['edited']} differ; {whole}.",
        f"Duties kept apart: {apart['checked']} approvals checked, {apart['violations']} violations, {own}.",
        f"Approvals by a card's channel without such a card on record: {decisions['without_card']}.",
        f"Submitted: {told['requests']['submitted']} requests. Out of the ordinary: {odd}.",
    ]
    return "\n".join(lines)
