"""``sayso audit export|checkpoint|key``: who did what, and how far this house signs for it."""

from __future__ import annotations

import argparse
import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from bot.clock import entropy
from bot.commands import audit_proof
from bot.commands.surroundings import GOOD, NO, CommandError, add_json, environment, open_ledger, output_part, say
from bot.core.audit import export_line, within
from bot.core.checkpoint import SigningKey, private_key

_PAGE = 1000


def add_parsers(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands."""
    audit = commands.add_parser("audit", help="verify, export or sign the audit trail").add_subparsers(required=True)
    audit_proof.add_parser(audit)
    export = audit.add_parser("export", help="write the trail as JSONL, oldest first")
    export.add_argument("--from", dest="since", type=_moment, metavar="TIME", help="RFC 3339; events from then on")
    export.add_argument("--to", dest="until", type=_moment, metavar="TIME", help="RFC 3339; events before then")
    export.add_argument("--output", default="-", metavar="FILE", help="write a file instead of standard output")
    export.set_defaults(run=export_lines)
    checkpoint = audit.add_parser("checkpoint", help="sign how far the trail reaches, now")
    add_json(checkpoint)
    checkpoint.set_defaults(run=make_checkpoint)
    key = audit.add_parser("key", help="make a key that signs checkpoints")
    key.add_argument("--public", action="store_true", help="print the public keys of SAYSO_AUDIT_KEY instead")
    add_json(key)
    key.set_defaults(run=make_key)


def _moment(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time; write 2026-11-21T09:00:00Z") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def export_lines(args: argparse.Namespace) -> int:
    """Write every line with its hash, so that the export verifies by itself."""
    if args.since and args.until and args.since >= args.until:
        raise CommandError("--from must be before --to.")
    if args.output == "-":
        return asyncio.run(_export(args, sys.stdout))
    target = Path(args.output)
    try:
        if target.exists() and not target.is_file():
            # A pipe or a device: nothing that another file may take the place of.
            with target.open("w", encoding="utf-8") as stream:
                return asyncio.run(_export(args, stream))
        with output_part(target) as part:
            with part.path.open("w", encoding="utf-8") as file:
                asyncio.run(_export(args, file))
            part.keep()
    except OSError as problem:
        raise CommandError(f"{args.output}: {problem.strerror}.") from None
    return GOOD


async def _export(args: argparse.Namespace, output: TextIO) -> int:
    async with open_ledger(reads=True) as ledger:
        after = 0
        while lines := await ledger.store.audit_lines(after, _PAGE):
            for line in lines:
                if within(line, since=args.since, until=args.until):
                    output.write(export_line(line) + "\n")
            after = lines[-1].seq
    output.flush()
    return GOOD


def make_checkpoint(args: argparse.Namespace) -> int:
    """Verify what was added since the newest checkpoint, sign it, and put that wherever checkpoints go."""
    from bot.commands.checkpoints import sign_by_hand  # noqa: PLC0415  # what sends webhooks loads for this alone

    return asyncio.run(sign_by_hand(args))


def make_key(args: argparse.Namespace) -> int:
    """Make a key and show it, once; or show the public halves of those in use."""
    if args.public:
        keys = [SigningKey(key).public for key in audit_proof.audit_settings(environment()).keys]
        say(args, {"public": keys}, "\n".join(keys) or "There are none: SAYSO_AUDIT_KEY is not set.")
        return GOOD if keys else NO
    key = private_key(entropy(32))
    public = SigningKey(key).public
    say(
        args,
        {"key": key, "public": public},
        f"{key}\n\nThis is a private key, for SAYSO_AUDIT_KEY; keep it safe, and away from the database."
        f" Whoever verifies the trail needs its public key:\n\n{public}",
    )
    return GOOD
