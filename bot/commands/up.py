"""``sayso up``: run the bot."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from bot.allocator import share_one_heap
from bot.app import Bot, build
from bot.commands.surroundings import GOOD, NO, CommandError, environment
from bot.core.errors import SaysoError
from bot.ending import Ending
from bot.logs import Masks, log_to_stderr, secrets_among
from bot.notify import Notices
from bot.routing import RoutingErrors, load, warnings
from bot.serving import listen, run
from bot.settings import Settings, SettingsError, settings_of

_log = logging.getLogger(__name__)


def add_parsers(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    up = commands.add_parser("up", help="run the bot, from .env and routing.yaml")
    up.set_defaults(run=up_and_running)


def up_and_running(args: argparse.Namespace) -> int:
    """Run until told to stop; what is missing or wrong is said in one line each."""
    del args
    values = environment()
    try:
        settings = settings_of(values)
    except SettingsError as problem:
        raise CommandError("\n".join([*problem.problems, *_wrong_rules(Path(values["SAYSO_CONFIG"]))])) from None
    log_to_stderr(settings.log, secrets=secrets_among(values))
    share_one_heap()
    status: int = run(serve(settings))
    return status


def _wrong_rules(path: Path) -> tuple[str, ...]:
    """What is wrong with the rules, so that whoever mends the environment hears it in the same breath."""
    try:
        load(path)
    except RoutingErrors as refused:
        return tuple(map(str, refused.errors))
    return ()


async def serve(settings: Settings) -> int:
    """Build, open, serve, close."""
    ending = Ending()
    ending.listen()
    try:
        bot = await build(settings, ending)
    except (SettingsError, SaysoError, OSError) as problem:
        sys.stderr.write(f"{problem}\n")
        return NO
    try:
        listener = listen(settings)
    except SettingsError as problem:
        sys.stderr.write(f"{problem}\n")
        await bot.store.close()
        return NO
    listen_for_reloads(bot)
    notices = Notices()
    alive = asyncio.ensure_future(notices.watch(bot.scheduler.fault))
    try:
        await bot.start()
        faults = {name: await channel.fault() for name, channel in bot.channels.items()}
        if not ending.asked.is_set():
            await bot.serve(lambda: announce(bot, faults, notices), listener)
    finally:
        alive.cancel()
        notices.say("STOPPING=1")
        await bot.stop()
    return GOOD


def listen_for_reloads(bot: Bot) -> None:
    """Read the rules again on SIGHUP, within half a second, though the file seems unchanged."""
    hangup = getattr(signal, "SIGHUP", None)
    if hangup is not None:
        asyncio.get_running_loop().add_signal_handler(hangup, bot.rules.reload)


def email_line(settings: Settings) -> str:
    """How mail goes out, and how answers come in; what is missing for either."""
    if settings.smtp is None:
        return "off, because SMTP_URL is not set"
    doors = [door.shown for door in (settings.imap, settings.email_listen) if door is not None]
    if settings.email_reply_to is None or not doors:
        missing = ["EMAIL_REPLY_TO"] if settings.email_reply_to is None else []
        missing += [] if doors else ["IMAP_URL (or EMAIL_LISTEN)"]
        are = "are" if missing[1:] else "is"
        return f"out through {settings.smtp.shown}; no replies, because {' and '.join(missing)} {are} not set"
    proof = f"as {settings.email_authserv_id} proves them" if settings.email_authserv_id else "by their own DKIM"
    return f"out through {settings.smtp.shown}, replies in through {' and '.join(doors)}, {proof}"


def push_line(settings: Settings) -> str:
    """Through which ways people's screens are reached; what is missing where there is none."""
    push = settings.push
    ways = ["browsers that turn it on at /account"] if push.web else []
    ways += [f"ntfy at {push.ntfy_url}"] if push.ntfy_url else []
    ways += [f"{len(push.services)} of other services"] if push.services else []
    missing = "off, because SAYSO_PUBLIC_URL is not https, and NTFY_URL and APPRISE_URLS are not set"
    return ", ".join(ways) or missing


def signing_in_line(settings: Settings) -> str:
    """How people come in."""
    sent = settings.slack_on or settings.email_on
    ways = "one-time links, which people ask for at /sign-in" if sent else "one-time links: sayso link PERSON"
    return f"{ways}; {settings.oidc.name} ({settings.oidc.issuer})" if settings.oidc else ways


def audit_line(settings: Settings) -> str:
    """Whether the trail is signed, how often, and in how many places one finds that."""
    audit = settings.audit
    if not audit.on:
        return "verified, and not signed, because SAYSO_AUDIT_KEY is not set"
    places = f"{len(audit.places)} places" if audit.places[1:] else "".join(audit.places) or "the trail alone"
    return f"verified, and signed every {audit.every}, kept in {places.partition('?')[0]}"


def announce(bot: Bot, faults: Mapping[str, str | None], notices: Notices) -> None:
    """Say what is up and what is off, a line each; ``faults`` are the channels' own words on what is wrong."""
    notices.say("READY=1")
    settings, policy = bot.settings, bot.rules.current()
    mode = "Socket Mode" if settings.slack_app_token else f"HTTP at {settings.public_url}/slack/events"
    lines = [
        f"sayso is up at {settings.public_url} (inbox: {settings.public_url}/inbox)",
        f"rules: {settings.config}, {len(policy.rules)} rules, {len(policy.people)} people, {policy.hash[:19]}",
        f"store: {settings.database_url}",
        f"slack: {mode}" if settings.slack_on else "slack: off, because SLACK_BOT_TOKEN is not set",
        f"email: {email_line(settings)}",
        f"push: {push_line(settings)}",
        f"signing in: {signing_in_line(settings)}",
        f"audit: {audit_line(settings)}",
    ]
    lines += [f"{name}: not connected yet, and trying on: {fault}" for name, fault in faults.items() if fault]
    if not (settings.slack_on or settings.email_on):
        lines.append("people are asked in the web inbox, and by push where they turned it on")
    lines += [f"note: {warning}" for warning in warnings(policy)]
    if settings.log == "json":
        for line in lines:
            _log.info("%s", line)
        return
    sys.stderr.write(Masks().hide("\n".join(lines)) + "\n")
    sys.stderr.flush()
