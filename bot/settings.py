"""The environment as one frozen value; the one source of `.env.example`.

``NAME`` is read from the environment, else from ``.env``; ``NAME_FILE`` names a file that holds the value (as
container secrets do). What is missing or wrong is said in one line each, naming the variable and what to do.
"""

from __future__ import annotations

import base64
import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct

_LINE = re.compile(
    r"""\s*(?:export\s+)?(?P<name>[A-Z][A-Z0-9_]*)\s*=
    (?:\s*"(?P<double>[^"]*)"|\s*'(?P<single>[^']*)'|(?P<plain>(?!\s*["'])(?:(?!\s\#).)*))
    \s*(?:(?<=\s)\#.*)?""",
    re.VERBOSE,
)
_MIN_SECRET = 16
_OTHERS = ("SAYSO_KEY",)
"""Read elsewhere: the key that `sayso send` uses."""
_WEBHOOK_SECRET = re.compile(r"whsec_([A-Za-z0-9+/]+={0,2})")
_WEBHOOK_BYTES = range(24, 65)
"""How long a Standard Webhooks secret may be."""


class SettingsError(Exception):
    """Something in the environment is missing or wrong; one line each."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class Variable(Struct, frozen=True, kw_only=True):
    """One variable: its default (empty: none), an example, and what it is for."""

    name: str
    about: str
    default: str = ""
    example: str = ""
    group: str = "The bot"


VARIABLES = (
    Variable(name="SAYSO_CONFIG", default="routing.yaml", about="Where the rules are."),
    Variable(
        name="SAYSO_DATABASE_URL",
        default="sqlite+aiosqlite:///sayso.db",
        about="Where everything is kept. A path after three slashes is relative, after four absolute.",
    ),
    Variable(name="SAYSO_LISTEN", default="127.0.0.1:8000", about="Address and port of the API and the inbox."),
    Variable(
        name="SAYSO_PUBLIC_URL",
        about="How people and agents reach the bot; links begin with it. Default: where it listens.",
        example="https://sayso.example.com",
    ),
    Variable(
        name="SAYSO_SECRET",
        about="Signs tokens and forms. A comma-separated list rotates: the first signs, all count. Make one with:\n"
        'python3 -c "import secrets; print(secrets.token_urlsafe(32))"',
        example="change-me-to-a-long-random-value",
    ),
    Variable(
        name="SAYSO_WEBHOOK_SECRET",
        about="Signs replays (Standard Webhooks). Two, separated by a space or comma, while rotating. Make one with:\n"
        "python3 -c \"import base64,secrets; print('whsec_' + base64.b64encode(secrets.token_bytes(32)).decode())\"",
        example="whsec_Y2hhbmdlLW1lLXRvLTMyLXJhbmRvbS1ieXRlcy1ub3c=",
    ),
    Variable(name="SAYSO_LOG", default="text", about="How logs are written: text or json."),
    Variable(
        name="SLACK_BOT_TOKEN",
        about="The app's bot token; without it Slack is off.",
        example="xoxb-…",
        group="Slack",
    ),
    Variable(
        name="SLACK_APP_TOKEN",
        about="Socket Mode: the bot connects to Slack, and needs no address that Slack can reach.",
        example="xapp-…",
        group="Slack",
    ),
    Variable(
        name="SLACK_SIGNING_SECRET",
        about="HTTP mode, where no app token is given: Slack posts to SAYSO_PUBLIC_URL/slack/events.",
        example="0123456789abcdef0123456789abcdef",
        group="Slack",
    ),
    Variable(name="SLACK_API_URL", default="https://slack.com/api/", about="Where Slack's API is.", group="Slack"),
)


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
    slack_bot_token: str | None = None
    slack_app_token: str | None = None
    slack_signing_secret: str | None = None
    slack_api_url: str = "https://slack.com/api/"

    @property
    def slack_on(self) -> bool:
        """Whether Slack is a channel here."""
        return self.slack_bot_token is not None


def read_env(environment: Mapping[str, str], dotenv: Path | None = None) -> dict[str, str]:
    """The known variables' values: the environment's, else those of ``.env``, else defaults; ``NAME_FILE`` resolved."""
    problems: list[str] = []
    written = _dotenv(dotenv, problems) if dotenv is not None and dotenv.is_file() else {}
    values: dict[str, str] = {}
    for variable in VARIABLES:
        name = variable.name
        value = _given(name, environment, problems)
        if value is None:
            value = _given(name, written, problems)
        values[name] = value or variable.default
    if problems:
        raise SettingsError(tuple(problems))
    return values


def _given(name: str, source: Mapping[str, str], problems: list[str]) -> str | None:
    """What one source says of a variable, None where it is silent; an empty value is said, unless a file says more."""
    value, path = source.get(name, "").strip(), source.get(f"{name}_FILE", "").strip()
    if value or not path:
        return value if name in source else None
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as problem:
        problems.append(f"{name}_FILE: {path} cannot be read ({problem}); name a readable file.")
        return ""


def _dotenv(path: Path, problems: list[str]) -> dict[str, str]:
    try:
        # Editors on Windows put a byte order mark in front, which is no part of the first name.
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as problem:
        problems.append(f"{path.name}: cannot be read ({problem}); make it a readable file in UTF-8.")
        return {}
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            problems.append(
                f"{path.name}:{number}: not NAME=value; write one variable a line, and close its quotation mark."
            )
            continue
        quoted = match["double"] if match["double"] is not None else match["single"]
        found[match["name"]] = (match["plain"] or "").strip() if quoted is None else quoted
    problems += [_stranger(path.name, name) for name in found if name.startswith("SAYSO_") and not _known(name)]
    return found


def _known(name: str) -> bool:
    return name.removesuffix("_FILE") in {*(variable.name for variable in VARIABLES), *_OTHERS}


def _stranger(file: str, name: str) -> str:
    """A misspelt name would leave its variable unset without a word."""
    close = difflib.get_close_matches(name, [variable.name for variable in VARIABLES], n=1, cutoff=0.8)
    return f"{file}: there is no {name}; " + (f"did you mean {close[0]}?" if close else "take it out.")


def settings_of(values: Mapping[str, str]) -> Settings:
    """The values checked, all that is wrong with them at once."""
    problems: list[str] = []
    host, port = _listen(values["SAYSO_LISTEN"], problems)
    public = public_url_of(values)
    if not _is_address(public):
        problems.append("SAYSO_PUBLIC_URL: not an address; write it as https://sayso.example.com.")
    if not values["SAYSO_DATABASE_URL"].startswith("sqlite+aiosqlite:///"):
        problems.append(
            "SAYSO_DATABASE_URL: this version keeps its data in SQLite; write sqlite+aiosqlite:///sayso.db."
        )
    if values["SAYSO_LOG"] not in ("text", "json"):
        problems.append("SAYSO_LOG: must be text or json.")
    token, app, signing = (values[n] or None for n in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET"))
    for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET"):
        _not_the_example(name, (values[name],), problems)
    if token and not (app or signing):
        problems.append("SLACK_APP_TOKEN: set it (Socket Mode), or SLACK_SIGNING_SECRET (HTTP mode); both are missing.")
    if not token and (app or signing):
        problems.append("SLACK_BOT_TOKEN: missing; copy it from your app's page, OAuth & Permissions.")
    settings = Settings(
        config=Path(values["SAYSO_CONFIG"]),
        database_url=values["SAYSO_DATABASE_URL"],
        host=host,
        port=port,
        public_url=public,
        secrets=_secrets(values["SAYSO_SECRET"], problems),
        webhook_secrets=_webhook_secrets(values["SAYSO_WEBHOOK_SECRET"], problems),
        log=values["SAYSO_LOG"],
        slack_bot_token=token,
        slack_app_token=app,
        slack_signing_secret=signing,
        slack_api_url=values["SLACK_API_URL"].rstrip("/") + "/",
    )
    if problems:
        raise SettingsError(tuple(problems))
    return settings


def _is_address(text: str) -> bool:
    """Whether links can begin with it: http or https, a host, nothing after the path."""
    try:
        parts = urlsplit(text)
        named = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return named and not parts.query and not parts.fragment


def public_url_of(values: Mapping[str, str]) -> str:
    """Where the bot is reached, without a slash at the end: as told, else where it listens."""
    told = values["SAYSO_PUBLIC_URL"].rstrip("/")
    if told:
        return told
    host, port = _listen(values["SAYSO_LISTEN"], [])
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104  # a wildcard is no address to link to
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{port}"


def _listen(value: str, problems: list[str]) -> tuple[str, int]:
    host, _, port = value.rpartition(":")
    if not port.isdecimal() or int(port) >= 1 << 16:
        problems.append("SAYSO_LISTEN: must be an address and a port, such as 127.0.0.1:8000.")
        return "127.0.0.1", 8000
    return host.strip("[]") or "127.0.0.1", int(port)


def _secrets(value: str, problems: list[str]) -> tuple[str, ...]:
    secrets = tuple(part.strip() for part in value.split(",") if part.strip())
    if not secrets:
        problems.append(
            "SAYSO_SECRET: missing; set it in .env to 32 random bytes (.env.example shows how to make them)."
        )
    elif any(len(secret) < _MIN_SECRET for secret in secrets):
        problems.append(f"SAYSO_SECRET: each secret needs at least {_MIN_SECRET} characters.")
    _not_the_example("SAYSO_SECRET", secrets, problems)
    return secrets


def _webhook_secrets(value: str, problems: list[str]) -> tuple[str, ...]:
    secrets = tuple(part for part in re.split(r"[\s,]+", value) if part)
    if not all(map(_is_webhook_secret, secrets)):
        problems.append(
            "SAYSO_WEBHOOK_SECRET: must be whsec_ and the base64 of 24 to 64 bytes; .env.example shows how to make one."
        )
    _not_the_example("SAYSO_WEBHOOK_SECRET", secrets, problems)
    return secrets


def _is_webhook_secret(secret: str) -> bool:
    match = _WEBHOOK_SECRET.fullmatch(secret)
    try:
        return match is not None and len(base64.b64decode(match[1], validate=True)) in _WEBHOOK_BYTES
    except ValueError:
        return False


def _not_the_example(name: str, secrets: tuple[str, ...], problems: list[str]) -> None:
    """Everybody knows the example: what it signs, anybody could have signed."""
    example = next(variable.example for variable in VARIABLES if variable.name == name)
    if example in secrets:
        problems.append(f"{name}: this is the example of .env.example, which everybody knows; make one of your own.")


def env_example() -> str:
    """The text of `.env.example`: every variable, what it is for, its default or an example."""
    lines = [
        "# Copy to .env and fill in. A variable of the environment wins over this file;",
        "# NAME_FILE=/run/secrets/name reads any of them from a file.",
    ]
    group = ""
    for variable in VARIABLES:
        if variable.group != group:
            group = variable.group
            lines += ["", f"## {group}"]
        lines += ["", *(f"# {line}" for line in variable.about.splitlines())]
        lines.append(
            f"{variable.name}={variable.default}" if variable.default else f"# {variable.name}={variable.example}"
        )
    return "\n".join(lines) + "\n"
