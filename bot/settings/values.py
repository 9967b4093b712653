"""The environment as one frozen value, with everything that is wrong with it said at once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct

from bot.core.durations import duration_of
from bot.core.servers import Server
from bot.settings.audit import Audit, audit_of
from bot.settings.mail import mail_of
from bot.settings.oidc import OidcClient, oidc_of
from bot.settings.otel import OtelSink, otel_of
from bot.settings.problems import SettingsError, not_the_example
from bot.settings.push import Push, push_of
from bot.settings.signing import secrets_of, webhook_secrets_of

LONGEST_DRAIN = 5.0
"""Seconds."""


_NO_LISTEN = "must be an address and a port, such as 127.0.0.1:8000."
SHORTEST_LEASE = timedelta(seconds=1)
LONGEST_LEASE = timedelta(minutes=10)


class Settings(Struct, frozen=True, kw_only=True):
    """What the environment says, checked. ``secrets`` and ``webhook_secrets``: the first one signs."""

    config: Path
    database_url: str
    host: str
    port: int
    public_url: str
    secrets: tuple[str, ...]
    webhook_secrets: tuple[str, ...]
    log: str
    drain: float = 0.0
    lease: timedelta = timedelta(seconds=15)
    otel: OtelSink | None = None
    slack_bot_token: str | None = None
    slack_app_token: str | None = None
    slack_signing_secret: str | None = None
    slack_api_url: str = "https://slack.com/api/"
    smtp: Server | None = None
    email_from: str = ""
    email_reply_to: str | None = None
    imap: Server | None = None
    email_listen: Server | None = None
    email_authserv_id: str | None = None
    email_dns: str | None = None
    oidc: OidcClient | None = None
    push: Push = Push()
    audit: Audit = Audit()

    @property
    def slack_on(self) -> bool:
        """Whether Slack is a channel here."""
        return self.slack_bot_token is not None

    @property
    def email_on(self) -> bool:
        """Whether email is a channel here."""
        return self.smtp is not None

    @property
    def push_on(self) -> bool:
        """Whether push is a channel here."""
        return self.push.on


def settings_of(values: Mapping[str, str]) -> Settings:
    """The values checked, all that is wrong with them at once."""
    problems: list[str] = []
    host, port = _listen(values["SAYSO_LISTEN"], problems)
    public = _public(values, problems)
    if not values["SAYSO_DATABASE_URL"].startswith(("sqlite+aiosqlite:///", "postgresql+asyncpg://")):
        problems.append(
            "SAYSO_DATABASE_URL: write sqlite+aiosqlite:///sayso.db, or postgresql+asyncpg://user:password@host/sayso."
        )
    if values["SAYSO_LOG"] not in ("text", "json"):
        problems.append("SAYSO_LOG: must be text or json.")
    if not _is_address(values["SLACK_API_URL"]):
        problems.append("SLACK_API_URL: not an address; leave it out, and it is https://slack.com/api/.")
    token, app, signing = _slack(values, problems)
    mail = mail_of(values, problems)
    settings = Settings(
        config=Path(values["SAYSO_CONFIG"]),
        database_url=values["SAYSO_DATABASE_URL"],
        host=host,
        port=port,
        public_url=public,
        secrets=secrets_of(values["SAYSO_SECRET"], problems),
        webhook_secrets=webhook_secrets_of(values["SAYSO_WEBHOOK_SECRET"], problems),
        log=values["SAYSO_LOG"],
        otel=otel_of(values, problems),
        drain=_drain(values["SAYSO_DRAIN"], problems),
        lease=_lease(values["SAYSO_LEASE"], problems),
        slack_bot_token=token,
        slack_app_token=app,
        slack_signing_secret=signing,
        slack_api_url=values["SLACK_API_URL"].rstrip("/") + "/",
        smtp=mail.smtp,
        email_from=mail.sender,
        email_reply_to=mail.reply_to,
        imap=mail.imap,
        email_listen=mail.listen,
        email_authserv_id=mail.authserv_id,
        email_dns=mail.dns,
        oidc=oidc_of(values, problems),
        push=push_of(values, public, problems),
        audit=audit_of(values, problems),
    )
    if problems:
        raise SettingsError(tuple(problems))
    return settings


def _slack(values: Mapping[str, str], problems: list[str]) -> tuple[str | None, str | None, str | None]:
    """The bot's token, the app's token and the signing secret."""
    token, app, signing = (values[n] or None for n in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET"))
    for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET"):
        not_the_example(name, (values[name],), problems)
    swapped = (("SLACK_BOT_TOKEN", token, "xapp-", "xoxb-"), ("SLACK_APP_TOKEN", app, "xoxb-", "xapp-"))
    for name, value, others, own in swapped:
        if value and value.startswith(others):
            problems.append(f"{name}: begins with {others}, which is Slack's other token; put the one with {own} here.")
    if token and not (app or signing):
        problems.append("SLACK_APP_TOKEN: set it (Socket Mode), or SLACK_SIGNING_SECRET (HTTP mode); both are missing.")
    if not token and (app or signing):
        problems.append("SLACK_BOT_TOKEN: missing; copy it from your app's page, OAuth & Permissions.")
    return token, app, signing


def _public(values: Mapping[str, str], problems: list[str]) -> str:
    """Where the bot is reached."""
    public = public_url_of(values)
    if not _is_address(public) and values["SAYSO_PUBLIC_URL"]:
        problems.append("SAYSO_PUBLIC_URL: not an address; write it as https://sayso.example.com.")
    elif not _is_address(public):
        problems.append(f"SAYSO_LISTEN: {_NO_LISTEN}")
    elif urlsplit(public).path:
        problems.append("SAYSO_PUBLIC_URL: the pages work under no path; give the bot a name or a port of its own.")
    return public


def _is_address(text: str) -> bool:
    """Whether links can begin with it: http or https, a host, no name or password, nothing after the path, no space."""
    try:
        parts = urlsplit(text)
        named = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return named and not re.search(r"\s|\?|#", text) and "@" not in parts.netloc


def public_url_of(values: Mapping[str, str]) -> str:
    """Where the bot is reached, as told, else where it listens: its scheme in lower case, no slash at the end."""
    scheme, mark, rest = values["SAYSO_PUBLIC_URL"].rstrip("/").partition(":")
    if scheme:
        return scheme.lower() + mark + rest
    host, port = _listen(values["SAYSO_LISTEN"], [])
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104  # a wildcard is no address to link to
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{port}"


def _lease(value: str, problems: list[str]) -> timedelta:
    """How long a replica is believed to be alive; shorter ones are lost in a busy moment, longer ones delay cards."""
    try:
        lease = duration_of(value)
    except OverflowError:
        lease = None
    if lease is None or not SHORTEST_LEASE <= lease <= LONGEST_LEASE:
        problems.append("SAYSO_LEASE: write it as 15s; at least 1s, at most 10m.")
        return SHORTEST_LEASE
    return lease


def _drain(value: str, problems: list[str]) -> float:
    """Seconds; no more than leaves the claims under way their time within 25 s (P14)."""
    if re.fullmatch(r"[0-5](\.[0-9]{1,3})?", value) and float(value) <= LONGEST_DRAIN:
        return float(value)
    problems.append("SAYSO_DRAIN: must be a number of seconds from 0 to 5.")
    return 0.0


def _listen(value: str, problems: list[str]) -> tuple[str, int]:
    host, _, port = value.rpartition(":")
    if not (port.isascii() and port.isdecimal()) or int(port) >= 1 << 16 or host.startswith("[") != host.endswith("]"):
        problems.append(f"SAYSO_LISTEN: {_NO_LISTEN}")
        return "127.0.0.1", 8000
    return host.strip("[]") or "127.0.0.1", int(port)
