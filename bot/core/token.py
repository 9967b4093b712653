"""Signed, opaque tokens: what a card showed, carried by the button that is pressed on it.

A token says what was shown; it never authorises anybody. Secrets rotate: the first signs, every one is accepted.
Each purpose has its own salt, so that a token made for one thing is worth nothing for another.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from typing import Any

from itsdangerous import BadData, URLSafeSerializer
from msgspec import Struct
from msgspec.json import encode

from bot.core.errors import Forbidden
from bot.core.model import Verb

_SHOWN_PARTS = 6
_NUMBERS = {verb: str(number) for number, verb in enumerate(Verb)}


class BadToken(Forbidden):
    """This button was not made by this Sayso, or its secret is gone: open the full request and decide there."""

    code = "bad_token"


class Shown(Struct, frozen=True, kw_only=True):
    """What one card showed: the revision and its digest, whether all of it, and which buttons were offered on it.

    ``delivery`` is the delivery's id, or empty where the card stands at no place of its own (a queue, a form).
    """

    request: str
    revision: int
    digest: str
    delivery: str = ""
    fully_shown: bool = True
    buttons: tuple[Verb, ...] = ()


class Tokens:
    """Signs and reads the tokens of one purpose (``slack.card``), made of letters, digits, ``-``, ``_`` and ``.``."""

    def __init__(self, secrets: Sequence[str], purpose: str) -> None:
        """``secrets``: newest first, at least one, none of them empty."""
        if not secrets or not all(secrets):
            raise ValueError("at least one secret is needed, and none may be empty: set SAYSO_SECRET")
        # itsdangerous signs with the last of its keys; ours are written newest first.
        self._serializer = URLSafeSerializer(
            list(reversed(secrets)), salt=f"sayso.{purpose}", signer_kwargs={"digest_method": hashlib.sha256}
        )
        self._signer = self._serializer.make_signer(self._serializer.salt)

    def sign(self, value: Any) -> str:
        """The token of a JSON value."""
        return str(self._serializer.dumps(value))

    def read(self, token: str) -> Any:
        """The value; raises `BadToken` for what none of the secrets signed for this purpose."""
        try:
            return self._serializer.loads(token)
        except BadData:
            raise BadToken from None

    def sign_shown(self, shown: Shown) -> str:
        """The token of what a card showed; under 400 characters for ids and digests of this house."""
        buttons = "".join([_NUMBERS[verb] for verb in shown.buttons])
        # Uncompressed, unlike `sign`: ids and hashes come to no less, and it would be a third of signing a card.
        told = [shown.request, shown.revision, shown.digest, shown.delivery, shown.fully_shown, buttons]
        return self._signer.sign(base64.urlsafe_b64encode(encode(told)).rstrip(b"=")).decode()

    def read_shown(self, token: str) -> Shown:
        """What the card showed; raises `BadToken`."""
        value = self.read(token)
        if not isinstance(value, list) or len(value) != _SHOWN_PARTS:
            raise BadToken
        request, revision, digest, delivery, fully_shown, buttons = value
        return Shown(
            request=request,
            revision=revision,
            digest=digest,
            delivery=delivery,
            fully_shown=fully_shown,
            buttons=tuple(list(Verb)[int(index)] for index in buttons),
        )


PAGE = "page"
"""The purpose of the mark on the link to a request's page: for whom it was made (parts: request id, person id)."""


MARK = "[a-z2-7]{26}"
"""The shape of a mark, as a regular expression."""


class Marks:
    """Short marks that only this house can make: 128 bits, 26 lowercase letters and digits (base32, RFC 4648).

    A mark holds nothing; it is looked up by its hash, or made again from what it should stand for. To anybody without
    the secret it is random, and the same thing always gets the same mark, so that what is sent twice is one thing.
    """

    def __init__(self, secrets: Sequence[str], purpose: str) -> None:
        """``secrets``: newest first, at least one, none of them empty."""
        if not secrets or not all(secrets):
            raise ValueError("at least one secret is needed, and none may be empty: set SAYSO_SECRET")
        self._secrets = tuple(secrets)
        self._purpose = purpose

    def make(self, *parts: str) -> str:
        """The mark of these texts, by the newest secret."""
        return self._mark(self._secrets[0], parts)

    def holds(self, mark: str, *parts: str) -> bool:
        """Whether one of the secrets made this mark of these texts."""
        # What came by mail may hold bytes that are no UTF-8, which Python keeps as lone surrogates.
        given = mark.encode(errors="surrogatepass")
        return any(hmac.compare_digest(self._mark(s, parts).encode(), given) for s in self._secrets)

    def _mark(self, secret: str, parts: tuple[str, ...]) -> str:
        told = "\0".join((f"sayso.{self._purpose}", *parts)).encode()
        made = hmac.new(secret.encode(), told, hashlib.sha256).digest()[:16]
        return base64.b32encode(made).decode().rstrip("=").lower()


def hash_of(secret: str) -> str:
    """SHA-256, hex, of a secret of at least 128 random bits, which needs no slow hash."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()
