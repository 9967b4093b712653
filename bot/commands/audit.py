"""``sayso audit verify`` and ``sayso audit export``: who did what, and whether anybody touched the record."""

from __future__ import annotations

import argparse
import asyncio
import sys
from datetime import UTC, datetime

from bot.commands.surroundings import GOOD, NO, CommandError, add_json, open_ledger, say
from bot.core.audit import export_line, within
from store.chain import verify_store

_PAGE = 1000


def add_parsers(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands."""
    audit = commands.add_parser("audit", help="verify or export the audit trail").add_subparsers(required=True)
    verify = audit.add_parser("verify", help="re-compute the hash chain")
    add_json(verify)
    verify.set_defaults(run=verify_chain)
    export = audit.add_parser("export", help="write the trail as JSONL, oldest first")
    export.add_argument("--from", dest="since", type=_moment, metavar="TIME", help="RFC 3339; events from then on")
    export.add_argument("--to", dest="until", type=_moment, metavar="TIME", help="RFC 3339; events before then")
    export.add_argument("--output", type=argparse.FileType("w", encoding="utf-8"), default=sys.stdout, metavar="FILE")
    export.set_defaults(run=export_lines)


def _moment(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time; write 2026-11-21T09:00:00Z") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def verify_chain(args: argparse.Namespace) -> int:
    """Re-compute every hash and compare the tail with the kept head."""
    return asyncio.run(_verify(args))


async def _verify(args: argparse.Namespace) -> int:

    async with open_ledger() as ledger:
        report = await verify_store(ledger.store)
    say(args, report, report.text())
    return GOOD if report.ok else NO


def export_lines(args: argparse.Namespace) -> int:
    """Write every line with its hash, so that the export verifies by itself."""
    if args.since and args.until and args.since >= args.until:
        raise CommandError("--from must be before --to.")
    return asyncio.run(_export(args))


async def _export(args: argparse.Namespace) -> int:

    async with open_ledger() as ledger:
        after = 0
        while lines := await ledger.store.audit_lines(after, _PAGE):
            for line in lines:
                if within(line, since=args.since, until=args.until):
                    args.output.write(export_line(line) + "\n")
            after = lines[-1].seq
    args.output.flush()
    return GOOD
