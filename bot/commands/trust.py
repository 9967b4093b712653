"""``sayso trust``: what agents have earned, what is missing, and what was granted."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import Any

from bot.commands.calls import add_bot, bot_of
from bot.commands.policy import file_of, loaded
from bot.commands.surroundings import GOOD, NO, CommandError, add_json, open_ledger, say, who
from bot.core.policy import Policy
from bot.core.scrutiny import visible
from bot.core.trust.grants import Grant, GrantState
from bot.core.trust.wording import change, span
from bot.desk import Desk, Ledger, Rounds
from bot.desk.trusting import Earning


def add_parsers(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    trust = commands.add_parser("trust", help="say what agents have earned, what is missing, and what was granted")
    actions = trust.add_subparsers(required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="every agent's action: its evidence, what is missing, its grant")
    listing.set_defaults(run=listed)
    show = actions.add_parser("show", help="one grant, and the rule that it amounts to")
    show.set_defaults(run=shown)
    end = actions.add_parser("end", help="end a grant or a proposal at once; people are asked again")
    end.add_argument("--why", required=True, metavar="TEXT", help="the reason, for the trail and for its admins")
    end.set_defaults(run=ended)
    for parser in (show, end):
        parser.add_argument("id", help="the grant, as sayso trust list names it")
    propose = actions.add_parser("propose", help="let the bot look now, and propose what was earned")
    add_bot(propose, "an admin's")
    propose.set_defaults(run=proposed)
    for parser in (listing, show, end):
        parser.add_argument("--config", dest="file", type=Path, help="the routing file (SAYSO_CONFIG)")
    for parser in (listing, show, end, propose):
        add_json(parser)


def listed(args: argparse.Namespace) -> int:
    """Every agent's action under every rule with trust."""
    policy = loaded(file_of(args))
    found = asyncio.run(_earnings(policy))
    rules = [rule.name for rule in policy.rules if rule.trust is not None]
    text = "\n\n".join(map(_earning_text, found)) if found else _nothing(rules)
    say(args, {"rules": rules, "earnings": [_earning_document(each) for each in found]}, text)
    return GOOD


def _nothing(rules: list[str]) -> str:
    if not rules:
        return "No rule has trust, so nothing can be earned. docs/trust.md says how."
    return f"Nothing was decided yet under {', '.join(rules)}."


async def _earnings(policy: Policy) -> tuple[Earning, ...]:
    async with open_ledger(reads=True) as ledger:
        return await _desk(ledger, policy).earnings()


def _desk(ledger: Ledger, policy: Policy) -> Desk:
    """A desk that sends nothing: whatever it asks stands in the inbox."""
    return Desk(ledger, Rounds(ledger, {}), lambda: policy, lambda request: request)


def _earning_text(earning: Earning) -> str:
    lines = [f"{visible(earning.agent)}  {earning.action}  ({earning.rule})"]
    for each in earning.evidence:
        upto = ", ".join(f"{pointer} up to {top:g}" for pointer, top in each.ceilings.items()) or "anything"
        told = "earned" if each.enough else "missing: " + "; ".join(each.missing)
        lines.append(f"  {upto}: {each.unchanged} of {each.counted} unchanged, at least {each.bound:.1%}; {told}")
    held = [grant for grant in (earning.standing.in_force, earning.standing.proposed) if grant is not None]
    lines += [f"  {_grant_line(grant)}" for grant in held]
    if earning.rests is not None:
        lines.append(f"  {earning.rests}")
    return "\n".join(lines)


def _grant_line(grant: Grant) -> str:
    upto = ", ".join(f"{pointer} up to {top:g}" for pointer, top in grant.ceilings.items()) or "anything"
    if grant.state is GrantState.IN_FORCE and grant.until is not None:
        return f"{grant.id}: in force for {upto} until {grant.until:%Y-%m-%d}, granted by {grant.by}"
    if grant.state is GrantState.PROPOSED:
        return f"{grant.id}: proposed for {upto}, as {grant.request}"
    return f"{grant.id}: ended ({grant.ending}): {grant.why}"


def _earning_document(earning: Earning) -> dict[str, Any]:
    stands = earning.standing
    return {
        "rule": earning.rule,
        "agent": earning.agent,
        "action": earning.action,
        "evidence": earning.evidence,
        "earned": earning.level,
        "in_force": stands.in_force.id if stands.in_force else None,
        "proposed": stands.proposed.id if stands.proposed else None,
        "rests": earning.rests,
    }


def shown(args: argparse.Namespace) -> int:
    """One grant; 1 where there is none."""
    policy = loaded(file_of(args))
    grant = asyncio.run(_found(args.id))
    if grant is None:
        say(args, {"grant": None}, f"There is no grant {visible(args.id)}.")
        return NO
    rule = next((rule for rule in policy.rules if rule.name == grant.rule), None)
    written = change(grant, rule) if rule is not None else f"There is no rule {grant.rule!r} in the file any more."
    lines = [
        _grant_line(grant),
        f"rule        {grant.rule}",
        f"agent       {visible(grant.agent)}",
        f"action      {grant.action}",
        f"sample      {grant.sample * 100:g}%",
        f"at most     {grant.per_day} in 24 hours",
        f"lasts       {span(grant.lasts)}",
        f"asked as    {grant.request}",
        f"seen since  {grant.watch.seen}",
        "",
        written,
    ]
    say(args, {"grant": grant, "change": written}, "\n".join(lines))
    return GOOD


async def _found(grant_id: str) -> Grant | None:
    async with open_ledger(reads=True) as ledger:
        return next((grant for grant in await ledger.store.grants() if grant.id == grant_id), None)


def ended(args: argparse.Namespace) -> int:
    """End a grant or a proposal; 1 where there is none that has not ended."""
    if not args.why.strip():
        raise CommandError("Say why with --why; it stays on record.")
    grant = asyncio.run(_ended(args, loaded(file_of(args))))
    text = f"There is nothing of {visible(args.id)} to end." if grant is None else _grant_line(grant)
    say(args, {"grant": grant}, text)
    return NO if grant is None else GOOD


async def _ended(args: argparse.Namespace, policy: Policy) -> Grant | None:
    async with open_ledger() as ledger:
        return await _desk(ledger, policy).end_trust(args.id, by=who(), via="cli", why=args.why)


def proposed(args: argparse.Namespace) -> int:
    """Let the bot propose what was earned; 1 where that is nothing."""
    made = bot_of(args, "an admin's", "sayso key create NAME --admin").call("POST", "/v1/trust/proposals", b"{}")
    found = made["proposed"]
    say(args, made, "\n".join(f"proposed: {name}" for name in found) or "Nothing more was earned.")
    return GOOD if found else NO
