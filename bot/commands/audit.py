"""``sayso audit export|checkpoint|key``: who did what, and how far this house signs for it."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bot.checkpoints import Notary, Place, PlaceFailed, open_places
from bot.clock import entropy
from bot.commands import audit_proof
from bot.commands.surroundings import GOOD, NO, CommandError, add_json, environment, open_ledger, say, who
from bot.core.audit import export_line, within
from bot.core.checkpoint import Signed, SigningKey, document, private_key
from bot.replay import open_replayer
from bot.routing import RoutingErrors, load
from bot.settings import public_url_of
from bot.settings.signing import webhook_secrets_of

_PAGE = 1000


def add_parsers(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands."""
    audit = commands.add_parser("audit", help="verify, export or sign the audit trail").add_subparsers(required=True)
    audit_proof.add_parser(audit)
    export = audit.add_parser("export", help="write the trail as JSONL, oldest first")
    export.add_argument("--from", dest="since", type=_moment, metavar="TIME", help="RFC 3339; events from then on")
    export.add_argument("--to", dest="until", type=_moment, metavar="TIME", help="RFC 3339; events before then")
    export.add_argument("--output", type=argparse.FileType("w", encoding="utf-8"), default=sys.stdout, metavar="FILE")
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


def make_checkpoint(args: argparse.Namespace) -> int:
    """Verify what was added since the newest checkpoint, sign it, and put that wherever checkpoints go."""
    return asyncio.run(_checkpoint(args))


async def _checkpoint(args: argparse.Namespace) -> int:
    values = environment()
    audit = audit_proof.audit_settings(values)
    if not audit.on:
        raise CommandError("SAYSO_AUDIT_KEY: missing; sayso audit key makes one.")
    herald = open_replayer(secrets=_webhook_secrets(values), allow_private=lambda: _allow_private(values))
    async with open_ledger() as ledger:
        try:
            places = open_places(audit.places, herald, audit.access)
            notary = Notary(
                ledger.store,
                ledger.clock,
                keys=tuple(map(SigningKey, audit.keys)),
                house=public_url_of(values),
                every=audit.every,
                pause=0,
            )
            found = await notary.verify()
            if not found.ok:
                say(args, {"ok": False, "fault": found.fault}, f"Nothing was signed. {found.text()}")
                return NO
            if found.seq and await notary.anything_new():
                await notary.make(by=who(), via="cli")
            return await _put(args, notary.signed, places)
        finally:
            await herald.close()


def _webhook_secrets(values: dict[str, str]) -> tuple[str, ...]:
    problems: list[str] = []
    secrets = webhook_secrets_of(values["SAYSO_WEBHOOK_SECRET"], problems)
    if problems:
        raise CommandError("\n".join(problems))
    return secrets


def _allow_private(values: dict[str, str]) -> tuple[str, ...]:
    try:
        return load(Path(values["SAYSO_CONFIG"])).allow_private
    except RoutingErrors:
        return ()


async def _put(args: argparse.Namespace, signed: Signed | None, places: Sequence[Place]) -> int:
    """Put the newest checkpoint at each place, and say what became of it."""
    if signed is None:
        say(args, {"ok": True, "checkpoint": None, "places": []}, "There is nothing to sign yet.")
        return GOOD
    faults: dict[str, str | None] = {}
    for place in places:
        try:
            await place.put(signed)
            faults[place.name] = None
        except PlaceFailed as problem:
            faults[place.name] = str(problem)
    good = not any(faults.values())
    lines = [f"Signed up to line {signed.checkpoint.seq} ({signed.checkpoint.hash})."]
    lines += [f"{name}: {fault or 'there'}" for name, fault in faults.items()]
    told = [{"place": name, "ok": fault is None, "detail": fault} for name, fault in faults.items()]
    say(args, {"ok": good, "checkpoint": document(signed), "places": told}, "\n".join(lines))
    return GOOD if good else NO


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
