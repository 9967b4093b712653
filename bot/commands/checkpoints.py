"""``sayso audit checkpoint``: a checkpoint by hand, put wherever checkpoints go."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from bot.checkpoints import Notary, Place, PlaceFailed, open_places
from bot.commands.audit_proof import audit_settings
from bot.commands.surroundings import GOOD, NO, CommandError, environment, open_ledger, say, who
from bot.core.checkpoint import Signed, SigningKey, document
from bot.replay import open_replayer
from bot.routing import RoutingErrors, load
from bot.settings import public_url_of
from bot.settings.signing import webhook_secrets_of


async def sign_by_hand(args: argparse.Namespace) -> int:
    """The status of the command: what it signed, and which places have it, is printed."""
    values = environment()
    audit = audit_settings(values)
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
