"""``sayso audit verify``: whether the trail, here or in an export, is what this house wrote and signed."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from bot.checkpoints import Place, PlaceFailed, open_places
from bot.clock import SystemClock
from bot.commands.surroundings import GOOD, NO, CommandError, add_json, duration_given, environment, open_ledger, say
from bot.core.audit import exported_line
from bot.core.checkpoint import SigningKey, is_public_key
from bot.core.keyring import Attested
from bot.core.ports import AuditLine
from bot.core.proof import Examiner, Proof
from bot.settings import Audit, audit_of

_AT_ONCE = 2000
_LONGEST = 1 << 26
"""Bytes of a line in an export; a file that has no line ends must not fill the memory."""


def add_parser(audit: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    verify = audit.add_parser("verify", help="hold the trail, or an export of it, against its hashes and checkpoints")
    verify.add_argument("export", nargs="?", metavar="EXPORT", help="an export (JSONL); - reads standard input")
    verify.add_argument("--key", action="append", default=[], metavar="PUBLIC", help="a public key that you trust")
    verify.add_argument(
        "--checkpoints", action="append", default=[], metavar="FILE", help="checkpoints kept elsewhere, or s3://…"
    )
    verify.add_argument("--max-age", type=_age, metavar="TIME", help="how old the newest checkpoint may be: 25h")
    verify.add_argument("--part", action="store_true", help="the export begins or ends in mid-trail")
    add_json(verify)
    verify.set_defaults(run=verify_trail)


def _age(text: str) -> timedelta:
    return duration_given(text, "; write 25h")


def verify_trail(args: argparse.Namespace) -> int:
    """Verify, and say what was found."""
    if args.part and args.export is None:
        raise CommandError("--part is for exports; the trail itself is whole.")
    strange = [key for key in args.key if not is_public_key(key)]
    if strange:
        raise CommandError(f"{strange[0]} is no public key; sayso audit key --public prints the house's own.")
    examiner, unread = asyncio.run(_of_store(args)) if args.export is None else _of_export(args)
    now = SystemClock().now()
    proof = examiner.conclude(now=now, max_age=args.max_age)
    told = report(proof, now, trusted=examiner.trusting)
    text = "\n".join([*told, *(f"note: {line}" for line in (*proof.notes, *unread))])
    say(args, proof, text)
    # What was named by hand was to be held against: without it nothing is proved that was asked for.
    return GOOD if proof.ok and not (args.checkpoints and unread) else NO


def audit_settings(values: dict[str, str]) -> Audit:
    """What the environment says of checkpoints. Raises `CommandError` on what is wrong with that."""
    problems: list[str] = []
    audit = audit_of(values, problems)
    if problems:
        raise CommandError("\n".join(problems))
    return audit


async def _of_store(args: argparse.Namespace) -> tuple[Examiner, list[str]]:
    _must_be_there(args.checkpoints)
    audit = audit_settings(environment())
    trusted = args.key or [SigningKey(key).public for key in audit.keys]
    outside, unread = await _read(open_places(args.checkpoints or audit.places, None, audit.access))
    async with open_ledger(reads=True) as ledger:
        store = ledger.store
        seq, digest = await store.audit_head()
        examiner = Examiner(trusted=trusted, outside=outside, known={seq: digest} if seq else None)
        after = 0
        while examiner.whole and (lines := await store.audit_lines(after, _AT_ONCE)):
            examiner.take(lines)
            after = lines[-1].seq
    return examiner, unread


def _of_export(args: argparse.Namespace) -> tuple[Examiner, list[str]]:
    _must_be_there(args.checkpoints)
    # Nothing here needs the house: no database, and of its settings only how to come into a bucket.
    buckets = any(place.startswith("s3://") for place in args.checkpoints)
    access = audit_settings(environment()).access if buckets else {}
    outside, unread = asyncio.run(_read(open_places(args.checkpoints, None, access)))
    examiner = Examiner(trusted=args.key, outside=outside, part=args.part)
    try:
        if args.export == "-":
            _take(examiner, sys.stdin.buffer)
        else:
            with Path(args.export).open("rb") as file:
                _take(examiner, file)
    except OSError as problem:
        raise CommandError(f"{args.export}: {problem.strerror}.") from None
    return examiner, unread


def _must_be_there(places: Iterable[str]) -> None:
    for place in places:
        if place.startswith(("http://", "https://")):
            raise CommandError(f"{place}: a webhook cannot be read; give a file of what it took.")
        if "://" not in place and not Path(place).is_file():
            raise CommandError(f"{place}: there is no such file.")


async def _read(places: Iterable[Place]) -> tuple[list[Attested], list[str]]:
    """The checkpoints of each place, and of which places there are none because they cannot be read."""
    found: list[Attested] = []
    unread: list[str] = []
    for place in places:
        try:
            found += await place.read()
        except PlaceFailed as problem:
            unread.append(f"the checkpoints at {place.name} could not be read: {problem}")
    return found, unread


def _take(examiner: Examiner, file: BinaryIO) -> None:
    lines: list[AuditLine] = []
    for number, text in enumerate(iter(lambda: file.readline(_LONGEST), b""), 1):
        try:
            lines.append(exported_line(text.rstrip(b"\r\n")))
        except ValueError as problem:
            examiner.take(lines)
            examiner.garbled(f"line {number} of the file is no line of an export in JSONL: {problem}.")
            return
        if len(lines) == _AT_ONCE:
            examiner.take(lines)
            lines.clear()
            if not examiner.whole:
                return
    examiner.take(lines)


def report(proof: Proof, now: datetime, *, trusted: bool) -> list[str]:
    """What was found, as a person reads it."""
    lines = "1 line" if proof.lines == 1 else f"{proof.lines} lines"
    if proof.ok:
        found = [f"The audit trail holds: {lines}, the last is {proof.seq} ({proof.hash})."]
    else:
        far = f"Its lines follow from one another up to line {proof.seq}."
        found = [f"The audit trail is broken: {proof.fault} {far} Compare with an export or a backup."]
    if not trusted:
        found.append("It was held against no key: whoever can write it can have chained all of it anew.")
    if proof.signed is not None:
        signed = proof.signed
        rest = f"{proof.unsigned} after it not signed yet" if proof.unsigned else "none after it"
        found.append(
            f"It is signed up to line {signed.seq}, {rest}: {signed.at:%Y-%m-%d %H:%M} UTC,"
            f" {_ago(now - signed.at)} ago, by {signed.house} ({signed.where}; key {signed.keys[0]})."
        )
    return found


def _ago(age: timedelta) -> str:
    for unit, size in (("days", timedelta(days=1)), ("hours", timedelta(hours=1)), ("minutes", timedelta(minutes=1))):
        if age >= 2 * size:
            return f"{age // size} {unit}"
    return f"{max(age // timedelta(seconds=1), 0)} seconds"
