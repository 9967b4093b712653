"""The digest that binds a decision to exactly what runs, and the ids that order themselves by time."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import rfc8785

if TYPE_CHECKING:
    from datetime import datetime

    from bot.core.model import Revision

_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
RANDOM_BYTES = 10
"""How much randomness an id takes: 80 bits, as in ULID."""


def canonical(value: Any) -> bytes:
    """The RFC 8785 (JCS) form of a JSON value, UTF-8. Raises ``ValueError`` on NaN and integers beyond 2^53-1."""
    return rfc8785.dumps(value)


def digest_of(*, request: str, revision: int, agent: str, action: str, arguments: dict[str, Any], target: str) -> str:
    """``sha256:`` + hex over the canonical form of what a decision is about (contract, "Digest")."""
    bound = {
        "request": request,
        "revision": revision,
        "agent": agent,
        "action": action,
        "arguments": arguments,
        "target": target,
    }
    return "sha256:" + hashlib.sha256(canonical(bound)).hexdigest()


def recompute(content: Revision, agent: str) -> str:
    """The digest that a stored revision ought to carry; a different one means that a byte changed after the fact."""
    return digest_of(
        request=content.request,
        revision=content.number,
        agent=agent,
        action=content.action,
        arguments=content.arguments,
        target=content.target,
    )


def new_id(prefix: str, now: datetime, entropy: bytes) -> str:
    """``prefix_`` + 26 characters of Crockford base32: 48 bits of Unix milliseconds, then 80 random ones (ULID)."""
    number = (int(now.timestamp() * 1000) << 80) | int.from_bytes(entropy[:RANDOM_BYTES], "big")
    return f"{prefix}_" + "".join(_CROCKFORD[(number >> shift) & 31] for shift in range(125, -1, -5))
