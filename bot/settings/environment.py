"""Where a variable's value comes from: the environment, else ``.env``; ``NAME_FILE`` names a file that holds it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from pathlib import Path

from bot.settings.problems import SettingsError
from bot.settings.variables import VARIABLES

_LINE = re.compile(
    r"""\s*(?:export\s+)?(?P<name>[A-Z][A-Z0-9_]*)\s*=
    (?:\s*"(?P<double>[^"]*)"|\s*'(?P<single>[^']*)'|(?P<plain>(?!\s*["'])(?:(?!\s\#).)*))
    \s*(?:(?<=\s)\#.*)?""",
    re.VERBOSE,
)
_OTHERS = ("SAYSO_KEY",)
"""No settings of the bot: the key that `sayso send` uses."""
_OURS = ("SMTP_", "IMAP_", "EMAIL_", "VAPID_", "NTFY_", "APPRISE_", "OIDC_")


def read_env(environment: Mapping[str, str], dotenv: Path | None = None) -> dict[str, str]:
    """The known variables' values: the environment's, else those of ``.env``, else defaults; ``NAME_FILE`` resolved.

    A name that nearly is one of ours is a problem in either; in the environment, which is everybody's, no other is.
    """
    near = (name for name in environment if name.startswith(("SAYSO_", *_OURS)) and not _known(name))
    problems = [_stranger("the environment", name) for name in near if _close_to(name, 0.85) is not None]
    written = _dotenv(dotenv, problems) if dotenv is not None and dotenv.is_file() else {}
    values: dict[str, str] = {}
    for name, default in [*((v.name, v.default) for v in VARIABLES), *((name, "") for name in _OTHERS)]:
        value = _given(name, environment, problems)
        if value is None:
            value = _given(name, written, problems)
        values[name] = value or default
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
    problems += [_stranger(path.name, name) for name in found if not _known(name) and _is_meant_for_us(name)]
    return found


def _is_meant_for_us(name: str) -> bool:
    """Whether a name that there is not was meant for this program; other programs' may stand in the same file."""
    return name.startswith("SAYSO_") or (name.startswith(_OURS) and _close_to(name, 0.85) is not None)


def _known(name: str) -> bool:
    return name.removesuffix("_FILE") in {*(variable.name for variable in VARIABLES), *_OTHERS}


def _stranger(file: str, name: str) -> str:
    """A misspelt name would leave its variable unset without a word."""
    close = _close_to(name, 0.8)
    return f"{file}: there is no {name}; " + (f"did you mean {close}?" if close else "take it out.")


def _close_to(name: str, cutoff: float) -> str | None:
    """The variable that a name is nearest to, at least so near (0 to 1)."""
    close = difflib.get_close_matches(name, [variable.name for variable in VARIABLES], n=1, cutoff=cutoff)
    return close[0] if close else None
