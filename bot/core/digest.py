"""The digest that binds a decision to exactly what runs, and the ids that order themselves by time."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec
import rfc8785

if TYPE_CHECKING:
    from bot.core.model import Revision

_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = tuple(first + second for first in _CROCKFORD for second in _CROCKFORD)
_TIME, _DRAWN = tuple(range(40, -1, -10)), tuple(range(70, -1, -10))
_LENGTH = 2 * len(_TIME + _DRAWN)
RANDOM_BYTES = 10
"""How much randomness an id takes: 80 bits, as in ULID."""


def canonical(value: Any) -> bytes:
    """The RFC 8785 (JCS) form of a JSON value, UTF-8. Raises ``ValueError`` on NaN and integers beyond 2^53-1."""
    try:
        return _sorted.encode(_plain(value))
    except _Special:
        return rfc8785.dumps(value)


class _Special(Exception):
    """The value holds something that only the whole of RFC 8785 can write."""


_sorted = msgspec.json.Encoder(order="sorted")
_MAX_SAFE = 2**53 - 1
_SMALLEST_PLAIN = 1e-4
"""From here up to 2^53 msgspec writes a fraction as ECMAScript does; below, it may turn to exponents earlier."""


def _plain(value: Any) -> Any:
    """A value that msgspec writes as RFC 8785 wants it, ten times as fast as Python does; raises `_Special`.

    Strings are escaped alike by both. Integral floats lose their ``.0`` by becoming integers. Keys sort by UTF-16 code
    units, which is msgspec's order where they are ASCII.
    """
    kind = type(value)
    if kind is dict:
        plain = {}
        for key, member in value.items():
            if type(key) is not str or not key.isascii():
                raise _Special
            plain[key] = member if type(member) is str else _plain(member)
        return plain
    if kind is list or kind is tuple:
        return [item if type(item) is str else _plain(item) for item in value]
    if kind is str or value is None or kind is bool:
        return value
    if kind is int and -_MAX_SAFE <= value <= _MAX_SAFE:
        return value
    if kind is float and -_MAX_SAFE <= value <= _MAX_SAFE:
        whole = int(value)
        if whole == value:
            return whole
        if abs(value) >= _SMALLEST_PLAIN:
            return value
    raise _Special


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
    number = int.from_bytes(entropy[:RANDOM_BYTES], "big")
    drawn = "".join([_PAIRS[(number >> shift) & 1023] for shift in _DRAWN])
    return f"{prefix}_{_time(int(now.timestamp() * 1000))}{drawn}"


def made_at(made: str) -> datetime:
    """When an id of ours was made, UTC, to the millisecond. Raises ``ValueError`` on what is none."""
    drawn = made.rpartition("_")[2]
    if len(drawn) != _LENGTH:
        raise ValueError(f"{made!r} is no id")
    milliseconds = 0
    for letter in drawn[: 2 * len(_TIME)]:
        milliseconds = milliseconds << 5 | _CROCKFORD.index(letter)
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


@lru_cache(maxsize=16)
def _time(milliseconds: int) -> str:
    """An id's first ten characters; ids are made several a millisecond."""
    return "".join([_PAIRS[(milliseconds >> shift) & 1023] for shift in _TIME])
