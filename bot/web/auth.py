"""Who calls: a Bearer key in the Authorization header, and nowhere else; every key carries one role."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NoReturn

from bot.core import errors
from bot.core.model import Key, Role
from bot.web.house import House

_LONGEST_SECRET = 256


async def authenticate(house: House, authorization: Iterable[bytes]) -> Key:
    """The key behind the Authorization headers; raises `bot.core.errors.Unauthorized`.

    A second such header is refused rather than one of the two believed. Revocation counts as soon as
    `bot.desk.Access.key` says so (within a second); a person taken out of routing.yaml has no key in force.
    """
    given = list(authorization)
    if not given:
        raise errors.Unauthorized
    scheme, _, secret = given[0].decode("latin-1").partition(" ")
    secret = secret.strip()
    usable = len(given) == 1 and scheme.lower() == "bearer" and 0 < len(secret) <= _LONGEST_SECRET and secret.isascii()
    key = await house.access.key(secret) if usable else None
    if key is None or key.revoked_at is not None:
        raise errors.Unauthorized("This key is not known or was revoked: send Authorization: Bearer <key>.")
    if key.role is Role.REVIEWER and key.name not in house.policy().people:
        raise errors.Unauthorized(f"This key is {key.name}'s, and routing.yaml knows nobody of that name any more.")
    return key


def actor_of(key: Key) -> str:
    """Who the audit trail says it was: ``agent:billing``, ``person:ana``, ``admin:ops``."""
    return f"{'person' if key.role is Role.REVIEWER else key.role}:{key.name}"


async def refuse(house: House, key: Key, roles: frozenset[Role], request_id: str | None) -> NoReturn:
    """Refuse a key that has none of these roles, aloud and on record (threat T10)."""
    actor = actor_of(key)
    await house.desk.refused(request_id=request_id, actor=actor, via="api", reason=errors.Forbidden.code)
    wanted = " or ".join(sorted(roles))
    raise errors.Forbidden(f"This takes a key of the role {wanted}; this one is {key.role}.", role=str(key.role))
