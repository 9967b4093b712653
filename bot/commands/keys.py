"""``sayso key create|list|revoke`` and ``sayso link``: who may come in."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from bot.commands.surroundings import GOOD, NO, CommandError, add_json, environment, open_ledger, say, who
from bot.core.errors import SaysoError
from bot.core.model import Key, Role
from bot.desk import Access
from bot.desk.access import KEY_NAME
from bot.desk.emergencies import HOUSE_AGENT
from bot.routing import load
from bot.routing.faults import meant
from bot.settings import public_url_of


def add_parsers(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands."""
    key = commands.add_parser("key", help="make, list and revoke API keys").add_subparsers(required=True)
    create = key.add_parser("create", help="make a key; it is shown once")
    create.add_argument("name", help="the agent's or advisor's name; with --reviewer a person's id in routing.yaml")
    role = create.add_mutually_exclusive_group()
    role.add_argument("--reviewer", action="store_true", help="a key with which this person decides")
    role.add_argument("--admin", action="store_true", help="a key that sees all and settles unknown outcomes")
    role.add_argument("--advisor", action="store_true", help="a key with which an agent gives second opinions")
    add_json(create)
    create.set_defaults(run=create_key)
    listing = key.add_parser("list", help="the keys there are")
    add_json(listing)
    listing.set_defaults(run=list_keys)
    revoke = key.add_parser("revoke", help="revoke a key")
    revoke.add_argument("id", help="the key's id, as `sayso key list` shows it")
    add_json(revoke)
    revoke.set_defaults(run=revoke_key)
    link = commands.add_parser("link", help="a one-time sign-in link for a person")
    link.add_argument("person", help="the person's id in routing.yaml")
    add_json(link)
    link.set_defaults(run=make_link)


def create_key(args: argparse.Namespace) -> int:
    """Make a key and show it, once."""
    return asyncio.run(_create(args))


async def _create(args: argparse.Namespace) -> int:

    if KEY_NAME.fullmatch(args.name) is None:
        raise CommandError(f"{args.name!r} is no name for a key: use up to 64 letters, digits, dots, dashes, @ or _.")
    if args.name == HOUSE_AGENT:
        raise CommandError(f"{HOUSE_AGENT} is the house's own name, from whom drills and reviews come: take another.")
    role = _role(args)
    if role is Role.REVIEWER:
        known_person(args.name)
    note = _unlisted(args.name) if role in (Role.AGENT, Role.ADVISOR) else ""
    async with open_ledger(make=True) as ledger:
        key, secret = await Access(ledger).new_key(args.name, role, by=who())
    document = {"id": key.id, "name": key.name, "role": str(key.role), "key": secret}
    say(
        args,
        document,
        f"{secret}\n\nThis is the {role} key of {key.name} ({key.id}). It is shown only now; keep it safe.{note}",
    )
    return GOOD


def _role(args: argparse.Namespace) -> Role:
    asked = {Role.REVIEWER: args.reviewer, Role.ADMIN: args.admin, Role.ADVISOR: args.advisor}
    return next((role for role, given in asked.items() if given), Role.AGENT)


def known_person(person: str) -> None:
    """Refuse a name that routing.yaml does not have."""
    path = Path(environment()["SAYSO_CONFIG"])
    try:
        people = load(path).people
    except (OSError, SaysoError) as problem:
        raise CommandError(str(problem)) from None
    if person not in people:
        near = meant(person, people, "there are: {}.") or "there are none."
        raise CommandError(f"{person} is not among the people in {path}; {near}")


def _unlisted(agent: str) -> str:
    """A word where routing.yaml does not know the agent: it has no owner then, and anybody may review what it asks."""
    path = Path(environment()["SAYSO_CONFIG"])
    try:
        known = load(path).agents
    except (OSError, SaysoError):
        return ""
    return "" if agent in known else f"\n{path} lists no agent {agent}, so it has no owner and no limits there."


def list_keys(args: argparse.Namespace) -> int:
    """Show the keys, never their secrets."""
    return asyncio.run(_list(args))


async def _list(args: argparse.Namespace) -> int:

    async with open_ledger(reads=True) as ledger:
        keys = await Access(ledger).keys()
    rows = [
        {
            "id": k.id,
            "name": k.name,
            "role": str(k.role),
            "created_at": k.created_at,
            "revoked_at": k.revoked_at,
        }
        for k in keys
    ]
    say(args, rows, "\n".join(_line(k) for k in keys) or "There are no keys. Make one with: sayso key create NAME")
    return GOOD


def _line(key: Key) -> str:
    ended = f"  revoked {key.revoked_at:%Y-%m-%d %H:%M}" if key.revoked_at else ""
    return f"{key.id}  {key.role:<8}  {key.name:<24}  {key.created_at:%Y-%m-%d %H:%M}{ended}"


def revoke_key(args: argparse.Namespace) -> int:
    """Revoke a key; a running bot refuses it within a second."""
    return asyncio.run(_revoke(args))


async def _revoke(args: argparse.Namespace) -> int:

    async with open_ledger() as ledger:
        revoked = await Access(ledger).revoke(args.id, by=who())
    text = f"{args.id} is revoked." if revoked else f"There is no key {args.id} in force; see: sayso key list"
    say(args, {"id": args.id, "revoked": revoked}, text)
    return GOOD if revoked else NO


def make_link(args: argparse.Namespace) -> int:
    """Print a link that signs a person in, once, within half an hour."""
    return asyncio.run(_link(args))


async def _link(args: argparse.Namespace) -> int:

    known_person(args.person)
    async with open_ledger() as ledger:
        token = await Access(ledger).new_link(args.person, by=who())
    url = f"{public_url_of(environment())}/sign-in/{token}"
    say(args, {"person": args.person, "url": url}, f"{url}\n\nIt signs {args.person} in, once, within half an hour.")
    return GOOD
