"""``sayso doctor``: looks at the whole installation, and says of each point how it is and what to do."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path

from msgspec import to_builtins

from bot.accounts import email_account, push_account
from bot.clock import SystemClock
from bot.commands.doctor_house import bot_runs, forget, public_url, rules, store
from bot.commands.surroundings import GOOD, NO, add_json, database_of, duration_given, environment, say
from bot.core.checkup import Finding, Level, Look, good, wrong
from bot.settings import Settings, SettingsError, settings_of
from channels import CHANNELS

_WORD = max(len(level) for level in Level)
_POINT = len("reply address")

Group = tuple[str, Sequence[Look]]


def add_parsers(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser("doctor", help="look at the whole installation, and say what to do")
    parser.add_argument("--wait", type=_wait, default="60s", metavar="TIME", help="for the test letter (default: 60s)")
    parser.add_argument("--no-round-trip", action="store_true", help="send no test letter to the reply address")
    parser.add_argument("--reachable", metavar="ADDRESS", help="forget that this address was unreachable; look at none")
    add_json(parser)
    parser.set_defaults(run=doctor)


def _wait(text: str) -> float:
    return duration_given(text, ": write 60s or 5m").total_seconds()


def doctor(args: argparse.Namespace) -> int:
    """Look at everything; 1 where something is wrong."""
    return asyncio.run(_reachable(args) if args.reachable is not None else _examine(args))


async def _reachable(args: argparse.Namespace) -> int:
    changed = await forget(args.reachable)
    text = f"{args.reachable} is written to again." if changed else f"{args.reachable} was not marked as unreachable."
    say(args, {"address": args.reachable, "changed": changed}, text)
    return GOOD if changed else NO


async def _examine(args: argparse.Namespace) -> int:
    values = environment()
    settings: Settings | None = None
    told: tuple[Finding, ...] = (good("settings", "complete"),)
    try:
        settings = settings_of(values)
    except SettingsError as refused:
        told = tuple(wrong("settings", line) for line in refused.problems)
    database = database_of(values["SAYSO_DATABASE_URL"])
    running = await _runs(values["SAYSO_DATABASE_URL"], database)
    house = [
        Look(point="settings", run=partial(_known, told)),
        Look(point="rules", run=partial(rules, Path(values["SAYSO_CONFIG"]))),
        Look(point="store", run=_store(values["SAYSO_DATABASE_URL"], database)),
    ]
    if settings is not None:
        house.append(Look(point="address", run=partial(public_url, settings.public_url, running=running)))
    wait = None if args.no_round_trip else args.wait
    groups = [("Sayso", house), *(_channels(settings, running=running, wait=wait) if settings is not None else ())]
    found = [(group, finding) for group, looks in groups for finding in await _group(args, group, looks)]
    bad = sum(finding.level is Level.WRONG for _, finding in found)
    doubts = sum(finding.level is Level.WARNING for _, finding in found)
    rest = "" if settings is not None else " The channels are looked at once the settings are right."
    document = {
        "ok": not bad,
        "findings": [{"group": group.lower(), **to_builtins(finding)} for group, finding in found],
    }
    counted = f"{doubts} warning{'' if doubts == 1 else 's'}"
    say(args, document, f"{f'{bad} wrong' if bad else 'Nothing is wrong'}, {counted}.{rest}")
    return NO if bad else GOOD


async def _runs(url: str, database: Path | None) -> bool:
    if database is not None:
        return bot_runs(database)
    from bot.commands import doctor_server  # noqa: PLC0415  # its driver takes 40 ms to load

    return await doctor_server.runs(url)


def _store(url: str, database: Path | None) -> Callable[[], Awaitable[tuple[Finding, ...]]]:
    if database is not None:
        return partial(store, database)
    from bot.commands import doctor_server  # noqa: PLC0415  # as above

    return partial(doctor_server.store, url)


async def _known(found: tuple[Finding, ...]) -> tuple[Finding, ...]:
    return found


def _channels(settings: Settings, *, running: bool, wait: float | None) -> list[Group]:
    groups: list[Group] = []
    slack = partial(_slack, settings) if settings.slack_on else partial(_known, (_off("slack", "SLACK_BOT_TOKEN"),))
    groups.append(("Slack", [Look(point="slack", run=slack)]))
    if settings.email_on:
        email = import_module(f"{CHANNELS['email'].module}.checks.doctor")
        groups.append(("Email", email.looks(email_account(settings), running=running, wait=wait)))
    else:
        groups.append(("Email", [Look(point="email", run=partial(_known, (_off("email", "SMTP_URL"),)))]))
    return [*groups, ("Push", _push(settings)), ("Signing in", _signing_in(settings))]


def _push(settings: Settings) -> Sequence[Look]:
    if settings.push_on:
        looks: Sequence[Look] = import_module(f"{CHANNELS['push'].module}.checks").looks(push_account(settings))
        return looks
    says = "off (SAYSO_PUBLIC_URL is not https, and neither NTFY_URL nor APPRISE_URLS is set)"
    return [Look(point="push", run=partial(_known, (good("push", says),)))]


def _signing_in(settings: Settings) -> Sequence[Look]:
    if settings.oidc is None:
        says = "off (OIDC_ISSUER is not set); people sign in by one-time links"
        return [Look(point="provider", run=partial(_known, (good("provider", says),)))]
    redirect = f"{settings.public_url}/sign-in/oidc/callback"
    found: Sequence[Look] = import_module("bot.oidc.checks").looks(settings.oidc.issuer, redirect, SystemClock())
    return found


def _off(channel: str, variable: str) -> Finding:
    return good(channel, f"off ({variable} is not set)")


async def _slack(settings: Settings) -> tuple[Finding, ...]:
    here = CHANNELS["slack"].module
    api, values = import_module(f"{here}.api"), import_module(f"{here}.settings")
    account = values.SlackSettings(bot_token=settings.slack_bot_token, api_url=settings.slack_api_url)
    calls = api.SlackApi(account)
    await calls.open()
    try:
        found = await calls.identity()
    except api.CallFailed as failed:
        to_do = "Check SLACK_BOT_TOKEN." if not failed.temporary else "Check that this machine reaches Slack."
        return (wrong("slack", f"auth.test failed: {failed.code}", to_do),)
    finally:
        await calls.close()
    return (good("slack", f"the token stands for {found.bot_user} in {found.team}"),)


async def _group(args: argparse.Namespace, group: str, looks: Sequence[Look]) -> list[Finding]:
    """Look at a group's points in turn, and print each as soon as it is known."""
    if not args.json:
        sys.stdout.write(f"{group}\n")
    found: list[Finding] = []
    for look in looks:
        told = await _bounded(look)
        found += told
        if not args.json:
            sys.stdout.write("".join(map(_line, told)))
            sys.stdout.flush()
    if not args.json:
        sys.stdout.write("\n")
    return found


async def _bounded(look: Look) -> tuple[Finding, ...]:
    try:
        async with asyncio.timeout(look.within):
            running: Awaitable[tuple[Finding, ...]] = look.run()
            return await running
    except TimeoutError:
        return (wrong(look.point, f"no answer within {look.within:.0f} s", "Is it up, and reached from here?"),)
    except Exception as fault:  # noqa: BLE001  # one look that fails must not hide what the others find
        # Its text could hold anything, a password too.
        return (wrong(look.point, f"could not be looked at: {type(fault).__name__}"),)


def _line(finding: Finding) -> str:
    head = f"  {finding.level:<{_WORD}}  {finding.point:<{_POINT}}  "
    line = f"{head}{finding.says}\n"
    return line + (f"{'':{len(head)}}-> {finding.to_do}\n" if finding.to_do else "")
