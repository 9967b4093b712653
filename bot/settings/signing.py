"""The secrets that the house signs with."""

from __future__ import annotations

import base64
import re

from bot.settings.problems import not_the_example

_MIN_SECRET = 16
_WEBHOOK_SECRET = re.compile(r"whsec_([A-Za-z0-9+/]+={0,2})")
_WEBHOOK_BYTES = range(24, 65)
"""How long a Standard Webhooks secret may be."""


def secrets_of(value: str, problems: list[str]) -> tuple[str, ...]:
    """SAYSO_SECRET, newest first."""
    secrets = tuple(part.strip() for part in value.split(",") if part.strip())
    if not secrets:
        problems.append(
            "SAYSO_SECRET: missing; set it in .env to 32 random bytes (.env.example shows how to make them)."
        )
    elif any(len(secret) < _MIN_SECRET for secret in secrets):
        problems.append(f"SAYSO_SECRET: each secret needs at least {_MIN_SECRET} characters.")
    not_the_example("SAYSO_SECRET", secrets, problems)
    return secrets


def webhook_secrets_of(value: str, problems: list[str]) -> tuple[str, ...]:
    """SAYSO_WEBHOOK_SECRET, newest first; none is allowed."""
    secrets = tuple(part for part in re.split(r"[\s,]+", value) if part)
    if not all(map(_is_webhook_secret, secrets)):
        problems.append(
            "SAYSO_WEBHOOK_SECRET: must be whsec_ and the base64 of 24 to 64 bytes; .env.example shows how to make one."
        )
    not_the_example("SAYSO_WEBHOOK_SECRET", secrets, problems)
    return secrets


def _is_webhook_secret(secret: str) -> bool:
    match = _WEBHOOK_SECRET.fullmatch(secret)
    try:
        return match is not None and len(base64.b64decode(match[1], validate=True)) in _WEBHOOK_BYTES
    except ValueError:
        return False
